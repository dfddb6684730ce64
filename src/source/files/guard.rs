//! What stands between a damaged or hostile Parquet file and this process.
use std::{
    fmt::Display,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ::parquet::{
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{ChunkReader, Length},
    },
};
use bytes::Bytes;

use super::thrift;

/// The magic bytes at both ends, the footer's length, and a footer.
const FILE_BYTES_MIN: u64 = 12;
/// A footer of a file with thousands of columns and row groups.
const FOOTER_BYTES_MAX: u64 = 256 << 20;
/// A page this large that unfolds from a hundredth of it is a bomb rather than data.
const BOMB_BYTES: u64 = 16 << 20;
const BOMB_RATIO: u64 = 200;

/// Runs a decoder; its errors and its panics become words.
pub(super) fn catch<T, E: Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("it is damaged: {error}")),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(format!("it is damaged: {}", text.unwrap_or_else(|| "no more is known".into())))
        }
    }
}

/// Checks both ends of a file.
pub(super) fn ends(mut file: &File) -> Result<(), String> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let mut begin = [0; 4];
    let mut end = [0; 4];
    if length < FILE_BYTES_MIN {
        return Err(format!("it has {length} bytes; no Parquet file has so few"));
    }
    file.rewind()
        .and_then(|()| file.read_exact(&mut begin))
        .and_then(|()| file.seek(SeekFrom::End(-4)))
        .and_then(|_| file.read_exact(&mut end))
        .map_err(|error| error.to_string())?;
    match (&begin, &end) {
        (b"PARE", _) | (_, b"PARE") => Err("it is encrypted; expected plain Parquet".to_owned()),
        (b"PAR1", b"PAR1") => sound_footer(file, length),
        (b"PAR1", _) => Err("it is half-written or cut: it has no footer at its end".to_owned()),
        _ => Err("it is no Parquet file: it does not begin with `PAR1`".to_owned()),
    }
}

/// Checks that the footer is there and that its lists are no longer than it is.
fn sound_footer(mut file: &File, length: u64) -> Result<(), String> {
    let mut stated = [0; 4];
    let words = |error: std::io::Error| error.to_string();
    file.seek(SeekFrom::End(-8)).map_err(words)?;
    file.read_exact(&mut stated).map_err(words)?;
    let stated = u64::from(u32::from_le_bytes(stated));
    let room = (length - FILE_BYTES_MIN).min(FOOTER_BYTES_MAX);
    if stated > room {
        return Err(format!(
            "it is damaged: its footer has {stated} bytes of {room} possible ones"
        ));
    }
    file.seek(SeekFrom::Start(length - 8 - stated)).map_err(words)?;
    let mut footer = Vec::new();
    file.take(stated).read_to_end(&mut footer).map_err(words)?;
    if thrift::is_sound(&footer) {
        Ok(())
    } else {
        Err("it is damaged: its footer does not hold together".to_owned())
    }
}

/// Checks what a footer says against the file's length.
pub(super) fn footer(file: &File, metadata: &ParquetMetaData) -> Result<(), String> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let mut rows = 0_i64;
    for (i, group) in metadata.row_groups().iter().enumerate() {
        let damaged = |what: String| Err(format!("it is damaged: row group {i} {what}"));
        if group.num_rows() < 0 {
            return damaged(format!("has {} rows", group.num_rows()));
        }
        rows = rows.saturating_add(group.num_rows());
        // Writers put anything into the places of what is not there, and nothing reads there.
        if group.num_rows() == 0 {
            continue;
        }
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let size = column.compressed_size();
            let end = start.checked_add(size).and_then(|end| u64::try_from(end).ok());
            if start < 4 || size < 0 || end.is_none_or(|end| end > length) {
                let path = column.column_path().string();
                return damaged(format!("has `{path}` at {start} with {size} bytes of {length}"));
            }
        }
    }
    let stated = metadata.file_metadata().num_rows();
    if stated != rows {
        return Err(format!("it is damaged: it states {stated} rows, its row groups {rows}"));
    }
    Ok(())
}

/// A file of which one batch may decode so many bytes at most.
///
/// The decoder asks for a reader exactly where a page begins; the page's header, which states what
/// the page unfolds to, is looked at before it is.
#[derive(Clone)]
pub(super) struct Bounded {
    file: Arc<File>,
    length: u64,
    decoded: Arc<AtomicU64>,
    max: u64,
}

impl Bounded {
    pub(super) fn new(file: &File, max: u64) -> std::io::Result<Self> {
        let length = file.metadata()?.len();
        let file = Arc::new(file.try_clone()?);
        Ok(Self { file, length, decoded: Arc::default(), max })
    }

    /// Begins the count anew.
    pub(super) fn next_batch(&self) {
        self.decoded.store(0, Ordering::Relaxed);
    }

    fn check(&self, header: &[u8], start: u64) -> Result<(), ParquetError> {
        let Some((unfolded, packed)) = page_sizes(header) else { return Ok(()) };
        let refuse = |text: String| Err(ParquetError::General(text));
        if unfolded > BOMB_BYTES && unfolded / packed.max(1) > BOMB_RATIO {
            return refuse(format!(
                "the page at {start} unfolds from {packed} to {unfolded} bytes, as only a \
                 decompression bomb does"
            ));
        }
        let decoded = self.decoded.fetch_add(unfolded, Ordering::Relaxed).saturating_add(unfolded);
        if decoded > self.max {
            return refuse(format!(
                "its pages are too large: one batch would decode {decoded} bytes, at most {} are \
                 (`decoded_bytes_max`)",
                self.max
            ));
        }
        Ok(())
    }
}

impl Length for Bounded {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Bounded {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut reader = self.file.get_read(start)?;
        let header = std::io::BufRead::fill_buf(&mut reader)?;
        self.check(header, start)?;
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // A length that no file has would be reserved before it is read.
        if start.saturating_add(length as u64) > self.length {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are not there")));
        }
        self.file.get_bytes(start, length)
    }
}

/// The unpacked and packed size that a page header begins with: in Thrift's compact protocol the
/// second and third field, both integers, after the page's type.
fn page_sizes(header: &[u8]) -> Option<(u64, u64)> {
    const INTEGER: u8 = 0x15;
    let mut bytes = header.iter().copied();
    let mut field = || {
        if bytes.next()? != INTEGER {
            return None;
        }
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes.next()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        // Zigzag; a negative size is the decoder's to refuse.
        (value & 1 == 0).then_some(value >> 1)
    };
    field()?;
    Some((field()?, field()?))
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
