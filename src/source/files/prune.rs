//! Row groups that can hold no row of the range asked for, by the file's own statistics.
use ::parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, statistics::StatisticsConverter},
    basic::Type,
    errors::ParquetError,
};
use arrow_array::ArrayRef;
use arrow_schema::DataType;
use jiff::tz::TimeZone;

use super::{guard, times::Units};
use crate::source::Query;

/// Clocks that are put forward or back disorder local times by less than this.
const ZONE_MARGIN_US: i64 = 86_400_000_000;

/// For each row group whether it may hold a row inside `query.within`.
///
/// Whatever is unknown is possible: no statistics, statistics that can't be trusted, text (whose
/// order is not the order of the instants it names).
pub(super) fn possible(
    metadata: &ArrowReaderMetadata,
    time: Option<usize>,
    query: &Query<'_>,
    units: &Units,
) -> Vec<bool> {
    let groups = metadata.metadata().num_row_groups();
    let mut possible = vec![true; groups];
    let (Some(place), Some(column), Some(within)) = (time, query.time, query.within) else {
        return possible;
    };
    let Some((mins, maxes)) = statistics(metadata, place) else { return possible };
    let (Ok(mins), Ok(maxes)) = (units.instants(&mins, column), units.instants(&maxes, column))
    else {
        return possible;
    };
    let margin = if column.zone == TimeZone::UTC { 0 } else { ZONE_MARGIN_US };
    for (i, (min, max)) in mins.into_iter().zip(maxes).enumerate().take(groups) {
        let (Some(min), Some(max)) = (min, max) else { continue };
        possible[i] = max.saturating_add(margin) >= within.start.micros()
            && min.saturating_sub(margin) < within.end.micros();
    }
    possible
}

/// The smallest and largest value of each row group, where they can be trusted.
fn statistics(metadata: &ArrowReaderMetadata, place: usize) -> Option<(ArrayRef, ArrayRef)> {
    let descriptor = metadata.parquet_schema();
    let leaf = (0..descriptor.num_columns()).find(|leaf| {
        descriptor.get_column_root_idx(*leaf) == place
            && descriptor.column(*leaf).path().parts().len() == 1
    })?;
    // The order that writers had for twelve-byte times is not that of time.
    if descriptor.column(leaf).physical_type() == Type::INT96 {
        return None;
    }
    let field = metadata.schema().field(place);
    let ordered = match field.data_type() {
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => true,
        other => other.is_integer() || other.is_floating(),
    };
    let groups = metadata.metadata().row_groups();
    // Old writers compared bytes as if they were signed, whatever they stood for.
    let old = groups.iter().any(|group| {
        group.column(leaf).statistics().is_some_and(|found| found.is_min_max_deprecated())
    });
    if !ordered || old {
        return None;
    }
    guard::catch(|| {
        let found = StatisticsConverter::from_column_index(leaf, field, descriptor)?;
        Ok::<_, ParquetError>((found.row_group_mins(groups)?, found.row_group_maxes(groups)?))
    })
    .ok()
}
