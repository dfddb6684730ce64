"""Makes the Parquet files beside this one with PyArrow (26.0.1): what other writers write and ours does not.

empty_row_groups.parquet: two row groups without rows around one with two. PyArrow gives their columns
the offset 0 and no bytes.
"""

import pyarrow as pa
import pyarrow.parquet as pq

table = pa.table({"a": pa.array([True, None]), "b": pa.array([1, 2], pa.int64())})
with pq.ParquetWriter("empty_row_groups.parquet", table.schema) as writer:
    writer.write_table(table.slice(0, 0))
    writer.write_table(table)
    writer.write_table(table.slice(0, 0))
