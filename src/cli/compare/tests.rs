//! Whole comparisons of files, good and hostile, in every rendering.
use std::{fs, path::PathBuf, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    types::Int64Type,
};
use clap::Parser as _;
use parquet::arrow::ArrowWriter;

use super::*;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// A folder for the files of one test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn text(&self, name: &str, body: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, body).unwrap();
        path.display().to_string()
    }

    fn parquet(&self, name: &str, columns: Vec<(&str, ArrayRef)>) -> String {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        self.text(name, bytes)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn compared(args: &[&str]) -> anyhow::Result<Outcome> {
    let args = [&["compare", "--no-progress"], args].concat();
    compare(&Cli::try_parse_from(args)?.args)
}

/// Every rendering of an outcome is what it claims to be.
#[track_caller]
fn check(outcome: &Outcome) -> serde_json::Value {
    let object: serde_json::Value = serde_json::from_str(&json(outcome).unwrap()).unwrap();
    for column in object["columns"].as_array().unwrap() {
        for metric in column["metrics"].as_array().unwrap() {
            let (value, reason) = (&metric["value"], &metric["reason"]);
            assert!(value.is_f64() != reason.is_string(), "{metric}");
        }
    }
    let text = anstream::adapter::strip_str(&text::render(outcome)).to_string();
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    let html = html::render(outcome);
    for bad in ["<script", "\0", "\u{1b}", "\u{202e}", ">NaN<", ">inf<"] {
        assert!(!html.contains(bad), "{bad:?}");
    }
    object
}

/// 400 rows of a number, a code and a name, moved by `shift`.
fn table(shift: f64) -> String {
    let rows = (0..400).map(|i| {
        let value = f64::from(i * 7919 % 400) / 10.0 + shift;
        let name = ["UA", "B6", "EV"][i as usize * 31 % 3];
        format!("{value},{},{name}\n", i % 4)
    });
    format!("temp,code,carrier\n{}", rows.collect::<String>())
}

#[test]
fn a_shift_is_found_and_what_is_stable_is_not() {
    let files = Files::new();
    let (a, b) = (files.text("a.csv", table(0.0)), files.text("b.csv", table(20.0)));
    let outcome = compared(&[&a, &b]).unwrap();
    let object = check(&outcome);
    let verdicts: Vec<_> = object["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{} {} {}", c["column"], c["kind"], c["drifted"]))
        .collect();
    assert_eq!(
        verdicts,
        [
            r#""carrier" "categorical" false"#,
            r#""code" "categorical" false"#,
            r#""temp" "numeric" true"#,
        ]
    );
    assert!(failed(&outcome.report, None) && failed(&outcome.report, Some(0.3)));
    assert!(!failed(&outcome.report, Some(0.5)));
    assert!(!failed(&compared(&[&a, &a]).unwrap().report, None));
    let text = anstream::adapter::strip_str(&text::render(&outcome)).to_string();
    // The paths above it are those of a temporary folder.
    let below = text.splitn(3, '\n').nth(2).unwrap();
    insta::assert_snapshot!(below.split("\n\n▲ a").next().unwrap(), @r"
    1 of 3 columns drifted (33 %): temp

    Numeric columns
      column  reference   current     typical     now     ks       p  wasserstein_normed   psi  missing_rate
    ▲ temp    ██████████       ▂▂▂▂█    19.95  →  39.95  0.5  <1e-16               1.732  3.05             0

    Categorical columns
      column   reference  current  typical     now     jensen_shannon  chi_square  p  psi  missing_rate
      carrier  ███        ███       UA 34%  →  UA 34%               0           0  1    0             0
      code     ████       ████       0 25%  →  0 25%                0           0  1    0             0
    ");
}

#[test]
fn what_can_not_be_read_is_an_error_that_says_so() {
    let files = Files::new();
    let good = files.text("good.csv", table(0.0));
    let whole =
        files.parquet("whole.parquet", vec![("a", Arc::new(Int64Array::from_iter(0..5000)) as _)]);
    let bytes = fs::read(&whole).unwrap();
    let mut flipped = bytes.clone();
    // In the footer; Parquet can't notice it in values.
    let footer = bytes.len() - 200;
    for byte in flipped.iter_mut().skip(footer).step_by(7).take(20) {
        *byte ^= 0x55;
    }
    let noise: Vec<u8> =
        (0..4000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (name, body) in [
        ("nothing.csv", Vec::new()),
        ("noise.parquet", noise),
        ("cut.parquet", bytes[..bytes.len() / 2].to_vec()),
        ("flipped.parquet", flipped),
    ] {
        let path = files.text(name, body);
        for pair in [[&good, &path], [&path, &good]] {
            let error = compared(&[pair[0], pair[1]]).err().map(|e| format!("{e:#}"));
            let error = error.unwrap_or_else(|| panic!("{name} was read"));
            let side = if *pair[0] == path { "reference" } else { "current" };
            assert!(error.starts_with(&format!("cannot read the {side}: ")), "{error}");
            assert!(error.contains(name) && !error.contains('\n'), "{error}");
        }
    }
    let nowhere = files.path("nowhere").display().to_string();
    assert!(compared(&[&good, &nowhere]).is_err());
}

#[test]
fn refused_rows_are_told() {
    let files = Files::new();
    let good = files.text("good.csv", table(0.0));
    let ragged = files.text("ragged.csv", table(0.0) + "1,2\n1,2,UA,4,5\n");
    let outcome = compared(&[&good, &ragged]).unwrap();
    let object = check(&outcome);
    assert_eq!(object["problems"][0]["side"], "current");
    assert_eq!(object["problems"][0]["count"], 2);
    assert!(text::render(&outcome).contains("current `ragged.csv`: 2 rows"));
    assert!(html::render(&outcome).contains("current `ragged.csv`: 2 rows"));
}

#[test]
fn any_input_gives_valid_output() {
    let files = Files::new();
    let good = files.text("good.csv", table(0.0));
    let n = 300;
    let numbers = |f: fn(usize) -> Option<f64>| -> ArrayRef {
        Arc::new(Float64Array::from_iter((0..n).map(f)))
    };
    let lists = (0..n as i64).map(|i| Some(vec![Some(i), None]));
    let wild = files.parquet(
        "wild.parquet",
        vec![
            ("temp", numbers(|i| Some(if i % 2 == 0 { 1.7e308 } else { -1.7e308 }))),
            ("<script>alert(1)</script>", numbers(|i| Some(1e308 - i as f64))),
            ("a\0b\u{1b}[31m\n\u{202e}", numbers(|i| Some(i as f64))),
            ("nan", numbers(|i| Some(if i % 3 == 0 { f64::NAN } else { f64::INFINITY }))),
            ("tiny", numbers(|i| Some(i as f64 * 5e-324))),
            ("missing", numbers(|_| None)),
            ("constant", numbers(|_| Some(1.0))),
            (
                "",
                Arc::new(StringArray::from_iter_values(
                    (0..n).map(|i| format!("</title>{}", i % 7)),
                )),
            ),
            ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
            ("flag", Arc::new(BooleanArray::from_iter((0..n).map(|i| Some(i % 5 == 0))))),
            ("温度", numbers(|i| Some(i as f64))),
        ],
    );
    let header = files.text("header.csv", "temp,code,carrier\n");
    let twice = files.text("twice.csv", format!("temp,temp\n{}", "1,2\n".repeat(300)));
    let wide: String = (0..3000).map(|i| format!("c{i},")).collect::<String>();
    let row = (0..3000).map(|i| format!("{i},")).collect::<String>();
    let wide = files.text(
        "wide.csv",
        format!(
            "{}\n{}",
            wide.trim_end_matches(','),
            format!("{}\n", row.trim_end_matches(',')).repeat(5)
        ),
    );
    let all = [&good, &wild, &header, &twice, &wide];
    for reference in all {
        for current in all {
            let outcome = compared(&[reference, current]);
            let outcome = outcome.unwrap_or_else(|e| panic!("{reference} {current}: {e:#}"));
            let object = check(&outcome);
            let told = ["columns", "skipped", "only_in_reference", "only_in_current"];
            let told = told.map(|list| &object[list]);
            let told: usize = told.iter().map(|list| list.as_array().unwrap().len()).sum();
            assert!(told > 0, "{reference} {current}: {object}");
        }
    }
}

#[test]
fn one_side_without_rows_is_told() {
    let files = Files::new();
    let good = files.text("good.csv", table(0.0));
    let header = files.text("header.csv", "temp,code,carrier\n");
    let object = check(&compared(&[&good, &header]).unwrap());
    assert_eq!(object["current"]["rows"], 0);
    assert_eq!(object["columns"].as_array().unwrap().len(), 3);
    assert!(object["problems"].to_string().contains("nothing to compare"), "{object}");
}

#[test]
fn nothing_judged_is_no_success() {
    let files = Files::new();
    let good = files.text("good.csv", table(0.0));
    let header = files.text("header.csv", "temp,code,carrier\n");
    let other = files.text("other.csv", format!("a\n{}", "1\n".repeat(300)));
    for (current, said) in [(&header, "Nothing could be judged"), (&other, "Nothing was compared")]
    {
        let to = files.path("out.txt").display().to_string();
        let args = ["compare", "--no-progress", &good, current, "-o", &to];
        let code = run(&Cli::try_parse_from(args).unwrap().args).unwrap();
        assert_eq!(code, ExitCode::from(2), "{current}");
        assert!(fs::read_to_string(&to).unwrap().contains(said), "{current}");
    }
    let same = ["compare", "--no-progress", &good, &good, "-o", &header];
    assert_eq!(run(&Cli::try_parse_from(same).unwrap().args).unwrap(), ExitCode::SUCCESS);
}

#[test]
fn columns_and_statistics_can_be_chosen() {
    let files = Files::new();
    let (a, b) = (files.text("a.csv", table(0.0)), files.text("b.csv", table(20.0)));
    let object =
        check(&compared(&[&a, &b, "--only", "code", "--columns", "code:numeric"]).unwrap());
    assert_eq!(object["columns"].as_array().unwrap().len(), 1);
    assert_eq!(object["columns"][0]["kind"], "numeric");
    let object = check(&compared(&[&a, &b, "--metrics", "psi,ks", "--only", "temp"]).unwrap());
    let metrics = object["columns"][0]["metrics"].as_array().unwrap();
    let names: Vec<_> = metrics.iter().map(|m| m["metric"].as_str().unwrap()).collect();
    assert_eq!(names, ["psi", "ks"]);
    for (wrong, message) in [
        (["--only", "tmep"], "there is no column `tmep`; did you mean `temp`?"),
        (["--metrics", "pis"], "there is no statistic `pis`; did you mean `psi`?"),
        (["--columns", "nope:numeric"], "there is no column `nope`; known: "),
    ] {
        let error = compared(&[&[a.as_str(), &b], &wrong[..]].concat()).err().unwrap();
        assert!(format!("{error:#}").starts_with(message), "{error:#}");
    }
    assert!(compared(&[&a, &b, "--columns", "temp:texts"]).is_err());
    assert!(compared(&[&a, &b, "--fail-share", "1.5"]).is_err());
}

#[test]
fn the_result_goes_where_it_is_asked_for() {
    let files = Files::new();
    let (a, b) = (files.text("a.csv", table(0.0)), files.text("b.csv", table(20.0)));
    let to = files.path("out.html").display().to_string();
    let args = ["compare", "--no-progress", &a, &b, "--format", "html", "-o", &to];
    let code = run(&Cli::try_parse_from(args).unwrap().args).unwrap();
    assert_eq!(code, ExitCode::from(1));
    assert!(fs::read_to_string(&to).unwrap().starts_with("<!DOCTYPE html>"));
    let args = ["compare", "--no-progress", &a, &b, "-o", &to];
    run(&Cli::try_parse_from(args).unwrap().args).unwrap();
    let text = fs::read_to_string(&to).unwrap();
    assert!(text.starts_with("reference  ") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn all_columns_together_and_vectors() {
    let files = Files::new();
    let side = |name: &str, shift: usize| {
        let number = |at: usize| (at * 7919 % 400) as f64;
        let (a, b): (Vec<f64>, Vec<f64>) =
            (0..400).map(|at| (number(at), number(at + shift) + number(3 * at) / 10.0)).unzip();
        let lists = (0..400).map(|at| Some([at % 7, at % 5, shift].map(|it| Some(it as i64))));
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
        files.parquet(
            name,
            vec![
                ("a", Arc::new(Float64Array::from(a)) as ArrayRef),
                ("b", Arc::new(Float64Array::from(b))),
                ("text", Arc::new(lists)),
            ],
        )
    };
    let (reference, current) = (side("a.parquet", 0), side("b.parquet", 9));
    let outcome = compared(&["--multivariate", &reference, &current]).unwrap();
    let object = check(&outcome);
    let reports: Vec<String> = object["multivariate"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it["metric"], it["column"], it["drifted"]))
        .collect();
    assert_eq!(
        reports,
        [
            r#""pca_reconstruction" null true"#,
            r#""domain_classifier_auc" null true"#,
            r#""mmd" null true"#,
            r#""correlation_change" null true"#,
            r#""centroid_cosine" "text" true"#,
            r#""centroid_euclidean" "text" true"#,
            r#""norm_shift" "text" true"#,
            r#""mmd" "text" true"#,
        ]
    );
    // Each column by itself is as it was, and lists are no column of their own.
    assert!(outcome.report.columns.iter().all(|it| !it.drifted && it.column != "text"));
    assert!(outcome.problems.is_empty() && failed(&outcome.report, None));
    assert!(failed(&outcome.report, Some(1.0)), "a share of columns says nothing of all together");
    assert!(html::render(&outcome).contains("All columns together"));
    let verdict = words::verdict(&outcome.report);
    assert!(verdict.starts_with("No drift in 2 columns. Together: drift by pca"), "{verdict}");
    // One by its name; the columns are measured as ever.
    let outcome = compared(&["--metrics", "mmd", &reference, &reference]).unwrap();
    assert_eq!(outcome.report.multivariate.len(), 2);
    assert!(!failed(&outcome.report, None) && outcome.report.columns[0].metrics.len() > 1);
    // What has no value is no verdict, and a list of columns ends before what follows it.
    let moved = files.text("moved.csv", table(20.0));
    let still = files.text("still.csv", table(0.0));
    let args = ["--metrics", "mmd", "--rows-min", "300", &still, &moved];
    let verdict = words::verdict(&compared(&args).unwrap().report);
    assert!(verdict.starts_with("1 of 3 columns drifted (33 %): temp. Together: "), "{verdict}");
    let args = ["--metrics", "mmd", "--rows-min", "900", &still, &moved];
    let verdict = words::verdict(&compared(&args).unwrap().report);
    assert!(verdict.ends_with("Together: could not be judged."), "{verdict}");
    let error = compared(&["--metrics", "mmb", &reference, &current]).err().unwrap();
    assert!(error.to_string().contains("did you mean `mmd`"), "{error}");
}

#[test]
fn what_is_not_measured_together_is_counted() {
    let files = Files::new();
    let lists = |filled: bool| -> ArrayRef {
        let row = |at: i64| filled.then(|| vec![Some(at % 7), Some(at % 5)]);
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>((0..300).map(row)))
    };
    let names: Vec<String> = (0..19).map(|at| format!("v{at:02}")).collect();
    let mut columns: Vec<(&str, ArrayRef)> =
        names.iter().map(|name| (name.as_str(), lists(true))).collect();
    columns.push(("none", lists(false)));
    let numbers = (0..300).map(|at| Some(f64::from(at % 17)));
    columns.push(("a", Arc::new(Float64Array::from_iter(numbers))));
    columns.push(("empty", Arc::new(Float64Array::from_iter((0..300).map(|_| None)))));
    let wide = files.parquet("wide.parquet", columns);
    let outcome = compared(&["--metrics", "norm_shift", &wide, &wide]).unwrap();
    assert_eq!(outcome.report.multivariate.len(), 16);
    // Of a column without a value nothing is said, least of all that it is stable.
    let page = html::render(&outcome);
    assert!(page.contains("not judged") && page.contains(">stable<"));
    let problems = check(&outcome)["problems"].clone();
    let told: Vec<_> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it["count"], it["what"], it["examples"]))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    1 "without a usable value or beyond the first 256 columns, left out of what is measured together" ["empty"]
    4 "columns of vectors without a usable vector in the reference, or beyond the first 16 of them, left out" ["none","v16","v17","v18"]
    "#);
    let plain = files.text("plain.csv", table(0.0));
    let problems = compared(&["--metrics", "norm_shift", &plain, &plain]).unwrap().problems;
    assert!(
        problems[0]
            .to_string()
            .ends_with("0 columns of vectors: what is about vectors is not measured")
    );
}
