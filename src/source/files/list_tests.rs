use super::*;

/// The names found at `path` below a folder with these (empty) files, or what is said instead.
fn names(files: &[&str], path: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for name in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "a\n1\n").unwrap();
    }
    match parts(&folder.path().join(path), &BTreeMap::new(), 100) {
        Ok(parts) => parts.into_iter().map(|part| part.name).collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string().replace(&folder.path().display().to_string(), "/"),
    }
}

#[track_caller]
fn check(files: &[&str], path: &str, expected: &str) {
    assert_eq!(names(files, path), expected);
}

#[test]
fn a_folder_is_read_with_the_folders_in_it() {
    check(&["b.csv", "a/c.parquet", "a/b/d.pq"], "", "a/b/d.pq a/c.parquet b.csv");
    check(&["part-00000", "a.CSV", "a.tsv.gz"], "", "a.CSV a.tsv.gz part-00000");
    check(
        &[
            "a.csv",
            ".b.csv",
            "_c.csv",
            "_d/e.csv",
            ".f/g.csv",
            "h.csv.tmp",
            "i.csv.crc",
            "_SUCCESS",
        ],
        "",
        "a.csv",
    );
    check(&["_y=1/a.csv"], "", "_y=1/a.csv");
    check(&["a.csv", "README.md", "b.py"], "", "a.csv");
    check(&["a/b.csv"], "a/b.csv", "b.csv");
}

#[test]
fn a_glob_takes_what_it_names() {
    let files = ["m=1/a.csv", "m=1/b.txt", "m=2/c.csv", "m=2/d/e.csv", "f.csv", "g.log"];
    check(&files, "m=*/*.csv", "m=1/a.csv m=2/c.csv");
    check(&files, "**/*.csv", "f.csv m=1/a.csv m=2/c.csv m=2/d/e.csv");
    check(&files, "**", "f.csv g.log m=1/a.csv m=1/b.txt m=2/c.csv m=2/d/e.csv");
    check(&files, "m=[2-9]/**/?.csv", "c.csv".replace("c.csv", "m=2/c.csv m=2/d/e.csv").as_str());
    check(&files, "m=2/*.csv", "c.csv");
    check(&files, "*.log", "g.log");
    // A name may look like a glob and be one file's.
    check(&["a[1].csv", "a1.csv"], "a[1].csv", "a[1].csv");
    check(&["a.csv", ".b.csv", "_c.csv"], "*", "a.csv");
}

#[test]
fn what_is_not_there_is_said() {
    insta::assert_snapshot!(names(&[], "none"), @"cannot read `//none`: no such file or folder");
    insta::assert_snapshot!(names(&[], ""), @"no files at `//`");
    insta::assert_snapshot!(names(&["a.md", "b.md", "c.py"], ""), @"no files at `//`: 3 of other types (`.md`, `.py`); expected .parquet, .pq, .csv, .tsv, .txt, .csv.gz, .tsv.gz, .txt.gz, or a glob that names them");
    insta::assert_snapshot!(names(&["a.csv"], "*.parquet"), @"no files at `//*.parquet`");
    insta::assert_snapshot!(names(&["a.csv"], "x/*.csv"), @"cannot read `//x/*.csv`: there is no folder `//x`");
    insta::assert_snapshot!(names(&["a.csv"], "*/../*.csv"), @"cannot read `//*/../*.csv`: `..` behind a wildcard is not followed");
    insta::assert_snapshot!(names(&["a.csv"], "[a"), @"cannot read `//[a`: bad glob: invalid range pattern");
    insta::assert_snapshot!(names(&["a/_delta_log/0.json"], "a"), @"cannot read `//a`: it is a Delta table, whose folder also holds files that its log has removed; expected a folder of Parquet or CSV files, or a glob that names the files");
    let many: Vec<String> = (0..101).map(|i| format!("{i}.csv")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    insta::assert_snapshot!(names(&many, ""), @"cannot read `//`: more than 100 files; raise `files_max`");
    let s3 = parts(Path::new("s3://bucket/x"), &BTreeMap::new(), 100).unwrap_err();
    insta::assert_snapshot!(s3, @"cannot read `s3://bucket/x`: `s3://` is not read by this version; expected a path on this machine, such as a mounted or synchronised folder");
}

#[test]
fn hostile_globs_are_bounded() {
    let stars = format!("{}b", "*a".repeat(17));
    assert!(names(&["a.csv"], &stars).contains("17 wildcards"), "{}", names(&["a.csv"], &stars));
    // As many wildcards as are taken, against names that almost match: must end.
    let deep = format!("**/{}b", "a*".repeat(13));
    let long = "a".repeat(200);
    check(&[&long], &deep, "no files at `//DEEP`".replace("DEEP", &deep).as_str());
    let dir = vec!["a"; 20].join("/") + "/x.csv";
    check(
        &[&dir],
        &format!("{}y", "**/".repeat(7)),
        format!("no files at `//{}y`", "**/".repeat(7)).as_str(),
    );
}

#[cfg(unix)]
#[test]
fn links_in_circles_are_followed_once() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("a/b")).unwrap();
    fs::write(at("a/b/x.csv"), "a\n").unwrap();
    symlink(folder.path(), at("a/b/up")).unwrap();
    symlink(at("a/b"), at("0")).unwrap();
    symlink(at("gone"), at("a/dangling.csv")).unwrap();
    symlink(at("a/b/x.csv"), at("y.csv")).unwrap();
    let found = parts(folder.path(), &BTreeMap::new(), 100).unwrap();
    let names: Vec<&str> = found.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["a/b/x.csv", "y.csv"]);
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_stay_apart() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let folder = tempfile::tempdir().unwrap();
    for own in [&b"a\xff.csv"[..], b"a\xfe.csv"] {
        fs::write(folder.path().join(OsStr::from_bytes(own)), "a\n1\n").unwrap();
    }
    let found = parts(folder.path(), &BTreeMap::new(), 100).unwrap();
    assert_eq!(found.len(), 2);
    assert_ne!(found[0].name, found[1].name);
    for part in found {
        assert!(folder.path().join(name::path(&part.name)).exists(), "{}", part.name);
    }
}
