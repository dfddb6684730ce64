//! A file that holds the last of what a program prints.
use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::write_atomic;

/// The file's bound.
pub(super) const BYTES_MAX: usize = 1024 * 1024;
/// What is kept when it is reached.
const BYTES_KEPT: usize = BYTES_MAX / 2;
/// In place of what is not.
const CUT: &[u8] = b"[earlier output is cut]\n";

/// Takes any amount of output; the file holds the last half MiB of it or more, a MiB at most.
pub(super) struct Tail {
    folder: PathBuf,
    file: File,
    written: usize,
    recent: VecDeque<u8>,
}

impl Tail {
    /// Begins `FOLDER/output`.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let file = open(folder, true)?;
        Ok(Self { folder: folder.to_path_buf(), file, written: 0, recent: VecDeque::new() })
    }

    /// Takes some output.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.recent.extend(bytes);
        let surplus = self.recent.len().saturating_sub(BYTES_KEPT);
        self.recent.drain(..surplus);
        if self.written + bytes.len() <= BYTES_MAX {
            self.written += bytes.len();
            return self.file.write_all(bytes);
        }
        let whole = [CUT, self.recent.make_contiguous()].concat();
        write_atomic(&self.folder, "output", &whole)?;
        self.written = whole.len();
        self.file = open(&self.folder, false)?;
        Ok(())
    }
}

fn open(folder: &Path, empty: bool) -> io::Result<File> {
    if empty {
        return File::create(folder.join("output"));
    }
    File::options().append(true).open(folder.join("output"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes numbered lines and returns what the file holds.
    fn hold(lines: usize) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tail = Tail::create(folder.path()).expect("a file");
        for line in 0..lines {
            tail.push(format!("line {line:07}\n").as_bytes()).expect("written");
            let length = folder.path().join("output").metadata().expect("a file").len();
            assert!(length <= BYTES_MAX as u64, "{length} bytes after line {line}");
        }
        std::fs::read_to_string(folder.path().join("output")).expect("a file")
    }

    #[test]
    fn a_little_output_is_kept_whole() {
        assert_eq!(hold(2), "line 0000000\nline 0000001\n");
    }

    #[test]
    fn of_much_output_the_last_is_kept() {
        // 13 bytes a line: 200,000 lines are 2.6 MB.
        let held = hold(200_000);
        assert!(held.starts_with("[earlier output is cut]\n"));
        assert!(held.ends_with("line 0199998\nline 0199999\n"));
        assert!(held.len() >= BYTES_KEPT, "{} bytes", held.len());
    }
}
