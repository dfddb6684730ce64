//! Reading a profile's payload, believing nothing.
use super::super::{distinct, order};
use super::CodecError::{self, Damaged};
use super::{BITS, Has, SCALE_MAX, power};
use crate::profile::{
    Body, Categories, ColumnProfile, Counts, Distribution, Ids, Kind, Moments, Numeric, Profile,
    Times, joint::Joint,
};

/// Rows are summed without overflow below this.
const ROWS_MAX: u64 = 1 << 53;

/// What has not been read yet.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    /// A profile and nothing after it.
    pub(super) fn whole_profile(mut self, has: Has) -> Result<Profile, CodecError> {
        let profile = self.profile(has)?;
        if self.rest.is_empty() { Ok(profile) } else { Err(Damaged("bytes after the end")) }
    }

    fn take(&mut self, bytes: u64) -> Result<&'a [u8], CodecError> {
        let end = usize::try_from(bytes).ok().filter(|&end| end <= self.rest.len());
        let (taken, rest) = self.rest.split_at(end.ok_or(Damaged("cut off"))?);
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        self.take(1).map(|byte| byte[0])
    }

    fn varint(&mut self) -> Result<u64, CodecError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged("a number without end"))
    }

    fn rows(&mut self) -> Result<u64, CodecError> {
        self.varint()
            .and_then(|rows| if rows < ROWS_MAX { Ok(rows) } else { Err(Damaged("too many rows")) })
    }

    /// A number of items, each of at least one byte: none can ask for more memory than it sent.
    fn length(&mut self) -> Result<usize, CodecError> {
        let length = self.varint()?;
        usize::try_from(length)
            .ok()
            .filter(|&length| length <= self.rest.len())
            .ok_or(Damaged("cut off"))
    }

    fn signed(&mut self) -> Result<i64, CodecError> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn float(&mut self) -> Result<f64, CodecError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(f64::from_le_bytes(bytes))
    }

    fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let length = self.varint()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<String, CodecError> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|_| Damaged("a name is no text"))?;
        Ok(text.to_owned())
    }

    fn sketch(&mut self) -> Result<Vec<u8>, CodecError> {
        let bytes = self.bytes()?;
        if bytes.is_empty() || distinct::is_valid(bytes) {
            Ok(bytes.to_vec())
        } else {
            Err(Damaged("a distinct sketch"))
        }
    }

    fn profile(&mut self, has: Has) -> Result<Profile, CodecError> {
        let mut profile =
            Profile { rows: self.rows()?, cells_refused: self.varint()?, ..Profile::default() };
        if has.rows {
            profile.times = self.times()?;
            profile.ids = self.ids(profile.rows)?;
        }
        if has.joint {
            profile.joint = self.joint(profile.rows)?;
        }
        for _ in 0..self.length()? {
            let name = self.text()?;
            let column = self.column()?;
            if column.counts.rows != profile.rows {
                return Err(Damaged("a column's rows"));
            }
            if profile.columns.insert(name, column).is_some() {
                return Err(Damaged("a column is there twice"));
            }
        }
        Ok(profile)
    }

    fn joint(&mut self, rows: u64) -> Result<Option<Box<Joint>>, CodecError> {
        let bytes = self.bytes()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let bad = Damaged("what is kept of whole rows");
        let joint: Box<Joint> = postcard::from_bytes(bytes).map_err(|_| bad.clone())?;
        if joint.is_sound(rows) { Ok(Some(joint)) } else { Err(bad) }
    }

    fn column(&mut self) -> Result<ColumnProfile, CodecError> {
        let kind = match self.byte()? {
            0 => Kind::Numeric,
            1 => Kind::Categorical,
            2 => Kind::Boolean,
            3 => Kind::Timestamp,
            _ => return Err(Damaged("a column's kind")),
        };
        let counts = Counts {
            rows: self.rows()?,
            missing: self.rows()?,
            absent: self.rows()?,
            nan: self.rows()?,
            infinite_positive: self.rows()?,
            infinite_negative: self.rows()?,
            zero: self.rows()?,
            mismatched: self.rows()?,
        };
        let unusable = counts.missing + counts.nan + counts.infinite() + counts.mismatched;
        if counts.absent > counts.missing || unusable > counts.rows {
            return Err(Damaged("a column's counts"));
        }
        let (body, valid) = match kind {
            Kind::Numeric => {
                let numeric = self.numeric()?;
                let rows = numeric.values.counts.iter().try_fold(0, add_rows)?;
                (Body::Numeric(numeric), rows)
            }
            Kind::Categorical | Kind::Boolean => {
                let categories = self.categories()?;
                let named = categories.counts.iter().map(|(_, rows)| rows);
                let rows = named.chain([&categories.other]).try_fold(0, add_rows)?;
                (Body::Categorical(categories), rows)
            }
            Kind::Timestamp => (Body::Timestamp(self.times()?), counts.valid()),
        };
        if valid != counts.valid() {
            return Err(Damaged("a column's valid rows"));
        }
        Ok(ColumnProfile { kind, counts, body })
    }

    fn numeric(&mut self) -> Result<Numeric, CodecError> {
        let flags = self.byte()?;
        let moments = if flags & 2 == 0 {
            None
        } else {
            let rows = self.rows()?;
            let [min, max, mean, m2] = [self.float()?, self.float()?, self.float()?, self.float()?];
            if [min, max, mean, m2].iter().any(|part| part.is_nan()) || m2 < 0.0 {
                return Err(Damaged("moments"));
            }
            Some(Moments { rows, min, max, mean, m2 })
        };
        let distinct_sketch = self.sketch()?;
        let values = self.distribution()?;
        Ok(Numeric { values, integers: flags & 1 == 1, moments, distinct_sketch })
    }

    fn distribution(&mut self) -> Result<Distribution, CodecError> {
        let rank_error = self.float()?;
        if !(0.0..=1.0).contains(&rank_error) {
            return Err(Damaged("a rank error"));
        }
        let length = self.length()?;
        let how = self.byte()?;
        if how != BITS && how > SCALE_MAX {
            return Err(Damaged("a scale"));
        }
        let mut values: Vec<f64> = Vec::with_capacity(length);
        let mut last = 0_i64;
        for i in 0..length {
            last = if i == 0 {
                self.signed()?
            } else {
                let gap = self.varint()?;
                last.checked_add_unsigned(gap).ok_or(Damaged("a value"))?
            };
            let value = if how == BITS { order::value(last) } else { last as f64 / power(how) };
            let ascending = values.last().is_none_or(|&before| before < value);
            if !value.is_finite() || !ascending {
                return Err(Damaged("values out of order"));
            }
            values.push(value);
        }
        let counts = (0..length).map(|_| self.count()).collect::<Result<_, _>>()?;
        Ok(Distribution { values, counts, rank_error })
    }

    /// Rows of something that is there.
    fn count(&mut self) -> Result<u64, CodecError> {
        match self.rows()? {
            0 => Err(Damaged("a count of nothing")),
            rows => Ok(rows),
        }
    }

    fn categories(&mut self) -> Result<Categories, CodecError> {
        let other = self.rows()?;
        let shortened = self.rows()?;
        let distinct_sketch = self.sketch()?;
        let length = self.length()?;
        let mut names: Vec<String> = Vec::new();
        for _ in 0..length {
            let name = self.text()?;
            if names.last().is_some_and(|before| *before >= name) {
                return Err(Damaged("names out of order"));
            }
            names.push(name);
        }
        let counts = names.into_iter().map(|name| Ok((name, self.count()?)));
        Ok(Categories {
            counts: counts.collect::<Result<_, CodecError>>()?,
            other,
            shortened,
            distinct_sketch,
        })
    }

    fn ids(&mut self, rows: u64) -> Result<Option<Ids>, CodecError> {
        if self.byte()? == 0 {
            return Ok(None);
        }
        let ids = Ids { rows: self.rows()?, repeated: self.rows()?, error_rows: self.rows()? };
        if ids.rows > rows || ids.repeated > ids.rows {
            return Err(Damaged("a count of ids"));
        }
        Ok(Some(ids))
    }

    fn times(&mut self) -> Result<Times, CodecError> {
        if self.byte()? == 0 {
            return Ok(Times::default());
        }
        let (from, to) = (self.signed()?, self.signed()?);
        if from > to {
            return Err(Damaged("times out of order"));
        }
        Ok(Times { range_us: Some((from, to)) })
    }
}

fn add_rows(sum: u64, rows: &u64) -> Result<u64, CodecError> {
    sum.checked_add(*rows).ok_or(Damaged("too many rows"))
}
