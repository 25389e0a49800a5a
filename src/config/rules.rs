//! The folder of rules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::rule::{self, LoadedRule, NamedRule};
use super::source::Source;
use crate::problem::Problem;

/// Every rule of the folder, in the order of their names.
pub(super) fn load(folder: &Path, problems: &mut Vec<Problem>) -> Vec<LoadedRule> {
    let files = match files(folder, problems) {
        Ok(files) => files,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    let mut names: BTreeMap<String, NamedRule> = BTreeMap::new();
    for file in files {
        let source = match Source::read(&file) {
            Ok(source) => source,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let (name, rule) = rule::load(source, problems);
        if let Some(name) = name {
            note_name(name, &mut names, problems);
        }
        rules.extend(rule);
    }
    rules.sort_by(|a, b| a.rule.name.cmp(&b.rule.name));
    rules
}

fn note_name(rule: NamedRule, names: &mut BTreeMap<String, NamedRule>, problems: &mut Vec<Problem>) {
    if let Some(first) = names.get(&rule.name.value) {
        let message = format!("a second rule `{}`", rule.name.value);
        let line = first.source.line(first.name.at.start);
        let hint = format!(
            "the first is in {}, line {line}; a rule's name is its identity, so give one of them another",
            first.source.file.display()
        );
        problems.push(rule.source.error(rule.name.at.clone(), message).hint(hint));
        return;
    }
    names.insert(rule.name.value.clone(), rule);
}

/// The files to read, in the order of their names. What an editor leaves
/// behind is passed over in silence; what somebody may take for a rule is
/// not.
fn files(folder: &Path, problems: &mut Vec<Problem>) -> Result<Vec<PathBuf>, Problem> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Problem::error(folder, format!("the folder of rules can't be read: {error}"))
            .hint("create it, or name another under `rules` in courtesy.yaml")
    })?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Problem::error(folder, format!("can't be listed: {error}")))?;
        let file = folder.join(entry.file_name());
        let name = entry.file_name().to_string_lossy().into_owned();
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending {
            _ if name.starts_with('.') => {}
            _ if file.is_dir() => {
                let hint = "rules are the .yaml files of one folder; move them up";
                problems.push(Problem::warning(file, "a folder within the rules is not read").hint(hint));
            }
            "yaml" => files.push(file),
            "yml" => problems.push(Problem::warning(file, "is not read").hint("rename it to end in .yaml")),
            _ => {}
        }
    }
    files.sort();
    if files.is_empty() {
        let hint = "add one; `courtesy init` writes the shipped rules into a new folder";
        return Err(Problem::error(folder, "no rule is in the folder of rules").hint(hint));
    }
    Ok(files)
}
