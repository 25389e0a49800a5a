//! The account of one customer, as trees: who it is, then claim by claim and
//! event by event what every rule does.

mod telling;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use owo_colors::OwoColorize;

use super::{Known, words};
use crate::cli::harmless::one_line;
use crate::cli::tree::Node;
use crate::domain::facts::CustomerFacts;
use crate::domain::ids::{EventId, ReceivableId, RuleName, StageName};
use crate::domain::money::{Money, Totals};
use crate::domain::notice::{Draft, Line, Subject};
use crate::domain::plan::{Fate, Ladder, Near, StageFate, idle};
use crate::domain::receivable::Receivable;
use crate::domain::rule::{Anchor, BudgetKind, Rule, Stage};
use crate::domain::settings::Budget;
use crate::domain::stop::{Decision, Stop};
use crate::store::OutboxLetter;

/// What is told about one customer.
pub struct Account<'a> {
    known: &'a Known,
    of: &'a CustomerFacts,
    today: Date,
    /// What the rules do, by what it is about.
    ladders: HashMap<Topic<'a>, Vec<&'a Ladder>>,
    /// The letters about each subject, oldest first.
    letters: HashMap<&'a Subject, Vec<(&'a OutboxLetter, &'a Line)>>,
}

/// What a section of the account is about.
#[derive(PartialEq, Eq, Hash)]
enum Topic<'a> {
    /// A claim and its payments.
    Claim(&'a ReceivableId),
    /// An event.
    Event(&'a EventId),
    /// The customer as such.
    General,
}

impl<'a> Topic<'a> {
    fn of(ladder: &'a Ladder) -> Self {
        match (&ladder.claim, &ladder.subject) {
            (Some(claim), _) => Self::Claim(claim),
            (None, Subject::Event(event)) => Self::Event(event),
            (None, _) => Self::General,
        }
    }
}

impl<'a> Account<'a> {
    /// `None` where the customer is gone meanwhile.
    pub fn new(known: &'a Known) -> Option<Self> {
        let of = known.facts.customer(&known.about.customer)?;
        let today = known.at.to_zoned_datetime(of.customer.zone.clone()).date();
        let mut ladders: HashMap<Topic<'_>, Vec<&Ladder>> = HashMap::new();
        let explained = &known.explanation.ladders;
        for ladder in explained.iter().filter(|ladder| ladder.customer == of.customer.id) {
            ladders.entry(Topic::of(ladder)).or_default().push(ladder);
        }
        let mut letters: HashMap<&Subject, Vec<_>> = HashMap::new();
        for letter in &known.letters {
            for line in &letter.draft.lines {
                letters.entry(&line.key.subject).or_default().push((letter, line));
            }
        }
        Some(Self { known, of, today, ladders, letters })
    }

    /// The customer, then everything that is asked about.
    pub fn trees(&self) -> Vec<Node> {
        let mut trees = vec![self.customer()];
        for claim in &self.of.receivables {
            if self.known.about.claim.as_ref().is_none_or(|only| *only == claim.id) {
                trees.push(self.claim(claim));
            }
        }
        if self.known.about.claim.is_some() {
            return trees;
        }
        for event in &self.of.events {
            let head = format!("{} on {} ({})", event.kind, self.day(event.occurred_at), event.id);
            trees.extend(self.section(&head.bold().to_string(), &Topic::Event(&event.id)));
        }
        let general = "Whatever happens, by the calendar".bold().to_string();
        trees.extend(self.section(&general, &Topic::General));
        trees.extend(self.idle());
        trees.extend(self.rest());
        trees
    }

    fn customer(&self) -> Node {
        let customer = &self.of.customer;
        let settings = &self.known.config.settings;
        let mut below = vec![Node::leaf(match &customer.address {
            Ok(address) => format!("to {address}, in {}", self.locale()),
            Err(error) => format!("cannot be written to: {error}"),
        })];
        if let Some(at) = customer.forgotten_at {
            let on = settings.business.day(at);
            below.push(Node::leaf(
                format!("forgotten on {on}: nobody writes to this customer").red().to_string(),
            ));
        }
        if customer.blocked {
            below.push(Node::leaf("blocked: nobody may write to this customer".red().to_string()));
        }
        if let Some(owner) = &customer.owner {
            below.push(Node::leaf(format!("{} answers for it", one_line(&owner.name))));
        }
        let others: Vec<&str> = self.known.facts.customers.iter().map(|of| of.customer.id.as_str()).collect();
        if others.len() > 1 {
            below.push(Node::leaf(format!("one address, and one budget: {}", others.join(", "))));
        }
        let owed: Totals = self.of.receivables.iter().map(Receivable::balance).collect();
        let owed: Vec<String> = owed.iter().filter(Money::is_positive).map(|sum| sum.to_string()).collect();
        let owed = if owed.is_empty() { "nothing".to_owned() } else { owed.join(" and ") };
        below.push(Node::leaf(format!("owes {owed}")));
        for spent in &self.known.explanation.budgets {
            let (name, Budget { letters, days }) = match spent.kind {
                BudgetKind::Customer => ("letters.per_customer", settings.letters.per_customer),
                BudgetKind::Moments => ("letters.moments", settings.letters.moments),
            };
            let room = words::room(spent.room_from, self.today);
            below.push(Node::leaf(format!("{name}: {letters} per {days}d; the last {}; {room}", spent.last)));
        }
        let when = self.known.at.to_zoned_datetime(settings.business.zone.clone()).strftime("%a %F %R");
        let head = format!("{} ({}), as of {when}", one_line(&customer.name), customer.id);
        Node::new(head.bold().to_string(), below)
    }

    fn locale(&self) -> &str {
        self.of.customer.locale.as_deref().unwrap_or(&self.known.config.settings.business.locale)
    }

    fn claim(&self, claim: &Receivable) -> Node {
        let number = claim.number.as_deref().map(|number| format!("{} ", one_line(number)));
        let balance = claim.balance();
        let owed = if balance == claim.amount {
            claim.amount.to_string()
        } else {
            format!("{balance} of {}", claim.amount)
        };
        let kind = claim.kind.as_str().replace('_', " ");
        let head = format!(
            "{kind} {}({}): {owed}, due {}, {}",
            number.unwrap_or_default(),
            claim.id,
            claim.due_on,
            claim.status
        );
        let head = head.bold().to_string();
        if self.known.out_of_reach {
            let about = Subject::Receivable(claim.id.clone());
            let told = self.letters.get(&about).into_iter().flatten().map(|(letter, line)| {
                Node::leaf(format!("{}/{}: {}", line.key.rule, line.key.stage, self.letter(letter, line)))
            });
            let mut below: Vec<Node> = told.collect();
            let since = claim.settled().map(|(day, _)| format!(" since {day}")).unwrap_or_default();
            below.push(Node::leaf(format!("settled{since}; no rule looks at it any more")));
            return Node::new(head, below);
        }
        let section = self.section(&head, &Topic::Claim(&claim.id));
        section.unwrap_or_else(|| Node::leaf(head))
    }

    /// What every rule does about one thing; rules that have nothing to do
    /// with it share lines at the end.
    fn section(&self, head: &str, topic: &Topic<'_>) -> Option<Node> {
        let ladders = self.ladders.get(topic)?;
        let mut below = Vec::new();
        let mut folded: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for guard in general(ladders) {
            below.push(Node::leaf(words::near(guard, self.today).yellow().to_string()));
        }
        for &ladder in ladders {
            let letters = self.letters(ladder);
            match never(ladder).filter(|_| letters.is_empty()) {
                Some(why) => {
                    let least = own(ladder).filter(|_| *why == Stop::BelowMinimum);
                    let more = least.map(|guard| format!("; {}", words::near(guard, self.today)));
                    let why = self.why_never(ladder, why) + &more.collect::<String>();
                    folded.entry(why).or_default().push(rule(ladder));
                }
                None => below.push(self.ladder(ladder, &letters)),
            }
        }
        for (why, rules) in folded {
            below.push(Node::leaf(format!("not {}: {why}", rules.join(", ")).dimmed().to_string()));
        }
        Some(Node::new(head, below))
    }

    fn why_never(&self, ladder: &Ladder, why: &Stop) -> String {
        let rule = self.known.rules.get(&ladder.rule);
        match (why, rule.map(|rule| &rule.anchor)) {
            (Stop::Settled, Some(Anchor::Calendar)) => {
                format!("{}: in the time it is about nothing was open, and nothing moved", why.name())
            }
            (Stop::NoAnchor, Some(anchor)) => format!("{}: there is no {anchor} yet", why.name()),
            _ => words::stop(why),
        }
    }

    fn ladder(&self, ladder: &Ladder, letters: &[(&OutboxLetter, &Line)]) -> Node {
        let mut head = rule(ladder).bold().to_string();
        if let Some(why) = &ladder.over {
            head = format!("{head}: not, {}", words::stop(why));
        } else if let Some(day) = ladder.counts_from {
            head = format!("{head}, counted from {day}");
        }
        let writes = |rule: &Rule| rule.stages.iter().any(Stage::concerns_customer);
        if let Some(why) = &ladder.silenced
            && self.known.rules.get(&ladder.rule).is_some_and(writes)
        {
            head = format!("{head}; {}", format!("silent to the customer: {why}").yellow());
        }
        let mut below: Vec<Node> = own(ladder)
            .map(|guard| Node::leaf(words::near(guard, self.today).yellow().to_string()))
            .collect();
        let of_round = |line: &Line| ladder.round.as_ref().is_none_or(|round| line.key.round == *round);
        for (letter, line) in letters.iter().filter(|(_, line)| !of_round(line)) {
            let said = self.letter(letter, line);
            below.push(Node::leaf(format!(
                "of an earlier round ({}): {} {said}",
                line.key.round, line.key.stage
            )));
        }
        let letters: Vec<_> = letters.iter().filter(|(_, line)| of_round(line)).copied().collect();
        let mut names: Vec<&StageName> = ladder.stages.iter().map(|stage| &stage.stage).collect();
        for (_, line) in &letters {
            // Stages that were renamed since, or of a claim that is over.
            if !names.contains(&&line.key.stage) {
                names.push(&line.key.stage);
            }
        }
        let wide = names.iter().map(|name| name.as_str().len()).max().unwrap_or(0);
        for name in names {
            let written = letters.iter().filter(|(_, line)| line.key.stage == *name);
            let mut said: Vec<String> = written.map(|(letter, line)| self.letter(letter, line)).collect();
            let fate = ladder.stages.iter().find(|stage| stage.stage == *name);
            said.extend(fate.and_then(|stage| self.fate(ladder, stage, said.is_empty())));
            let mut said = said.into_iter();
            let first = said.next().unwrap_or_default();
            below.push(Node::new(
                format!("{:<wide$}  {first}", name.as_str()),
                said.map(Node::leaf).collect(),
            ));
        }
        Node::new(head, below)
    }

    /// The letters about a ladder's subject by its rule, oldest first.
    fn letters(&self, ladder: &Ladder) -> Vec<(&'a OutboxLetter, &'a Line)> {
        let about = self.letters.get(&ladder.subject).map_or(&[][..], Vec::as_slice);
        about.iter().filter(|(_, line)| line.key.rule == ladder.rule).copied().collect()
    }

    fn idle(&self) -> Option<Node> {
        let ladders = &self.known.explanation.ladders;
        let mut unmoved: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for rule in idle(&self.known.rules, ladders, &self.of.customer.id) {
            let lacks = match &rule.anchor {
                Anchor::Event(kinds) => format!("no {} is known", kinds.join(" or ")),
                Anchor::Payment => "no payment is known".to_owned(),
                Anchor::Receivable(_) => "no such claim is known".to_owned(),
                Anchor::Calendar => "the calendar has not come round".to_owned(),
            };
            unmoved.entry(lacks).or_default().push(rule.name.to_string());
        }
        let lines =
            unmoved.into_iter().map(|(why, rules)| Node::leaf(format!("{}: {why}", rules.join(", "))));
        let lines: Vec<Node> = lines.collect();
        (!lines.is_empty()).then(|| Node::new("Nothing to write about".bold().to_string(), lines))
    }

    /// How many letters are about what no rule looks at any more.
    fn rest(&self) -> Option<Node> {
        let id = &self.of.customer.id;
        let subjects: HashSet<&Subject> =
            self.ladders.values().flatten().map(|ladder| &ladder.subject).collect();
        let known = |line: &Line| subjects.contains(&line.key.subject);
        let mine = self.known.letters.iter().filter(|letter| letter.draft.customer.as_ref() == Some(id));
        let rest = mine.filter(|letter| !letter.draft.lines.iter().any(known)).count();
        let letters = if rest == 1 { "letter" } else { "letters" };
        let said = format!("{rest} {letters} about what is long over: courtesy history {id}");
        (rest > 0).then(|| Node::leaf(said))
    }

    /// What the planner says of a letter that a person wants to see.
    pub fn of_draft(&self, draft: &Draft) -> Option<String> {
        let line = draft.lines.first()?;
        let is_of = |ladder: &&Ladder| ladder.rule == draft.rule && ladder.subject == line.key.subject;
        let ladder = self.known.explanation.ladders.iter().find(is_of)?;
        if let Some(why) = &ladder.over {
            return Some(format!("{}: not, {}", line.key.subject.id(), words::stop(why)));
        }
        let stage = ladder.stages.iter().find(|stage| stage.stage == draft.stage)?;
        let letters = self.letters(ladder);
        let written = letters.iter().rev().find(|(_, line)| line.key.stage == draft.stage);
        let said = match self.fate(ladder, stage, written.is_none()) {
            Some(said) => said,
            None => written.map(|(letter, line)| self.letter(letter, line))?,
        };
        Some(format!("{}: {said}", line.key.subject.id()))
    }

    /// What is to be known of the account as a whole.
    pub fn remarks(&self, now: Timestamp) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.known.at < now {
            remarks.push(
                "As it was then, as far as it is known: without letters, payments and events of later; pauses and \
                 statuses are today's."
                    .to_owned(),
            );
        }
        if !self.known.unseen.is_empty() {
            let names: Vec<&str> = self.known.unseen.iter().map(RuleName::as_str).collect();
            remarks.push(format!(
                "No pass has seen these rules yet; what was reached before the first one is their backlog: {}",
                names.join(", ")
            ));
        }
        remarks
    }
}

/// A rule's name, and the payment it answers.
fn rule(ladder: &Ladder) -> String {
    match &ladder.subject {
        Subject::Payment(id) => format!("{} (payment {id})", ladder.rule),
        _ => ladder.rule.to_string(),
    }
}

/// The one reason for which a ladder writes nothing at all.
fn never(ladder: &Ladder) -> Option<&Stop> {
    let reason = |stage: &'_ StageFate| match &stage.fate {
        Fate::Decided(Decision::Skipped { why }) => Some(why.clone()),
        Fate::Decided(_) | Fate::Follows { .. } | Fate::Passed | Fate::Written => None,
    };
    if ladder.over.is_some() {
        return ladder.over.as_ref();
    }
    let first = ladder.stages.first()?;
    let Fate::Decided(Decision::Skipped { why }) = &first.fate else { return None };
    ladder.stages.iter().all(|stage| reason(stage).as_ref() == Some(why)).then_some(why)
}

/// The guards that concern the thing itself, whichever rule asks; each once.
fn general<'l>(ladders: &[&'l Ladder]) -> Vec<&'l Near> {
    let open = ladders.iter().filter(|ladder| matches!(ladder.over, None | Some(Stop::BelowMinimum)));
    let mut found: Vec<&Near> = Vec::new();
    for guard in open.flat_map(|ladder| &ladder.near).filter(|guard| !is_own(guard)) {
        if !found.contains(&guard) {
            found.push(guard);
        }
    }
    found
}

/// The guards of one rule.
fn own(ladder: &Ladder) -> impl Iterator<Item = &Near> {
    ladder.near.iter().filter(|guard| is_own(guard))
}

fn is_own(guard: &Near) -> bool {
    matches!(guard, Near::Least { .. } | Near::Gap { .. } | Near::Dunned { .. })
}
