//! Files that are damaged, absurd, or made to hurt.
use super::*;

/// What is said of a file with this name and content.
fn refusal(name: &str, bytes: &[u8]) -> String {
    let folder = folder(&[(name, bytes)]);
    let files = Files::at(folder.path().join(name));
    let part = files.parts().unwrap().remove(0);
    try_read(&files, &part, &Query::default()).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let whole = parquet(hours(0..2), 24);
    insta::assert_snapshot!(refusal("a.csv", b""), @"cannot read `a.csv`: the file is empty");
    insta::assert_snapshot!(refusal("a.parquet", b""), @"cannot read `a.parquet`: the file is empty");
    insta::assert_snapshot!(refusal("a.csv", b"\n\n"), @"cannot read `a.csv`: it has no header line");
    insta::assert_snapshot!(refusal("a.parquet", b"a,b\n1,2\n3,4\n"), @"cannot read `a.parquet`: it is no Parquet file: it does not begin with `PAR1`");
    insta::assert_snapshot!(refusal("a.parquet", b"PAR1PAR1"), @"cannot read `a.parquet`: it has 8 bytes; no Parquet file has so few");
    insta::assert_snapshot!(refusal("a.parquet", &whole[..whole.len() / 2]), @"cannot read `a.parquet`: it is half-written or cut: it has no footer at its end");
    insta::assert_snapshot!(refusal("a.parquet", b"PARE........PARE"), @"cannot read `a.parquet`: it is encrypted; expected plain Parquet");
    insta::assert_snapshot!(refusal("a.csv", b"\xff\xfea\0,\0b\0"), @"cannot read `a.csv`: it is UTF-16 text; expected UTF-8");
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n\0\0\0"), @"cannot read `a.csv`: it is neither Parquet nor text: byte 4 is zero");
    insta::assert_snapshot!(refusal("a.csv", b"PK\x03\x04...."), @"cannot read `a.csv`: it is a ZIP archive; expected Parquet or CSV");
    insta::assert_snapshot!(refusal("data", b"[{\"a\": 1}]"), @"cannot read `data`: it looks like JSON; expected Parquet or CSV");
    insta::assert_snapshot!(refusal("a.csv", b"1.5,2\n3,4\n"), @"cannot read `a.csv`: its first line is all numbers; expected a header of names");
}
