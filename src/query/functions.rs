//! The functions that a query may use: those whose value depends on the rows alone.
use rusqlite::{Connection, functions::FunctionFlags};

/// SQLite's own, and ours. Left out are those that read a clock, chance or a file (`random`,
/// `current_timestamp`, `load_extension`), and those that build large texts out of small ones.
pub(super) const KNOWN: &[&str] = &[
    "abs",
    "avg",
    "ceil",
    "coalesce",
    "count",
    "cume_dist",
    "date",
    "datetime",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "glob",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json_array_length",
    "json_extract",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "ln",
    "log10",
    "lower",
    "ltrim",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "pow",
    "power",
    "rank",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sqrt",
    "strftime",
    "substr",
    "substring",
    "sum",
    "time",
    "total",
    "trim",
    "typeof",
    "unixepoch",
    "upper",
    "->",
    "->>",
];

/// Those that read the clock where no time is given to them, with the arguments that they then
/// have.
pub(super) const CLOCKS: &[(&str, usize)] = &[
    ("date", 0),
    ("time", 0),
    ("datetime", 0),
    ("julianday", 0),
    ("unixepoch", 0),
    ("strftime", 1),
];

type Function = fn(f64) -> f64;

/// Mathematics, which SQLite has only where it was built with it. What is no number is NULL.
const MATHS: &[(&str, Function)] = &[
    ("ceil", f64::ceil),
    ("exp", f64::exp),
    ("floor", f64::floor),
    ("ln", f64::ln),
    ("log10", f64::log10),
    ("sqrt", f64::sqrt),
];

/// Adds ours to a connection.
pub(super) fn add(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let number = |x: f64| (!x.is_nan()).then_some(x);
    for &(name, f) in MATHS {
        conn.create_scalar_function(name, 1, flags, move |ctx| {
            Ok(ctx.get::<Option<f64>>(0)?.map(f).and_then(number))
        })?;
    }
    for name in ["pow", "power"] {
        conn.create_scalar_function(name, 2, flags, move |ctx| {
            let (x, y) = (ctx.get::<Option<f64>>(0)?, ctx.get::<Option<f64>>(1)?);
            Ok(x.zip(y).map(|(x, y)| x.powf(y)).and_then(number))
        })?;
    }
    Ok(())
}
