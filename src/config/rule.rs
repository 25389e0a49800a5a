//! From the keys of a rule's file to a rule that makes sense.

use std::path::PathBuf;

use super::forms::{Many, Spot};
use super::read::{Read as _, Reader};
use super::rule_shape::{InterlockWord, RawInterlock, RawRule, RawStage, StaleAfter, Template};
use super::source::{At, Source};
use super::yaml::Node;
use super::{filter, stage, yaml};
use crate::domain::customer::Class;
use crate::domain::ids::{RuleName, StageName};
use crate::domain::offset::{Offset, Unit};
use crate::domain::overlap;
use crate::domain::rule::{Anchor, Interlock, Rule};
use crate::domain::settings::Budget;
use crate::problem::{Place, Problem, Severity};

/// How many days a courtesy is welcome if its rule does not say.
const STALE_AFTER_DAYS: i32 = 3;

/// What a rule's file holds.
#[derive(Clone, Debug)]
pub(super) struct LoadedRule {
    /// The rule.
    pub rule: Rule,
    /// Its content without layout and comments, for the fingerprint.
    pub canonical: String,
    /// Where it names its templates.
    pub templates: Vec<TemplateUse>,
    /// The file.
    pub source: Source,
    node: Node,
    stages_at: Vec<At>,
}

impl LoadedRule {
    /// Where the value at the end of a path of keys stands, or the last key
    /// of the path that is there.
    pub fn at(&self, keys: &[&str]) -> At {
        self.node.nearest_to(keys).unwrap_or(0..0)
    }

    /// Where a stage is named.
    pub fn stage_at(&self, name: &StageName) -> At {
        let found = self.rule.stages.iter().position(|stage| stage.name == *name);
        found.and_then(|index| self.stages_at.get(index)).cloned().unwrap_or(0..0)
    }
}

/// The name that a file gives its rule, with its place. It is known even
/// where the rest is wrong, so that two rules of one name are noticed at
/// once.
#[derive(Clone, Debug)]
pub(super) struct NamedRule {
    /// The name.
    pub name: Spot<String>,
    /// The file.
    pub source: Source,
}

/// A place where a rule names a template, so that whoever reads templates
/// can point at it.
#[derive(Clone, Debug)]
pub struct TemplateUse {
    /// The rule.
    pub rule: RuleName,
    /// The stage; `<stage>/then` for the letter after the last repetition.
    pub stage: StageName,
    /// The template's name without language and ending.
    pub template: String,
    /// Whether the customer is among the recipients; else it is a letter to
    /// our own people.
    pub to_customer: bool,
    file: PathBuf,
    place: Place,
}

impl TemplateUse {
    /// The file and the place in it.
    #[must_use]
    pub fn place(&self) -> (PathBuf, Place) {
        (self.file.clone(), self.place.clone())
    }

    /// An error that underlines the template's name in the rule's file.
    #[must_use]
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        let mut problem = Problem::error(self.file.clone(), message);
        problem.place = Some(self.place.clone());
        problem
    }
}

/// Reads a rule's file.
pub(super) fn load(source: Source, problems: &mut Vec<Problem>) -> (Option<NamedRule>, Option<LoadedRule>) {
    let Some(node) = yaml::parse(&source, problems) else { return (None, None) };
    let rule = read(&node, &source, problems);
    let name = node.text_at(&["rule"]).map(|(text, at)| Spot { value: text.to_owned(), at });
    (name.map(|name| NamedRule { name, source }), rule)
}

fn read(node: &Node, source: &Source, problems: &mut Vec<Problem>) -> Option<LoadedRule> {
    let before = errors(problems);
    let mut reader = Reader { source, problems };
    let raw = RawRule::read(node, &mut reader)?;
    let rule = checked(&raw, &mut reader);
    if overlap::excludes_everybody(&rule) {
        let at = node.nearest_to(&["unless"]).unwrap_or_else(|| raw.rule.at.clone());
        let message = "the rule writes to nobody: `unless` leaves out everybody whom `where` lets in";
        reader.error(
            &at,
            message,
            "say less in `unless`; to switch the rule off, move its file out of the folder",
        );
    }
    if errors(problems) > before {
        return None;
    }
    let templates = template_uses(&raw, &rule, source);
    Some(LoadedRule {
        rule,
        canonical: node.canonical(),
        templates,
        source: source.clone(),
        node: node.clone(),
        stages_at: raw.stages.iter().map(|stage| stage.stage.at.clone()).collect(),
    })
}

fn errors(problems: &[Problem]) -> usize {
    problems.iter().filter(|problem| problem.severity == Severity::Error).count()
}

fn checked(raw: &RawRule, reader: &mut Reader<'_>) -> Rule {
    let (class, anchor) = (raw.class.value, &raw.anchor.0.value);
    check_schedule(raw, reader);
    check_combine(raw, reader);
    let audience = filter::checked(raw.r#where.as_ref(), &raw.anchor.0, reader);
    let unless = filter::checked(raw.unless.as_ref(), &raw.anchor.0, reader);
    let stages = raw.stages.iter().map(|stage| stage::checked(stage, class, anchor, reader)).collect();
    check_ladder(raw, reader);
    check_digest(raw, reader);
    Rule {
        name: RuleName::new(raw.rule.0.as_str()),
        summary: raw.summary.as_ref().map(|summary| summary.value.clone()).unwrap_or_default(),
        class,
        anchor: anchor.clone(),
        schedule: raw.schedule.as_ref().map(|schedule| schedule.value.clone()),
        audience,
        unless,
        combine: raw.combine.is_some(),
        include_open: raw.include.is_some(),
        stages,
        not_while: interlocks(raw, reader),
        stale_after: stale_after(raw, reader),
        backlog: raw.backlog.as_ref().map(|backlog| backlog.value).unwrap_or_default(),
        budget: raw.budget.as_ref().map(|budget| budget.value).unwrap_or_default(),
        per_customer: per_customer(raw, reader),
        days: raw.days.as_ref().map(|days| days.value),
        on_uncertain: raw.on_uncertain.as_ref().map(|choice| choice.value),
    }
}

fn check_schedule(raw: &RawRule, reader: &mut Reader<'_>) {
    if raw.anchor.0.value == Anchor::Calendar && raw.schedule.is_none() {
        let hint = "add one, like schedule: \"0 9 1 * *\" for 9 o'clock on the first of each month";
        reader.error(&raw.anchor.0.at, "a rule that counts from the calendar needs a `schedule`", hint);
    }
}

fn check_combine(raw: &RawRule, reader: &mut Reader<'_>) {
    if let Some(combine) = &raw.combine
        && matches!(raw.anchor.0.value, Anchor::Event(_) | Anchor::Calendar)
    {
        let message =
            format!("`combine` makes one letter of several items, and `{}` has none", raw.anchor.0.value);
        reader.error(&combine.at, message, "leave it out");
    }
    if let (Some(include), None) = (&raw.include, &raw.combine) {
        let hint = "add `combine: customer`, or leave it out";
        reader.error(&include.at, "`include: open` is for combined letters only", hint);
    }
}

/// A digest tells each of our own people about many customers: it has one
/// stage, and nobody to leave out.
fn check_digest(raw: &RawRule, reader: &mut Reader<'_>) {
    if raw.class.value != Class::Internal || raw.anchor.0.value != Anchor::Calendar {
        return;
    }
    if let Some(second) = raw.stages.get(1) {
        let hint = "write another rule for another digest";
        reader.error(&second.stage.at, "a digest (internal, by the calendar) has one stage", hint);
    }
    for stage in raw.stages.iter().filter_map(|stage| stage.cc.as_ref().map(|_| stage)) {
        let hint = "name them in `to`: each gets a letter of their own";
        reader.error(&stage.stage.at, "a digest has no copies", hint);
    }
    let conditions = raw.r#where.as_ref().or(raw.unless.as_ref());
    if conditions.is_some() {
        let hint = "leave out `where` and `unless`: an owner is told of their own customers, others of all";
        reader.error(&raw.class.at, "a digest is about all customers", hint);
    }
}

/// Names once, times in order. Stages that count in business days or months
/// are compared roughly, as they are met in most months.
fn check_ladder(raw: &RawRule, reader: &mut Reader<'_>) {
    for (index, stage) in raw.stages.iter().enumerate() {
        if let Some(first) = raw.stages[..index].iter().find(|other| other.stage.0 == stage.stage.0) {
            let line = reader.source.line(first.stage.at.start);
            let message = format!("a second stage `{}`", stage.stage.0);
            reader.error(
                &stage.stage.at,
                message,
                format!("the first is in line {line}; give it another name"),
            );
        }
    }
    if raw.anchor.0.value == Anchor::Calendar {
        return;
    }
    for pair in raw.stages.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if after.at.roughly_minutes() <= before.at.roughly_minutes() {
            let message = format!(
                "stage `{}` ({}) must come after `{}` ({})",
                after.stage.0,
                written(*after.at),
                before.stage.0,
                written(*before.at)
            );
            reader.error(&after.at.at, message, "put the stages in the order of their times");
        }
    }
}

/// As people write it: `0d` has no sign.
pub(super) fn written(offset: Offset) -> String {
    if offset.count == 0 { format!("0{}", offset.unit.suffix()) } else { offset.to_string() }
}

fn interlocks(raw: &RawRule, reader: &mut Reader<'_>) -> Vec<Interlock> {
    let Some(given) = &raw.not_while else {
        return match raw.class.value {
            Class::Courtesy | Class::Marketing => vec![Interlock::Overdue, Interlock::Disputed],
            Class::Dunning | Class::Internal => Vec::new(),
        };
    };
    given.iter().filter_map(|interlock| checked_interlock(interlock, reader)).collect()
}

fn checked_interlock(raw: &RawInterlock, reader: &mut Reader<'_>) -> Option<Interlock> {
    match raw {
        RawInterlock::Word(word) => Some(match word.value {
            InterlockWord::Overdue => Interlock::Overdue,
            InterlockWord::Disputed => Interlock::Disputed,
        }),
        RawInterlock::Within(super::rule_shape::RawDunned::Dunned(span)) => {
            whole_days(span, "`dunned`", reader).map(|days| Interlock::Dunned { days })
        }
    }
}

/// A cap would skip reminders, and never counts letters to our own people.
fn per_customer(raw: &RawRule, reader: &mut Reader<'_>) -> Option<Budget> {
    let given = raw.per_customer.as_ref()?;
    match raw.class.value {
        Class::Courtesy | Class::Marketing => {}
        Class::Dunning => {
            let hint = "leave it out; `dunning.min_gap` in courtesy.yaml keeps reminders apart";
            reader.error(&given.at, "`per_customer` would skip reminders", hint);
        }
        Class::Internal => {
            let message = "`per_customer` counts letters to customers, and the class is internal";
            reader.error(&given.at, message, "leave it out");
        }
    }
    Some(given.value)
}

fn stale_after(raw: &RawRule, reader: &mut Reader<'_>) -> Option<i32> {
    match raw.stale_after.as_ref() {
        Some(Spot { value: StaleAfter::Never, .. }) => None,
        Some(Spot { value: StaleAfter::After(span), at }) => {
            whole_days(&Spot { value: *span, at: at.clone() }, "`stale_after`", reader)
        }
        None => match raw.class.value {
            Class::Courtesy | Class::Marketing => Some(STALE_AFTER_DAYS),
            Class::Dunning | Class::Internal => None,
        },
    }
}

/// A positive number of civil days.
pub(super) fn whole_days(span: &Spot<Offset>, what: &str, reader: &mut Reader<'_>) -> Option<i32> {
    if span.unit == Unit::Days && span.count > 0 {
        return Some(span.count);
    }
    let message = format!("{what} is a number of days, and `{}` is not", reader.text(&span.at));
    reader.error(&span.at, message, "write it like 7d");
    None
}

fn template_uses(raw: &RawRule, rule: &Rule, source: &Source) -> Vec<TemplateUse> {
    let template_use = |stage: String, template: &Spot<Template>, to_customer| TemplateUse {
        rule: rule.name.clone(),
        stage: StageName::new(stage),
        template: template.0.clone(),
        to_customer,
        file: source.file.clone(),
        place: source.place(&template.at),
    };
    let mut uses = Vec::new();
    for (raw, stage) in raw.stages.iter().zip(&rule.stages) {
        uses.push(template_use(raw.stage.0.clone(), &raw.template, stage.concerns_customer()));
        uses.extend(last_of(raw).map(|(template, to_customer)| {
            template_use(format!("{}/then", raw.stage.0), template, to_customer)
        }));
    }
    uses
}

fn last_of(raw: &RawStage) -> Option<(&Spot<Template>, bool)> {
    let then = raw.repeat.as_ref()?.then.as_ref()?;
    let Many { items, .. } = &then.to;
    let to_customer = items.iter().any(|to| to.value == crate::domain::rule::Recipient::Customer);
    Some((&then.template, to_customer))
}
