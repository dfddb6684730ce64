//! A part's name from its path, and back. Names are text; a path need not be.
//!
//! Bytes that are no UTF-8 are written as `U+FFFD` and two hexadecimal digits. So is a `U+FFFD`
//! that stands in a name by itself: no two paths share a name.
use std::path::{Path, PathBuf};

const MARK: char = char::REPLACEMENT_CHARACTER;

/// The name of a path below its root, with `/` between folders.
pub(super) fn of(path: &Path) -> String {
    let mut name = String::new();
    for part in path.components() {
        if !name.is_empty() {
            name.push('/');
        }
        for chunk in part.as_os_str().as_encoded_bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                if c == MARK {
                    escape(&mut name, c.to_string().as_bytes());
                } else {
                    name.push(c);
                }
            }
            escape(&mut name, chunk.invalid());
        }
    }
    name
}

fn escape(name: &mut String, bytes: &[u8]) {
    use std::fmt::Write;
    for byte in bytes {
        // Writing to a `String` does not fail.
        write!(name, "{MARK}{byte:02X}").unwrap_or_default();
    }
}

/// The path that a name was made of.
pub(super) fn path(name: &str) -> PathBuf {
    if !name.contains(MARK) {
        return PathBuf::from(name);
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut pieces = name.split(MARK);
    bytes.extend(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or(("", piece));
        bytes.extend(u8::from_str_radix(digits, 16).ok());
        bytes.extend(rest.as_bytes());
    }
    from_bytes(bytes)
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let there = from_bytes(bytes.to_vec());
        assert_eq!(of(&there), expected);
        assert_eq!(path(expected), there, "and back");
    }

    #[test]
    fn names_are_text_and_lead_back() {
        check(b"a/b.csv", "a/b.csv");
        check("täglich/=%20.csv".as_bytes(), "täglich/=%20.csv");
        check(b"a\xff\xfe.csv", "a\u{fffd}FF\u{fffd}FE.csv");
        check("a\u{fffd}FF".as_bytes(), "a\u{fffd}EF\u{fffd}BF\u{fffd}BDFF");
    }

    proptest::proptest! {
        #[test]
        fn every_path_leads_back(bytes in "[a-z\u{fffd}]{1,6}", at in 0_usize..6, bad: u8) {
            let mut bytes = bytes.into_bytes();
            bytes.insert(at.min(bytes.len()), bad);
            bytes.retain(|b| *b != b'/' && *b != 0);
            let there = from_bytes(bytes);
            proptest::prop_assert_eq!(path(&of(&there)), there);
        }
    }
}
