//! People change the cadence by editing YAML: whichever offset, repetition or
//! audience of a shipped rule is changed, what that rule sends changes, and
//! nothing else does.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use courtesy::cli::init;
use courtesy::config;
use courtesy::domain::calendar::instant_at;
use courtesy::domain::event::{Event, EventOutcome};
use courtesy::domain::facts::Facts;
use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::{Draft, LetterState, PastNotice};
use courtesy::domain::plan::plan;
use courtesy::domain::promise::Promise;
use courtesy::domain::receivable::{Kind, Payment, Receivable};
use courtesy::domain::rule::{Recipient, Rule, RuleSeen, Rules};
use courtesy::domain::settings::{Budget, Settings};
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};

use crate::letters::sample::{Sample, money, receivable, settings};

const BEGIN: Date = date(2026, 11, 2);
const END: Date = date(2027, 6, 10);

/// Everything sent to one customer or about it, a line each.
type Letters = Vec<String>;

/// A customer, and what becomes known of it later.
struct Tale {
    facts: Facts,
    later: Vec<(Timestamp, Payment)>,
}

/// The moment in Shanghai.
fn at(day: Date, hour: i8) -> Timestamp {
    let zone = settings().business.zone;
    instant_at(day.at(hour, 0, 0, 0), &zone)
}

fn tale(index: usize) -> Tale {
    let mut facts = Sample::new("reminder/firm", "en").facts;
    let of = &mut facts.customers[0];
    of.customer.id = format!("C{index}").as_str().into();
    of.receivables.clear();
    Tale { facts, later: vec![] }
}

/// Owes a claim of this kind, due on a day.
fn owing(index: usize, kind: Kind, due_on: Date) -> Tale {
    let mut tale = tale(index);
    let mut item = receivable(&format!("R{index}"), None, "1000", "CNY", due_on);
    (item.kind, item.issued_on) = (kind, Some(date(2026, 10, 5)));
    tale.facts.customers[0].receivables.push(item);
    tale
}

fn item(tale: &mut Tale) -> &mut Receivable {
    &mut tale.facts.customers[0].receivables[0]
}

fn with_events(index: usize, kinds: &[(&str, Date)]) -> Tale {
    let mut tale = tale(index);
    let of = &mut tale.facts.customers[0];
    of.customer.purchases = 3;
    of.events = kinds
        .iter()
        .map(|(kind, day)| Event {
            id: format!("{kind}{index}").as_str().into(),
            kind: (*kind).to_owned(),
            occurred_at: at(*day, 10),
            outcome: Some(EventOutcome::Positive),
            product: Some("Lathe".to_owned()),
            note: None,
        })
        .collect();
    tale
}

fn promised(tale: &mut Tale, made_on: Date, promised_on: Date) {
    let promise = Promise {
        made_on,
        promised_on,
        until: promised_on,
        amount: money("1000", "CNY"),
        binding: true,
        ended_on: None,
    };
    item(tale).promises.push(promise);
}

fn paying(mut tale: Tale, amount: &str, on: Date) -> Tale {
    let payment = Payment { id: "P1".into(), amount: money(amount, "CNY"), received_on: on };
    tale.later.push((at(on, 10), payment));
    tale
}

/// A customer for each thing that a rule answers.
fn tales() -> Vec<Tale> {
    let due_on = date(2026, 11, 12);
    let mut all: Vec<Tale> = [Kind::Invoice, Kind::Prepayment, Kind::PromissoryNote, Kind::Instalment]
        .into_iter()
        .enumerate()
        .map(|(index, kind)| owing(index, kind, due_on))
        .collect();
    let mut postponed = owing(4, Kind::PromissoryNote, due_on);
    item(&mut postponed).postponements = 2;
    let mut broken = owing(5, Kind::Invoice, due_on);
    promised(&mut broken, date(2026, 11, 16), date(2026, 11, 23));
    let mut again = owing(6, Kind::Invoice, due_on);
    promised(&mut again, date(2026, 10, 12), date(2026, 10, 19));
    promised(&mut again, date(2026, 11, 16), date(2026, 11, 23));
    all.extend([postponed, broken, again]);
    for (index, last) in [(7, date(2027, 5, 30)), (8, date(2027, 3, 10)), (9, date(2026, 12, 30))] {
        let mut barred = owing(index, Kind::CreditNote, due_on);
        item(&mut barred).kind = Kind::Balance;
        item(&mut barred).limitation_on = Some(last);
        item(&mut barred).due_on = date(2027, 6, 1);
        all.push(barred);
    }
    all.push(paying(owing(10, Kind::Invoice, date(2027, 6, 1)), "1000", date(2026, 11, 20)));
    all.push(paying(owing(11, Kind::Invoice, date(2027, 6, 1)), "400", date(2026, 11, 20)));
    let day = date(2026, 11, 10);
    let kinds = ["visit", "signing", "purchase", "favour", "proficient", "announcement", "trip", "delivery"];
    all.extend(kinds.iter().enumerate().map(|(index, kind)| with_events(12 + index, &[(kind, day)])));
    // A half-year ago, so that the word about its parts comes within the play.
    all.push(with_events(20, &[("delivery", date(2026, 5, 10)), ("proficient", date(2026, 5, 20))]));
    all.push(with_events(21, &[]));
    all
}

/// Room enough that no letter waits for another: only the rules decide.
fn roomy() -> Settings {
    let mut settings = settings();
    settings.letters.per_customer = Budget { letters: 1000, days: 1 };
    settings.letters.moments = Budget { letters: 1000, days: 1 };
    settings
}

/// What leaves for one customer by these rules, in force since long ago.
/// Every letter leaves at once, also one that a person should see first.
fn play(rules: &Rules, settings: &Settings, tale: &Tale) -> Letters {
    let mut facts = tale.facts.clone();
    let mut later = tale.later.iter().peekable();
    let (mut now, end) = (at(BEGIN, 8), at(END, 8));
    let mut sent = Letters::new();
    while now < end {
        while let Some((_, payment)) = later.next_if(|(moment, _)| *moment <= now) {
            facts.customers[0].receivables[0].payments.push(payment.clone());
        }
        let plan = plan(rules, settings, &facts, now);
        facts.looked_at = Some(now);
        for draft in &plan.letters {
            leave(&mut facts, draft, now, &mut sent);
        }
        let at_least = now + SignedDuration::from_mins(1);
        let told = later.peek().map_or(end, |(moment, _)| *moment);
        let next = if plan.letters.is_empty() { plan.wake_at.unwrap_or(end) } else { at_least };
        now = next.min(told).max(at_least);
    }
    sent
}

fn leave(facts: &mut Facts, draft: &Draft, now: Timestamp, sent: &mut Letters) {
    let of = &mut facts.customers[0];
    let local = now.to_zoned_datetime(of.customer.zone.clone());
    let letter = LetterId(i64::try_from(sent.len()).expect("few"));
    let mut words = format!("{}/{} {}", draft.rule, draft.stage, local.strftime("%F %R"));
    for line in &draft.lines {
        write!(words, " {}", line.key.subject.id()).expect("a String takes it");
        of.notices.push(PastNotice {
            letter,
            key: line.key.clone(),
            offset: line.offset,
            planned_on: line.planned_on,
            state: LetterState::Sent,
            class: draft.class,
            priority: draft.priority,
            budget: draft.budget,
            to_customer: draft.to.contains(&Recipient::Customer),
            day: local.date(),
            dropped: false,
        });
    }
    sent.push(words);
}

/// The shipped rules, in a folder of their own.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        init::write_shipped(folder.path()).expect("the shipped files");
        Self(folder)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.path().join("config/rules")).expect("a folder");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files
    }

    fn rules(&self) -> Rules {
        let config = config::load(&self.0.path().join("config/courtesy.yaml"), &|_| None);
        let seen = |rule: Rule| {
            let seen = RuleSeen { audiences: vec![(rule.audience(), Timestamp::UNIX_EPOCH)] };
            (rule, Some(seen))
        };
        let rules = config.expect("the edited rule is right").rules;
        Rules { rules: rules.into_iter().filter(|rule| !rule.is_digest()).map(seen).collect() }
    }
}

/// One change of a file: where, and by what.
struct Edit {
    file: PathBuf,
    what: String,
    text: String,
}

/// Every offset and repetition moved by one, and for every rule an audience
/// that nobody belongs to.
fn edits(file: &Path) -> Vec<Edit> {
    let text = fs::read_to_string(file).expect("a rule");
    let mut edits = Vec::new();
    // The day of a calendar rule is that of its schedule.
    let calendar = text.contains("\nanchor: calendar");
    for word in if calendar { ["schedule: \"0 9 ", "every: "] } else { ["at: ", "every: "] } {
        for (start, _) in text.match_indices(word) {
            let from = start + word.len();
            let length = text[from..].find([',', ' ', '\n']).expect("it ends");
            let offset = &text[from..from + length];
            if text[..start].ends_with(|before: char| before.is_alphabetic() || before == '_') {
                continue;
            }
            // Two stages of one time are refused.
            let later = moved(offset, 1);
            let taken = text.contains(&format!("at: {later},"));
            let offset_now = if taken { moved(offset, -1) } else { later };
            let changed = format!("{}{offset_now}{}", &text[..from], &text[from + length..]);
            let what = format!("{word}{offset} -> {offset_now}");
            edits.push(Edit { file: file.to_owned(), what, text: changed });
        }
    }
    let text = narrowed(&text);
    edits.push(Edit { file: file.to_owned(), what: "where: tags: [nobody]".to_owned(), text });
    edits
}

/// The same with one more condition.
fn narrowed(text: &str) -> String {
    let nobody = "  tags: [nobody]\n";
    match text.find("\nwhere:") {
        None => text.replacen("\nstages:", &format!("\nwhere:\n{nobody}stages:"), 1),
        Some(at) => {
            let line = text[at + 1..].find('\n').expect("lines follow") + at + 2;
            format!("{}{nobody}{}", &text[..line], &text[line..])
        }
    }
}

/// `+3d` as `+4d`.
fn moved(offset: &str, by: i64) -> String {
    let digits = offset.trim_start_matches(['+', '-']);
    let unit = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let count: i64 = digits[..digits.len() - unit.len()].parse().expect("a number");
    let count = sign * count + by;
    let plus = if count > 0 && (offset.starts_with(['+', '-']) || offset == "0d") { "+" } else { "" };
    format!("{plus}{count}{unit}")
}

fn rule_of(letter: &str) -> &str {
    letter.split('/').next().unwrap_or_default()
}

fn stages_of(letters: &[Letters]) -> BTreeSet<String> {
    letters.iter().flatten().filter_map(|letter| letter.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn whatever_is_changed_in_a_rule_changes_what_that_rule_sends_and_nothing_else() {
    let (shelf, settings, tales) = (Shelf::new(), roomy(), tales());
    let all = |rules: &Rules| tales.iter().map(|tale| play(rules, &settings, tale)).collect::<Vec<Letters>>();
    let rules = shelf.rules();
    let shipped = all(&rules);
    let sent = stages_of(&shipped);
    for rule in rules.iter() {
        for stage in &rule.stages {
            let name = format!("{}/{}", rule.name, stage.name);
            assert!(sent.contains(&name), "{name} is never sent in this play, so nothing is tried on it");
        }
    }
    for file in shelf.files() {
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        if rules.get(&name.as_str().into()).is_none() {
            continue;
        }
        let kept = fs::read_to_string(&file).expect("a rule");
        for edit in edits(&file) {
            fs::write(&edit.file, &edit.text).expect("it can be written");
            compare(&name, &edit.what, &shipped, &all(&shelf.rules()));
        }
        fs::write(&file, kept).expect("it can be written");
    }
}

/// Where the rule wrote, or writes now, it writes otherwise; everybody else
/// hears the same.
fn compare(rule: &str, what: &str, shipped: &[Letters], changed: &[Letters]) {
    let writes = |letters: &Letters| letters.iter().any(|letter| rule_of(letter) == rule);
    let mut differs = false;
    for (before, after) in shipped.iter().zip(changed) {
        if writes(before) || writes(after) {
            let own = |letters: &Letters| -> Letters {
                letters.iter().filter(|letter| rule_of(letter) == rule).cloned().collect()
            };
            differs |= own(before) != own(after);
        } else {
            assert_eq!(before, after, "{rule}, {what}: it is no business of this customer");
        }
    }
    assert!(differs, "{rule}, {what}: nothing changed");
}
