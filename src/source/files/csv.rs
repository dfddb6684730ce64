//! Delimited text with a header, plain or gzipped.
//!
//! Types are inferred from the first rows of the file. A later batch with a cell that does not fit
//! hands that column on in the next wider type: integers, floats, text.
//!
//! A last line without a line end is taken as a row if it has all its fields, since many writers
//! leave the end out. A file that grows should be written line by line: half a number is a number.
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    sync::Arc,
};

use arrow_array::Array;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use flate2::read::MultiGzDecoder;

use super::{
    Files,
    cells::{self, Cells, Nulls, Seen},
    columns, format,
    records::{Dialect, Records, Shape},
    rows::{self, Rows},
};
use crate::source::SourceError;

/// Bytes in which the delimiter is looked for.
const HEAD_BYTES: u64 = 65_536;
/// Lines in which the delimiter is looked for.
const HEAD_RECORDS: usize = 64;
/// Rows that types are inferred from.
const TYPE_ROWS: usize = 4_096;
/// Text of one batch.
const BATCH_BYTES: usize = 16 << 20;
/// Cells of one batch.
const BATCH_CELLS: usize = 1 << 20;

type Input = BufReader<Box<dyn Read>>;

/// A file whose header was read and whose types were inferred.
pub(super) struct Csv<'a> {
    file: File,
    gzip: bool,
    options: &'a Files,
    dialect: Dialect,
    names: Vec<String>,
    types: Vec<DataType>,
}

impl<'a> Csv<'a> {
    /// # Errors
    /// Why it is no such file.
    pub(super) fn open(
        file: File,
        gzip: bool,
        name: &str,
        options: &'a Files,
    ) -> Result<Self, String> {
        let mut head = Vec::new();
        input(&file, gzip)?.take(HEAD_BYTES).read_to_end(&mut head).map_err(|e| unread(&e))?;
        format::text(&head)?;
        let quote = options.quote.unwrap_or('"') as u8;
        let delimiter = match options.delimiter {
            Some(given) => given as u8,
            None => sniff(&head, quote, name),
        };
        let dialect = Dialect { delimiter, quote };
        let mut csv = Self { file, gzip, options, dialect, names: Vec::new(), types: Vec::new() };
        let mut records = csv.records(options.columns_max)?;
        csv.names = csv.header(&mut records)?;
        // What calls itself no CSV, and mostly is none, is some other text.
        csv.types = csv.infer(format::of_name(name).is_none())?;
        Ok(csv)
    }

    fn records(&self, fields_max: usize) -> Result<Records<Input>, String> {
        let input = input(&self.file, self.gzip)?;
        Ok(Records::new(input, self.dialect, fields_max, self.options.record_bytes_max))
    }

    fn header(&self, records: &mut Records<Input>) -> Result<Vec<String>, String> {
        let max = self.options.columns_max;
        let count = match records.next().map_err(|e| unread(&e))? {
            None => return Err("it has no header line".to_owned()),
            Some(Shape::Fields { count, .. }) => count,
            Some(Shape::TooLong) => return Err("its header line is too long".to_owned()),
            Some(Shape::OpenQuote) => return Err("a quote in its header never closes".to_owned()),
        };
        if count > max {
            return Err(format!("it has {count} columns; at most {max} are taken (`columns_max`)"));
        }
        let (data, ends) = records.fields();
        let text = fields(data, ends).ok_or("its header is no UTF-8 text")?;
        let names: Vec<&str> = split(text, ends).map(str::trim).collect();
        let number = |name: &&str| name.contains('.') && name.parse::<f64>().is_ok();
        if names.iter().all(|name| name.parse::<f64>().is_ok()) && names.iter().any(number) {
            return Err("its first line is all numbers; expected a header of names".to_owned());
        }
        Ok(columns::unique(names))
    }

    /// Reads the first rows for their types. A `guess` is refused where most do not fit.
    fn infer(&self, guess: bool) -> Result<Vec<DataType>, String> {
        let width = self.names.len();
        let nulls = Nulls(&self.options.null_values);
        let mut seen = vec![Seen::NOTHING; width];
        let mut records = self.records(width)?;
        records.next().map_err(|e| unread(&e))?;
        let (mut rows, mut misfits) = (0, 0);
        while rows + misfits < TYPE_ROWS {
            // Damage further on is the reader's to tell, with what came before it.
            let Ok(Some(shape)) = records.next() else { break };
            let (data, ends) = records.fields();
            let whole = matches!(shape, Shape::Fields { count, .. } if count == width);
            let Some(text) = fields(data, ends).filter(|_| whole) else {
                misfits += 1;
                continue;
            };
            let cells = split(text, ends).zip(&mut seen);
            cells.filter(|(cell, _)| !nulls.has(cell)).for_each(|(cell, seen)| seen.take(cell));
            rows += 1;
        }
        if guess && misfits > rows {
            return Err(format!(
                "it is no CSV: of its first {} lines {misfits} have other fields than the first",
                rows + misfits
            ));
        }
        Ok(seen.into_iter().map(Seen::data_type).collect())
    }

    pub(super) fn schema(&self) -> SchemaRef {
        let fields = self.names.iter().zip(&self.types);
        let fields = fields.map(|(name, kind)| Field::new(name, kind.clone(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Columns by name, in the file's order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads the rows that are asked for.
    pub(super) fn read(&self, rows: &mut Rows<'_>) -> Result<(), SourceError> {
        let width = self.names.len();
        let wanted = columns::wanted(&self.names, rows.query.columns);
        let time = match rows.query.time {
            None => None,
            Some(time) => Some(columns::find(&rows.part.name, &self.names, &time.name)?),
        };
        let batch_rows = self.options.batch_rows.min(BATCH_CELLS / width.max(1)).max(1);
        let mut records = self.records(width).map_err(|why| rows.bad(why))?;
        records.next().map_err(|e| rows.bad(unread(&e)))?;
        let mut cells = Cells::new(width);
        while let Some(shape) = records
            .next()
            .map_err(|e| rows.bad(format!("{} after line {}", unread(&e), records.line())))?
        {
            let (data, ends) = records.fields();
            let line = records.line();
            let unfinished =
                matches!(shape, Shape::OpenQuote | Shape::Fields { finished: false, .. });
            let whole = self.whole(shape, data, ends);
            // A line that is still written is no row yet, and must not count as one: it is read
            // whole the next time.
            if whole.is_ok() || !unfinished {
                rows.report.rows_total += 1;
                if rows.report.rows_total <= rows.query.skip_rows {
                    continue;
                }
            }
            match whole {
                Ok(text) => cells.push(text, ends),
                Err(why) => {
                    rows.report.rows_unfinished += u64::from(unfinished);
                    rows.refuse(|| format!("line {line}: {why}"));
                }
            }
            if cells.rows() >= batch_rows || cells.bytes() >= BATCH_BYTES {
                self.flush(&mut cells, &wanted, time, rows)?;
            }
        }
        self.flush(&mut cells, &wanted, time, rows)
    }

    /// A row's text, or why it is refused.
    fn whole<'t>(&self, shape: Shape, data: &'t [u8], ends: &[usize]) -> Result<&'t str, String> {
        let width = self.names.len();
        match shape {
            Shape::TooLong => {
                let max = self.options.record_bytes_max;
                return Err(format!("longer than {max} bytes (`record_bytes_max`)"));
            }
            Shape::OpenQuote => return Err("a quote opens and never closes".to_owned()),
            Shape::Fields { count, finished } if count != width => {
                let unfinished = if finished { "" } else { " in an unfinished line" };
                let s = if count == 1 { "" } else { "s" };
                return Err(format!("{count} field{s}{unfinished}, expected {width}"));
            }
            Shape::Fields { .. } => {}
        }
        let max = self.options.field_bytes_max;
        let mut start = 0;
        for (i, end) in ends.iter().enumerate() {
            if end - start > max {
                return Err(format!(
                    "`{}` is longer than {max} bytes (`field_bytes_max`)",
                    self.names[i]
                ));
            }
            start = *end;
        }
        fields(data, ends).ok_or_else(|| "no UTF-8 text".to_owned())
    }

    fn flush(
        &self,
        cells: &mut Cells,
        wanted: &[usize],
        time: Option<usize>,
        rows: &mut Rows<'_>,
    ) -> Result<(), SourceError> {
        let count = cells.rows();
        if count == 0 {
            return Ok(());
        }
        let nulls = Nulls(&self.options.null_values);
        let arrays: Vec<_> =
            wanted.iter().map(|&i| cells::array(cells, i, &self.types[i], &nulls)).collect();
        let fields = wanted.iter().zip(&arrays).map(|(&i, array)| {
            Arc::new(Field::new(&self.names[i], array.data_type().clone(), true))
        });
        let record = rows::batch(fields.collect(), arrays, count)
            .map_err(|error| rows.bad(error.to_string()))?;
        let times = time.map(|i| cells::times(cells, i, &self.types[i], &nulls));
        cells.clear();
        rows.push(record, times.as_ref().map(|times| times.as_ref() as &dyn Array))
    }
}

/// The file from its start, unzipped, behind its byte-order mark.
fn input(file: &File, gzip: bool) -> Result<Input, String> {
    let mut file = file.try_clone().map_err(|e| unread(&e))?;
    file.rewind().map_err(|e| unread(&e))?;
    let plain: Box<dyn Read> =
        if gzip { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) };
    let mut input = BufReader::with_capacity(65_536, plain);
    if input.fill_buf().map_err(|e| unread(&e))?.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    Ok(input)
}

fn unread(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the gzip stream is cut".to_owned(),
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
            format!("the gzip stream is damaged: {error}")
        }
        _ => error.to_string(),
    }
}

/// The fields' text, if every one is text by itself.
fn fields<'t>(data: &'t [u8], ends: &[usize]) -> Option<&'t str> {
    let text = str::from_utf8(data).ok()?;
    // A character cut in two by a delimiter would look whole in the joined bytes.
    ends.iter().all(|end| text.is_char_boundary(*end)).then_some(text)
}

fn split<'t>(text: &'t str, ends: &[usize]) -> impl Iterator<Item = &'t str> {
    ends.iter().scan(0, move |start, end| {
        let field = text.get(*start..*end);
        *start = *end;
        field
    })
}

/// The delimiter: of `,`, `;`, tab and `|` the one by which most of the first lines have as many
/// fields as the header, at least two; of those the one that gives the most.
fn sniff(head: &[u8], quote: u8, name: &str) -> u8 {
    let lower = name.to_ascii_lowercase();
    let usual = if lower.contains(".tsv") { b'\t' } else { b',' };
    let mut best = (0.0, 0, usual);
    for delimiter in [b',', b';', b'\t', b'|'] {
        let dialect = Dialect { delimiter, quote };
        let mut records = Records::new(head, dialect, 0, head.len().max(1));
        let mut counts = Vec::new();
        while let Ok(Some(shape)) = records.next()
            && counts.len() < HEAD_RECORDS
        {
            // The head may end within a line.
            if let Shape::Fields { count, finished } = shape
                && (finished || counts.len() < 2)
            {
                counts.push(count);
            }
        }
        let Some(&first) = counts.first().filter(|count| **count > 1) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "at most 64 lines")]
        let share = counts.iter().filter(|c| **c == first).count() as f64 / counts.len() as f64;
        if (share, first) > (best.0, best.1) {
            best = (share, first, delimiter);
        }
    }
    best.2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, name: &str, expected: char) {
        assert_eq!(sniff(head.as_bytes(), b'"', name) as char, expected, "{head:?}");
    }

    #[test]
    fn the_delimiter_is_found() {
        check("a,b\n1,2\n", "x.csv", ',');
        check("a;b\n1,5;2\n", "x.csv", ';');
        check("a\tb\n1,5\t2\n", "x.csv", '\t');
        check("a|b|c\n1|2|x,y\n", "x.csv", '|');
        check("\"a,b\";c\n\"1,2,3\";2\n", "x.csv", ';');
        check("alone\n1\n", "x.csv", ',');
        check("alone\n1\n", "x.tsv", '\t');
        check("a,b", "x.csv", ',');
    }
}
