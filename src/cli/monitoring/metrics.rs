//! Numbers in the text format of Prometheus. Their names are documented in
//! `docs/operating.md`; a test compares.

use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use super::{Figures, is_ready};
use crate::cli::logging::LOSSES;
use crate::domain::notice::LetterState;
use crate::engine::condition::Condition;
use crate::store::sqlite::Overview;

/// The page.
pub(super) fn of(condition: &Condition, figures: &Figures, now: Timestamp) -> String {
    let mut page = Exposition::default();
    page.gauge("courtesy_info", "The version that runs.");
    page.value(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    of_daemon(condition, now, &mut page);
    page.one(
        "courtesy_store_readable",
        "1 if the store could be counted through.",
        u8::from(figures.overview.is_ok()),
    );
    if let Ok(overview) = &figures.overview {
        of_store(overview, now, &mut page);
    }
    page.0
}

fn of_daemon(condition: &Condition, now: Timestamp, page: &mut Exposition) {
    let flag = |yes: bool| u8::from(yes);
    page.moment("courtesy_start_timestamp_seconds", "When the daemon began.", Some(condition.started_at));
    page.one("courtesy_alive", "1 if the loop turns and whoever delivers goes on.", flag(condition.lives));
    page.one("courtesy_ready", "1 if nothing keeps it from its work.", flag(is_ready(condition, now)));
    page.counter("courtesy_passes_total", "Looks at all there is, by what they came to.");
    let passes = condition.passes;
    for (result, count) in [("complete", passes.complete), ("hold", passes.held), ("failed", passes.failed)] {
        page.value(&[("result", result)], count);
    }
    page.moment(
        "courtesy_last_complete_pass_timestamp_seconds",
        "When the last look ended that saw all there was.",
        condition.complete_at,
    );
    if let Some(last) = &condition.last_pass {
        page.one(
            "courtesy_last_pass_duration_seconds",
            "How long the last look took.",
            last.took.as_secs_f64(),
        );
        let hold = last.halt.as_ref();
        page.gauge("courtesy_hold", "1 if nothing leaves at all; the cause is its name in the log.");
        page.value(&[("cause", hold.map_or("", |halt| halt.name()))], flag(hold.is_some()));
    }
    let relay = condition.relay.is_none();
    page.one(
        "courtesy_relay_up",
        "0 from a failed session until the mail server takes a letter.",
        flag(relay),
    );
    let configured = &condition.configured;
    let refused = configured.refused.is_some();
    page.one("courtesy_config_refused", "1 if the last reload was refused.", flag(refused));
    page.moment(
        "courtesy_config_timestamp_seconds",
        "Since when the configuration is in force.",
        Some(configured.since),
    );
    page.one("courtesy_rules", "Rules in force.", configured.in_force.rules.len());
    page.counter("courtesy_log_lines_lost_total", "Lines of the log that nobody read in time.");
    page.value(&[], LOSSES.total());
}

fn of_store(overview: &Overview, now: Timestamp, page: &mut Exposition) {
    page.moment(
        "courtesy_last_backup_timestamp_seconds",
        "When the last backup was made.",
        overview.backed_up_at,
    );
    page.gauge("courtesy_letters", "Letters by rule and state, as the store has them.");
    for (rule, states) in &overview.of_rules {
        for (state, count) in states {
            page.value(&[("rule", rule.as_str()), ("state", state.as_str())], count);
        }
    }
    page.gauge("courtesy_queue", "Letters that have not ended, by state.");
    for state in [
        LetterState::Queued,
        LetterState::Retry,
        LetterState::Sending,
        LetterState::Held,
        LetterState::Uncertain,
    ] {
        page.value(&[("state", state.as_str())], overview.letters(state));
    }
    let overdue = overview.oldest_due_at.map_or(0, |due| now.duration_since(due).as_secs().max(0));
    page.one(
        "courtesy_oldest_due_seconds",
        "For how long the letter waits that should have left first.",
        overdue,
    );
    page.moment("courtesy_last_sent_timestamp_seconds", "When the last letter left.", overview.last_sent_at);
    page.moment(
        "courtesy_payments_read_timestamp_seconds",
        "When payments were last read.",
        overview.payments_read_at,
    );
    page.one("courtesy_customers", "Customers.", overview.customers);
    page.one("courtesy_open_receivables", "Receivables that are not over.", overview.open_receivables);
}

/// A page in the making.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String can't fail.
        writeln!(self.0, "{line}").unwrap_or_default();
    }

    fn gauge(&mut self, name: &'static str, help: &str) {
        self.family(name, "gauge", help);
    }

    fn counter(&mut self, name: &'static str, help: &str) {
        self.family(name, "counter", help);
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// A value of the family that was named last.
    fn value(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let family =
            self.0.rsplit("# TYPE ").next().and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let name = family.to_owned();
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.line(format_args!("{name}{labels} {value}"));
    }

    fn one(&mut self, name: &'static str, help: &str, value: impl Display) {
        self.gauge(name, help);
        self.value(&[], value);
    }

    /// A moment, which is left out where there was none.
    fn moment(&mut self, name: &'static str, help: &str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.one(name, help, at.as_second());
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_whatever_somebody_called_a_rule() {
        let mut page = Exposition::default();
        page.gauge("letters", "Of rules.");
        page.value(&[("rule", "a \"b\"\\\n"), ("state", "sent")], 3);
        page.one("rules", "How many.", 2);
        assert_eq!(
            page.0,
            "# HELP letters Of rules.\n# TYPE letters gauge\nletters{rule=\"a \\\"b\\\"\\\\\\n\",state=\"sent\"} 3\n\
             # HELP rules How many.\n# TYPE rules gauge\nrules 2\n"
        );
    }
}
