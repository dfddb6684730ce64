use std::path::Path;

use super::*;
use crate::{
    alert::State,
    config::{Config, Severity},
    engine::{Slice, history::History, measure},
    monitor::Limit,
    stat::{categorical, numeric},
    time::{Grid, Span},
};

/// A model whose `x` is numeric and `code` a category; `reference` is its table.
fn model(reference: &str, rules: &str) -> ModelConfig {
    let text = format!(
        r#"
[models.m]
task = "binary"
rows_min = 20
[models.m.predictions]
source = {{ type = "files", path = "rows" }}
time = "at"
[models.m.metrics]
numeric = ["psi", "ks"]
categorical = ["psi"]
quality = ["missing_rate"]
[models.m.reference]
{reference}
{rules}
[receivers.team]
type = "webhook"
url = {{ env = "URL" }}
"#
    );
    let (config, _) = Config::parse(&text, Path::new("/x/driftd.toml"))
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    config.models["m"].clone()
}

const SEASON: &str = "season = { every = \"1w\", back = 4 }";
const BESIDE: &str = "source = { type = \"files\", path = \"reference\" }\n\
    season = { every = \"1w\", back = 4 }";

fn rule(name: &str, more: &str) -> String {
    format!(
        "[[models.m.rules]]\nname = \"{name}\"\nmetric = \"psi\"\nnotify = [\"team\"]\n{more}\n"
    )
}

/// Rows about a middle, and as many categories as digits.
fn profile(middle: f64, rows: u32) -> Profile {
    let x = numeric((0..rows).map(|i| middle + f64::from(i * 7 % rows) / f64::from(rows)));
    let code = categorical(&[("a", u64::from(rows / 2)), ("b", u64::from(rows - rows / 2))]);
    let columns = BTreeMap::from([("code".to_owned(), code), ("x".to_owned(), x)]);
    Profile { rows: u64::from(rows), columns, ..Profile::default() }
}

fn day(offset: i64) -> Interval {
    Grid::utc(WindowSize::Day).window_of(Timestamp::from_micros(0).plus(Span::days(offset)))
}

fn earlier(weeks: &[(i64, f64, bool)]) -> Vec<Earlier> {
    let slot = |(week, middle, was_alert): &(i64, f64, bool)| Earlier {
        window: day(70 - 7 * week),
        profile: profile(*middle, 200),
        segments: BTreeMap::new(),
        was_alert: *was_alert,
    };
    weeks.iter().map(slot).collect()
}

/// `column metric against value-or-reason`, a line each, of a window about `middle`.
fn lines(model: &ModelConfig, slots: &[Earlier], trained: f64, middle: f64) -> String {
    let roles = Roles::new(model);
    let alone = matches!(model.reference.kind, ReferenceKind::SeasonOnly);
    let reference = if alone { Profile::default() } else { profile(trained, 1_000) };
    let reference = freeze(reference, "static", 10, &BTreeMap::new());
    let profiles = BySlice::from([(Slice::default(), profile(middle, 200))]);
    let season = model.reference.season.clone().unwrap();
    let sides = (WindowSize::Day, &reference);
    let season = Seasonal::of(model, &roles, &season, sides, slots, &profiles, BTreeMap::new());
    let closed = Closed {
        size: WindowSize::Day,
        window: day(70),
        profiles: &profiles,
        segments: &[],
        earlier: &BTreeMap::new(),
        history: &History::default(),
        season: Some(&season),
    };
    let reference = super::reference(model, &reference, Some(&season));
    let measured = measure::drift(model, &roles, reference, closed, &mut NullDraws::new());
    let columns = measured[&Slice::default()].1.iter().filter(|it| it.column.is_some());
    let line = |it: &Measurement| {
        let against = it.against.map_or("nothing", Against::word);
        let limits: Vec<String> =
            it.limits.iter().map(|limit| format!(" {}", limit.rule)).collect();
        let value = match &it.value {
            Ok(value) => format!("{value:.2}"),
            Err(why) => why.to_string(),
        };
        let column = it.column.as_deref().unwrap_or_default();
        format!("{column} {} {against} {value}{}", it.metric, limits.concat())
    };
    columns.map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn both_verdicts_stand_side_by_side() {
    let rules = rule("season", "false_alarms = \"1/month\"")
        + &rule("trained", "false_alarms = \"1/month\"\nagainst = \"reference\"");
    let model = model(BESIDE, &rules);
    // As every week at this time, and far from what was trained on.
    let slots = earlier(&[(1, 5.0, false), (2, 5.0, false), (3, 5.0, false), (4, 5.0, false)]);
    insta::assert_snapshot!(lines(&model, &slots, 0.0, 5.0), @r"
    code psi reference 0.00 trained
    code psi season 0.00 season
    code missing_rate reference 0.00
    x psi reference 5.26 trained
    x psi season 0.00 season
    x ks reference 1.00
    x ks season 0.00
    x missing_rate reference 0.00
    ");
    // The rule judges its own.
    let of = |name: &str| model.rules.iter().find(|rule| rule.name == name).unwrap().against;
    assert_eq!(of("season"), Some(Against::Season));
    assert_eq!(of("trained"), Some(Against::Reference));
}

#[test]
fn a_season_alone_is_the_reference() {
    let model = model(SEASON, &rule("drift", ""));
    let slots = earlier(&[(1, 0.0, false), (2, 0.0, false), (3, 0.0, false)]);
    insta::assert_snapshot!(lines(&model, &slots, 0.0, 3.0), @r"
    code psi season 0.00
    code missing_rate season 0.00
    x psi season 5.26
    x ks season 1.00
    x missing_rate season 0.00
    ");
}

#[test]
fn with_too_few_slots_nothing_is_said() {
    let beside = model(BESIDE, "");
    let slots = earlier(&[(3, 0.0, false)]);
    insta::assert_snapshot!(lines(&beside, &slots, 0.0, 0.0), @r"
    code psi reference 0.00
    code psi season insufficient: needs 2 of the season's 4 earlier slots, got 1
    code missing_rate reference 0.00
    x psi reference 0.00
    x psi season insufficient: needs 2 of the season's 4 earlier slots, got 1
    x ks reference 0.00
    x ks season insufficient: needs 2 of the season's 4 earlier slots, got 1
    x missing_rate reference 0.00
    ");
    // Without a single one there are the window's own columns to say it of.
    let alone = model(SEASON, "");
    insta::assert_snapshot!(lines(&alone, &[], 0.0, 0.0), @r"
    code psi season insufficient: needs 2 of the season's 4 earlier slots, got 0
    code missing_rate season insufficient: needs 2 of the season's 4 earlier slots, got 0
    x psi season insufficient: needs 2 of the season's 4 earlier slots, got 0
    x ks season insufficient: needs 2 of the season's 4 earlier slots, got 0
    x missing_rate season insufficient: needs 2 of the season's 4 earlier slots, got 0
    ");
}

#[test]
fn what_an_alert_was_about_is_not_used() {
    let model = model(BESIDE, "");
    let slots = earlier(&[(1, 9.0, true), (2, 0.0, false), (3, 0.0, false), (4, 0.0, false)]);
    let season = model.reference.season.clone().unwrap();
    let reference = freeze(Profile::default(), "static", 10, &BTreeMap::new());
    let sides = (WindowSize::Day, &reference);
    let roles = Roles::new(&model);
    let of = |slots: &[Earlier]| {
        Seasonal::of(&model, &roles, &season, sides, slots, &BySlice::new(), BTreeMap::new())
    };
    let seasonal = of(&slots);
    assert_eq!(seasonal.frozen.id, "season 1w, 3 of 4");
    assert_eq!((seasonal.frozen.profile.rows, seasonal.short("")), (600, None));
    // Unless too few others are left: then it is what is usual.
    let mut most = slots.clone();
    most.iter_mut().take(3).for_each(|it| it.was_alert = true);
    assert_eq!(of(&most).frozen.id, "season 1w, 4 of 4");
    // The mixture is of rows: its parts come in any order.
    let turned: Vec<Earlier> = slots.into_iter().rev().collect();
    assert_eq!(of(&turned).frozen, seasonal.frozen);
}

fn whole(values: OwnWindows) -> BTreeMap<String, OwnWindows> {
    BTreeMap::from([(String::new(), values)])
}

/// What `windows` daily windows have shown against their seasons.
fn shown(windows: i64) -> OwnWindows {
    let of = |at: i64| {
        let value = |column: &str| Measurement {
            metric: "psi".into(),
            column: Some(column.into()),
            segment: None,
            value: Ok(0.01 * (at % 7) as f64),
            p_value: None,
            error_bound: 0.0,
            threshold: None,
            rows: 200,
            labels: None,
            label_coverage: None,
            limits: Vec::<Limit>::new(),
            against: Some(Against::Season),
        };
        (day(at).start, vec![value("code"), value("x")])
    };
    let rows: Vec<_> = (0..windows).map(of).collect();
    let rows: Vec<_> = rows.iter().map(|(at, values)| (*at, values.as_slice())).collect();
    OwnWindows::of_values(WindowSize::Day, &rows)
}

#[test]
fn a_budget_asks_slots_first_and_then_what_windows_have_shown() {
    let model = model(SEASON, &rule("drift", "false_alarms = \"1/month\""));
    let slots = earlier(&[(1, 0.0, false), (2, 0.4, false), (3, 0.0, false), (4, 0.2, false)]);
    let (season, roles) = (model.reference.season.clone().unwrap(), Roles::new(&model));
    let reference = freeze(Profile::default(), "static", 10, &BTreeMap::new());
    let starts = |values: BTreeMap<String, OwnWindows>| {
        let sides = (WindowSize::Day, &reference);
        let of = Seasonal::of(&model, &roles, &season, sides, &slots, &BySlice::new(), values);
        of.frozen.own[0].starts.len()
    };
    assert_eq!(
        [starts(BTreeMap::new()), starts(whole(shown(3))), starts(whole(shown(9)))],
        [4, 4, 9]
    );
    // Two windows tell nothing: a rule with a budget waits.
    assert!(lines(&model, &slots[..3], 0.0, 3.0).contains("x psi season 5.26 drift"));
    assert!(lines(&model, &slots[..2], 0.0, 3.0).contains("x psi season 5.26\n"));
}

#[test]
fn a_segment_is_compared_with_its_own_rows_of_the_slots() {
    let model = model(BESIDE, "");
    let (season, roles) = (model.reference.season.clone().unwrap(), Roles::new(&model));
    let mut slots = earlier(&[(1, 0.0, false), (2, 0.0, false), (3, 0.0, false)]);
    for (at, slot) in slots.iter_mut().enumerate() {
        slot.segments.insert("o=JFK".to_owned(), profile(5.0, 100));
        // One slot had rows of it, and that is too few.
        let rows = if at == 0 { 100 } else { 0 };
        slot.segments.insert("o=LGA".to_owned(), profile(5.0, rows));
    }
    let mut reference = freeze(profile(0.0, 1_000), "static", 10, &BTreeMap::new());
    for name in ["o=JFK", "o=LGA", "o=new"] {
        let of_segment = reference.freeze_segment(profile(0.0, 500), 10);
        reference.segments.insert(name.to_owned(), of_segment);
    }
    let segments = ["o=JFK", "o=LGA", "o=new"].map(str::to_owned);
    let mut profiles = BySlice::from([(Slice::default(), profile(0.0, 300))]);
    profiles.extend(segments.iter().map(|name| (Slice::new("", name), profile(5.0, 100))));
    let sides = (WindowSize::Day, &reference);
    let season = Seasonal::of(&model, &roles, &season, sides, &slots, &profiles, BTreeMap::new());
    let closed = Closed {
        size: WindowSize::Day,
        window: day(70),
        profiles: &profiles,
        segments: &segments,
        earlier: &BTreeMap::new(),
        history: &History::default(),
        season: Some(&season),
    };
    let measured = measure::drift(&model, &roles, &reference, closed, &mut NullDraws::new());
    let told = |segment: &str| {
        let values = &measured[&Slice::new("", segment)].1;
        let of_x = values.iter().filter(|it| it.metric == "ks");
        let line = |it: &Measurement| {
            assert_eq!(it.segment.as_deref(), Some(segment).filter(|it| !it.is_empty()));
            let value = it.value.clone();
            let value = value.map_or_else(|why| why.to_string(), |it| format!("{it:.2}"));
            format!("{segment} {} {value}", it.against.map_or("nothing", Against::word))
        };
        of_x.map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(["", "o=JFK", "o=LGA", "o=new"].map(told).join("\n"), @r"
     reference 0.00
     season 0.00
    o=JFK reference 1.00
    o=JFK season 0.00
    o=LGA reference 1.00
    o=LGA season insufficient: needs 2 of the season's 4 earlier slots, got 1
    o=new reference 1.00
    o=new season insufficient: needs 2 of the season's 4 earlier slots, got 0
    ");
}

#[test]
fn kinds_of_thresholds_ask_what_windows_have_shown() {
    let kinds = rule("far", "threshold = { deviations = 3.0 }")
        + &rule("trained", "threshold = { deviations = 3.0 }\nagainst = \"reference\"");
    let model = model(BESIDE, &kinds);
    assert_eq!(asking_windows(&model, WindowSize::Day), ["psi"]);
    let (season, roles) = (model.reference.season.clone().unwrap(), Roles::new(&model));
    let slots = earlier(&[(1, 0.0, false), (2, 0.0, false), (3, 0.0, false), (4, 0.0, false)]);
    let reference = freeze(profile(0.0, 1_000), "static", 10, &BTreeMap::new());
    let profiles = BySlice::from([(Slice::default(), profile(0.1, 200))]);
    let told = |windows: i64| {
        let values = shown(windows);
        let sides = (WindowSize::Day, &reference);
        let season = Seasonal::of(&model, &roles, &season, sides, &slots, &profiles, whole(values));
        let closed = Closed {
            size: WindowSize::Day,
            window: day(70),
            profiles: &profiles,
            segments: &[],
            earlier: &BTreeMap::new(),
            history: &History::default(),
            season: Some(&season),
        };
        let measured = measure::drift(&model, &roles, &reference, closed, &mut NullDraws::new());
        let of_x = measured[&Slice::default()].1.iter();
        let limits = of_x.filter(|it| it.column.as_deref() == Some("x")).flat_map(|it| &it.limits);
        let line = |it: &crate::monitor::Limit| match &it.bounds {
            Ok(_) => format!("{}: {}", it.rule, it.from),
            Err(why) => format!("{}: {why}", it.rule),
        };
        limits.map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!([told(6), told(14)].join("\n"), @r"
    trained: insufficient: needs 8 windows of the reference with a value, got 0
    far: insufficient: needs 8 windows of the reference with a value, got 6
    trained: insufficient: needs 8 windows of the reference with a value, got 0
    far: mean 0.03 + 3 deviations of 0.02, 14 reference windows
    ");
}

/// An alert of a rule of this model from day `since` to the end of day `last`.
fn episode(rule: &str, since: i64, last: i64) -> Episode {
    Episode {
        id: "driftd-1".into(),
        model: "m".into(),
        version: None,
        rule: rule.into(),
        metric: "psi".into(),
        severity: Severity::Warning,
        state: State::Firing,
        since: day(since).start,
        fired_at: Some(day(since + 2).start),
        ended_at: None,
        window: day(last),
        windows_breached: 2,
        evidence: Vec::new(),
        worst: None,
    }
}

#[test]
fn an_alert_is_about_its_windows_once_it_has_fired() {
    let rules = rule("season", "") + &rule("trained", "against = \"reference\"");
    let model = model(BESIDE, &rules);
    let was = |episode: Episode, slot: i64| was_alert(&model, &[episode], day(70), day(slot));
    assert!(was(episode("season", 62, 64), 63) && was(episode("season", 62, 64), 62));
    assert!(!was(episode("season", 62, 64), 65) && !was(episode("season", 62, 64), 56));
    // The training data says nothing of what is usual now.
    assert!(!was(episode("trained", 62, 64), 63));
    // One that never fired was no alert, and what fires later was none yet.
    assert!(!was(Episode { fired_at: None, ..episode("season", 62, 64) }, 63));
    assert!(!was(episode("season", 69, 71), 69));
    assert!(!was(episode("gone", 62, 64), 63));
}
