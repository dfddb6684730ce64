//! Writing a profile's payload.
use super::super::order;
use super::{BITS, SCALE_MAX, power};
use crate::profile::{Body, Categories, ColumnProfile, Kind, Limits, Numeric, Profile, Times};

/// The payload: columns by name, each thinned and cut to the limits.
pub(super) fn write_profile(profile: &Profile, limits: &Limits) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.varint(profile.rows);
    writer.varint(profile.cells_refused);
    writer.times(&profile.times);
    writer.out.push(u8::from(profile.ids.is_some()));
    if let Some(ids) = &profile.ids {
        [ids.rows, ids.repeated, ids.error_rows].into_iter().for_each(|it| writer.varint(it));
    }
    // Nothing in it can fail to be written into memory; bytes that are none would be refused.
    let joint = profile.joint.as_ref().and_then(|it| postcard::to_allocvec(it).ok());
    writer.bytes(&joint.unwrap_or_default());
    writer.varint(profile.columns.len() as u64);
    for (name, column) in &profile.columns {
        let mut column = column.clone();
        column.limit(limits);
        writer.bytes(name.as_bytes());
        writer.column(&column);
    }
    writer.out
}

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
}

impl Writer {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn signed(&mut self, number: i64) {
        self.varint(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    fn float(&mut self, number: f64) {
        self.out.extend(number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.out.extend(bytes);
    }

    fn column(&mut self, column: &ColumnProfile) {
        self.out.push(match column.kind {
            Kind::Numeric => 0,
            Kind::Categorical => 1,
            Kind::Boolean => 2,
            Kind::Timestamp => 3,
        });
        let c = &column.counts;
        for count in [
            c.rows,
            c.missing,
            c.absent,
            c.nan,
            c.infinite_positive,
            c.infinite_negative,
            c.zero,
            c.mismatched,
        ] {
            self.varint(count);
        }
        match &column.body {
            Body::Numeric(numeric) => self.numeric(numeric),
            Body::Categorical(categories) => self.categories(categories),
            Body::Timestamp(times) => self.times(times),
        }
    }

    fn times(&mut self, Times { range_us }: &Times) {
        self.out.push(u8::from(range_us.is_some()));
        if let Some((from, to)) = range_us {
            self.signed(*from);
            self.signed(*to);
        }
    }

    fn numeric(&mut self, numeric: &Numeric) {
        self.out.push(u8::from(numeric.integers) | u8::from(numeric.moments.is_some()) << 1);
        if let Some(moments) = &numeric.moments {
            self.varint(moments.rows);
            for part in [moments.min, moments.max, moments.mean, moments.m2] {
                self.float(part);
            }
        }
        self.bytes(&numeric.distinct_sketch);
        let values = &numeric.values;
        self.float(values.rank_error);
        self.varint(values.values.len() as u64);
        let (how, whole) = whole_multiples(&values.values)
            .unwrap_or_else(|| (BITS, values.values.iter().map(|&v| order::key(v)).collect()));
        self.out.push(how);
        let mut last = 0_i64;
        for (i, &number) in whole.iter().enumerate() {
            if i == 0 {
                self.signed(number);
            } else {
                self.varint(number.wrapping_sub(last).cast_unsigned());
            }
            last = number;
        }
        values.counts.iter().for_each(|&rows| self.varint(rows));
    }

    fn categories(&mut self, categories: &Categories) {
        self.varint(categories.other);
        self.varint(categories.shortened);
        self.bytes(&categories.distinct_sketch);
        self.varint(categories.counts.len() as u64);
        categories.counts.iter().for_each(|(name, _)| self.bytes(name.as_bytes()));
        categories.counts.iter().for_each(|&(_, rows)| self.varint(rows));
    }
}

/// The smallest power of ten that makes every value whole, and the whole numbers; `None` where no
/// power does so without loss.
fn whole_multiples(values: &[f64]) -> Option<(u8, Vec<i64>)> {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    (0..=SCALE_MAX).find_map(|scale| {
        let factor = power(scale);
        let whole = values.iter().map(|&v| {
            let whole = (v * factor).round();
            let back = whole / factor;
            let fits = whole.abs() < WHOLE_MAX && order::key(back) == order::key(v);
            fits.then_some(whole as i64)
        });
        Some((scale, whole.collect::<Option<Vec<i64>>>()?))
    })
}
