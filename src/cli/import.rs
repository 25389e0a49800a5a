//! `courtesy import`: CSV in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use owo_colors::OwoColorize;

use super::screen::Screen;
use super::{Global, Verdict, harmless, load};
use crate::store::{ImportKind, ImportOrder, ImportReport, Store};

const EXAMPLES: &str = "\
Files refer to each other, so take them in this order:
  courtesy import customers customers.csv
  courtesy import receivables receivables.csv
  courtesy import payments payments.csv
  courtesy import events events.csv

What would change, without changing it:
  courtesy import receivables receivables.csv --dry-run

Columns (* required):
  customers    id* name* email contact_name greeting cc locale country timezone segment tags
               owner_name owner_email attributes
  receivables  id* customer_id* kind* amount* currency* due_on* number issued_on contract
               description status guarantor_name guarantor_email limitation_on pay_url attachment
  payments     id* receivable_id* (or customer_id*, money on account) amount* received_on*
  events       id* customer_id* kind* occurred_at* outcome product note

Dates as 2026-03-31, amounts as 1234.50. A file is taken whole or not at all. Rows are matched by
id: importing the same file again changes nothing. An absent column changes nothing, an empty cell
clears.";

/// What to take, and how.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct ImportArgs {
    /// What the file lists
    #[arg(value_enum)]
    pub kind: Kind,
    /// The CSV file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Take the good rows although there are bad ones
    #[arg(long)]
    pub keep_going: bool,
    /// The file lists every open item: what it lacks has been paid (receivables only)
    #[arg(long)]
    pub complete: bool,
    /// Take the file although it closes or changes more of what is open than `import.share` allows
    #[arg(long)]
    pub allow_large_change: bool,
}

/// What a file lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind(pub ImportKind);

impl ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        const KINDS: [Kind; 4] = [
            Kind(ImportKind::Customers),
            Kind(ImportKind::Receivables),
            Kind(ImportKind::Payments),
            Kind(ImportKind::Events),
        ];
        &KINDS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.as_str()))
    }
}

/// Takes the file and reports.
///
/// # Errors
/// When the configuration has problems, or the file is refused as a whole.
pub async fn run(
    args: ImportArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let store = load::store(&config)?;
    let order = ImportOrder {
        kind: args.kind.0,
        file: args.file.clone(),
        dry_run: args.dry_run,
        keep_going: args.keep_going,
        complete: args.complete,
        allow_large_change: args.allow_large_change,
        share: config.import_share,
        zone: config.settings.business.zone.clone(),
    };
    let bar = progress_bar(screen);
    let shown = bar.clone();
    let done = store.import(order, Arc::new(move |rows| shown.set_position(rows)), now).await;
    bar.finish_and_clear();
    let report = done?;
    if global.json {
        screen.json(&as_json(&report))?;
    } else {
        tell(&args, &report, screen)?;
    }
    let whole = report.bad_count == 0;
    Ok(if whole || (args.keep_going && report.kept) { Verdict::Done } else { Verdict::Failed })
}

/// Rows so far, on a terminal; nothing in a pipe.
fn progress_bar(screen: &Screen) -> ProgressBar {
    let target = if screen.is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{spinner} {human_pos} rows ({per_sec})")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::with_draw_target(None, target).with_style(style)
}

fn tell(args: &ImportArgs, report: &ImportReport, screen: &mut Screen) -> anyhow::Result<()> {
    let ImportReport { rows, added, changed, unchanged, closed, .. } = report;
    let word = if args.dry_run { "would be " } else { "" };
    if report.kept || args.dry_run {
        screen.say(format_args!(
            "{}: {rows} rows, {added} {word}new, {changed} {word}changed, {unchanged} unchanged{}",
            args.kind.0.as_str(),
            if *closed > 0 { format!(", {closed} {word}closed") } else { String::new() }
        ))?;
    }
    if args.dry_run {
        screen.say("Nothing was kept (--dry-run).")?;
    }
    warn(report, screen)?;
    tell_bad(&args.file, report, screen)?;
    if !report.kept && !args.dry_run {
        screen.complaint("Nothing was kept. Mend these rows, or take the good ones with --keep-going.")?;
    }
    Ok(())
}

fn warn(report: &ImportReport, screen: &mut Screen) -> anyhow::Result<()> {
    let mut warning = |text: String| screen.note(format_args!("{} {text}", "warning:".yellow()));
    if !report.unknown_columns.is_empty() {
        warning(format!("columns nobody knows, passed over: {}", report.unknown_columns.join(", ")))?;
    }
    if report.unusable_addresses > 0 {
        warning(format!(
            "customers without an address that can be written to: {}; their letters wait until there is one",
            report.unusable_addresses
        ))?;
    }
    if !report.forgotten.is_empty() {
        warning(format!(
            "customers who asked to be forgotten, of whom nothing personal was taken and to whom nobody writes: {}; \
             take them out of the file as well, or see `courtesy forget --list`",
            shortened(&report.forgotten)
        ))?;
    }
    if !report.missing.is_empty() {
        warning(format!(
            "open items of the last file that this one lacks: {}; on hold until they are listed again, paid \
             or resumed: {}",
            report.missing.len(),
            shortened(&report.missing)
        ))?;
    }
    Ok(())
}

fn tell_bad(file: &Path, report: &ImportReport, screen: &mut Screen) -> anyhow::Result<()> {
    for bad in &report.bad {
        for reason in &bad.reasons {
            let error = "error:".red();
            let place = format_args!("{}:{}", file.display(), bad.line);
            let reason = harmless::one_line(reason);
            screen.complaint(format_args!("{place}: {} {reason}", error.bold()))?;
        }
    }
    let shown = u64::try_from(report.bad.len())?;
    if report.bad_count > shown {
        screen.complaint(format_args!("… and {} more", report.bad_count - shown))?;
    }
    if report.bad_count > 0 {
        screen.complaint(format_args!("{} of {} rows are bad", report.bad_count, report.rows))?;
    }
    Ok(())
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

fn as_json(report: &ImportReport) -> serde_json::Value {
    let bad: Vec<_> = report
        .bad
        .iter()
        .map(|row| serde_json::json!({ "line": row.line, "reasons": row.reasons }))
        .collect();
    serde_json::json!({
        "rows": report.rows,
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "closed": report.closed,
        "missing": report.missing,
        "bad": bad,
        "bad_count": report.bad_count,
        "unknown_columns": report.unknown_columns,
        "unusable_addresses": report.unusable_addresses,
        "forgotten": report.forgotten,
        "kept": report.kept,
    })
}
