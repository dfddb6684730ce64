//! Records of delimited text, one at a time, in memory that does not grow with the input.
use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Room for a record at first.
const ROOM_BYTES: usize = 4_096;

/// How fields are set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: u8,
}

impl Dialect {
    pub(super) fn reader(self) -> Reader {
        ReaderBuilder::new().delimiter(self.delimiter).quote(self.quote).build()
    }
}

/// What the next record was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Fields were read; `finished` unless the input ended without a line end.
    Fields { count: usize, finished: bool },
    /// More bytes than a record may have.
    TooLong,
    /// The input ended inside quotes.
    OpenQuote,
}

/// Reads records, each into the same room.
pub(super) struct Records<R> {
    input: R,
    core: Reader,
    data: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    record_bytes_max: usize,
    /// Line ends skipped between records, which the machine has not counted.
    skipped_lines: u64,
    /// The line that the last record begins on, from 1.
    line: u64,
}

impl<R: BufRead> Records<R> {
    /// Keeps at most `fields_max` fields of a record, but counts them all.
    pub(super) fn new(
        input: R,
        dialect: Dialect,
        fields_max: usize,
        record_bytes_max: usize,
    ) -> Self {
        Self {
            input,
            core: dialect.reader(),
            data: vec![0; ROOM_BYTES.min(record_bytes_max)],
            // One more than is kept, to see that there are more.
            ends: vec![0; fields_max + 1],
            fields: 0,
            record_bytes_max,
            skipped_lines: 0,
            line: 1,
        }
    }

    /// The line that the last record began on, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The last record's bytes, and where each of its fields ends in them; nothing of one that
    /// was not read whole.
    pub(super) fn fields(&self) -> (&[u8], &[usize]) {
        let ends = &self.ends[..self.fields.min(self.ends.len())];
        (&self.data[..ends.last().copied().unwrap_or(0)], ends)
    }

    /// Reads the next record; `None` at the end.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Shape>> {
        self.skip_line_ends()?;
        self.line = self.core.line() + self.skipped_lines;
        self.fields = 0;
        let (mut used, mut too_long) = (0, false);
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(self.last(too_long));
            }
            let last = self.ends.len() - 1;
            let ends = &mut self.ends[self.fields.min(last)..];
            let (result, read, wrote, ended) =
                self.core.read_record(chunk, &mut self.data[used..], ends);
            self.input.consume(read);
            used += wrote;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::OutputFull if self.data.len() < self.record_bytes_max => {
                    let room = (self.data.len() * 2).min(self.record_bytes_max);
                    self.data.resize(room, 0);
                }
                // The rest of the record is read over the beginning, and forgotten.
                ReadRecordResult::OutputFull => (used, too_long) = (0, true),
                ReadRecordResult::Record if too_long => {
                    return Ok(Some(self.broken(Shape::TooLong)));
                }
                ReadRecordResult::Record => {
                    return Ok(Some(Shape::Fields { count: self.fields, finished: true }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// What is left where the input ends. A line end is put behind it: inside quotes that is one
    /// more byte of the field, elsewhere it ends the record.
    fn last(&mut self, too_long: bool) -> Option<Shape> {
        let last = self.ends.len() - 1;
        let ends = &mut self.ends[self.fields.min(last)..];
        let (result, _, wrote, ended) = self.core.read_record(b"\n", &mut [0], ends);
        self.fields += ended;
        if wrote > 0 {
            self.core.reset();
            return Some(self.broken(Shape::OpenQuote));
        }
        let count = self.fields;
        (result == ReadRecordResult::Record).then(|| match too_long {
            true => self.broken(Shape::TooLong),
            false => Shape::Fields { count, finished: false },
        })
    }

    /// Of a record that was not read whole there are no fields: their ends lie in bytes that were
    /// not kept.
    fn broken(&mut self, shape: Shape) -> Shape {
        self.fields = 0;
        shape
    }

    fn skip_line_ends(&mut self) -> std::io::Result<()> {
        loop {
            let chunk = self.input.fill_buf()?;
            let skipped = chunk.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            self.skipped_lines += chunk[..skipped].iter().filter(|b| **b == b'\n').count() as u64;
            let more = skipped == chunk.len() && skipped > 0;
            self.input.consume(skipped);
            if !more {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    const DIALECT: Dialect = Dialect { delimiter: b',', quote: b'"' };

    /// Everything that is read, with a buffer of `room` bytes.
    fn read(text: &str, room: usize) -> String {
        let input = BufReader::with_capacity(room, text.as_bytes());
        let mut records = Records::new(input, DIALECT, 3, 16);
        let mut shown = Vec::new();
        while let Some(shape) = records.next().unwrap() {
            let line = records.line();
            shown.push(match shape {
                Shape::Fields { count, finished } => {
                    let (data, ends) = records.fields();
                    let mut start = 0;
                    let fields: Vec<_> = ends
                        .iter()
                        .map(|end| {
                            let field = String::from_utf8_lossy(&data[start..*end]);
                            start = *end;
                            field
                        })
                        .collect();
                    let more = if finished { "" } else { "…" };
                    format!("{line}:{count}:{}{more}", fields.join("|"))
                }
                other => {
                    assert_eq!(records.fields(), (&b""[..], &[][..]), "of {other:?}");
                    format!("{line}:{other:?}")
                }
            });
        }
        shown.join(" ")
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        for room in [1, 2, 3, 7, 100] {
            assert_eq!(read(text, room), expected, "with room for {room} bytes");
        }
    }

    #[test]
    fn records_and_the_lines_they_begin_on() {
        check("a,b\n1,2\n", "1:2:a|b 2:2:1|2");
        check("a,b\r\n1,2\r\n3,4\r\n", "1:2:a|b 2:2:1|2 3:2:3|4");
        check("\n\na\n\r\n\nb\n", "3:1:a 6:1:b");
        check("a,\"b\nc\"\nd\n", "1:2:a|b\nc 3:1:d");
        check("a,\"b\"\"c\"\n,\n", "1:2:a|b\"c 2:2:|");
        check("", "");
        check("\n\n", "");
    }

    #[test]
    fn an_unfinished_line_is_told() {
        check("a,b\n1,2", "1:2:a|b 2:2:1|2…");
        check("a,b\n1,", "1:2:a|b 2:2:1|…");
        check("a,b\n1,\"2", "1:2:a|b 2:OpenQuote");
        check("a\n\"1\"", "1:1:a 2:1:1…");
    }

    #[test]
    fn long_records_are_passed_over_in_little_room() {
        let long = "x".repeat(40);
        check(&format!("a\n{long},{long}\nb\n"), "1:1:a 2:TooLong 3:1:b");
        check(&format!("a\n\"{long}\n{long}\",1\nb\n"), "1:1:a 2:TooLong 4:1:b");
        check(&format!("a\n\"{long}\nb\n"), "1:1:a 2:OpenQuote");
    }
}
