//! Custom metrics: one number out of a window's rows, by SQL, in an SQLite in memory.
//!
//! A [`Query`] is checked when the configuration is read: one `SELECT` with one column, over the
//! tables `window` and `reference`, with functions that depend on the rows alone. It knows which
//! columns it names, so only those are read again. [`Tables`] takes [`Rows`] and answers,
//! within [`Bounds`].
//!
//! **Invariant:** no IO and no clock. What a query can do is what the authorizer (`room.rs`) lets
//! it: read these two tables.
mod answer;
mod cell;
mod check;
mod functions;
mod lex;
mod room;
mod rows;

pub use answer::{Bounds, Gauge, Tables, no_rows};
pub use cell::{Cell, Column};
pub use check::{Mistake, Named};
pub use room::Table;
pub use rows::{Hash, Rows};

/// The column that a window's labels have: 1, 0, or NULL where none has come.
pub const LABEL: &str = "label";

/// A query that was checked.
///
/// ```
/// use driftd::query::Query;
///
/// let query = Query::new("SELECT avg(score) FROM window WHERE origin = 'JFK'").unwrap();
/// assert_eq!(query.window(), ["score", "origin"]);
/// assert!(!query.names_label());
///
/// let mistake = Query::new("DELETE FROM window").unwrap_err();
/// assert_eq!(mistake.to_string(), "expected a SELECT, found `DELETE`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    sql: String,
    window: Vec<String>,
    reference: Option<Vec<String>>,
    named: Vec<Named>,
}

impl Query {
    /// Checks a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(sql: &str) -> Result<Self, Mistake> {
        check::check(sql)
    }

    /// The text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The columns of `window` that it names, [`LABEL`] among them where it does.
    pub fn window(&self) -> &[String] {
        &self.window
    }

    /// The columns of `reference` that it names; `None` where it does not read it.
    pub fn reference(&self) -> Option<&[String]> {
        self.reference.as_deref()
    }

    /// The columns of one of the tables that it names.
    pub fn columns(&self, table: Table) -> &[String] {
        match table {
            Table::Window => self.window(),
            Table::Reference => self.reference().unwrap_or_default(),
        }
    }

    /// Every column, with the place where it is named first.
    pub fn named(&self) -> &[Named] {
        &self.named
    }

    /// Whether it names the label: then it is measured when labels are final.
    pub fn names_label(&self) -> bool {
        self.window.iter().any(|it| it.eq_ignore_ascii_case(LABEL))
    }
}
