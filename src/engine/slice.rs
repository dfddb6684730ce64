//! What rows are counted by: the version, and the segment.
use std::collections::BTreeMap;

/// Rows of one version and one segment. An empty version means all of them together, an empty
/// segment the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slice {
    /// The segment's name, such as `origin=JFK`.
    pub segment: String,
    /// The version.
    pub version: String,
}

/// Something for each slice; the whole comes first.
pub type BySlice<T> = BTreeMap<Slice, T>;

impl Slice {
    /// Rows of a version and a segment.
    pub fn new(version: impl Into<String>, segment: impl Into<String>) -> Self {
        Self { segment: segment.into(), version: version.into() }
    }

    /// Rows of a version, whatever segment they are of.
    pub fn of_version(version: impl Into<String>) -> Self {
        Self::new(version, "")
    }

    /// Whether it is not one segment's.
    pub fn is_whole(&self) -> bool {
        self.segment.is_empty()
    }
}

/// The slices of a row: its version's, and that of each of its segments, one a line.
pub fn of_row<'a>(version: &'a str, segments: &'a str) -> impl Iterator<Item = Slice> + 'a {
    let segments = segments.lines().map(move |segment| Slice::new(version, segment));
    std::iter::once(Slice::of_version(version)).chain(segments)
}

/// The versions of each segment.
pub fn by_segment<T>(all: &BySlice<T>) -> BTreeMap<&str, BTreeMap<&str, &T>> {
    let mut segments: BTreeMap<&str, BTreeMap<&str, &T>> = BTreeMap::new();
    for (slice, it) in all {
        segments.entry(&slice.segment).or_default().insert(&slice.version, it);
    }
    segments
}

/// All versions together, beside each by itself: of the whole, also where nothing came, and of
/// each segment.
pub fn with_total<T: Clone + Default>(
    by_slice: &BySlice<T>,
    merge: impl Fn(&mut T, &T),
) -> BySlice<T> {
    let mut all = by_slice.clone();
    all.entry(Slice::default()).or_default();
    for (segment, versions) in by_segment(by_slice) {
        if !versions.contains_key("") {
            let mut total = T::default();
            for it in versions.into_values() {
                merge(&mut total, it);
            }
            all.insert(Slice::new("", segment), total);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_of_its_version_and_of_its_segments() {
        let slices: Vec<Slice> = of_row("v1", "a=1\na=1,b=2").collect();
        let want = [("v1", ""), ("v1", "a=1"), ("v1", "a=1,b=2")];
        assert_eq!(slices, want.map(|(version, segment)| Slice::new(version, segment)));
        assert_eq!(of_row("", "").collect::<Vec<_>>(), [Slice::default()]);
    }

    #[test]
    fn all_versions_together_stand_beside_each_in_every_segment() {
        let rows: BySlice<u64> = [("v1", "", 5), ("v2", "", 4), ("v1", "a=1", 2), ("v2", "a=1", 1)]
            .map(|(version, segment, rows)| (Slice::new(version, segment), rows))
            .into();
        let all = with_total(&rows, |total, it| *total += it);
        assert_eq!((all[&Slice::default()], all[&Slice::new("", "a=1")]), (9, 3));
        assert_eq!(all.len(), 6);
        // Without versions the whole is there already, and without rows it is there all the same.
        let plain = BySlice::from([(Slice::default(), 5_u64)]);
        assert_eq!(with_total(&plain, |total, it| *total += it), plain);
        assert_eq!(with_total(&BySlice::<u64>::new(), |total, it| *total += it).len(), 1);
    }
}
