//! What a file is, by its name and its first bytes.
use std::{
    fs::File,
    io::{self, Read},
};

use serde::{Deserialize, Serialize};

/// Bytes looked at.
const HEAD_BYTES: u64 = 8_192;
/// Endings that a folder's files are taken by.
pub(super) const ENDINGS: [&str; 8] =
    [".parquet", ".pq", ".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"];

/// How files are read.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// By the name's ending and the first bytes.
    #[default]
    Auto,
    /// Apache Parquet.
    Parquet,
    /// Lines of text with delimiters and a header, gzipped or not.
    Csv,
}

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Parquet,
    Csv { gzip: bool },
}

/// The format that a name's ending says.
pub(super) fn of_name(name: &str) -> Option<Found> {
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|ending| lower.ends_with(*ending))?;
    Some(match *ending {
        ".parquet" | ".pq" => Found::Parquet,
        other => Found::Csv { gzip: other.ends_with(".gz") },
    })
}

/// Formats that are not read, by their first bytes.
const OTHERS: [(&[u8], &str); 10] = [
    (b"ARROW1", "an Arrow IPC file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd stream"),
    (b"BZh", "a bzip2 stream"),
    (b"\xfd7zXZ\0", "an xz stream"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80\x04\x95", "a Python pickle"),
];

/// Decides how to read a file.
///
/// # Errors
/// What it is instead, where it is nothing that can be read.
pub(super) fn detect(file: &mut File, name: &str, format: Format) -> Result<Found, String> {
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(|error| error.to_string())?;
    io::Seek::rewind(file).map_err(|error| error.to_string())?;
    if head.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let parquet = head.starts_with(b"PAR1") || head.starts_with(b"PARE");
    let gzip = head.starts_with(b"\x1f\x8b");
    match format {
        Format::Parquet => return Ok(Found::Parquet),
        Format::Auto if parquet => return Ok(Found::Parquet),
        Format::Auto if !gzip && of_name(name) == Some(Found::Parquet) => {
            return Ok(Found::Parquet);
        }
        Format::Auto | Format::Csv => {}
    }
    if gzip {
        return Ok(Found::Csv { gzip });
    }
    text(&head)?;
    let json = head.iter().find(|byte| !byte.is_ascii_whitespace());
    if format == Format::Auto && of_name(name).is_none() && matches!(json, Some(b'{' | b'[')) {
        return Err("it looks like JSON; expected Parquet or CSV".to_owned());
    }
    Ok(Found::Csv { gzip: false })
}

/// Refuses what is no UTF-8 text by its first bytes.
pub(super) fn text(head: &[u8]) -> Result<(), String> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err("it is UTF-16 text; expected UTF-8".to_owned());
    }
    for (magic, what) in OTHERS {
        if head.starts_with(magic) {
            return Err(format!("it is {what}; expected Parquet or CSV"));
        }
    }
    if let Some(at) = head.iter().position(|byte| *byte == 0) {
        return Err(format!("it is neither Parquet nor text: byte {at} is zero"));
    }
    Ok(())
}
