use super::*;
use crate::query::{Cell, Hash};

fn table(columns: &[&str], rows: &[&[Cell]]) -> Rows {
    let mut table = Rows::new(columns.iter().map(|&it| it.to_owned()).collect(), 1_000_000);
    (0..columns.len()).for_each(|column| table.saw(column));
    for (n, cells) in (0..).zip(rows) {
        table.add(Hash(n), None, "", None, || cells.to_vec().into_boxed_slice());
    }
    table
}

/// Five flights.
fn flights() -> Rows {
    let row =
        |score: Cell, origin: &str, label: Cell| vec![score, Cell::Text(origin.into()), label];
    let rows = [
        row(Cell::Real(0.2), "JFK", Cell::Integer(0)),
        row(Cell::Real(0.6), "JFK", Cell::Integer(1)),
        row(Cell::Real(0.9), "LGA", Cell::Null),
        row(Cell::Null, "JFK", Cell::Integer(1)),
        row(Cell::real(f64::NAN), "EWR", Cell::Null),
    ];
    table(&["score", "origin", "label"], &rows.each_ref().map(Vec::as_slice))
}

fn tables() -> Tables {
    let mut tables = Tables::new().unwrap();
    tables.put(Table::Window, &flights(), None).unwrap();
    tables
}

fn answer(sql: &str) -> String {
    let query = Query::new(sql).unwrap();
    match tables().ask(&query, &Bounds::default()) {
        Ok(value) => value.to_string(),
        Err(why) => why.to_string(),
    }
}

#[track_caller]
fn check(sql: &str, expected: &str) {
    assert_eq!(answer(sql), expected, "{sql}");
}

#[test]
fn a_number_is_the_value() {
    check("SELECT avg(score) FROM window WHERE origin = 'JFK'", "0.4");
    check("SELECT count(*) FROM window", "5");
    check("SELECT count(score) FROM window", "3");
    check("SELECT avg(label) FROM window", "0.6666666666666666");
    check("SELECT avg(origin = 'JFK') FROM window", "0.6");
    check(
        "SELECT sqrt(pow(3.0, 2) + 16) + ln(1) + exp(0) + floor(1.5) + ceil(-0.5) + log10(100) FROM window LIMIT 1",
        "9",
    );
}

#[test]
fn anything_else_is_a_reason() {
    check("SELECT avg(score) FROM window WHERE origin = 'XXX'", "no number: NULL came");
    check("SELECT score FROM window WHERE origin = 'XXX'", "no number: no row came");
    check("SELECT score FROM window WHERE score > 0", "no number: more than one row came");
    check("SELECT max(origin) FROM window", "no number: a text came");
    check("SELECT x'00' FROM window LIMIT 1", "no number: bytes came");
    check("SELECT 1e308 * 10 FROM window LIMIT 1", "no number: an infinite one came");
    check("SELECT ln(-1) FROM window LIMIT 1", "no number: NULL came");
    check("SELECT avg(other) FROM window", "missing column: `window` has no column `other`");
    check("SELECT sum(9223372036854775807) FROM window", "SQL: integer overflow");
}

#[test]
fn versions_and_a_reference_stand_apart() {
    let mut rows = Rows::new(vec!["x".to_owned()], 10);
    rows.saw(0);
    for (n, version) in (0..).zip(["a", "b", "b"]) {
        rows.add(Hash(n), None, version, None, || Box::from([Cell::Integer(n as i64)]));
    }
    let query =
        Query::new("SELECT (SELECT avg(x) FROM window) / (SELECT avg(x) FROM reference)").unwrap();
    let mut tables = Tables::new().unwrap();
    tables.put(Table::Reference, &table(&["x"], &[&[Cell::Integer(4)]]), None).unwrap();
    for (version, expected) in [(None, 0.25), (Some("a"), 0.0), (Some("b"), 0.375)] {
        tables.put(Table::Window, &rows, version).unwrap();
        assert_eq!(tables.ask(&query, &Bounds::default()), Ok(expected));
    }
}

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                       SELECT count(*) FROM n, window";

#[test]
fn what_never_ends_is_stopped() {
    let endless = Query::new(ENDLESS).unwrap();
    let bounds = Bounds { steps_max: 50_000, ..Bounds::default() };
    let mut tables = tables();
    let why = tables.ask(&endless, &bounds).unwrap_err().to_string();
    assert_eq!(why, "stopped: it took more than 50000 steps");
    // More rows than one look at the bounds: they are let in all the same.
    let cells = [Cell::Integer(1)];
    let many = table(&["x"], &vec![&cells[..]; 2_000]);
    tables.put(Table::Window, &many, None).unwrap();
    tables.put(Table::Window, &flights(), None).unwrap();
    // The tables are as they were, and so are the bounds of the next query.
    let query = Query::new("SELECT count(*) FROM window").unwrap();
    assert_eq!(tables.ask(&query, &bounds), Ok(5.0));
    let stop = Bounds { stop: Arc::new(AtomicBool::new(true)), ..Bounds::default() };
    let why = tables.ask(&endless, &stop).unwrap_err().to_string();
    assert_eq!(why, "stopped: it ran for longer than its `timeout`");
}

#[test]
fn a_huge_join_is_stopped() {
    let names: Vec<String> = (0..20).map(|n| format!("window AS w{n}")).collect();
    let sql = format!("SELECT count(*) FROM {}", names.join(" CROSS JOIN "));
    let bounds = Bounds { steps_max: 100_000, ..Bounds::default() };
    let why = tables().ask(&Query::new(&sql).unwrap(), &bounds).unwrap_err().to_string();
    assert_eq!(why, "stopped: it took more than 100000 steps");
}

#[test]
fn what_takes_too_much_memory_is_stopped() {
    let size = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let gauge: Gauge = Arc::new(move || size.fetch_add(1 << 20, Ordering::Relaxed));
    let bounds = Bounds { memory: Some((3 << 20, gauge)), ..Bounds::default() };
    let why = tables().ask(&Query::new(ENDLESS).unwrap(), &bounds).unwrap_err().to_string();
    assert_eq!(why, "stopped: it took more than 3 MiB of memory");
}

#[test]
fn texts_cannot_be_made_to_grow() {
    let sql = "WITH RECURSIVE n(t) AS (SELECT 'xxxxxxxx' UNION ALL SELECT t || t FROM n) \
               SELECT max(length(t)) FROM n, window";
    let why = tables().ask(&Query::new(sql).unwrap(), &Bounds::default()).unwrap_err();
    assert!(why.to_string().starts_with("SQL: string or blob too big"), "{why}");
    let text: Arc<str> = "x".repeat(300 << 10).into();
    let rows = table(&["x"], &[&[Cell::Text(text)]]);
    let why = Tables::new().unwrap().put(Table::Window, &rows, None).unwrap_err();
    assert!(why.to_string().starts_with("too large: a row has more than 256 KiB"), "{why}");
}

#[test]
fn rows_that_were_put_in_stay_as_they_are() {
    let tables = tables();
    let all = Query::new("SELECT count(*) FROM window").unwrap();
    for sql in ["DELETE FROM window", "ATTACH 'x.db' AS x", "PRAGMA writable_schema = ON"] {
        // Past the check, as no configuration could.
        let query = Query { sql: sql.to_owned(), ..all.clone() };
        let why = tables.ask(&query, &Bounds::default()).unwrap_err().to_string();
        assert!(why.starts_with("SQL: ") || why.starts_with("refused: "), "{why}");
    }
    assert_eq!(tables.ask(&all, &Bounds::default()), Ok(5.0));
    assert!(!std::path::Path::new("x.db").exists());
}
