#!/usr/bin/env bash
# Measures whole processes: driftd beside SciPy, DuckDB, Evidently and NannyML, on the same files.
#
#   cargo build --release
#   benches/side_by_side.sh FOLDER [ROWS] [RUNS]
#
# FOLDER takes the data and one Python environment for each tool, since some cannot be installed
# together. Needs python3 with venv, and GNU time as /usr/bin/time. Prints a line for each run's
# median: tool, CPU seconds (user and system), wall seconds, peak MiB.
set -euo pipefail
folder=${1:?usage: benches/side_by_side.sh FOLDER [ROWS] [RUNS]}
rows=${2:-1000000}
runs=${3:-3}
here=$(cd "$(dirname "$0")" && pwd)
driftd=${DRIFTD:-$here/../target/release/driftd}
mkdir -p "$folder"
reference=$folder/reference_$rows.parquet
current=$folder/current_$rows.parquet

# The Python of a tool's own environment, which is made where it is not there.
python_of() {
    local environment=$folder/$1
    shift
    if [ ! -x "$environment/bin/python" ]; then
        python3 -m venv "$environment"
        "$environment/bin/pip" install --quiet "$@"
    fi
    echo "$environment/bin/python"
}

# Runs a command `runs` times and prints the medians. Finding drift is no failure.
measure() {
    local name=$1 times
    shift
    times=$(mktemp)
    for _ in $(seq "$runs"); do
        local code=0
        /usr/bin/time --quiet -a -o "$times" -f '%U %S %e %M' "$@" >/dev/null 2>&1 || code=$?
        if [ "$code" -gt 1 ]; then
            echo "$name: failed with exit code $code" >&2
            rm "$times"
            return
        fi
    done
    python3 - "$name" "$times" <<'PYTHON'
import statistics, sys
rows = [[float(x) for x in line.split()] for line in open(sys.argv[2])]
middle = lambda of: statistics.median(of(row) for row in rows)
print(f"{sys.argv[1]:42} {middle(lambda r: r[0] + r[1]):8.2f} CPU s {middle(lambda r: r[2]):8.2f} s "
      f"{middle(lambda r: r[3]) / 1024:8.0f} MiB")
PYTHON
    rm "$times"
}

scipy=$(python_of scipy numpy pyarrow pandas scipy)
for side in "$reference 1 0.0" "$current 2 0.1"; do
    read -r file seed drift <<<"$side"
    [ -s "$file" ] || "$scipy" "$here/side_by_side.py" generate "$file" "$rows" "$seed" "$drift"
done

measure 'driftd, default' "$driftd" compare "$reference" "$current"
measure 'driftd, KS + chi-square, exact' \
    "$driftd" compare --exact --metrics ks,chi_square "$reference" "$current"
measure 'SciPy, KS + chi-square, exact' \
    "$scipy" "$here/side_by_side.py" scipy "$reference" "$current"
measure 'Arrow, decoding only' "$scipy" "$here/side_by_side.py" decode "$reference" "$current"
measure 'DuckDB, 20 known bins and categories' \
    "$(python_of duckdb duckdb pyarrow)" "$here/side_by_side.py" duckdb "$reference" "$current"
measure 'NannyML, KS + JS, chi-square + JS' \
    "$(python_of nannyml nannyml 'pandas<3' pyarrow statsmodels)" \
    "$here/side_by_side.py" nannyml "$reference" "$current"
measure 'Evidently, default' \
    "$(python_of evidently evidently 'pandas<3' pyarrow)" \
    "$here/side_by_side.py" evidently "$reference" "$current"
