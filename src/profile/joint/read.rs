//! Cells of a batch as numbers, row by row.
use arrow_array::{Array, cast::AsArray};
use arrow_schema::DataType;

use super::features::{Encoding, Feature, Shares};
pub(super) use crate::profile::column::number_name;
use crate::profile::{Kind, Limits, cells, names};

/// One number for every row, in their order; NaN is no value.
pub(super) fn column(array: &dyn Array, feature: &Feature) -> Vec<f64> {
    let mut numbers = match (&feature.encoding, Kind::of(array.data_type())) {
        (_, None | Some(Kind::Timestamp)) => Vec::new(),
        (encoding, Some(Kind::Boolean)) => truths(array, encoding),
        (Encoding::Number { .. }, Some(Kind::Numeric)) => aligned(array),
        (Encoding::Number { .. }, Some(Kind::Categorical)) => {
            texts(array, |text| text.trim().parse::<f64>().unwrap_or(f64::NAN))
        }
        (Encoding::Category(shares), Some(Kind::Numeric)) => {
            let mut numbers = aligned(array);
            numbers.iter_mut().for_each(|it| *it = code_of_number(shares, feature.kind, *it));
            numbers
        }
        (Encoding::Category(shares), Some(Kind::Categorical)) => match feature.kind {
            Kind::Boolean => texts(array, |text| code_of_truth(shares, text.trim())),
            _ => texts(array, |text| code(shares, text)),
        },
    };
    // Of another type: no row has a value.
    numbers.resize(array.len(), f64::NAN);
    numbers
}

fn code(shares: &Shares, text: &str) -> f64 {
    shares.code(&names::shorten(text, Limits::default().category_bytes_max))
}

fn code_of_truth(shares: &Shares, text: &str) -> f64 {
    let is = |truth: &str| text.eq_ignore_ascii_case(truth);
    match text {
        "0" => shares.code("false"),
        "1" => shares.code("true"),
        _ if is("false") => shares.code("false"),
        _ if is("true") => shares.code("true"),
        _ => f64::NAN,
    }
}

fn code_of_number(shares: &Shares, kind: Kind, number: f64) -> f64 {
    match kind {
        _ if !number.is_finite() => f64::NAN,
        Kind::Boolean if number.abs() <= 0.0 => shares.code("false"),
        Kind::Boolean if (number - 1.0).abs() <= 0.0 => shares.code("true"),
        Kind::Boolean => f64::NAN,
        _ => shares.code_of_number(number),
    }
}

/// One number a row of a numeric array.
pub(super) fn aligned(array: &dyn Array) -> Vec<f64> {
    let mut valid = Vec::with_capacity(array.len());
    cells::numbers(array, &mut valid);
    match array.logical_nulls() {
        Some(nulls) if nulls.null_count() > 0 => {
            let mut valid = valid.into_iter();
            let cell = |is_valid: bool| if is_valid { valid.next() } else { None };
            nulls.iter().map(cell).map(|it| it.unwrap_or(f64::NAN)).collect()
        }
        _ => valid,
    }
}

/// One number a row of a text array.
pub(super) fn texts(array: &dyn Array, number: impl Fn(&str) -> f64) -> Vec<f64> {
    let DataType::Dictionary(..) = array.data_type() else {
        let cell = |row| match array.is_valid(row) {
            true => number(&cells::text(array, row)),
            false => f64::NAN,
        };
        return (0..array.len()).map(cell).collect();
    };
    let values = array.as_any_dictionary().values();
    let by_key = texts(values.as_ref(), number);
    let mut keys = Vec::with_capacity(array.len());
    cells::each_key(array, |key| keys.push(by_key[key]));
    match array.nulls() {
        Some(nulls) if nulls.null_count() > 0 => {
            let mut keys = keys.into_iter();
            let cell = |is_valid: bool| if is_valid { keys.next() } else { None };
            nulls.iter().map(cell).map(|it| it.unwrap_or(f64::NAN)).collect()
        }
        _ => keys,
    }
}

fn truths(array: &dyn Array, encoding: &Encoding) -> Vec<f64> {
    let number = |truth: bool| match encoding {
        Encoding::Number { .. } => f64::from(u8::from(truth)),
        Encoding::Category(shares) => shares.code(if truth { "true" } else { "false" }),
    };
    array.as_boolean().iter().map(|it| it.map_or(f64::NAN, number)).collect()
}
