//! A first look at a Parquet footer: whether its Thrift is sound.
//!
//! The decoder reserves memory for as many row groups as a list says it has, before it looks for
//! them. A damaged count would end the process, which no caller can catch.

/// Structures inside structures.
const DEPTH_MAX: u32 = 24;

/// Whether the bytes begin with one structure in the compact protocol of which every list, text
/// and map is as long as it says.
pub(super) fn is_sound(bytes: &[u8]) -> bool {
    Walk { bytes }.structure(0).is_some()
}

struct Walk<'a> {
    bytes: &'a [u8],
}

impl Walk<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A count of things that take a byte each at least.
    fn count(&self, stated: u64) -> Option<usize> {
        usize::try_from(stated).ok().filter(|count| *count <= self.bytes.len())
    }

    fn structure(&mut self, depth: u32) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            if header >> 4 == 0 {
                self.varint()?;
            }
            match header & 0x0f {
                // A flag is its own header.
                1 | 2 => {}
                kind => self.value(kind, depth)?,
            }
        }
    }

    fn value(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            1..=3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.take(8).map(drop),
            8 => {
                let length = self.varint().and_then(|stated| self.count(stated))?;
                self.take(length).map(drop)
            }
            9 | 10 => {
                let header = self.byte()?;
                let stated =
                    if header >> 4 == 15 { self.varint()? } else { u64::from(header >> 4) };
                (0..self.count(stated)?).try_for_each(|_| self.value(header & 0x0f, depth + 1))
            }
            11 => {
                let stated = self.varint()?;
                if stated == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                (0..self.count(stated)?).try_for_each(|_| {
                    self.value(kinds >> 4, depth + 1)?;
                    self.value(kinds & 0x0f, depth + 1)
                })
            }
            12 => self.structure(depth + 1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: bool) {
        assert_eq!(is_sound(bytes), expected, "{bytes:02x?}");
    }

    #[test]
    fn lengths_must_fit() {
        check(&[0], true);
        // An integer, a text, a list of two bytes, a flag; then the end.
        check(&[0x15, 0x02, 0x18, 2, b'a', b'b', 0x19, 0x23, 1, 2, 0x11, 0], true);
        check(&[0x15, 0x02], false);
        check(&[0x18, 9, b'a', 0], false);
        // A list of four thousand million structures in a few bytes.
        check(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0], false);
        check(&[0x1c; 100], false);
        check(&[0x1e, 0], false);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_hurt(bytes: Vec<u8>) {
            // The answer does not matter; that there is one does.
            let _: bool = is_sound(&bytes);
        }
    }
}
