//! An SQLite in memory that can do one thing: read the tables that were put into it.
//!
//! SQLite asks an authorizer about everything that a statement would do, while the statement is
//! prepared: what is not known to be harmless is refused there, by whatever words it was asked for.
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{
    Connection, Statement,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};

use super::{functions, lex};

/// Largest text, and largest row, in bytes.
pub(super) const CELL_BYTES_MAX: i32 = 256 << 10;
/// Most that the rows may take, in pages of 4 KiB: 512 MiB.
const PAGES_MAX: u32 = 131_072;
/// Limits that SQLite keeps by itself.
const LIMITS: [(Limit, i32); 8] = [
    (Limit::SQLITE_LIMIT_LENGTH, CELL_BYTES_MAX),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 << 10),
    (Limit::SQLITE_LIMIT_COLUMN, 300),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
    (Limit::SQLITE_LIMIT_VDBE_OP, 100_000),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];
/// The key of every table, by a name that no query can write by chance: what reads it means "all
/// columns".
const KEY: &str = "\u{1}";

/// The two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The window's rows.
    Window,
    /// The reference's.
    Reference,
}

impl Table {
    /// Its name in a query.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Reference => "reference",
        }
    }
}

/// What a statement would read, and the first thing that it must not do.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Columns of `window`; `None` where it is not read at all.
    pub(super) window: Option<Vec<String>>,
    /// Columns of `reference`.
    pub(super) reference: Option<Vec<String>>,
    pub(super) refused: Option<Refused>,
}

/// What a statement must not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A function that is none of ours.
    Function(String),
    /// A table that is none of ours.
    Table(String),
    /// Every column of a table.
    AllColumns,
    /// Anything but reading.
    Writing,
}

impl Seen {
    /// `with` are the names that the statement gives to queries of its own.
    fn authorize(&mut self, action: &AuthAction<'_>, with: &[String]) -> Authorization {
        let refused = match *action {
            AuthAction::Select | AuthAction::Recursive => return Authorization::Allow,
            AuthAction::Function { function_name } => {
                let name = function_name.to_ascii_lowercase();
                if functions::KNOWN.contains(&name.as_str()) {
                    return Authorization::Allow;
                }
                Refused::Function(name)
            }
            AuthAction::Read { column_name: KEY, .. } => Refused::AllColumns,
            AuthAction::Read { table_name, column_name } => {
                let is = |name: &str| table_name.eq_ignore_ascii_case(name);
                let columns = if is(Table::Window.name()) {
                    &mut self.window
                } else if is(Table::Reference.name()) {
                    &mut self.reference
                } else if column_name.is_empty() && with.iter().any(|it| is(it)) {
                    return Authorization::Allow;
                } else {
                    return self.refuse(Refused::Table(table_name.to_owned()));
                };
                let columns = columns.get_or_insert_default();
                // Empty where rows are counted only.
                if !column_name.is_empty() && !columns.iter().any(|it| it == column_name) {
                    columns.push(column_name.to_owned());
                }
                return Authorization::Allow;
            }
            _ => Refused::Writing,
        };
        self.refuse(refused)
    }

    fn refuse(&mut self, what: Refused) -> Authorization {
        self.refused.get_or_insert(what);
        Authorization::Deny
    }
}

/// The tables in memory.
#[derive(Debug)]
pub(super) struct Room {
    conn: Connection,
}

impl Room {
    /// An empty one.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn open() -> rusqlite::Result<Self> {
        let conn = Connection::open_in_memory()?;
        conn.execute_batch(&format!(
            "PRAGMA page_size = 4096; PRAGMA max_page_count = {PAGES_MAX};
             PRAGMA journal_mode = OFF; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
        ))?;
        functions::add(&conn)?;
        for (option, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            // `"JFK"` is a column, and a mistake where there is none; never the text 'JFK'.
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        ] {
            conn.set_db_config(option, on)?;
        }
        for (limit, value) in LIMITS {
            conn.set_limit(limit, value)?;
        }
        Ok(Self { conn })
    }

    /// Makes a table anew, without rows.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn table(&self, table: Table, columns: &[String]) -> rusqlite::Result<()> {
        let name = table.name();
        let mut sql = format!("DROP TABLE IF EXISTS \"{name}\"; CREATE TABLE \"{name}\" (");
        for column in columns {
            // Without a type: a value keeps its own.
            sql += &format!("{}, ", quoted(column));
        }
        sql += &format!("{} INTEGER PRIMARY KEY) WITHOUT ROWID", quoted(KEY));
        self.conn.execute_batch(&sql)
    }

    /// Fills a table: the cells of its columns, row by row.
    ///
    /// # Errors
    /// SQLite's: rows that take more than the room has, a cell that is too large.
    pub(super) fn fill<'c, C: rusqlite::ToSql + 'c>(
        &self,
        table: Table,
        columns: &[String],
        rows: impl Iterator<Item = &'c [C]>,
    ) -> rusqlite::Result<()> {
        self.conn.execute_batch("BEGIN")?;
        let marks: String = (1..=columns.len()).map(|n| format!("?{n}, ")).collect();
        let key = columns.len() + 1;
        let sql = format!("INSERT INTO \"{}\" VALUES ({marks}?{key})", table.name());
        let mut insert = self.conn.prepare(&sql)?;
        for (number, cells) in (0_i64..).zip(rows) {
            for (n, cell) in cells.iter().enumerate() {
                insert.raw_bind_parameter(n + 1, cell)?;
            }
            insert.raw_bind_parameter(key, number)?;
            insert.raw_execute()?;
        }
        self.conn.execute_batch("COMMIT")
    }

    /// Prepares a statement under the authorizer, and says what it would read.
    pub(super) fn prepare(&self, sql: &str) -> (rusqlite::Result<Statement<'_>>, Seen) {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let hook = Arc::clone(&seen);
        let with = lex::with_names(&lex::tokens(sql));
        let prepared = self
            .conn
            .authorizer(Some(move |context: AuthContext<'_>| {
                hook.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .authorize(&context.action, &with)
            }))
            .and_then(|()| self.conn.prepare(sql));
        let none = None::<fn(AuthContext<'_>) -> Authorization>;
        let prepared = self.conn.authorizer(none).and(prepared);
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (prepared, seen)
    }

    /// Has `stop` asked every `steps` steps of a statement whether it is to end.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn watch(
        &self,
        steps: i32,
        stop: impl FnMut() -> bool + Send + 'static,
    ) -> rusqlite::Result<()> {
        self.conn.progress_handler(steps, Some(stop))
    }

    /// Lets what comes next run to its end.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn watch_no_more(&self) -> rusqlite::Result<()> {
        self.conn.progress_handler(0, None::<fn() -> bool>)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
