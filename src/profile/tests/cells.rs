//! Cells of every Arrow type, and columns whose type changes.
use arrow_array::builder::{ListBuilder, StringDictionaryBuilder};
use arrow_array::types::{Float64Type, Int8Type, Int32Type, UInt16Type};
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::DataType;

use super::*;

/// What a column says in short: kind, counts that are not zero, content.
fn told(column: &ColumnProfile) -> String {
    let c = &column.counts;
    let counts = [
        ("missing", c.missing),
        ("nan", c.nan),
        ("+inf", c.infinite_positive),
        ("-inf", c.infinite_negative),
        ("zero", c.zero),
        ("mismatched", c.mismatched),
    ];
    let counts: String = counts
        .iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(name, rows)| format!(" {name} {rows}"))
        .collect();
    let body = match &column.body {
        Body::Numeric(numeric) => {
            let values = numeric.values.values.iter().zip(&numeric.values.counts);
            let pairs: Vec<_> = values.map(|(v, c)| format!("{v:?}×{c}")).collect();
            format!("{}{}", pairs.join(" "), if numeric.integers { " integers" } else { "" })
        }
        Body::Categorical(categories) => {
            let counts = categories.counts.iter();
            counts.map(|(name, rows)| format!("{name}×{rows}")).collect::<Vec<_>>().join(" ")
        }
        Body::Timestamp(times) => format!("{:?}", times.range_us),
    };
    format!("{:?} {}{counts}: {body}", column.kind, c.rows)
}

#[track_caller]
fn check(pieces: &[ArrayRef], expected: &str) {
    check_as(None, pieces, expected);
}

/// Checks the pieces as they are, and cut out of the middle of longer arrays.
#[track_caller]
fn check_as(kind: Option<Kind>, pieces: &[ArrayRef], expected: &str) {
    assert_eq!(told(&column_of(kind, pieces)), expected);
    let mut slices = Vec::new();
    for piece in pieces {
        let half = piece.len() / 2;
        slices.push(piece.slice(0, half));
        slices.push(piece.slice(half, piece.len() - half));
    }
    assert_eq!(told(&column_of(kind, &slices)), expected, "in slices");
}

fn a(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

#[test]
fn numbers_of_every_type() {
    let expected = "Numeric 4 missing 1 zero 1: 0.0×1 2.0×2 integers";
    let some = [Some(2), None, Some(0), Some(2)];
    check(&[a(Int8Array::from_iter(some))], expected);
    check(&[a(some.iter().map(|v| v.map(|v| v as i16)).collect::<Int16Array>())], expected);
    check(&[a(some.iter().map(|v| v.map(i32::from)).collect::<Int32Array>())], expected);
    check(&[a(some.iter().map(|v| v.map(i64::from)).collect::<Int64Array>())], expected);
    check(&[a(some.iter().map(|v| v.map(|v| v as u8)).collect::<UInt8Array>())], expected);
    check(&[a(some.iter().map(|v| v.map(|v| v as u16)).collect::<UInt16Array>())], expected);
    check(&[a(some.iter().map(|v| v.map(|v| v as u32)).collect::<UInt32Array>())], expected);
    check(&[a(some.iter().map(|v| v.map(|v| v as u64)).collect::<UInt64Array>())], expected);
    let float = "Numeric 4 missing 1 zero 1: 0.0×1 2.0×2";
    check(&[a(some.iter().map(|v| v.map(f32::from)).collect::<Float32Array>())], float);
    let halves = Float16Array::from(vec![<Float16Array as HalfOf>::two(); 2]);
    check(&[a(halves)], "Numeric 2: 2.0×2");
}

/// The type's own 2.0, without naming the crate it is from.
trait HalfOf {
    type Native;
    fn two() -> Self::Native;
}

impl HalfOf for Float16Array {
    type Native = <types::Float16Type as ArrowPrimitiveType>::Native;
    fn two() -> Self::Native {
        Self::Native::from_f64(2.0)
    }
}

#[test]
fn decimals_and_huge_numbers() {
    let cents = Decimal128Array::from(vec![Some(1999), None, Some(-5)]);
    let cents = cents.with_precision_and_scale(10, 2).unwrap();
    check(&[a(cents)], "Numeric 3 missing 1: -0.05×1 19.99×1");
    let wide = Decimal256Array::from(vec![i256::from_i128(-7), i256::MAX]);
    let wide = wide.with_precision_and_scale(76, -2).unwrap();
    check(&[a(wide)], "Numeric 2: -700.0×1 5.78960446186581e78×1 integers");
    let small = Decimal64Array::from(vec![5]).with_precision_and_scale(5, 1).unwrap();
    check(&[a(small)], "Numeric 1: 0.5×1");
    let least = Decimal32Array::from(vec![5]).with_precision_and_scale(5, 0).unwrap();
    check(&[a(least)], "Numeric 1: 5.0×1 integers");
    check(
        &[a(UInt64Array::from(vec![u64::MAX, 1]))],
        "Numeric 2: 1.0×1 1.8446744073709552e19×1 integers",
    );
    check(
        &[floats([f64::MAX, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0].map(Some))],
        "Numeric 6 nan 1 +inf 1 -inf 1 zero 1: 0.0×1 5e-324×1 1.7976931348623157e308×1",
    );
}

#[test]
fn texts_of_every_type() {
    let expected = "Categorical 4 missing 1: ×1 é×2";
    let some = [Some("é"), None, Some(""), Some("é")];
    check(&[a(StringArray::from_iter(some))], expected);
    check(&[a(LargeStringArray::from_iter(some))], expected);
    check(&[a(StringViewArray::from_iter(some))], expected);
    check(&[a(BinaryArray::from_iter(some))], expected);
    check(&[a(LargeBinaryArray::from_iter(some))], expected);
    check(&[a(BinaryViewArray::from_iter(some))], expected);
    check(&[a(BinaryArray::from_iter([Some(b"\xff!")]))], "Categorical 1: \u{fffd}!×1");
    let dictionary: DictionaryArray<Int8Type> = some.into_iter().collect();
    check(&[a(dictionary)], expected);
    let dictionary: DictionaryArray<UInt16Type> = some.into_iter().collect();
    check(&[a(dictionary)], expected);
}

#[test]
fn views_are_counted_as_the_texts_they_are() {
    // More names than are remembered, short and long, met again and again, with nulls between.
    let names: Vec<Option<String>> = (0..20_000_usize)
        .map(|i| match i * i % 2_003 {
            0 => None,
            n if n % 3 == 0 => Some(format!("a name that is too long for a view {n}")),
            n => Some(n.to_string()),
        })
        .collect();
    let plain: StringArray = names.iter().map(Option::as_deref).collect();
    let built: StringViewArray = names.iter().map(Option::as_deref).collect();
    // Long texts that are equal share their bytes here, as they do in a dictionary page.
    let mut shared = arrow_array::builder::StringViewBuilder::new().with_deduplicate_strings();
    names.iter().for_each(|name| shared.append_option(name.as_deref()));
    let expected = column_of(None, &[a(plain)]);
    assert_eq!(column_of(None, &[a(built)]), expected);
    assert_eq!(column_of(None, &[a(shared.finish())]), expected);
}

#[test]
fn dictionaries_with_nulls_among_values_and_changing_values() {
    let values = texts([None, Some("b"), Some("c")]);
    let keys = Int32Array::from(vec![Some(0), Some(1), None, Some(1)]);
    let first = a(DictionaryArray::<Int32Type>::new(keys, values));
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    builder.append_value("c");
    builder.append_value("b");
    let second = a(builder.finish());
    check(&[Arc::clone(&first), second, first], "Categorical 10 missing 4: b×5 c×1");
    let none = DictionaryArray::<Int32Type>::new(Int32Array::from(vec![None, None]), texts([]));
    check(&[a(none)], "Categorical 2 missing 2: ");
    let numbers = DictionaryArray::<Int32Type>::new(
        Int32Array::from(vec![Some(2), None, Some(1), Some(2)]),
        floats([Some(7.0), None, Some(0.5)]),
    );
    check(&[a(numbers)], "Numeric 4 missing 2: 0.5×2");
}

#[test]
fn booleans_and_times() {
    let some = [Some(true), None, Some(false), Some(true)];
    check(&[a(BooleanArray::from_iter(some))], "Boolean 4 missing 1: false×1 true×2");
    let nanos = TimestampNanosecondArray::from(vec![Some(-1), None, Some(1_999)]);
    check(&[a(nanos)], "Timestamp 3 missing 1: Some((-1, 1))");
    let micros = a(TimestampMicrosecondArray::from(vec![5, 3]).with_timezone("UTC"));
    let days = a(Date32Array::from(vec![1]));
    check(&[micros, days], "Timestamp 3: Some((3, 86400000000))");
    let seconds = TimestampSecondArray::from(vec![i64::MAX, 0]);
    check(&[a(seconds)], "Timestamp 2: Some((0, 9223372036854775807))");
    check(&[a(TimestampMillisecondArray::from(vec![-2]))], "Timestamp 1: Some((-2000, -2000))");
    check(
        &[a(Date64Array::from(vec![None, Some(3)]))],
        "Timestamp 2 missing 1: Some((3000, 3000))",
    );
}

#[test]
fn nested_and_odd_types_are_mismatched() {
    let lists = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(1.0)]), None]);
    check(&[a(lists)], "Categorical 2 missing 1 mismatched 1: ");
    let mut empty = ListBuilder::new(Float64Array::builder(0));
    empty.append(true);
    check(&[a(empty.finish()), floats([Some(1.5)])], "Numeric 2 mismatched 1: 1.5×1");
    let fields = vec![(
        Arc::new(arrow_schema::Field::new("a", DataType::Float64, true)),
        floats([Some(1.0), None]),
    )];
    check(&[a(StructArray::from(fields))], "Categorical 2 mismatched 2: ");
    check(
        &[a(Time32SecondArray::from(vec![Some(1), None]))],
        "Categorical 2 missing 1 mismatched 1: ",
    );
    check(&[a(DurationSecondArray::from(vec![1]))], "Categorical 1 mismatched 1: ");
    let bytes = FixedSizeBinaryArray::try_from_iter([[1_u8, 2]].into_iter()).unwrap();
    check(&[a(bytes)], "Categorical 1 mismatched 1: ");
    let runs = RunArray::try_new(&Int32Array::from(vec![3]), &floats([None])).unwrap();
    check(&[a(runs)], "Categorical 3 missing 3: ");
    let dictionary = DictionaryArray::<Int8Type>::new(
        Int8Array::from(vec![0]),
        a(TimestampSecondArray::from(vec![1])),
    );
    check(&[a(dictionary)], "Categorical 1 mismatched 1: ");
}

#[test]
fn nulls_wait_for_a_type() {
    let nulls = || a(NullArray::new(2));
    check(&[nulls()], "Categorical 2 missing 2: ");
    check(&[nulls(), floats([Some(1.0)]), nulls()], "Numeric 5 missing 4: 1.0×1");
    check(&[nulls(), a(BooleanArray::from(vec![true]))], "Boolean 3 missing 2: true×1");
    check_as(Some(Kind::Numeric), &[nulls()], "Numeric 2 missing 2:  integers");
    check(&[floats([])], "Numeric 0: ");
}

#[test]
fn numeric_columns_read_what_comes() {
    let text = texts([" 1.5 ", "", "nan", "-inf", "Infinity", "n/a", "2"].map(Some));
    check(
        &[floats([Some(1.0)]), Arc::clone(&text)],
        "Numeric 8 missing 1 nan 1 +inf 1 -inf 1 mismatched 1: 1.0×1 1.5×1 2.0×1",
    );
    check_as(
        Some(Kind::Numeric),
        &[texts([Some("3"), None]), a(Int32Array::from(vec![4]))],
        "Numeric 3 missing 1: 3.0×1 4.0×1 integers",
    );
    let yes = a(BooleanArray::from(vec![Some(true), Some(false), None]));
    let times = a(TimestampSecondArray::from(vec![Some(1), None]));
    check(
        &[floats([Some(2.0)]), yes, times],
        "Numeric 6 missing 2 zero 1 mismatched 1: 0.0×1 1.0×1 2.0×1",
    );
}

#[test]
fn categorical_columns_read_what_comes() {
    let big = i64::MAX;
    check(
        &[
            texts([Some("a")]),
            a(Int64Array::from(vec![Some(7), None, Some(big), Some(7)])),
            floats([Some(0.1), Some(-3.0), Some(f64::NAN), Some(f64::INFINITY), None]),
            a(BooleanArray::from(vec![Some(true), None])),
            a(Date32Array::from(vec![1])),
        ],
        "Categorical 13 missing 3 nan 1 +inf 1 mismatched 1: \
         -3×1 0.1×1 7×2 9223372036854775807×1 a×1 true×1",
    );
    check_as(Some(Kind::Categorical), &[a(Int8Array::from(vec![1, 1]))], "Categorical 2: 1×2");
}

#[test]
fn boolean_and_time_columns_read_what_comes() {
    check(
        &[
            a(BooleanArray::from(vec![true])),
            texts(["True", " false", "1", "maybe", ""].map(Some)),
            floats([Some(0.0), Some(1.0), Some(0.5), None]),
            a(Date32Array::from(vec![1])),
        ],
        "Boolean 11 missing 2 mismatched 3: false×2 true×4",
    );
    check(
        &[a(Date32Array::from(vec![0])), texts([Some("1970"), None])],
        "Timestamp 3 missing 1 mismatched 1: Some((0, 0))",
    );
}

#[test]
fn a_batch_larger_than_a_step_is_counted_once() {
    let rows = 150_000;
    let names: StringArray = (0..rows).map(|i| Some((i % 3).to_string())).collect();
    check(&[a(names)], "Categorical 150000: 0×50000 1×50000 2×50000");
    let some = (0..rows).map(|i| (i % 2 == 0).then_some(1.0));
    check(&[floats(some)], "Numeric 150000 missing 75000: 1.0×75000");
}
