//! What a package of a distribution holds besides the program: the
//! configuration as it stands below `/etc`, manual pages, completions.
//! Hidden, for whoever builds the package.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::builder::Resettable;
use clap::{Args, CommandFactory as _, ValueEnum as _};
use clap_complete::Shell;

use super::screen::Screen;
use super::{Cli, Verdict, init};

/// Where to write.
#[derive(Args, Debug)]
pub struct PackageArgs {
    /// The folder to write into, whatever is in it
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// What stands elsewhere on a system than in a folder of one's own: the lines
/// of courtesy.yaml that say so.
const ELSEWHERE: [(&str, &str); 3] = [
    ("data_dir: ../data ", "data_dir: /var/lib/courtesy "),
    ("templates: ../templates ", "templates: templates "),
    ("attachments: ../attachments ", "attachments: /var/lib/courtesy/attachments "),
];

/// Writes `etc`, `man` and `completions` into the folder, in the place of
/// what it wrote there before.
///
/// # Errors
/// When it can't be written.
pub fn run(args: &PackageArgs, screen: &mut Screen) -> anyhow::Result<Verdict> {
    for part in ["etc", "man", "completions"] {
        let folder = args.dir.join(part);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    configuration(&args.dir.join("etc"))?;
    manual(&args.dir.join("man"))?;
    completions(&args.dir.join("completions"))?;
    screen.say(format_args!("Wrote etc, man and completions into {}.", args.dir.display()))?;
    Ok(Verdict::Done)
}

fn configuration(etc: &Path) -> anyhow::Result<()> {
    init::write_flat(etc)?;
    let file = etc.join("courtesy.yaml");
    let mut text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    for (here, there) in ELSEWHERE {
        if text.matches(here).count() != 1 {
            bail!("config/courtesy.yaml does not say `{here}` once");
        }
        text = text.replace(here, there);
    }
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// A page for the program and one for each command.
fn manual(folder: &Path) -> anyhow::Result<()> {
    let mut whole = command().disable_help_subcommand(true);
    whole.build();
    pages(&whole, folder).with_context(|| format!("cannot write into {}", folder.display()))
}

fn pages(command: &clap::Command, folder: &Path) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let mut page = Vec::new();
    // Examples stand as they are, line by line; elsewhere lines are filled.
    clap_mangen::Man::new(command.clone().after_help(Resettable::Reset)).render(&mut page)?;
    if let Some(examples) = command.get_after_help() {
        page.extend(format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", roff(&examples.to_string())).into_bytes());
    }
    fs::write(folder.join(format!("{name}.1")), page)?;
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| pages(sub, folder))
}

/// Text that roff leaves alone.
fn roff(text: &str) -> String {
    let line = |line: &str| format!("\\&{}", line.replace('\\', "\\e").replace('-', "\\-"));
    text.trim_start_matches("Examples:\n").lines().map(line).collect::<Vec<_>>().join("\n")
}

fn completions(folder: &Path) -> anyhow::Result<()> {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command(), "courtesy", folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
    }
    Ok(())
}

fn command() -> clap::Command {
    Cli::command()
}

/// For which shell.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  courtesy completions bash > ~/.local/share/bash-completion/completions/courtesy"
)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL", value_parser = shell, hide_possible_values = true)]
    shell: Shell,
}

fn shell(word: &str) -> Result<Shell, String> {
    Shell::from_str(word, true)
}

/// Prints what a shell needs to complete commands and options.
///
/// # Errors
/// When stdout is closed.
pub fn complete(args: &CompletionsArgs, screen: &mut Screen) -> anyhow::Result<Verdict> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "courtesy", &mut text);
    screen.result(String::from_utf8_lossy(&text).trim_end())?;
    Ok(Verdict::Done)
}
