//! `courtesy schema`: what may stand in the YAML files, for editors.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::failure::Found;
use super::screen::{Screen, shown};
use super::{Global, Verdict};
use crate::config::{self, YamlFile};
use crate::problem::Problem;

const EXAMPLES: &str = "\
Examples:
  courtesy schema rule              prints the JSON Schema of a rule
  courtesy schema --write           writes all of them into schema/ beside courtesy.yaml

An editor with the YAML language server (VS Code: the extension by Red Hat) completes and
explains every key of a file that begins with a line like
  # yaml-language-server: $schema=../schema/rule.json
`courtesy init` has written it. After an upgrade, `courtesy schema --write` tells the editor of
the new keys.";

/// The folder of schemas, from that of `courtesy.yaml`.
const FOLDER: &str = "schema";

/// Of what.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SchemaArgs {
    /// Of which file
    #[arg(value_enum, value_name = "FILE", required_unless_present = "write", conflicts_with = "write")]
    pub of: Option<Of>,
    /// Write the schemas of all files beside the configuration, where an editor finds them
    #[arg(long)]
    pub write: bool,
}

/// A sort of file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Of(YamlFile);

impl ValueEnum for Of {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Of; 4] =
            [Of(YamlFile::Courtesy), Of(YamlFile::Rule), Of(YamlFile::Calendar), Of(YamlFile::Testimonials)];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.as_str()))
    }
}

/// Prints the JSON Schema of a file, or writes them all.
///
/// # Errors
/// When stdout is closed, or a file can't be written.
pub fn run(args: &SchemaArgs, global: &Global, screen: &mut Screen) -> anyhow::Result<Verdict> {
    if let Some(Of(file)) = args.of {
        screen.json(&config::schema(file))?;
        return Ok(Verdict::Done);
    }
    let file = config::find(global.config.as_deref()).map_err(|problem| Found(vec![problem]))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    write_all(folder)?;
    screen.say(format_args!(
        "Wrote {} into {}. A rule that begins with this line is completed and explained by your editor:\n{}",
        YamlFile::ALL.map(|file| format!("{}.json", file.as_str())).join(", "),
        shown(&folder.join(FOLDER)),
        modeline(YamlFile::Rule, 1),
    ))?;
    Ok(Verdict::Done)
}

/// Writes every schema into its folder below that of `courtesy.yaml`.
///
/// # Errors
/// When a file can't be written.
pub fn write_all(config_folder: &Path) -> anyhow::Result<()> {
    let folder = config_folder.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (file, text) in files(config_folder) {
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Every schema with the file it belongs into.
fn files(config_folder: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    let folder = config_folder.join(FOLDER);
    YamlFile::ALL.into_iter().map(move |file| {
        (folder.join(format!("{}.json", file.as_str())), format!("{:#}\n", config::schema(file)))
    })
}

/// The first line of a file, which tells the editor of its schema; the file
/// lies so many folders below that of `courtesy.yaml`.
#[must_use]
pub fn modeline(file: YamlFile, depth: usize) -> String {
    format!("# yaml-language-server: $schema={}{FOLDER}/{}.json", "../".repeat(depth), file.as_str())
}

/// A warning for each schema of another version, which would have the editor
/// underline new keys as mistakes. One that was never written is none.
#[must_use]
pub fn outdated(config_folder: &Path) -> Vec<Problem> {
    let differs =
        |(file, text): &(PathBuf, String)| fs::read_to_string(file).is_ok_and(|there| there != *text);
    let warning = |(file, _): (PathBuf, String)| {
        Problem::warning(file, "tells your editor of the keys of another version of Courtesy")
            .hint("`courtesy schema --write` writes the schemas of this one")
    };
    files(config_folder).filter(differs).map(warning).collect()
}
