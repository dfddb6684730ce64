use super::*;
use crate::{query::Hash, stat::NoValue};

/// A group with one metric, read as a configuration would be.
fn group(sql: &str) -> Group {
    let text = format!(
        "[sources.rows]\ntype = \"files\"\npath = \"rows\"\n[models.m]\ntask = \"binary\"\n\
         [models.m.predictions]\nsource = \"rows\"\ntime = \"at\"\n\
         [models.m.reference]\nprevious = \"7d\"\n\
         [models.m.metrics.custom.mine]\nsql = \"{sql}\"\n"
    );
    let path = std::path::Path::new("/driftd.toml");
    let (config, _) = crate::config::Config::parse(&text, path).unwrap();
    Group::of(config.models["m"].custom.iter()).remove(0)
}

fn rows(versions: &[&str]) -> Rows {
    let mut rows = Rows::new(vec!["x".to_owned()], 1000);
    rows.saw(0);
    for (n, version) in (0..).zip(versions) {
        rows.add(Hash(n), None, version, None, || Box::from([Cell::Integer(n as i64)]));
    }
    rows
}

/// The values by version, or why there are none.
#[track_caller]
fn check(
    sql: &str,
    rows: WindowRows,
    reference: Option<WindowRows>,
    expected: Option<u64>,
    values: &[(&str, &str)],
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    let asked = ask(&group(sql), &rows, reference.as_ref(), expected, runtime.handle());
    let found: Vec<(&str, String)> = asked
        .iter()
        .map(|(version, (_, list))| {
            let value = list[0].value.as_ref();
            (version.as_str(), value.map_or_else(ToString::to_string, ToString::to_string))
        })
        .collect();
    let values: Vec<(&str, String)> = values.iter().map(|(v, it)| (*v, (*it).to_owned())).collect();
    assert_eq!(found, values);
}

const SUM: &str = "SELECT sum(x) FROM window";

#[test]
fn versions_are_measured_by_themselves_and_together() {
    check(SUM, Ok(rows(&["a", "b", "b"])), None, Some(3), &[("", "3"), ("a", "0"), ("b", "3")]);
    check(SUM, Ok(rows(&["a", "a"])), None, Some(2), &[("", "1"), ("a", "1")]);
    check(SUM, Ok(rows(&["", ""])), None, None, &[("", "1")]);
}

#[test]
fn rows_that_are_gone_are_a_reason() {
    let gone = "rows are gone: 2 of the window's 3 could be read again";
    check(SUM, Ok(rows(&["a", "b"])), None, Some(3), &[("", gone)]);
    // More came late.
    check(SUM, Ok(rows(&["a", "a"])), None, Some(1), &[("", "1"), ("a", "1")]);
    let none = "no data: the current window has no rows";
    check(SUM, Ok(rows(&[])), None, Some(0), &[("", none)]);
    let away = Err(NoValue::Other("rows cannot be read again: away".to_owned()));
    check(SUM, away, None, Some(3), &[("", "rows cannot be read again: away")]);
}

#[test]
fn a_reference_that_is_away_costs_only_who_reads_it() {
    let away = || Some(Err(NoValue::Other("away".to_owned())));
    let both = "SELECT sum(w.x) FROM window w, (SELECT max(x) AS m FROM reference) r";
    check(both, Ok(rows(&["", ""])), away(), None, &[("", "away")]);
    check(SUM, Ok(rows(&["", ""])), away(), None, &[("", "1")]);
    let half = "SELECT (SELECT sum(x) FROM window) / (SELECT 1.0 * sum(x) FROM reference)";
    check(
        half,
        Ok(rows(&["", ""])),
        Some(Ok(rows(&["", "", "", ""]))),
        None,
        &[("", "0.16666666666666666")],
    );
}

#[test]
fn metrics_are_read_in_one_pass_where_they_take_as_many_rows() {
    let of = |sql: &str, rows_max: u64| {
        let mut metric = group(sql).metrics[0].clone();
        metric.rows_max = rows_max;
        metric
    };
    let metrics = [of(SUM, 5), of("SELECT sum(X) + sum(y) FROM window", 5), of(SUM, 7)];
    let groups = Group::of(metrics.iter());
    let columns: Vec<&[String]> = groups.iter().map(|it| &*it.columns).collect();
    assert_eq!(columns, [&["x".to_owned(), "y".to_owned()][..], &["x".to_owned()]]);
}

#[test]
fn a_version_of_which_nothing_was_asked_has_a_reason() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    let asked = ask(&group(SUM), &Ok(rows(&["a"])), None, None, runtime.handle());
    let mut measured = Measurements::from([(Slice::of_version("b"), (5, Vec::new()))]);
    add(&mut measured, &asked);
    assert_eq!(measured[&Slice::of_version("b")].1[0].value, Err(no_rows()));
    assert_eq!(measured[&Slice::of_version("a")].1[0].value, Ok(0.0));
    let why = NoValue::Other("away".to_owned());
    let mut measured = Measurements::from([(Slice::of_version("b"), (5, Vec::new()))]);
    add(&mut measured, &without(&group(SUM), &why));
    assert_eq!(measured[&Slice::of_version("b")].1[0].value, Err(why));
}
