//! Taking over a changed configuration: what is different, and what is not
//! taken over although nothing is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::PoisonError;

use jiff::Timestamp;
use tracing::{error, info, warn};

use super::{Engine, Office};
use crate::clock::Clock;
use crate::domain::ids::RuleName;
use crate::problem::{Problem, Severity};
use crate::relay::Relay;
use crate::store::{Store, StoreError};

/// A configuration that was read again.
#[derive(Debug)]
pub struct Loaded<R> {
    /// Settings, rules, templates.
    pub office: Office,
    /// The way out, where it is another one.
    pub relay: Option<R>,
}

/// Whether a person has said that letters of vanished rules may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consent {
    /// Nobody has.
    Missing,
    /// Somebody has.
    Given,
}

/// A configuration by its fingerprints.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InForce {
    /// Of each rule.
    pub rules: BTreeMap<RuleName, String>,
    /// Of what decides when and to whom is written, calendars included.
    pub settings: String,
    /// Of who signs, who answers for it and who is quoted; empty where that is
    /// not known.
    pub sender: String,
    /// Of each file of the templates, `en/reminder/firm.md`; none where they
    /// are not known.
    pub templates: BTreeMap<String, String>,
}

/// What one configuration has and another has not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Rules that are new.
    pub added: Vec<RuleName>,
    /// Rules that are not what they were.
    pub changed: Vec<RuleName>,
    /// Rules that are gone.
    pub removed: Vec<RuleName>,
    /// Whether the settings are others.
    pub settings: bool,
    /// Files of templates that are new, gone or not what they were.
    pub templates: Vec<String>,
}

/// At most so many templates are named in one line.
const NAMED_MAX: usize = 3;

impl Changes {
    /// From one to the other.
    #[must_use]
    pub fn between(before: &InForce, after: &InForce) -> Self {
        let (kept, added): (Vec<_>, Vec<_>) =
            after.rules.iter().partition(|(name, _)| before.rules.contains_key(*name));
        // A daemon of before did not note it.
        let known = !before.sender.is_empty() && !after.sender.is_empty();
        let other_sender = known && before.sender != after.sender;
        let gone = before.rules.keys().filter(|name| !after.rules.contains_key(*name));
        Self {
            added: added.into_iter().map(|(name, _)| name.clone()).collect(),
            changed: kept
                .into_iter()
                .filter(|(name, print)| before.rules.get(*name) != Some(*print))
                .map(|(name, _)| name.clone())
                .collect(),
            removed: gone.cloned().collect(),
            settings: before.settings != after.settings || other_sender,
            templates: other_files(&before.templates, &after.templates),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The files that are not the same in both, where both are known.
fn other_files(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    all.into_iter().filter(|file| before.get(*file) != after.get(*file)).cloned().collect()
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorts = [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed)];
        let of_rules =
            sorts.iter().flat_map(|(what, rules)| rules.iter().map(move |rule| format!("{rule} {what}")));
        let mut said: Vec<String> = of_rules.collect();
        if said.is_empty() {
            said.push("no rule changed".to_owned());
        }
        if self.settings {
            said.push("settings changed".to_owned());
        }
        match self.templates.as_slice() {
            files if files.len() > NAMED_MAX => said.push(format!("{} templates changed", files.len())),
            files => said.extend(files.iter().map(|file| format!("template {file} changed"))),
        }
        f.write_str(&said.join(", "))
    }
}

/// Why a configuration without mistakes is not taken over unless somebody
/// says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Objection {
    /// Nothing would ever be sent.
    NoRules,
    /// Rules are gone that have letters waiting, so many each: they would be
    /// cancelled.
    LettersWait(BTreeMap<RuleName, u64>),
}

impl Objection {
    /// What speaks against these changes, if anything does; `waiting` are the
    /// letters that wait, by rule.
    #[must_use]
    pub fn to(after: &InForce, changes: &Changes, waiting: &BTreeMap<RuleName, u64>) -> Option<Self> {
        if after.rules.is_empty() && !changes.removed.is_empty() {
            return Some(Self::NoRules);
        }
        let left = |rule: &RuleName| Some((rule.clone(), *waiting.get(rule)?));
        let letters: BTreeMap<_, _> = changes.removed.iter().filter_map(left).collect();
        (!letters.is_empty()).then_some(Self::LettersWait(letters))
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRules => f.write_str("there is no rule left, and nothing would be sent any more"),
            Self::LettersWait(letters) => {
                let rules: Vec<String> =
                    letters.iter().map(|(rule, count)| format!("`{rule}` ({count})")).collect();
                write!(
                    f,
                    "rules are gone whose letters still wait and would be cancelled: {}",
                    rules.join(", ")
                )
            }
        }
    }
}

/// Which configuration is in force, and what became of the last attempt to
/// change it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configured {
    /// What is in force.
    pub in_force: InForce,
    /// Since when.
    pub since: Timestamp,
    /// How often it was read again, whatever came of it.
    pub readings: u64,
    /// When and why the last reading was refused; `None` where it was not.
    pub refused: Option<(Timestamp, Vec<String>)>,
}

impl Configured {
    pub(super) fn first(office: &Office, now: Timestamp) -> Self {
        Self { in_force: office.in_force.clone(), since: now, readings: 0, refused: None }
    }
}

/// Why a reading is refused.
enum Refusal {
    Problems(Vec<Problem>),
    Objection(Objection),
    Store(StoreError),
}

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// Which configuration is in force.
    #[must_use]
    pub fn configured(&self) -> Configured {
        self.configured.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a configuration in force that was read again, unless something
    /// speaks against it; then the last good one stays.
    pub(super) async fn take_over(&self, loaded: Result<Loaded<R>, Vec<Problem>>, consent: Consent) {
        let now = self.clock().now();
        let before = self.configured();
        let mut after = Configured { readings: before.readings + 1, refused: None, ..before };
        match self.consider(loaded, consent).await {
            Ok((loaded, changes)) => {
                let changes = changes.to_string();
                info!(rules = loaded.office.rules.len(), changes, "reloaded");
                after.in_force = loaded.office.in_force.clone();
                after.since = now;
                self.replace_office(loaded.office);
                if let Some(relay) = loaded.relay {
                    info!("letters go by the changed `mail.deliver` from now on");
                    self.replace_relay(relay);
                }
            }
            Err(refusal) => after.refused = Some((now, told(&refusal))),
        }
        *self.configured.lock().unwrap_or_else(PoisonError::into_inner) = after;
    }

    async fn consider(
        &self,
        loaded: Result<Loaded<R>, Vec<Problem>>,
        consent: Consent,
    ) -> Result<(Loaded<R>, Changes), Refusal> {
        let loaded = loaded.map_err(Refusal::Problems)?;
        let after = &loaded.office.in_force;
        let changes = Changes::between(&self.configured().in_force, after);
        if consent == Consent::Missing && !changes.removed.is_empty() {
            let waiting = self.store().waiting().await.map_err(Refusal::Store)?;
            if let Some(objection) = Objection::to(after, &changes, &waiting) {
                return Err(Refusal::Objection(objection));
            }
        }
        Ok((loaded, changes))
    }
}

/// Tells of a refusal in the log; and its reasons.
fn told(refusal: &Refusal) -> Vec<String> {
    let (why, advice) = match refusal {
        // What is only warned of is no reason.
        Refusal::Problems(problems) => (
            problems
                .iter()
                .filter(|found| found.severity == Severity::Error)
                .map(ToString::to_string)
                .collect(),
            "`courtesy check` shows each at its place",
        ),
        Refusal::Objection(objection) => {
            (vec![objection.to_string()], "if it is meant so: `courtesy reload --force`")
        }
        Refusal::Store(cause) => (vec![cause.to_string()], "reload again when the store can be read"),
    };
    for problem in &why {
        error!(problem, "not reloaded");
    }
    warn!(problems = why.len(), advice, "the last good configuration stays in force");
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_force(rules: &[(&str, &str)], settings: &str) -> InForce {
        let rules = rules.iter().map(|(name, print)| ((*name).into(), (*print).to_owned())).collect();
        InForce { rules, settings: settings.to_owned(), ..InForce::default() }
    }

    #[test]
    fn a_changed_template_is_named_and_many_are_counted() {
        let with = |files: &[(&str, &str)]| InForce {
            templates: files.iter().map(|(file, print)| ((*file).to_owned(), (*print).to_owned())).collect(),
            ..InForce::default()
        };
        let before = with(&[("en/a.md", "1"), ("en/b.md", "1"), ("layout.html", "1")]);
        let said = |after| Changes::between(&before, &after).to_string();
        assert_eq!(
            said(with(&[("en/a.md", "2"), ("en/b.md", "1"), ("layout.html", "1")])),
            "no rule changed, template en/a.md changed"
        );
        assert_eq!(
            said(with(&[("en/b.md", "1"), ("en/c.md", "1"), ("layout.html", "2")])),
            "no rule changed, template en/a.md changed, template en/c.md changed, template layout.html changed"
        );
        assert_eq!(
            said(with(&[("en/b.md", "2"), ("en/c.md", "1"), ("layout.html", "2")])),
            "no rule changed, 4 templates changed"
        );
        // A daemon of before noted neither these nor who signs.
        assert!(Changes::between(&InForce::default(), &before).is_empty());
        let by = |sender: &str| InForce { sender: sender.to_owned(), ..InForce::default() };
        assert!(Changes::between(&InForce::default(), &by("1")).is_empty());
        assert!(Changes::between(&by("1"), &by("2")).settings);
    }

    #[test]
    fn changes_are_named_rule_by_rule() {
        let before = in_force(&[("a", "1"), ("b", "1"), ("c", "1")], "s");
        for (after, said) in [
            (before.clone(), "no rule changed"),
            (in_force(&[("a", "1"), ("b", "2"), ("d", "1")], "s"), "d added, b changed, c removed"),
            (in_force(&[("a", "1"), ("b", "1"), ("c", "1")], "t"), "no rule changed, settings changed"),
            (in_force(&[], "t"), "a removed, b removed, c removed, settings changed"),
        ] {
            assert_eq!(Changes::between(&before, &after).to_string(), said);
        }
    }

    #[test]
    fn a_rule_with_letters_is_not_taken_away_in_passing_and_neither_are_all() {
        let before = in_force(&[("a", "1"), ("b", "1")], "s");
        let objection = |after: &InForce, waiting: &[(&str, u64)]| {
            let waiting = waiting.iter().map(|(rule, count)| ((*rule).into(), *count)).collect();
            Objection::to(after, &Changes::between(&before, after), &waiting).map(|why| why.to_string())
        };
        let without_b = in_force(&[("a", "2")], "s");
        assert_eq!(objection(&without_b, &[]), None);
        assert_eq!(objection(&without_b, &[("a", 3)]), None);
        let said = objection(&without_b, &[("a", 3), ("b", 2)]);
        assert_eq!(
            said.as_deref(),
            Some("rules are gone whose letters still wait and would be cancelled: `b` (2)")
        );
        let none = objection(&in_force(&[], "s"), &[]);
        assert_eq!(none.as_deref(), Some("there is no rule left, and nothing would be sent any more"));
    }
}
