//! A plan as a person reads it, and as a machine does.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::words::{self, day, money, number};
use super::{Days, PlanArgs};
use crate::cli::screen::Screen;
use crate::cli::table::{Cell, Tone};
use crate::domain::ids::CustomerId;
use crate::engine::rehearsal::Foresight;
use crate::engine::rehearsal::foreseen::{Because, Fate, Foreseen};
use crate::store::OutboxLetter;

/// How many letters of the outbox are named in a sentence.
const NAMED: usize = 5;

/// A plan, and what it was asked about.
pub(super) struct Page<'a> {
    pub(super) foresight: &'a Foresight,
    pub(super) days: &'a Days,
    pub(super) args: &'a PlanArgs,
    pub(super) notes: Vec<String>,
}

impl Page<'_> {
    /// The summary, then the letters, at most as many as are asked for.
    pub(super) fn show(&self, screen: &mut Screen) -> anyhow::Result<()> {
        let letters = &self.foresight.letters;
        words::say(&words::heading(self.days), screen)?;
        screen.say("")?;
        if letters.is_empty() {
            screen.result("No letter.")?;
            if let Some(customer) = &self.args.customer {
                screen.say(format_args!("`courtesy explain {customer}` says why."))?;
            }
        } else {
            if self.args.customer.is_none() {
                screen.table(["day", "letters", "of which"], self.by_day())?;
                screen.result("")?;
                screen.table(["rule/stage", "letters", "first", "last"], self.by_stage())?;
                screen.result("")?;
            }
            self.list(screen)?;
        }
        for line in self.closing() {
            screen.say("")?;
            words::say(&line, screen)?;
        }
        for note in &self.notes {
            screen.note(format_args!("note: {note}"))?;
        }
        Ok(())
    }

    fn list(&self, screen: &mut Screen) -> std::io::Result<()> {
        let letters = self.foresight.letters.iter().take(self.args.listed());
        if self.args.customer.is_some() {
            let rows = letters.map(|letter| {
                let [on, _, stage, amount, why] = row(letter);
                [on, stage, words::about(letter).into(), amount, why]
            });
            screen.table(["day", "rule/stage", "about", "amount", "why then"], rows.collect())
        } else if screen.is_terminal() {
            let rows = letters.map(|letter| {
                let [on, _, stage, _, why] = row(letter);
                let amount = money(&letter.amounts());
                let amount = if amount.is_empty() { amount } else { format!(": {amount}") };
                [on, stage, format!("{}{amount}", words::to(letter)).into(), why]
            });
            screen.table(["day", "rule/stage", "to", "why then"], rows.collect())
        } else {
            screen.table(["day", "to", "rule/stage", "amount", "why then"], letters.map(row).collect())
        }
    }

    fn by_day(&self) -> Vec<[String; 3]> {
        let mut days: BTreeMap<Date, BTreeMap<&str, usize>> = BTreeMap::new();
        for letter in &self.foresight.letters {
            *days.entry(letter.day).or_default().entry(letter.rule.as_str()).or_default() += 1;
        }
        let row = |(on, rules): (Date, BTreeMap<&str, usize>)| {
            let mut rules: Vec<(usize, &str)> =
                rules.into_iter().map(|(rule, count)| (count, rule)).collect();
            rules.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
            let all = rules.iter().map(|(count, _)| count).sum();
            let rules: Vec<String> =
                rules.into_iter().map(|(count, rule)| format!("{rule} {}", number(count))).collect();
            [day(on), number(all), rules.join(", ")]
        };
        days.into_iter().map(row).collect()
    }

    fn by_stage(&self) -> Vec<[String; 4]> {
        let mut stages: BTreeMap<String, Vec<&Foreseen>> = BTreeMap::new();
        for letter in &self.foresight.letters {
            stages.entry(words::rule_and_stage(letter)).or_default().push(letter);
        }
        let row = |(stage, letters): (String, Vec<&Foreseen>)| {
            let waiting = letters.iter().filter(|letter| letter.fate != Fate::Leaves).count();
            let count = match waiting {
                0 => number(letters.len()),
                waiting if waiting == letters.len() => format!("{}, for a person", number(waiting)),
                waiting => format!("{}, {} for a person", number(letters.len()), number(waiting)),
            };
            // In the order of their days.
            let on = |letter: Option<&&Foreseen>| letter.map(|letter| day(letter.day)).unwrap_or_default();
            [stage, count, on(letters.first()), on(letters.last())]
        };
        stages.into_iter().map(row).collect()
    }

    /// What is to be said besides.
    fn closing(&self) -> Vec<String> {
        let letters = &self.foresight.letters;
        let mut said = Vec::new();
        let (listed, all) = (self.args.listed(), letters.len());
        if all > listed {
            said.push(format!(
                "These are the first {} of {} letters; --limit 0 lists all, --customer and --rule fewer.",
                number(listed),
                number(all)
            ));
        }
        let waiting = letters.iter().filter(|letter| letter.fate != Fate::Leaves).count();
        if waiting > 0 {
            said.push(format!(
                "{} for a person from the day on (`courtesy outbox release`). None is released here, so what \
                 follows comes later than it may.",
                if waiting == 1 {
                    "One of them waits".to_owned()
                } else {
                    format!("{} of them wait", number(waiting))
                }
            ));
        }
        let uncertain: Vec<&OutboxLetter> =
            self.foresight.uncertain.iter().filter(|letter| self.concerns(letter)).collect();
        if !uncertain.is_empty() {
            said.push(format!(
                "Nobody knows whether these arrived; they count as sent until `courtesy outbox resolve`: {}",
                named(&uncertain, &|_| String::new())
            ));
        }
        let cancelled: Vec<&OutboxLetter> =
            self.foresight.cancelled.iter().filter(|letter| self.concerns(letter)).collect();
        if !cancelled.is_empty() {
            let why = |letter: &OutboxLetter| format!(": {}", letter.reason);
            said.push(format!(
                "In the outbox, but no longer due when their time comes: {}",
                named(&cancelled, &why)
            ));
        }
        said
    }

    fn concerns(&self, letter: &OutboxLetter) -> bool {
        let draft = &letter.draft;
        self.args.rule.as_deref().is_none_or(|rule| draft.rule.as_str() == rule)
            && self.args.customer.as_deref().is_none_or(|customer| draft.whose() == customer)
    }

    /// Everything.
    pub(super) fn as_json(&self) -> Value {
        let of_outbox = |letters: &[OutboxLetter]| {
            letters.iter().filter(|letter| self.concerns(letter)).map(outbox_as_json).collect::<Vec<_>>()
        };
        json!({
            "from": self.days.began_at.to_string(),
            "first_day": self.days.first().to_string(),
            "last_day": self.days.last().to_string(),
            "assumes": ["nobody pays", "nothing new happens", "nobody releases what waits"],
            "letters": self.foresight.letters.iter().map(as_json).collect::<Vec<_>>(),
            "uncertain": of_outbox(&self.foresight.uncertain),
            "cancelled": of_outbox(&self.foresight.cancelled),
            "notes": self.notes,
        })
    }
}

/// `#12 C001 payment-reminders/firm`, a few of them.
fn named(letters: &[&OutboxLetter], more: &dyn Fn(&OutboxLetter) -> String) -> String {
    let one = |letter: &&OutboxLetter| {
        let draft = &letter.draft;
        format!("#{} {} {}/{}{}", letter.id, draft.whose(), draft.rule, draft.stage, more(letter))
    };
    let mut said: Vec<String> = letters.iter().take(NAMED).map(one).collect();
    if letters.len() > NAMED {
        said.push(format!("and {} more", number(letters.len() - NAMED)));
    }
    said.join("; ")
}

fn row(letter: &Foreseen) -> [Cell; 5] {
    let tone = if letter.fate == Fate::Leaves { Tone::Plain } else { Tone::Warning };
    [
        day(letter.day).into(),
        words::to(letter).into(),
        words::rule_and_stage(letter).into(),
        money(&letter.amounts()).into(),
        Cell::new(&words::why(letter), tone),
    ]
}

fn outbox_as_json(letter: &OutboxLetter) -> Value {
    json!({
        "letter": letter.id.0,
        "customer": letter.draft.customer.as_ref().map(CustomerId::as_str),
        "rule": letter.draft.rule.as_str(),
        "stage": letter.draft.stage.as_str(),
        "reason": letter.reason,
    })
}

/// All there is to know of a letter.
pub(super) fn as_json(letter: &Foreseen) -> Value {
    let strings = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>();
    let notice = |notice: &crate::engine::rehearsal::foreseen::ForeseenNotice| {
        json!({
            "notice": notice.key.to_string(),
            "leading": notice.leading,
            "amount": notice.amount.map(|money| money.amount.to_string()),
            "currency": notice.amount.map(|money| money.currency.code()),
        })
    };
    json!({
        "day": letter.day.to_string(),
        "at": letter.at.to_string(),
        "waits": match &letter.fate { Fate::Leaves => None, Fate::Waits(why) => Some(why) },
        "letter": letter.number.map(|number| number.0),
        "customer": letter.customer.as_ref().map(CustomerId::as_str),
        "name": letter.name,
        "to": strings(&mut letter.to.iter().map(ToString::to_string)),
        "cc": strings(&mut letter.cc.iter().map(ToString::to_string)),
        "to_roles": strings(&mut letter.roles.iter().map(ToString::to_string)),
        "cc_roles": strings(&mut letter.copies.iter().map(ToString::to_string)),
        "rule": letter.rule.as_str(),
        "stage": letter.stage.as_str(),
        "class": letter.class.as_str(),
        "template": letter.template,
        "amounts": strings(&mut letter.amounts().iter().map(|money| money.to_string())),
        "notices": letter.notices.iter().map(notice).collect::<Vec<_>>(),
        "offset": letter.offset.to_string(),
        "planned_on": letter.planned_on.to_string(),
        "because": letter.because.iter().map(because_as_json).collect::<Vec<_>>(),
        "why": words::why(letter),
    })
}

fn because_as_json(because: &Because) -> Value {
    match because {
        Because::InOutbox(since) => json!({ "what": "in outbox", "since": since.to_string() }),
        Because::CatchingUp => json!({ "what": "catching up" }),
        Because::Closed(on) => json!({ "what": "closed day", "on": on.to_string() }),
        Because::Hours => json!({ "what": "hours" }),
        Because::Kept(why, until) => {
            json!({ "what": why.name(), "until": until.map(|until| until.to_string()), "detail": why.to_string() })
        }
    }
}
