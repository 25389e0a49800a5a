//! The house rules, read from the source: layers, lengths, and that what is
//! shipped is used.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room of the house, and the rooms it may know.
const LAYERS: &[(&str, &[&str])] = &[
    ("main", &["cli", "clock"]),
    (
        "cli",
        &[
            "cli", "config", "engine", "store", "letter", "relay", "inbox", "clock", "systemd", "web",
            "domain", "problem", "nearest",
        ],
    ),
    ("config", &["config", "store", "letter", "relay", "web", "domain", "problem", "nearest"]),
    ("engine", &["engine", "store", "letter", "relay", "clock", "systemd", "domain", "problem", "hands"]),
    ("store", &["store", "domain", "nearest"]),
    ("letter", &["letter", "domain", "problem", "nearest", "hands"]),
    ("relay", &["relay", "domain"]),
    ("inbox", &["inbox", "domain"]),
    ("clock", &[]),
    ("systemd", &[]),
    ("web", &["web"]),
    ("problem", &[]),
    ("nearest", &[]),
    ("hands", &[]),
    ("domain", &["domain"]),
];

/// What the domain must not touch: the world, and the crates that do.
const WORLD: &[&str] = &[
    "tokio::",
    "std::fs",
    "std::env",
    "std::net",
    "std::io",
    "std::process",
    "std::thread",
    "std::time",
    "tracing::",
    "rusqlite::",
    "lettre::",
    "tera::",
    "anyhow::",
    "clap::",
    "Timestamp::now",
    "ZonedDateTime::now",
    "async fn",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// A source file by its path below `src`, without its tests.
struct Source {
    name: String,
    code: String,
}

fn sources() -> Vec<Source> {
    files(&root().join("src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("source is text");
            let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
            let name = path.strip_prefix(root().join("src")).expect("below src").display().to_string();
            Source { name, code }
        })
        .collect()
}

impl Source {
    /// The module directly below the crate that it belongs to.
    fn room(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }

    /// Its lines without comments.
    fn statements(&self) -> impl Iterator<Item = &str> {
        self.code.lines().filter(|line| !line.trim_start().starts_with("//"))
    }

    /// The rooms named by `crate::…`, also inside braces.
    fn rooms_known(&self) -> BTreeSet<String> {
        let code = self.statements().collect::<Vec<_>>().join("\n");
        let name = |text: &str| {
            text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        };
        let mut known = BTreeSet::new();
        for prefix in ["crate::", "courtesy::"] {
            for (at, _) in code.match_indices(prefix) {
                let rest = &code[at + prefix.len()..];
                match rest.strip_prefix('{') {
                    Some(list) => {
                        known.extend(list.split('}').next().unwrap_or_default().split(',').map(name));
                    }
                    None => {
                        known.insert(name(rest));
                    }
                }
            }
        }
        known.remove("");
        known
    }
}

#[test]
fn every_room_knows_only_the_rooms_below_it() {
    for source in sources().iter().filter(|source| source.name != "lib.rs") {
        let allowed = LAYERS
            .iter()
            .find(|(room, _)| *room == source.room())
            .unwrap_or_else(|| panic!("{}: add its room to LAYERS", source.name))
            .1;
        for known in source.rooms_known() {
            assert!(allowed.contains(&known.as_str()), "{} must not know `{known}`", source.name);
        }
    }
}

#[test]
fn the_domain_does_not_touch_the_world() {
    for source in sources().iter().filter(|source| source.room() == "domain") {
        for line in source.statements() {
            for word in WORLD {
                assert!(!line.contains(word), "{}: {line}", source.name);
            }
        }
    }
}

#[test]
fn only_the_clock_reads_the_time() {
    for source in sources().iter().filter(|source| source.name != "clock.rs") {
        for line in source.statements() {
            let reads = ["SystemTime::now", "Timestamp::now", "ZonedDateTime::now", "Zoned::now", "Utc::now"];
            assert!(!reads.iter().any(|word| line.contains(word)), "{}: {line}", source.name);
        }
    }
}

#[test]
fn no_file_is_longer_than_a_person_reads() {
    for source in sources() {
        let lines = source.code.lines().count();
        assert!(
            lines <= 400,
            "{} has {lines} lines without its tests; split it by what changes together",
            source.name
        );
    }
}

#[test]
fn every_file_says_what_it_knows_and_none_is_called_mod() {
    for source in sources() {
        assert!(!source.name.ends_with("mod.rs"), "{}", source.name);
        assert!(source.code.starts_with("//!"), "{} opens with a //! line", source.name);
    }
}

#[test]
fn no_failure_is_waved_away() {
    for source in sources() {
        for line in source.statements() {
            for word in
                [".unwrap()", "let _ =", "todo!(", "unimplemented!(", "dbg!(", "#[allow(", "#![allow("]
            {
                assert!(!line.contains(word), "{}: {line}", source.name);
            }
        }
    }
}

#[test]
fn nothing_names_a_path_of_somebodys_machine() {
    let folders = ["src", "tests", "config", "templates", "systemd", "packaging", "docs", ".ci"]
        .map(|name| root().join(name));
    let mut all: Vec<PathBuf> =
        folders.iter().filter(|path| path.exists()).flat_map(|path| files(path)).collect();
    all.extend(["README.md", "CHANGELOG.md", "Cargo.toml"].map(|name| root().join(name)));
    // Put together here, so that this file does not find itself.
    let words = [["/ho", "me/"], ["/ro", "ot/"], ["/wo", "rk/"], ["/Us", "ers/"], ["C:", "\\"]]
        .map(|word| word.concat());
    for path in all {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} names {word}", path.display());
        }
    }
}

/// The templates without locale and ending, of one locale.
fn templates(locale: &str) -> BTreeSet<String> {
    let folder = root().join("templates").join(locale);
    files(&folder)
        .iter()
        .filter_map(|path| {
            let name = path.strip_prefix(&folder).ok()?.to_str()?;
            Some(name.strip_suffix(".md").or_else(|| name.strip_suffix(".html"))?.to_owned())
        })
        // Parts that other templates include.
        .filter(|name| !name.rsplit('/').next().is_some_and(|last| last.starts_with('_')))
        .collect()
}

/// The templates that the shipped rules name.
fn templates_of_rules() -> BTreeSet<String> {
    files(&root().join("config/rules"))
        .iter()
        .map(|path| fs::read_to_string(path).expect("a rule is text"))
        .flat_map(|text| {
            let uncommented: Vec<String> = text
                .lines()
                .map(|line| line.split(" #").next().unwrap_or_default().to_owned())
                .filter(|line| !line.trim_start().starts_with('#'))
                .collect();
            uncommented
                .join("\n")
                .match_indices("template:")
                .map(|(at, word)| {
                    let rest = uncommented.join("\n")[at + word.len()..].trim_start().to_owned();
                    let name = |c: char| c.is_alphanumeric() || "/-_".contains(c);
                    rest.trim_start_matches('"').chars().take_while(|c| name(*c)).collect::<String>()
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_shipped_template_is_used_and_exists_in_both_languages() {
    let named = templates_of_rules();
    assert_eq!(templates("en"), named, "templates/en and config/rules");
    assert_eq!(templates("zh-CN"), named, "templates/zh-CN and config/rules");
}

#[test]
fn the_readme_names_every_shipped_rule() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    for path in files(&root().join("config/rules")) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert!(readme.contains(&format!("`{stem}`")), "README.md does not name the rule `{stem}`");
    }
}

fn carried_files(folder: &include_dir::Dir<'_>) -> usize {
    folder.files().count() + folder.dirs().map(carried_files).sum::<usize>()
}

#[test]
fn the_program_carries_the_shipped_files_as_they_are() {
    use courtesy::cli::init::{CONFIG, TEMPLATES};
    for (folder, carried) in [("config", &CONFIG), ("templates", &TEMPLATES)] {
        let on_disk = files(&root().join(folder));
        for path in &on_disk {
            let name = path.strip_prefix(root().join(folder)).expect("below it");
            let file = carried.get_file(name).unwrap_or_else(|| panic!("{} is not carried", path.display()));
            assert_eq!(file.contents(), fs::read(path).expect("readable"), "{}", path.display());
        }
        assert_eq!(carried_files(carried), on_disk.len(), "{folder}");
    }
}

/// Everything that is called in the source, and the scenarios.
fn functions() -> BTreeSet<String> {
    let sources = ["src", "tests"].map(|folder| files(&root().join(folder)));
    let mut named = BTreeSet::new();
    for path in sources.iter().flatten() {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("scn") => {
                named.insert(stem.replace('-', "_"));
            }
            Some("rs") => {
                let text = fs::read_to_string(path).expect("source is text");
                named.extend(
                    text.split("fn ")
                        .skip(1)
                        .filter_map(|rest| rest.split_once(['(', '<']).map(|(name, _)| name.to_owned())),
                );
            }
            _ => {}
        }
    }
    named
}

#[test]
fn every_fault_has_its_test() {
    let text = fs::read_to_string(root().join("docs/reliability.md")).expect("the page");
    let functions = functions();
    let is_name = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let tests_in = |line: &str| -> Vec<String> {
        let quoted = line.split('`').skip(1).step_by(2);
        quoted.filter(|word| is_name(word) && word.matches('_').count() >= 2).map(str::to_owned).collect()
    };
    for name in text.lines().flat_map(tests_in) {
        assert!(functions.contains(&name), "docs/reliability.md names `{name}`, which is no test");
    }
    let (_, faults) = text.split_once("## Every fault and its test").expect("the tables");
    let rows: Vec<&str> = faults.lines().filter(|line| line.starts_with('|')).collect();
    let of_faults = rows.iter().filter(|row| !row.starts_with("|---") && !row.ends_with("| test |"));
    for row in of_faults.clone() {
        assert!(!tests_in(row).is_empty(), "no test stands for: {row}");
    }
    assert!(of_faults.count() > 50, "the list of faults is gone");
}
