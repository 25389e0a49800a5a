//! Taking over the rows of a file that was read: upserts by id, references
//! checked, and the guards against an empty or half file.

mod claims;
mod others;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::books::Occasion;
use super::news;
use super::people;
use super::rows::{At, Fault, Zones};
use super::worker::Desk;
use crate::domain::money::Money;
use crate::domain::stop::Stop;
use crate::store::import::{BadRows, Cells, Staged, columns_of};
use crate::store::{Deed, ImportKind, ImportOrder, ImportReport, StoreError};

/// Below so many open items a share says nothing.
const GUARDED_ITEMS: u64 = 20;

/// An amount as it is kept: with all decimals of its currency, so that equal
/// amounts are equal texts.
pub(super) fn plain(money: Money) -> String {
    let mut amount = money.amount;
    amount.rescale(money.currency.decimals());
    amount.to_string()
}

/// What taking over a row did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    Added,
    Changed,
    Unchanged,
}

/// A row is taken over, or can't be and says why.
type Taken = Result<Result<Effect, Vec<String>>, Fault>;

/// One import on its way.
struct Import<'a> {
    conn: &'a Connection,
    zones: &'a Zones,
    order: &'a ImportOrder,
    staged: &'a Staged,
    on: Occasion,
    /// Where each column stands in a row.
    places: HashMap<&'static str, usize>,
    /// Customers of whom nothing personal is taken, by key.
    forgotten: HashMap<i64, String>,
    /// Those of them who stand in the file.
    met: BTreeSet<String>,
    bad: BadRows,
    report: ImportReport,
    /// Open items that change in what is owed, when or by whom.
    moved: u64,
}

/// Takes over a file in a transaction of its own, and keeps it or not.
pub(super) fn merge(
    desk: &mut Desk,
    order: &ImportOrder,
    mut staged: Staged,
    now: Timestamp,
) -> Result<ImportReport, Fault> {
    let today = desk.zones.today(now);
    let places = columns_of(order.kind).iter().enumerate().map(|(at, column)| (column.name, at)).collect();
    let report = ImportReport {
        rows: staged.count,
        unknown_columns: std::mem::take(&mut staged.unknown_columns),
        unusable_addresses: staged.unusable_addresses,
        ..ImportReport::default()
    };
    let bad = std::mem::take(&mut staged.bad);
    let import = Import {
        conn: &desk.conn,
        zones: &desk.zones,
        order,
        staged: &staged,
        on: Occasion { now, today, source: "import" },
        places,
        forgotten: people::forgotten(&desk.conn)?,
        met: BTreeSet::new(),
        bad,
        report,
        moved: 0,
    };
    let report = import.run()?;
    if !report.kept {
        desk.conn.execute_batch("ROLLBACK")?;
    }
    Ok(report)
}

impl Import<'_> {
    fn run(mut self) -> Result<ImportReport, Fault> {
        let open_before = claims::count_open(self.conn)?;
        let staged = self.staged;
        staged.each(|cells| self.take(&cells))?;
        let any_bad = self.bad.count > 0;
        if self.order.kind == ImportKind::Receivables {
            if self.order.complete && any_bad && self.order.keep_going {
                return Err(StoreError::Refused(format!(
                    "{} bad rows; with --complete every row must be good, for what is not listed is closed as paid",
                    self.bad.count
                ))
                .into());
            }
            claims::not_listed(&mut self)?;
            self.guard(open_before)?;
        }
        self.report.bad_count = self.bad.count;
        self.report.bad = std::mem::take(&mut self.bad.shown);
        self.report.bad.sort_by_key(|bad| bad.line);
        self.report.forgotten = std::mem::take(&mut self.met).into_iter().collect();
        self.report.kept = !self.order.dry_run && (!any_bad || self.order.keep_going);
        if self.report.kept {
            self.conn.execute(
                "INSERT INTO imports (kind, file, rows, at, bad) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    self.order.kind.as_str(),
                    self.order.file.to_string_lossy(),
                    i64::try_from(self.report.rows).unwrap_or(i64::MAX),
                    At(self.on.now),
                    i64::try_from(self.report.bad_count).unwrap_or(i64::MAX)
                ],
            )?;
            self.tell()?;
            if self.order.kind == ImportKind::Payments {
                // Whoever waits for payments to be read is looked at again,
                // also where nothing has come.
                self.conn.execute(
                    "UPDATE relationships SET wake_at = 0
                     WHERE key IN (SELECT relationship FROM findings WHERE what = ?1)",
                    [Stop::DataTooOld.name()],
                )?;
            }
        }
        Ok(self.report)
    }

    /// Has the daemon's log say that the file was taken.
    fn tell(&self) -> rusqlite::Result<()> {
        let name = self.order.file.file_name().unwrap_or_default().to_string_lossy();
        let ImportReport { rows, added, changed, closed, bad_count, .. } = &self.report;
        let detail = format!(
            "{name}: {rows} rows, {added} added, {changed} changed, {closed} closed, {bad_count} bad"
        );
        news::note(self.conn, Deed::Imported, (None, self.order.kind.as_str()), &detail, self.on.now)
    }

    fn take(&mut self, row: &Cells) -> Result<(), Fault> {
        let taken = match self.order.kind {
            ImportKind::Customers => others::customer(self, row),
            ImportKind::Receivables => claims::receivable(self, row),
            ImportKind::Payments => others::payment(self, row),
            ImportKind::Events => others::event(self, row),
        }?;
        match taken {
            Ok(Effect::Added) => self.report.added += 1,
            Ok(Effect::Changed) => self.report.changed += 1,
            Ok(Effect::Unchanged) => self.report.unchanged += 1,
            Err(reasons) => self.bad.push(row.line, reasons),
        }
        Ok(())
    }

    /// A file that would close, hold or change too much of what is open is
    /// more likely cut off, or another month's, than right.
    fn guard(&self, open_before: u64) -> Result<(), Fault> {
        let missing = self.report.missing.len() as u64;
        let affected = self.report.closed + self.moved + missing;
        #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
        let share = affected as f64 / open_before.max(1) as f64;
        if open_before < GUARDED_ITEMS || share <= self.order.share || self.order.allow_large_change {
            return Ok(());
        }
        Err(StoreError::Refused(format!(
            "{}: of {open_before} open items {} would close, {} change and {missing} be held because they are missing; \
             that is {:.0} %, and more than {:.0} % is refused unless --allow-large-change is given. Nothing was changed",
            self.order.file.display(),
            self.report.closed,
            self.moved,
            share * 100.0,
            self.order.share * 100.0,
        ))
        .into())
    }

    /// Whether nothing personal of a customer is to be taken; notes who it is.
    fn is_forgotten(&mut self, customer: i64) -> bool {
        let found = self.forgotten.get(&customer);
        self.met.extend(found.cloned());
        found.is_some()
    }

    /// Whether the file has this column.
    fn has(&self, column: &str) -> bool {
        self.places.get(column).is_some_and(|at| self.staged.present[*at])
    }

    /// A cell of the row, `None` where it is empty or the column absent.
    fn cell<'r>(&self, row: &'r Cells, column: &str) -> Option<&'r str> {
        self.places.get(column).and_then(|at| row.cells[*at].as_deref())
    }

    /// A cell that the border has seen to be there.
    fn required<'r>(&self, row: &'r Cells, column: &str) -> &'r str {
        self.cell(row, column).unwrap_or_default()
    }

    /// What stands in these columns afterwards: the cells of those the file
    /// has, and what was there before of the others.
    fn overlay(&self, row: &Cells, columns: &[&str], before: &[Option<String>]) -> Vec<Option<String>> {
        columns
            .iter()
            .zip(before)
            .map(
                |(column, before)| {
                    if self.has(column) { self.cell(row, column).map(str::to_owned) } else { before.clone() }
                },
            )
            .collect()
    }
}

/// Reads columns of text from a row of the store.
fn texts(row: &rusqlite::Row<'_>, from: usize, count: usize) -> rusqlite::Result<Vec<Option<String>>> {
    (from..from + count).map(|at| row.get(at)).collect()
}
