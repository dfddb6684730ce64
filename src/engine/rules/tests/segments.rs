//! Rules on segments.
use super::*;

/// A rule on segments, judged on days of the values of row counts by segment.
fn segmented(segment: &str, days: &[&[(&str, f64)]]) -> Vec<String> {
    let rules = CONFIG.find("[[models.m.rules]]").unwrap();
    let text = CONFIG[..rules]
        .replace("MODE", "auto")
        .replace("score = \"score\"", "score = \"score\"\nsegments = [\"o\"]");
    let rule = format!(
        "[[models.m.rules]]\nname = \"few\"\nmetric = \"row_count\"\nbelow = 100\nwindows = 2\n\
         clear_windows = 1\nsegment = \"{segment}\"\nnotify = [\"team\", \"pager\"]\n\
         retrain = \"job\"\n"
    );
    let (config, _) = Config::parse(&(text + &rule), Path::new("/x/driftd.toml"))
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    let mut desk = Desk { config, state: RuleState::default() };
    let mut told = Vec::new();
    for (n, day) in (0_i64..).zip(days) {
        let measured = day.iter().map(|(segment, value)| {
            let mut it = measured("row_count", 500, *value);
            it.segment = Some((*segment).to_owned()).filter(|it| !it.is_empty());
            (Slice::new("v1", *segment), (500, vec![it]))
        });
        let measured: Measurements = measured.collect();
        let start = Timestamp::from_micros(0).plus(Span::days(n));
        let window = Interval { start, end: start.plus(Span::days(1)) };
        let judged = Measured {
            size: WindowSize::Day,
            window,
            group: Group::Drift,
            measured: &measured,
            features: &[],
            predictions: &[],
            compared: None,
        };
        let mut commit = Commit::default();
        let mut state = std::mem::take(&mut desk.state);
        judge(desk.context(), &mut state, &judged, window.end, &mut commit);
        desk.state = state;
        let breached = |episode: &Episode| {
            let segments: Vec<&str> =
                episode.evidence.iter().filter_map(|it| it.segment.as_deref()).collect();
            format!("{:?} {}", episode.state, segments.join(" "))
        };
        let mut line = commit.episodes.iter().map(breached).collect::<Vec<_>>().join(", ");
        line += &commit
            .outbox
            .first()
            .map(|note| {
                let body: serde_json::Value = serde_json::from_slice(&note.body).unwrap();
                format!(": {}", body["data"]["summary"].as_str().unwrap())
            })
            .unwrap_or_default();
        told.push(line);
    }
    told
}

#[test]
fn a_rule_on_any_segment_is_breached_where_one_is() {
    let days: [&[(&str, f64)]; 4] = [
        // The whole is few as well, and nobody asked for it.
        &[("", 5.0), ("o=a", 50.0), ("o=b", 500.0), ("o=c", 500.0)],
        // Another segment on another day is not the same one twice.
        &[("", 5.0), ("o=a", 500.0), ("o=b", 40.0), ("o=c", 90.0)],
        &[("", 5.0), ("o=a", 500.0), ("o=b", 500.0), ("o=c", 10.0)],
        &[("", 5.0), ("o=a", 500.0), ("o=b", 500.0), ("o=c", 500.0)],
    ];
    insta::assert_snapshot!(segmented("any", &days).join("\n"), @r"
    Pending o=a
    Pending o=b o=c
    Firing o=c: row_count of o=c is 10, below 100
    Ok o=c: Back within its limits after 4d; at its worst, row_count was 10 on o=c
    ");
    insta::assert_snapshot!(segmented("o=c", &days).join("\n"), @r"

    Pending o=c
    Firing o=c: row_count of o=c is 10, below 100
    Ok o=c: Back within its limits after 3d; at its worst, row_count was 10 on o=c
    ");
    assert_eq!(segmented("o=z", &days), ["", "", "", ""]);
}
