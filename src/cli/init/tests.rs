use std::fs;

use tempfile::TempDir;

use super::*;
use crate::{config::Config, profile::Kind};

/// Loans, a few hundred a day for ten days: `late` is known in the reference only.
fn loans(days: std::ops::Range<u32>, label: bool) -> String {
    let mut text =
        String::from("loan_id,predicted_at,amount,grade,weekday,note,score,predicted_late");
    text += if label { ",late\n" } else { "\n" };
    for day in days {
        for i in 0..300 {
            let id = day * 300 + i;
            let late = id % 10 < 3;
            let amount = if i % 50 == 0 { String::new() } else { (1_000 + id % 977).to_string() };
            let score = f64::from(id % 100) / 250.0 + if late && id % 4 > 0 { 0.5 } else { 0.0 };
            text += &format!(
                "{id},2024-03-{:02}T{:02}:00:00Z,{amount},{},{},n{id},{score:.4},{}",
                day + 1,
                i % 24,
                ["A", "B", "C"][id as usize % 3],
                ["Fri", "Sat", "Sun", "Mon", "Tue", "Wed", "Thu"][day as usize % 7],
                score > 0.5,
            );
            text += &if label { format!(",{late}\n") } else { "\n".to_owned() };
        }
    }
    text
}

fn args(folder: &TempDir, reference: &str) -> Args {
    Args {
        reference: folder.path().join(reference),
        predictions: None,
        labels: None,
        output: folder.path().join("driftd.toml"),
        force: false,
    }
}

/// The draft, which must be valid.
#[track_caller]
fn draft_of(args: &Args) -> (String, Config) {
    let text = draft(args, parent(&args.output)).unwrap();
    match Config::parse(&text, &args.output) {
        Ok((config, _)) => (text, config),
        Err(report) => panic!("{}\n{text}", report.render(false)),
    }
}

/// Reference, live predictions by day, and labels.
fn everything() -> (TempDir, Args) {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live/day=2024-03-11");
    fs::create_dir_all(&live).unwrap();
    fs::write(folder.path().join("loans.csv"), loans(0..10, true)).unwrap();
    fs::write(live.join("part-0.csv"), loans(10..11, false)).unwrap();
    let mut labels = String::from("loan_id,observed_at,late\n");
    for id in 3_000..3_200 {
        labels += &format!("{id},2024-03-20,{}\n", id % 10 < 3);
    }
    fs::write(folder.path().join("labels.csv"), labels).unwrap();
    let mut args = args(&folder, "loans.csv");
    args.predictions = Some(folder.path().join("live"));
    args.labels = Some(folder.path().join("labels.csv"));
    (folder, args)
}

#[test]
fn a_configuration_is_drafted_from_data() {
    let (_folder, args) = everything();
    let (text, config) = draft_of(&args);
    let model = &config.models["loans"];
    assert_eq!(model.predictions.id.as_deref(), Some("loan_id"));
    assert_eq!(model.labels.as_ref().unwrap().label, "late");
    insta::assert_snapshot!(text, @r#"
    # Written by `driftd init` from the data it looked at. Read it once: what it guessed
    # says so. `driftd validate` checks it, `driftd run` starts watching.

    [sources.predictions]
    type = "files"
    path = "live"                            # a file, a folder or a glob
    partitions = { day = "1d" }              # files outside a window are not opened

    [sources.labels]
    type = "files"
    path = "labels.csv"

    [models.loans]
    task = "binary"                          # one of two outcomes
    window = "1d"                            # judged as one; chosen for its number of rows
    lateness = "30m"                         # how late rows may come

    [models.loans.predictions]
    source = "predictions"
    id = "loan_id"                           # names a prediction; needed for labels that come later
    time = "predicted_at"                    # when the prediction was made
    # version = "…"  # not found: the model's version
    score = "score"                          # the probability of the positive outcome
    prediction = "predicted_late"            # the decision
    features = [
        "amount",                            # numeric, 1000 to 1976, 2.00 % missing
        "grade",                             # categorical, 3 values
    ]
    # Left out: `weekday`, which is nearly the same in all rows of a window of 1d and not in all windows: every window would look drifted
    # Left out: `note`, of which every value is distinct

    [models.loans.labels]
    source = "labels"
    id = "loan_id"                           # the same as of the predictions
    time = "observed_at"                     # when the label became known
    label = "late"                           # the truth
    horizon = "7d"                           # how long labels may take; after it a window is final

    [models.loans.reference]
    source = { type = "files", path = "loans.csv" }

    [[models.loans.rules]]
    name = "inputs-drifted"
    metric = "psi"
    on = "features"
    windows = 2                              # in a row before it fires
    severity = "warning"

    [[models.loans.rules]]
    name = "values-missing"
    metric = "missing_rate"
    on = "features"
    above = 0.05                             # the reference's worst feature: 0.0200
    windows = 2

    [[models.loans.rules]]
    name = "accuracy-fell"
    metric = "roc_auc"
    below = 0.76                             # the reference has 0.8167
    windows = 2
    severity = "critical"

    # Whom to tell: name a receiver in a rule with `notify = ["team"]`.
    # [receivers.team]
    # type = "webhook"
    # url = { env = "WEBHOOK_URL" }
    "#);
}

#[test]
fn a_feature_that_the_window_decides_is_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("reference.csv"), loans(0..10, true)).unwrap();
    let (text, config) = draft_of(&args(&folder, "reference.csv"));
    let features = config.models.values().next().unwrap().predictions.features.clone().unwrap();
    assert_eq!(features, ["amount", "grade"]);
    let line = text.lines().find(|line| line.contains("`weekday`")).unwrap();
    insta::assert_snapshot!(line, @"# Left out: `weekday`, which is nearly the same in all rows of a window of 1d and not in all windows: every window would look drifted");
    // Without live data the path must be filled in, and labels are only sketched.
    assert_eq!(text.matches("CHANGE THIS").count(), 1, "{text}");
    assert!(text.contains("# label = \"late\""), "{text}");
}

#[test]
fn columns_are_told_apart_by_values_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("ts,score,label,x,const\n");
    for i in 0..50 {
        // `score` is no probability, `ts` counts milliseconds, `label` has three values.
        text += &format!("{},{},{},{}.5,1\n", 1_709_251_200_000_i64 + i, i * 3, i % 3, i);
    }
    fs::write(folder.path().join("a.csv"), text).unwrap();
    let table = look::look(&folder.path().join("a.csv")).unwrap();
    let kinds: Vec<_> = table.columns.iter().map(|look| look.kind.unwrap()).collect();
    use Kind::{Categorical, Numeric};
    assert_eq!(kinds, [Numeric, Numeric, Categorical, Numeric, Categorical]);
    let roles = roles::find(&table, &table, None);
    assert_eq!(roles, Roles { time: Some("ts".to_owned()), ..Roles::default() });
}

#[test]
fn names_made_to_hurt_stay_names() {
    let folder = tempfile::tempdir().unwrap();
    let header = "\"a\nnotify = [\"\"x\"\"]\",\"]\",\"b\u{7f}\u{1b}[31m\",'''c,\"\"\"\"\"\"";
    let mut text = format!("{header},predicted_at\n");
    for i in 0..60 {
        text += &format!("{0}.5,{0}.25,x,{0}.1,y{1},2024-03-{2:02}\n", i, i % 7, i % 28 + 1);
    }
    fs::write(folder.path().join("a.csv"), text).unwrap();
    let (text, config) = draft_of(&args(&folder, "a.csv"));
    let features = config.models["a"].predictions.features.clone().unwrap();
    assert_eq!(features.len(), 5, "{text}");
    assert!(features.contains(&"a\nnotify = [\"x\"]".to_owned()), "{features:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_file_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), loans(0..2, true)).unwrap();
    let mut args = args(&folder, "a.csv");
    fs::write(&args.output, "precious").unwrap();
    let error = run(&args).unwrap_err().to_string();
    assert!(error.ends_with("driftd.toml` is there already; `--force` writes over it"), "{error}");
    assert_eq!(fs::read_to_string(&args.output).unwrap(), "precious");
    args.force = true;
    run(&args).unwrap();
    assert!(fs::read_to_string(&args.output).unwrap().contains("[models.a]"));
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "a,b\n").unwrap();
    let say = |name: &str| {
        let error = draft(&args(&folder, name), folder.path()).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "")
    };
    insta::assert_snapshot!(say("a.csv"), @"`/a.csv` has no rows to look at");
    insta::assert_snapshot!(say("none"), @"cannot read `/none`: no such file or folder");
}
