//! Files as an attacker or an accident leaves them: every command ends with a report or with one
//! line that says what is wrong, and shows nothing as it stands in the data.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};

use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, ListArray, NullArray, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray, types::Int64Type,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;

use self::support::Random;

mod support;

const ROWS: usize = 400;
/// Midnight of 2024-01-01 in microseconds.
const START_US: i64 = 1_704_067_200_000_000;
/// Names and categories that want to be more than that.
const EVIL: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "../../../../etc/passwd",
    "two\nlines",
    "\u{1b}[2J\u{1b}[41mred\u{1b}]0;title\u{7}",
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE windows; --",
    "\u{202e}desrever\u{200b}",
    "\"]]]\n[server]\nlisten = \"0.0.0.0:1\"",
    "{{7*7}}${7*7}%s%n",
    "\0nul",
    "",
];

/// A folder of inputs.
struct Lab(tempfile::TempDir);

impl Lab {
    fn new() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        parquet(&this.path("good.parquet"), &[("c", words(&["a", "b", "c"])), ("x", numbers())]);
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn table(&self, name: &str, columns: &[(&str, ArrayRef)]) -> PathBuf {
        let path = self.path(name);
        parquet(&path, columns);
        path
    }

    /// Every command on `input`.
    #[track_caller]
    fn survives(&self, input: &Path) {
        self.compares(input);
        self.inits(input);
        self.checks(input);
    }

    /// It is compared with the good data, from both sides, and with itself.
    #[track_caller]
    fn compares(&self, input: &Path) {
        let good = self.path("good.parquet");
        for (reference, current) in [(&*good, input), (input, &*good), (input, input)] {
            let run = |format: &str| {
                let mut command = support::driftd();
                command.arg("compare").arg(reference).arg(current).args(["--format", format]);
                ends(&mut command, input)
            };
            let output = run("json");
            if !output.stdout.is_empty() {
                strict(&output, input);
                in_line(&run("text"), input);
                let html = run("html");
                in_line(&html, input);
                let html = support::text(&html.stdout);
                assert!(!html.contains("<script>alert"), "{}", input.display());
                assert!(!html.contains("<img src=x"), "{}", input.display());
            }
        }
    }

    /// A config is written for it, and is one.
    #[track_caller]
    fn inits(&self, input: &Path) {
        let config = self.path("init.toml");
        let mut command = support::driftd();
        command.arg("init").arg(input).arg("--force").arg("-o").arg(&config);
        if ends(&mut command, input).status.code() == Some(0) {
            let text = fs::read_to_string(&config).unwrap();
            let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
            let listen = table.get("server").and_then(|it| it.get("listen"));
            assert!(listen.is_none_or(|it| it.as_str() != Some("0.0.0.0:1")), "{text}");
            let mut command = support::driftd();
            command.arg("validate").arg("-c").arg(&config);
            let output = support::output(&mut command);
            assert!(matches!(output.status.code(), Some(0 | 78)), "{output:?}");
            quiet(&output, input);
        }
    }

    /// A model of `rows`.
    fn config(&self, reference: &Path, rows: &Path) -> PathBuf {
        let quoted = |path: &Path| toml::Value::from(path.to_str().unwrap()).to_string();
        let config = format!(
            "[sources.rows]\ntype = \"files\"\npath = {}\n[models.m]\ntask = \"binary\"\n\
             window = \"1h\"\nlateness = \"0s\"\n[models.m.predictions]\nsource = \"rows\"\n\
             id = \"id\"\ntime = \"at\"\nscore = \"score\"\nfeatures = \"*\"\n\
             [models.m.labels]\nlabel = \"label\"\n\
             [models.m.reference]\nsource = {{ type = \"files\", path = {} }}\n\
             [[models.m.rules]]\nname = \"r\"\nmetric = \"psi\"\non = \"features\"\n\
             above = 0.2\n",
            quoted(rows),
            quoted(reference),
        );
        self.file("check.toml", config)
    }

    /// It is what a model predicts, and what its predictions are compared with.
    #[track_caller]
    fn checks(&self, input: &Path) {
        let good = self.path("good.parquet");
        for (reference, rows) in [(&*good, input), (input, &*good)] {
            let config = self.config(reference, rows);
            let run = |format: &str| {
                let mut command = support::driftd();
                command.arg("check").arg("-c").arg(&config).args(["--format", format]);
                command.args(["--from", "2024-01-01", "--to", "2024-01-02"]);
                ends(&mut command, input)
            };
            let output = run("json");
            if !output.stdout.is_empty() {
                strict(&output, input);
                in_line(&run("text"), input);
            }
        }
    }
}

/// Runs to an end of the kinds there are: a report, one line that says what is wrong, or a report
/// in which nothing could be judged and a line that says so.
#[track_caller]
fn ends(command: &mut Command, input: &Path) -> Output {
    // Colours are on, or what is in the data would be taken out with them.
    let output = support::output(command.env("CLICOLOR_FORCE", "1"));
    let name = input.file_name().unwrap_or_default();
    match output.status.code() {
        Some(0 | 1) => {}
        Some(2) => {
            let stderr = support::text(&output.stderr);
            let last = stderr.lines().last().unwrap_or_default();
            assert!(last.starts_with("driftd: "), "{name:?}: {stderr}");
        }
        _ => panic!("{command:?}: {} {}", output.status, support::text(&output.stderr)),
    }
    quiet(&output, input);
    output
}

/// Nothing but lines and colours of our own.
#[track_caller]
fn quiet(output: &Output, input: &Path) {
    for bytes in [&output.stdout, &output.stderr] {
        let shown = support::text(bytes);
        assert!(!shown.contains("panicked"), "{shown}");
        let mut rest = shown.as_str();
        while let Some(at) = rest.find(|c: char| c.is_control() && c != '\n' && c != '\t') {
            let colour = rest[at..].strip_prefix("\u{1b}[").and_then(|it| {
                let end = it.find(|c: char| !c.is_ascii_digit() && c != ';')?;
                it[end..].strip_prefix('m')
            });
            let near: String = rest[at..].chars().take(20).collect();
            let Some(after) = colour else { panic!("{near:?} of {input:?} in:\n{shown:?}") };
            rest = after;
        }
        assert!(!shown.contains("\u{1b}[41m"), "a colour of the data");
    }
}

/// Nothing turns what stands beside it.
#[track_caller]
fn in_line(output: &Output, input: &Path) {
    let shown = support::text(&output.stdout) + &support::text(&output.stderr);
    assert!(!shown.contains('\u{202e}'), "{input:?}: {shown}");
}

#[track_caller]
fn strict(output: &Output, input: &Path) {
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&output.stdout) {
        panic!("{}: {error}: {}", input.display(), support::text(&output.stdout));
    }
}

fn numbers() -> ArrayRef {
    Arc::new(Float64Array::from_iter_values((0..ROWS).map(|n| (n % 23) as f64)))
}

fn words(of: &[&str]) -> ArrayRef {
    let cycle = (0..ROWS).map(|n| of[n % of.len()]);
    Arc::new(StringArray::from_iter_values(cycle))
}

fn repeated(values: &[Option<f64>]) -> ArrayRef {
    Arc::new((0..ROWS).map(|n| values[n % values.len()]).collect::<Float64Array>())
}

/// A Parquet file with the columns a model needs and `more`.
fn parquet(path: &Path, more: &[(&str, ArrayRef)]) {
    let ids = Int64Array::from_iter_values(0..ROWS as i64);
    let times = (0..ROWS as i64).map(|n| START_US + n * 36_000_000);
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let labels = Int64Array::from_iter_values((0..ROWS as i64).map(|n| n % 2));
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(ids)),
        ("at", Arc::new(times)),
        ("score", Arc::new(Float64Array::from_iter_values((0..ROWS).map(|n| n as f64 / 400.0)))),
        ("label", Arc::new(labels)),
    ];
    columns.extend(more.iter().cloned());
    let field =
        |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn files_that_are_none() {
    let lab = Lab::new();
    let mut random = Random(7);
    let noise: Vec<u8> = (0..5000).map(|_| random.below(256) as u8).collect();
    for (name, bytes) in [
        ("empty.csv", &b""[..]),
        ("empty.parquet", b""),
        ("line.csv", b"\n"),
        ("header.csv", b"id,at,score,label,x\n"),
        ("bom.csv", b"\xef\xbb\xbfid,at,score,label,x\n1,2024-01-01,0.5,1,2\n"),
        ("ragged.csv", b"id,at,score,label,x\n1,2024-01-01,0.5,1\n2,2024-01-01,0.5,1,2,3\n,,,,\n"),
        ("quote.csv", b"id,at,score,label,x\n1,2024-01-01,0.5,1,\"never closed\n2,3\n"),
        ("latin.csv", b"id,at,score,label,x\n1,2024-01-01,0.5,1,\xe9t\xe9\n"),
        ("times.csv", b"id,at,score,label,x\n1,never,0.5,1,2\n2,99999999999999999999,0.5,1,2\n"),
        ("noise.csv", &noise),
        ("noise.parquet", &noise),
        ("magic.parquet", b"PAR1PAR1"),
        ("length.parquet", b"PAR1\xff\xff\xff\x7fPAR1"),
        ("noise.csv.gz", &noise),
    ] {
        let input = lab.file(name, bytes);
        lab.survives(&input);
    }
}

#[test]
fn parquet_that_was_cut_or_changed() {
    let lab = Lab::new();
    let good = fs::read(lab.path("good.parquet")).unwrap();
    let length = good.len();
    for cut in [1, 4, 8, 100, length / 2, length - 9, length - 8, length - 4, length - 1] {
        let input = lab.file(&format!("cut-{cut}.parquet"), &good[..cut]);
        lab.survives(&input);
    }
    let mut random = Random(11);
    for n in 0..24 {
        let mut bytes = good.clone();
        // Half of them in the footer, where lengths and types are.
        let from = if n % 2 == 0 { 4 } else { length.saturating_sub(1500) };
        for _ in 0..=random.below(3) {
            let at = from + random.below(length - from);
            bytes[at] ^= 1 << random.below(8);
        }
        let input = lab.file(&format!("flipped-{n}.parquet"), bytes);
        lab.compares(&input);
        lab.checks(&input);
    }
}

#[test]
fn columns_of_odd_types() {
    let lab = Lab::new();
    let list = (0..ROWS).map(|n| Some(vec![Some(n as i64), None]));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(list));
    let nested = StructArray::from(vec![
        (Arc::new(Field::new("a", DataType::Float64, true)), numbers()),
        (Arc::new(Field::new("b", list.data_type().clone(), true)), Arc::clone(&list)),
    ]);
    let far = TimestampMicrosecondArray::from_iter_values(
        (0..ROWS).map(|n| if n % 2 == 0 { i64::MAX } else { i64::MIN }),
    );
    let days = DataType::Timestamp(TimeUnit::Microsecond, None);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("list", list),
        ("nested", Arc::new(nested)),
        ("nothing", Arc::new(NullArray::new(ROWS))),
        ("far", Arc::new(far.with_data_type(days))),
        ("c", words(&["1", "x", "", "2024-01-01", "NaN"])),
    ];
    let input = lab.table("nested.parquet", &columns);
    lab.survives(&input);
    // The same name for other types, and the key columns as what they can't be.
    let list = Arc::clone(&columns[0].1);
    let input = lab.table("kinds.parquet", &[("x", words(&["a", "b"])), ("c", list)]);
    lab.survives(&input);
}

#[test]
fn numbers_that_are_none_or_too_much() {
    let lab = Lab::new();
    let all: [(&str, &[Option<f64>]); 8] = [
        ("nan", &[Some(f64::NAN), Some(1.0)]),
        ("only_nan", &[Some(f64::NAN)]),
        ("infinite", &[Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(0.0)]),
        ("huge", &[Some(1.7e308), Some(-1.7e308), Some(1.6e308)]),
        ("tiny", &[Some(5e-324), Some(-5e-324), Some(-0.0)]),
        ("missing", &[None]),
        ("constant", &[Some(3.0)]),
        ("half", &[None, Some(9e15), Some(f64::MAX), Some(f64::MIN_POSITIVE)]),
    ];
    let columns: Vec<(&str, ArrayRef)> =
        all.iter().map(|(name, values)| (*name, repeated(values))).collect();
    let input = lab.table("numbers.parquet", &columns);
    lab.survives(&input);
    for (name, values) in all {
        let input = lab.table(&format!("{name}.parquet"), &[("x", repeated(values))]);
        lab.compares(&input);
    }
    let mut csv = "id,at,score,label,x,c\n".to_owned();
    for n in 0..ROWS {
        let x = ["1", "1e999", "-1e999", "nan", "inf", "0x10", "1,5", "true", ""][n % 9];
        csv += &format!("{n},2024-01-01T00:{:02}:00Z,{x:?},{x:?},{x:?},{x:?}\n", n % 60);
    }
    let input = lab.file("mixed.csv", csv);
    lab.survives(&input);
}

#[test]
fn names_and_categories_stay_text() {
    let lab = Lab::new();
    let columns: Vec<(&str, ArrayRef)> =
        EVIL.iter().map(|name| (*name, words(&EVIL))).chain([("x", numbers())]).collect();
    let input = lab.table("names.parquet", &columns);
    lab.survives(&input);
    let long = "n".repeat(100_000);
    let input = lab.table("long.parquet", &[(&long, words(&[&long, "b"])), ("c", words(&EVIL))]);
    lab.survives(&input);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = ["id", "at", "score", "label", "x", "x", "", ""].into_iter().chain(EVIL);
    writer.write_record(names).unwrap();
    for n in 0..ROWS {
        let (id, at) = (n.to_string(), format!("2024-01-01T00:{:02}:00Z", n % 60));
        let cells = [&*id, &*at, "0.5", "1", "1", "2", "3", "4"];
        writer.write_record(cells.into_iter().chain(EVIL)).unwrap();
    }
    let input = lab.file("names.csv", writer.into_inner().unwrap());
    lab.survives(&input);
    // The file's own name.
    let evil = lab.path("\u{1b}[2J<script>alert(1)</script>".replace('/', "_").as_str());
    fs::copy(lab.path("good.parquet"), evil.with_extension("parquet")).unwrap();
    lab.compares(&evil.with_extension("parquet"));
    lab.compares(&evil.with_extension("missing\u{1b}[41m"));
}

#[test]
fn many_columns() {
    let lab = Lab::new();
    let names: Vec<String> = (0..3_000).map(|n| format!("column-{n}")).collect();
    let column = numbers();
    let columns: Vec<(&str, ArrayRef)> =
        names.iter().map(|name| (name.as_str(), Arc::clone(&column))).collect();
    let input = lab.table("wide.parquet", &columns);
    lab.survives(&input);
}

#[test]
fn places_without_data() {
    let lab = Lab::new();
    lab.survives(&lab.path("nowhere.parquet"));
    let empty = lab.path("empty");
    fs::create_dir(&empty).unwrap();
    lab.survives(&empty);
    let link = lab.path("link.parquet");
    std::os::unix::fs::symlink(lab.path("gone"), &link).unwrap();
    lab.survives(&link);
    // A folder with a link to nowhere, one to itself, and a pipe that nobody writes to.
    let folder = lab.path("folder");
    fs::create_dir(&folder).unwrap();
    fs::copy(lab.path("good.parquet"), folder.join("a.parquet")).unwrap();
    std::os::unix::fs::symlink(lab.path("gone"), folder.join("b.parquet")).unwrap();
    std::os::unix::fs::symlink(&folder, folder.join("self")).unwrap();
    lab.survives(&folder);
    let mut made = Command::new("mkfifo");
    assert!(made.arg(folder.join("pipe.csv")).status().unwrap().success());
    lab.survives(&folder);
    lab.survives(&folder.join("pipe.csv"));
    lab.survives(Path::new("/dev/zero"));
    lab.survives(Path::new("/dev/null"));
}

#[test]
fn a_small_file_that_unpacks_to_much() {
    let lab = Lab::new();
    let path = lab.path("bomb.csv.gz");
    let file = File::create(&path).unwrap();
    let mut writer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    writer.write_all(b"id,at,score,label,x\n1,2024-01-01,0.5,1,").unwrap();
    let block = vec![b'a'; 1 << 20];
    for _ in 0..64 {
        writer.write_all(&block).unwrap();
    }
    writer.finish().unwrap();
    lab.survives(&path);
}

/// `driftd check | head`: no error, and no noise.
#[test]
fn whoever_has_read_enough_may_leave() {
    let lab = Lab::new();
    let good = lab.path("good.parquet");
    let good = good.to_str().unwrap();
    let config = lab.config(Path::new(good), Path::new(good));
    let check = ["check", "-c", config.to_str().unwrap(), "--from", "2024-01-01"];
    let cases: [&[&str]; 5] = [
        &["compare", good, good, "--format", "json"],
        &["compare", good, good],
        &[&check[..], &["--format", "json"]].concat(),
        &check,
        &["schema"],
    ];
    for arguments in cases {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = support::driftd();
        let child = command.args(arguments).stdout(writer).stderr(Stdio::piped());
        let output = support::finished(child.spawn().unwrap());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!support::text(&output.stderr).contains("driftd: "), "{arguments:?}");
    }
}
