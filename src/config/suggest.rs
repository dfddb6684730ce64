//! "did you mean": the nearest of the names that exist.

/// Names listed before a list is cut.
const LISTED_MAX: usize = 24;

/// The candidate nearest to `name`, where one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong: more and the guess is noise.
    let wrong_max = (name.chars().count() / 3).max(1);
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|it| (strsim::damerau_levenshtein(&lower, &it.to_lowercase()), it))
        .filter(|&(wrong, it)| wrong <= wrong_max && wrong < it.chars().count())
        .min()
        .map(|(_, it)| it)
}

/// What to write instead of `name`: the nearest name, or all there are.
pub(crate) fn instead<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(it) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `{it}`?"));
    }
    (!known.is_empty()).then(|| format!("known: {}", listed(&known)))
}

/// `a, b, c`, cut where it grows long.
pub(super) fn listed(names: &[&str]) -> String {
    let shown = names[..names.len().min(LISTED_MAX)].join(", ");
    match names.len().saturating_sub(LISTED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(nearest(name, ["psi", "jensen_shannon", "window", "windows", "ks"]), expected);
    }

    #[test]
    fn the_nearest_name_is_offered_and_only_if_it_is_near() {
        check("psy", Some("psi"));
        check("PSI", Some("psi"));
        check("jensen_shanon", Some("jensen_shannon"));
        check("widnow", Some("window"));
        check("wasserstein", None);
        check("xx", None);
        check("", None);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..30).map(|i| format!("name{i:02}")).collect();
        let help = instead("zzzzzzzzzzzzzz", names.iter().map(String::as_str)).unwrap();
        assert!(help.starts_with("known: name00, name01"), "{help}");
        assert!(help.ends_with("name23 and 6 more"), "{help}");
    }
}
