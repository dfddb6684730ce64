use proptest::prelude::*;

use super::*;

/// The columns that a query names, or what is wrong, at which text, and what to write.
fn said(sql: &str) -> String {
    match Query::new(sql) {
        Ok(query) => {
            let window = query.window().join(", ");
            query.reference().map_or(window.clone(), |it| format!("{window} / {}", it.join(", ")))
        }
        Err(mistake) => {
            let at = mistake.at.map(|at| format!(" at {:?}", &sql[at])).unwrap_or_default();
            let help = mistake.help.map(|help| format!("; {help}")).unwrap_or_default();
            format!("error: {}{at}{help}", mistake.message)
        }
    }
}

#[track_caller]
fn check(sql: &str, expected: &str) {
    assert_eq!(said(sql), expected, "{sql}");
}

#[test]
fn a_query_knows_the_columns_that_it_names() {
    check("SELECT avg(score) FROM window WHERE origin = 'JFK'", "score, origin");
    check("select count(*) from window;", "");
    check("SELECT avg(w.score) FROM window AS w", "score");
    check("SELECT avg(window.score) FROM main.window", "score");
    check("SELECT (SELECT avg(x) FROM window) / (SELECT avg(x) FROM reference)", "x / x");
    check("WITH a AS (SELECT score s FROM window) SELECT max(s) FROM a -- all", "score");
    check(
        "SELECT avg(d) FROM (SELECT score - lag(score) OVER (ORDER BY at) AS d FROM window)",
        "score, at",
    );
    check(
        "SELECT avg(score * score) FROM window WHERE label = 1 AND \"a.b\" > 2",
        "score, label, a.b",
    );
    check("SELECT count(*) FROM window JOIN reference USING (id)", "id / id");
    // SQLite takes them for one: which it is, is for the source to say.
    check("SELECT avg(Score) + avg(score) FROM window", "score");
}

#[test]
fn hostile_names_are_names() {
    for name in ["a b", "a\"b", "select", "ä", "'); DROP TABLE window; --", "rowid", "a]b", "\u{7}"]
    {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let query = Query::new(&format!("SELECT avg({quoted}) FROM window")).unwrap();
        assert_eq!(query.window(), [name]);
        assert!(query.named()[0].quoted);
    }
    check("SELECT max(rowid) FROM window", "rowid");
    check(
        "SELECT avg(\"\u{1}\") FROM window",
        "error: `*` and natural joins can't be used; name the columns: only those are read again",
    );
    check("SELECT 1\0 FROM window", "error: a NUL byte is no SQL at \"\\0\"");
}

#[test]
fn only_reading_is_allowed() {
    let changes = "a metric reads the rows and changes nothing";
    for (sql, word) in [
        ("ATTACH 'x.db' AS x", "ATTACH"),
        ("PRAGMA table_info(window)", "PRAGMA"),
        ("DELETE FROM window", "DELETE"),
        ("VACUUM INTO 'x.db'", "VACUUM"),
        ("EXPLAIN SELECT avg(x) FROM window", "EXPLAIN"),
        ("BEGIN", "BEGIN"),
        ("/* */ create table t (x)", "CREATE"),
    ] {
        let written = sql.trim_start_matches("/* */ ").split(' ').next().unwrap();
        check(sql, &format!("error: expected a SELECT, found `{word}` at {written:?}; {changes}"));
    }
    check("", "error: expected a SELECT, found an empty text");
    check(
        "WITH a AS (SELECT 1) DELETE FROM window",
        "error: a metric's query can't change anything; write a SELECT alone",
    );
    check(
        "SELECT avg(x) FROM window; ATTACH 'x.db' AS x",
        "error: expected one statement, found another after `;` at \"ATTACH\"",
    );
}

#[test]
fn nothing_outside_is_reached() {
    let tables = "the tables are `window`, the window's rows, and `reference`";
    for table in ["sqlite_schema", "sqlite_dbpage", "dbstat", "pragma_database_list", "json_each"] {
        let said = said(&format!("SELECT count(*) FROM window, {table}"));
        assert!(said.starts_with("error: ") && said.ends_with(tables), "{said}");
    }
    for function in
        ["load_extension('x')", "random()", "randomblob(9)", "zeroblob(9)", "sqlite_version()"]
    {
        let said = said(&format!("SELECT {function} FROM window"));
        let name = function.split('(').next().unwrap();
        assert!(said.starts_with(&format!("error: the function `{name}` can't be used")), "{said}");
    }
    for function in ["readfile('x')", "writefile('x', 'y')", "edit('x')", "fts3_tokenizer('x')"] {
        assert!(said(&format!("SELECT {function} FROM window")).starts_with("error: "));
    }
}

#[test]
fn a_value_does_not_depend_on_the_clock() {
    let help = "a value must not depend on when it is measured; name a column instead";
    for (sql, at) in [
        ("SELECT julianday('now') - avg(x) FROM window", "'now'"),
        ("SELECT date('NOW') FROM window", "'NOW'"),
        ("SELECT avg(x) - unixepoch() FROM window", "unixepoch"),
        ("SELECT strftime('%s') FROM window", "strftime"),
        ("SELECT time(at, 'localtime') FROM window", "'localtime'"),
    ] {
        check(sql, &format!("error: `{at}` reads the clock at {at:?}; {help}"));
    }
    let said = said("SELECT current_timestamp FROM window");
    assert!(said.starts_with("error: the function `current_timestamp` can't be used"), "{said}");
    check("SELECT max(strftime('%s', at)) FROM window", "at");
    check("SELECT avg(julianday(time) - julianday(date)) FROM window", "time, date");
}

#[test]
fn a_metric_is_one_number() {
    let one = "a metric is one number: one row with one column";
    check(
        "SELECT avg(x), max(x) FROM window",
        &format!("error: expected one column, found 2; {one}"),
    );
    check("SELECT avg(x) FROM window WHERE y > ?1", "error: a metric's query takes no parameters");
    check(
        "SELECT 1",
        "error: the query does not read `window`; the window's rows are the table `window`",
    );
    let star =
        "error: `*` and natural joins can't be used; name the columns: only those are read again";
    check("SELECT * FROM window", star);
    check("SELECT count(*) FROM (SELECT DISTINCT * FROM window)", star);
    check(
        "SELECT count(*) FROM window NATURAL JOIN reference",
        &star.replace("used; ", "used at \"NATURAL\"; "),
    );
    check(
        "SELECT avg(label) FROM window, (SELECT label AS l FROM reference)",
        "error: `reference` has no `label`; labels are joined with the rows of `window`",
    );
}

#[test]
fn mistakes_are_shown_where_they_are() {
    check("SELECT avg(score) FORM window", "error: near \"window\": syntax error at \"window\"");
    check("SELECT avg(score FROM window", "error: near \"FROM\": syntax error at \"FROM\"");
    check("SELECT avg(score) FROM", "error: incomplete input");
    check(
        "SELECT avrg(score) FROM window",
        "error: there is no function `avrg` at \"avrg\"; did you mean `avg`?",
    );
    check(
        "SELECT avg(score) FROM windows",
        "error: there is no table `windows` at \"windows\"; the tables are `window`, the window's rows, and \
         `reference`",
    );
    check("SELECT avg(x.score) FROM window", "error: no such column: x.score at \"x\"");
    check(
        "SELECT avg(score, 2) FROM window",
        "error: wrong number of arguments to function avg() at \"avg\"",
    );
    check(
        "SELECT 'open FROM window",
        "error: unrecognized token: \"'open FROM window\" at \"'open FROM window\"",
    );
}

#[test]
fn too_many_columns_are_refused() {
    let names: Vec<String> = (0..=COLUMNS_MAX).map(|n| format!("c{n}")).collect();
    let sql = format!("SELECT count(*) FROM window WHERE {} > 0", names.join(" > 0 AND "));
    assert!(Query::new(&sql).is_err());
}

proptest! {
    #[test]
    fn no_text_is_a_panic(sql in ".{0,60}") {
        Query::new(&sql).ok();
        Query::new(&format!("SELECT avg({sql}) FROM window")).ok();
    }
}
