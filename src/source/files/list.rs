//! Which files there are: one file, a folder, or a glob.
use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{format, name, partition};
use crate::{
    source::{Part, SourceError},
    time::WindowSize,
};

/// Folders inside folders.
const DEPTH_MAX: usize = 32;
/// Names looked at for each file that may be found.
const NAMES_PER_FILE: usize = 10;
/// Wildcards in one glob: each more multiplies the ways to match.
const WILDCARDS_MAX: usize = 16;
/// Bytes of a glob.
const PATTERN_BYTES_MAX: usize = 1_024;
/// Endings of files that are still written, or that belong to another file.
const TEMPORARY: [&str; 9] =
    [".crc", ".tmp", ".temp", ".partial", ".inprogress", ".swp", ".bak", ".crdownload", "~"];

/// Where a source's parts are.
pub(super) struct Place {
    /// The folder that part names start from.
    pub(super) root: PathBuf,
    kind: Kind,
}

enum Kind {
    File(PathBuf),
    Folder,
    /// Patterns of the names below the root, one a folder; `None` stands for `**`.
    Glob(Vec<Option<glob::Pattern>>),
}

/// What is wrong with a path as it is written, whatever the disk holds.
pub(super) fn fault(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    if let Some((scheme, _)) = text.split_once(":/") {
        let name = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if scheme.len() > 1 && scheme.chars().all(name) {
            return Some(format!(
                "`{scheme}://` is not read by this version; expected a path on this machine, \
                 such as a mounted or synchronised folder"
            ));
        }
    }
    if text.is_empty() {
        return Some("the path is empty; expected a file, a folder or a glob".to_owned());
    }
    None
}

/// Finds what a path means.
pub(super) fn place(path: &Path) -> Result<Place, SourceError> {
    let unreadable =
        |why: String| SourceError::Unreadable { path: path.display().to_string(), why };
    if let Some(why) = fault(path) {
        return Err(unreadable(why));
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            if path.join("_delta_log").is_dir() {
                return Err(unreadable(
                    "it is a Delta table, whose folder also holds files that its log has \
                     removed; expected a folder of Parquet or CSV files, or a glob that names \
                     the files"
                        .to_owned(),
                ));
            }
            Ok(Place { root: path.to_owned(), kind: Kind::Folder })
        }
        Ok(found) if found.is_file() => {
            let root = path.parent().unwrap_or(Path::new("")).to_owned();
            Ok(Place { root, kind: Kind::File(path.to_owned()) })
        }
        Ok(_) => Err(unreadable("it is neither a file nor a folder".to_owned())),
        // A name with a bracket in it may be a file's own; only what does not exist is a glob.
        Err(_) if path.to_string_lossy().contains(['*', '?', '[']) => {
            globbed(path).map_err(unreadable)
        }
        Err(error) => Err(unreadable(system(&error))),
    }
}

fn globbed(path: &Path) -> Result<Place, String> {
    let text = path.to_str().ok_or("a glob must be UTF-8")?;
    let wildcards = text.matches(['*', '?', '[']).count();
    if text.len() > PATTERN_BYTES_MAX || wildcards > WILDCARDS_MAX {
        return Err(format!(
            "the glob has {} bytes and {wildcards} wildcards; at most {PATTERN_BYTES_MAX} and \
             {WILDCARDS_MAX} are taken",
            text.len()
        ));
    }
    let literal = |part: &std::path::Component<'_>| {
        !part.as_os_str().to_string_lossy().contains(['*', '?', '['])
    };
    let root: PathBuf = path.components().take_while(literal).collect();
    let mut patterns = Vec::new();
    for part in path.components().skip_while(literal) {
        let part = part.as_os_str().to_string_lossy();
        patterns.push(match part.as_ref() {
            "**" => None,
            ".." => return Err("`..` behind a wildcard is not followed".to_owned()),
            part => Some(glob::Pattern::new(part).map_err(|e| format!("bad glob: {}", e.msg))?),
        });
    }
    if !root.as_os_str().is_empty() && !root.is_dir() {
        return Err(format!("there is no folder `{}`", root.display()));
    }
    Ok(Place { root, kind: Kind::Glob(patterns) })
}

/// An error of the system without its number.
pub(super) fn system(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Lists the parts of `path`, ordered by name.
pub(super) fn parts(
    path: &Path,
    sizes: &BTreeMap<String, WindowSize>,
    files_max: usize,
) -> Result<Vec<Part>, SourceError> {
    let place = place(path)?;
    if let Kind::File(file) = &place.kind {
        let unreadable = |why| SourceError::Unreadable { path: path.display().to_string(), why };
        let found = fs::metadata(file).map_err(|error| unreadable(system(&error)))?;
        let own = file.file_name().unwrap_or(file.as_os_str());
        return Ok(vec![part(name::of(Path::new(own)), &found, sizes)]);
    }
    let mut walk = Walk {
        place: &place,
        sizes,
        files_max,
        found: Vec::new(),
        others: BTreeMap::new(),
        names: 0,
    };
    walk.all()
        .map_err(|(at, why)| SourceError::Unreadable { path: at.display().to_string(), why })?;
    if walk.found.is_empty() {
        return Err(SourceError::Empty { path: path.display().to_string(), hint: walk.hint() });
    }
    walk.found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(walk.found)
}

fn part(name: String, found: &fs::Metadata, sizes: &BTreeMap<String, WindowSize>) -> Part {
    let modified_us = found.modified().ok().map_or(0, |at| match at.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
    });
    let covers = partition::covers(&name, sizes);
    Part { name, bytes: found.len(), modified_us, covers }
}

struct Walk<'a> {
    place: &'a Place,
    sizes: &'a BTreeMap<String, WindowSize>,
    files_max: usize,
    found: Vec<Part>,
    /// Files left out, by what their names end in.
    others: BTreeMap<String, u64>,
    names: usize,
}

type Fault = (PathBuf, String);

impl Walk<'_> {
    /// Visits every folder once, however it is reached: links can make circles.
    fn all(&mut self) -> Result<(), Fault> {
        let mut seen = HashSet::new();
        let mut pending = vec![PathBuf::new()];
        // A folder's own place comes before the links to it, so that a listing is stable.
        let mut links: Vec<PathBuf> = Vec::new();
        while let Some(folder) = pending.pop().or_else(|| links.pop()) {
            let full = self.full(&folder);
            match fs::metadata(&full) {
                Ok(found) => {
                    if !seen.insert((found.dev(), found.ino())) {
                        continue;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err((full, system(&error))),
            }
            if folder.components().count() > DEPTH_MAX {
                return Err((full, format!("folders are nested deeper than {DEPTH_MAX}")));
            }
            let (folders, linked) = self.folder(&folder)?;
            pending.extend(folders);
            links.extend(linked);
            links.sort_by(|a, b| b.cmp(a));
        }
        Ok(())
    }

    fn full(&self, below: &Path) -> PathBuf {
        let full = self.place.root.join(below);
        if full.as_os_str().is_empty() { PathBuf::from(".") } else { full }
    }

    /// Takes one folder's files; gives its folders, and the links to folders.
    fn folder(&mut self, folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Fault> {
        let full = self.full(folder);
        let fail = |error: &io::Error| (full.clone(), system(error));
        let (mut folders, mut links) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&full).map_err(|e| fail(&e))? {
            let entry = entry.map_err(|e| fail(&e))?;
            self.names += 1;
            if self.names > self.files_max.saturating_mul(NAMES_PER_FILE) {
                return Err((full, format!("it holds more than {} names", self.names - 1)));
            }
            let own = entry.file_name();
            if left_out(&own.to_string_lossy()) {
                continue;
            }
            // Follows links; what vanished meanwhile, or a link to nothing, is no file.
            let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let found = if link { fs::metadata(entry.path()) } else { entry.metadata() };
            let Ok(found) = found else { continue };
            let below = folder.join(&own);
            if found.is_dir() {
                if self.enters(&below) {
                    if link { links.push(below) } else { folders.push(below) }
                }
            } else if found.is_file() && self.takes(&below) {
                if self.found.len() >= self.files_max {
                    let max = self.files_max;
                    return Err((full, format!("more than {max} files; raise `files_max`")));
                }
                self.found.push(part(name::of(&below), &found, self.sizes));
            }
        }
        Ok((folders, links))
    }

    fn enters(&self, folder: &Path) -> bool {
        match &self.place.kind {
            Kind::Glob(patterns) => matches(patterns, &components(folder), true),
            Kind::File(_) | Kind::Folder => true,
        }
    }

    fn takes(&mut self, file: &Path) -> bool {
        match &self.place.kind {
            Kind::Glob(patterns) => matches(patterns, &components(file), false),
            Kind::File(_) | Kind::Folder => {
                let own = file.file_name().unwrap_or_default().to_string_lossy();
                let taken = format::of_name(&own).is_some() || !own.contains('.');
                if !taken {
                    let ending = own.rsplit_once('.').map_or("", |(_, ending)| ending);
                    *self.others.entry(ending.to_owned()).or_default() += 1;
                }
                taken
            }
        }
    }

    fn hint(&self) -> String {
        if self.others.is_empty() {
            return String::new();
        }
        let count: u64 = self.others.values().sum();
        let endings: Vec<String> =
            self.others.keys().take(5).map(|ending| format!("`.{ending}`")).collect();
        format!(
            ": {count} of other types ({}); expected {}, or a glob that names them",
            endings.join(", "),
            format::ENDINGS.join(", ")
        )
    }
}

/// Hidden, private to the tool that wrote it, or unfinished.
fn left_out(own: &str) -> bool {
    let private = own.starts_with('_') && !own.contains('=');
    own.starts_with('.') || private || TEMPORARY.iter().any(|ending| own.ends_with(ending))
}

fn components(path: &Path) -> Vec<String> {
    path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

/// Whether the names match, or with `begin` whether names below them can.
///
/// Tried place by place with a set of the patterns that may be next, so that no number of `**`
/// costs more than names times patterns.
fn matches(patterns: &[Option<glob::Pattern>], names: &[String], begin: bool) -> bool {
    let mut next = vec![false; patterns.len() + 1];
    next[0] = true;
    let skip = |next: &mut Vec<bool>| {
        for i in 0..patterns.len() {
            next[i + 1] |= next[i] && patterns[i].is_none();
        }
    };
    skip(&mut next);
    for name in names {
        let mut after = vec![false; next.len()];
        for (i, pattern) in patterns.iter().enumerate().filter(|(i, _)| next[*i]) {
            match pattern {
                None => after[i] = true,
                Some(pattern) => after[i + 1] |= pattern.matches(name),
            }
        }
        skip(&mut after);
        next = after;
    }
    if begin { next[..patterns.len()].contains(&true) } else { next[patterns.len()] }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
