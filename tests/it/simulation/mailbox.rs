//! What a customer, or one of our own people, finds in the mailbox, read
//! with a mail parser and held against the model.

use std::collections::BTreeSet;

use courtesy::domain::customer::Class;
use courtesy::domain::delivery::Parcel;
use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::{LetterState, Subject};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mail_parser::{Address, MessageParser};

use super::calendar::{after, days};
use super::courtesies::{Courtesy, courtesy};
use super::edits::Whom;
use super::mailbook::{Had, Letter};
use super::model::{GUARANTOR, Item, MANAGER, OPERATOR, OURS, Said, our_day};
use super::money::{Amount, amounts_in};
use super::statements::STATEMENT;
use super::year::Year;

/// A letter as its reader sees it.
pub struct Opened {
    pub to: Vec<String>,
    pub cc: BTreeSet<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub can_be_left: bool,
}

fn addresses(list: Option<&Address<'_>>) -> Vec<String> {
    let found = list.into_iter().flat_map(Address::iter);
    found.map(|address| address.address().expect("an address").to_lowercase()).collect()
}

impl Opened {
    pub fn of(parcel: &Parcel) -> Self {
        let message = MessageParser::default().parse(&parcel.bytes[..]).expect("a message");
        let opened = Self {
            to: addresses(message.to()),
            cc: addresses(message.cc()).into_iter().collect(),
            subject: message.subject().expect("a subject").to_owned(),
            text: message.body_text(0).expect("a text").into_owned(),
            html: message.body_html(0).expect("an HTML part").into_owned(),
            can_be_left: message.header_raw("List-Unsubscribe").is_some(),
        };
        assert_eq!(message.message_id(), Some(parcel.message_id.as_str()));
        assert_eq!(opened.to, [parcel.to.as_str().to_lowercase()], "header and envelope agree");
        let copies: BTreeSet<String> = parcel.cc.iter().map(|copy| copy.as_str().to_lowercase()).collect();
        assert_eq!(opened.cc, copies, "header and envelope agree");
        opened
    }

    pub fn shows(&self, word: &str) -> bool {
        self.text.contains(word) || self.subject.contains(word)
    }
}

impl Year {
    /// A letter that the relay accepted.
    pub fn receive(&mut self, at: Timestamp, parcel: &Parcel, id: LetterId, parked: &BTreeSet<LetterId>) {
        let letter = self.mail.letters.get_mut(&id).expect("known");
        letter.copies += 1;
        let name = format!("{at}: letter {id}, {}/{}", letter.rule(), letter.row.draft.stage);
        assert_eq!(letter.copies, 1, "{name} came twice (I1)");
        let certain = letter.state().counts_as_sent();
        assert!(certain, "{name} came and is {} (I4)", letter.state());
        if let Some(agreed) = &letter.agreed {
            assert!(
                letter.keys().is_subset(agreed) || !letter.row.draft.approve,
                "{name}: more than was agreed to"
            );
        }
        assert!(!letter.row.draft.approve || letter.agreed.is_some(), "{name}: nobody agreed");
        for key in letter.keys() {
            let before = self.mail.carried.insert(key.clone(), id);
            assert_eq!(before, None, "{name}: {key} came before (I1)");
        }
        let opened = Opened::of(parcel);
        match self.customer_of(id) {
            None => self.check_digest(at, id, &opened, parked),
            Some(customer) => self.check_letter(at, id, customer, &opened, &name),
        }
        self.count_as_said(at, id);
    }

    fn check_letter(&self, at: Timestamp, id: LetterId, customer: usize, opened: &Opened, name: &str) {
        let letter = &self.mail.letters[&id];
        let draft = &letter.row.draft;
        let of = &self.business.customers[customer];
        let outside = draft.class != Class::Internal;
        let name = format!("{name} to {} {}", of.id, of.zone_name);
        self.check_moment(at, id, customer, &name);
        self.check_people(id, customer, opened, &name);
        self.check_words(at, id, customer, opened, &name);
        if let Some(why) = self.business.deaf(of, at).filter(|_| outside) {
            panic!("{name} was sent, but {why} (I2)");
        }
        let day = of.today(at);
        match (draft.class, courtesy(letter.rule())) {
            (Class::Dunning, _) if letter.rule() == STATEMENT => {}
            (Class::Dunning, _) => self.check_reminder(at, id, day, &name),
            (Class::Courtesy | Class::Marketing, Some(rule)) => self.check_courtesy(at, id, rule, &name),
            (Class::Courtesy | Class::Marketing, None) => panic!("{name}: who asks for it?"),
            (Class::Internal, _) => self.check_alarm(at, id, &name),
        }
        if outside {
            self.check_budget(id, customer, day, &name);
        }
    }

    /// A decent hour on a working day.
    fn check_moment(&self, at: Timestamp, id: LetterId, customer: usize, name: &str) {
        let letter = &self.mail.letters[&id];
        let of = &self.business.customers[customer];
        let outside = letter.row.draft.class != Class::Internal;
        let any_day = courtesy(letter.rule()).is_some_and(|rule| rule.any_day);
        let ours = TimeZone::get(OURS).expect("a zone");
        let zone = if outside { of.zone.clone() } else { ours };
        let local = at.to_zoned_datetime(zone);
        assert!((9..18).contains(&local.hour()), "{name}: it is {local}");
        let country = outside.then_some(of.country);
        let open = any_day || self.business.days.both(country, local.date());
        assert!(open, "{name}: {} is a day off", local.date());
    }

    fn check_people(&self, id: LetterId, customer: usize, opened: &Opened, name: &str) {
        let letter = &self.mail.letters[&id];
        let (draft, of) = (&letter.row.draft, &self.business.customers[customer]);
        let outside = draft.class != Class::Internal;
        let to = match letter.rule() {
            _ if outside => of.email.to_lowercase(),
            _ => of.owner_address().to_owned(),
        };
        assert_eq!(opened.to, [to.as_str()], "{name}: the right mailbox (I5)");
        let rung = self.edit.ladder(letter.rule()).iter().find(|rung| rung.name == draft.stage.as_str());
        let mut copies: &[Whom] = rung.map_or(&[], |rung| rung.cc);
        match letter.rule() {
            "broken-promise" => copies = &[Whom::Owner],
            "limitation-watch" => copies = &[Whom::Manager],
            _ => {}
        }
        let leading = draft.lines.iter().filter(|line| line.leading);
        let guaranteed = leading
            .map(|line| line.key.subject.id())
            .all(|id| self.business.items.get(id).is_some_and(|item| item.guaranteed));
        let mut expected: BTreeSet<String> = copies
            .iter()
            .filter_map(|whom| match whom {
                Whom::Owner => Some(of.owner_address()),
                Whom::Manager => Some(MANAGER),
                Whom::Guarantor => guaranteed.then_some(GUARANTOR),
            })
            .map(str::to_owned)
            .collect();
        expected.remove(&to);
        assert_eq!(opened.cc, expected, "{name}: the right copies (I5)");
        let approve = rung.is_some_and(|rung| rung.approve);
        assert_eq!(draft.approve, approve, "{name}: a person agrees to what is harsh, and to nothing else");
    }

    /// Language, amounts, and nobody else's claims.
    fn check_words(&self, at: Timestamp, id: LetterId, customer: usize, opened: &Opened, name: &str) {
        let letter = &self.mail.letters[&id];
        let (draft, of) = (&letter.row.draft, &self.business.customers[customer]);
        let outside = draft.class != Class::Internal;
        let chinese = outside && of.is_chinese();
        let mark = match (outside, chinese) {
            (true, true) => "尊敬的",
            (true, false) => "Dear ",
            (false, _) => "Courtesy, ",
        };
        assert!(opened.text.contains(mark), "{name}: the right language (I5):\n{}", opened.text);
        assert_eq!(opened.can_be_left, outside && draft.class != Class::Dunning, "{name}");
        let amounts = amounts_in(&opened.text, chinese).unwrap_or_else(|odd| panic!("{name}: {odd} (I5)"));
        let in_html = amounts_in(&opened.html, chinese).unwrap_or_else(|odd| panic!("{name}: {odd} (I5)"));
        assert_eq!(amounts, in_html, "{name}: both parts say the same");
        let named = |leading: bool| -> Vec<(&String, &Item)> {
            let lines = draft.lines.iter().filter(|line| line.leading == leading);
            let mut items: Vec<_> = lines.filter_map(|line| self.claim(&line.key.subject)).collect();
            items.dedup_by_key(|(id, _)| *id);
            items
        };
        let (leading, below) = (named(true), named(false));
        for (id, item) in &leading {
            assert!(opened.shows(item.label(id)), "{name}: {id} is not named:\n{}", opened.text);
        }
        let may_name = |id: &String, item: &Item| {
            let lines = leading.iter().chain(&below).any(|(other, _)| *other == id);
            lines || ((!outside || letter.rule() == STATEMENT) && item.customer == customer)
        };
        for (id, item) in self.business.items.iter().filter(|(id, item)| !may_name(id, item)) {
            assert!(
                !opened.text.contains(item.label(id)),
                "{name}: {id} is none of theirs:\n{}",
                opened.text
            );
        }
        if letter.rule() == STATEMENT {
            self.check_statement(id, customer, our_day(at), opened, &amounts, name);
        } else if outside {
            let allowed = self.amounts_allowed(customer, &leading, &below);
            let odd: Vec<_> = amounts.difference(&allowed).collect();
            assert!(odd.is_empty(), "{name}: {odd:?} are no amounts of theirs (I5):\n{}", opened.text);
        }
        if draft.class == Class::Dunning || ["hand-over", "missed", "owner"].contains(&draft.stage.as_str()) {
            for (id, item) in &leading {
                let balance = (item.coin(), item.balance());
                assert!(amounts.contains(&balance), "{name}: {id} owes {balance:?} (I5):\n{}", opened.text);
            }
            for total in sums(&leading).into_iter().filter(|_| leading.len() > 1) {
                assert!(amounts.contains(&total), "{name}: {total:?} in all (I5):\n{}", opened.text);
            }
        }
    }

    /// The claim that a notice is about.
    pub fn claim(&self, subject: &Subject) -> Option<(&String, &Item)> {
        match subject {
            Subject::Receivable(id) => self.business.items.get_key_value(id.as_str()),
            Subject::Payment(id) => self
                .business
                .items
                .iter()
                .find(|(_, item)| item.payments.iter().any(|paid| paid.id == id.as_str())),
            Subject::Event(_) | Subject::Customer(_) | Subject::Colleague(_) => None,
        }
    }

    fn amounts_allowed(
        &self,
        customer: usize,
        leading: &[(&String, &Item)],
        below: &[(&String, &Item)],
    ) -> BTreeSet<Amount> {
        let mut allowed: BTreeSet<Amount> = sums(leading).into_iter().chain(sums(below)).collect();
        for (_, item) in leading.iter().chain(below) {
            let coin = item.coin();
            allowed.extend([item.balance(), item.amount.1, item.received()].map(|amount| (coin, amount)));
            allowed.extend(item.payments.iter().map(|paid| (coin, paid.amount)));
            allowed.extend(item.promises.iter().map(|promise| (coin, promise.amount)));
        }
        let notes = self.business.items_of(customer).filter(|(_, item)| item.is_credit());
        let notes = notes.map(|(_, item)| (item.coin(), -item.balance()));
        let account = &self.business.customers[customer].on_account;
        let credits: Vec<Amount> = notes.chain(account.iter().map(|(coin, sum)| (*coin, *sum))).collect();
        let coins: BTreeSet<_> = credits.iter().map(|(coin, _)| *coin).collect();
        allowed.extend(coins.into_iter().map(|coin| {
            (coin, credits.iter().filter(|(other, sum)| *other == coin && *sum > 0).map(|(_, sum)| sum).sum())
        }));
        allowed
    }

    fn check_reminder(&self, at: Timestamp, id: LetterId, day: Date, name: &str) {
        let letter = &self.mail.letters[&id];
        for line in &letter.row.draft.lines {
            let Some((item_id, item)) = self.claim(&line.key.subject) else {
                panic!("{name} is about a claim")
            };
            let name = format!("{name} on {day} about {item_id} due {} (round {})", item.due_on, item.round);
            if let Some(why) = self.business.silent(item, at) {
                panic!("{name} was sent, but {why} (I2)");
            }
            let round = if letter.rule() == "broken-promise" {
                broken_promise(item, day, &name)
            } else {
                if let Err(why) = self.in_turn(item, (letter.rule(), line.key.stage.as_str()), day, at) {
                    panic!("{name}, {}: {why}; said before: {:?}", line.key.stage, item.said);
                }
                let enough = item.balance() >= item.coin().least() || letter.rule().starts_with("note");
                assert!(enough, "{name}: it is not worth a letter");
                item.round
            };
            assert_eq!(line.key.round, round.to_string(), "{name}");
            if let Err(why) = item.min_gap(letter.rule(), round, day) {
                panic!("{name}: {why}");
            }
        }
    }

    /// Letters to one mailbox, all but alarms together, and thanks apart.
    fn check_budget(&self, id: LetterId, customer: usize, day: Date, name: &str) {
        let rule = self.mail.letters[&id].rule();
        let moments = courtesy(rule).is_some_and(|rule| rule.moments);
        let apart = if moments { 1 } else { 2 };
        let of = &self.business.customers[customer];
        for had in self.had(of).filter(|had| had.moments == moments) {
            let near = days(had.day, day).abs() < apart;
            assert!(!near, "{name} on {day}: letter {} came on {}", had.letter, had.day);
        }
    }

    /// Notes what was said, or may have been.
    pub fn count_as_said(&mut self, at: Timestamp, id: LetterId) {
        let Some(letter) = self.mail.letters.get_mut(&id) else { return };
        letter.told = true;
        let Some(customer) = self.customer_of(id) else {
            self.mail.digests.extend(operator_day(&self.mail.letters[&id], at));
            return;
        };
        let of = &self.business.customers[customer];
        let day = of.today(at);
        let rule = self.mail.letters[&id].rule().to_owned();
        if self.mail.letters[&id].row.draft.class != Class::Internal {
            let moments = courtesy(&rule).is_some_and(|rule: &Courtesy| rule.moments);
            self.mail.had.push(Had { customer, rule, moments, day, letter: id });
        }
        for line in self.mail.letters[&id].row.draft.lines.clone() {
            let series = (line.key.rule.to_string(), line.key.subject.to_string());
            self.mail.series.entry(series).or_default().push((day, id));
        }
        self.note_lines(at, id, day, false);
    }

    /// A letter that a person dropped counts as said to the ladder.
    pub fn count_as_dropped(&mut self, id: LetterId) {
        let now = self.now();
        let Some(customer) = self.customer_of(id) else { return };
        // What nobody has seen counts on the day it was to leave.
        let day = self.business.customers[customer].today(self.mail.letters[&id].row.next_attempt_at);
        for line in self.mail.letters[&id].row.draft.lines.clone() {
            let series = (line.key.rule.to_string(), line.key.subject.to_string());
            self.mail.series.entry(series).or_default().push((day, id));
        }
        self.note_lines(now, id, day, true);
    }

    fn note_lines(&mut self, at: Timestamp, id: LetterId, day: Date, dropped: bool) {
        let letter = &self.mail.letters[&id];
        let (rule, outside) = (letter.rule().to_owned(), letter.row.draft.class != Class::Internal);
        for line in letter.row.draft.lines.clone() {
            let Some((item_id, item)) = self.claim(&line.key.subject) else { continue };
            let ladder = self.edit.ladder(&rule);
            let rung = ladder.iter().find(|rung| rung.name == line.key.stage.as_str());
            let planned =
                rung.and_then(|rung| self.reached_on(item, &rule, rung, at)).unwrap_or(day).min(day);
            let said = Said {
                letter: id.0,
                rule: rule.clone(),
                stage: line.key.stage.to_string(),
                offset: rung.map_or(0, |rung| rung.offset),
                round: line.key.round.parse().unwrap_or(item.round),
                day,
                planned,
                outside,
                firm: rung.is_some_and(|rung| rung.firm),
                dropped,
            };
            let item_id = item_id.clone();
            self.business.items.get_mut(&item_id).expect("found").said.push(said);
        }
    }

    /// It has not arrived after all.
    pub fn unsay(&mut self, id: LetterId) {
        for item in self.business.items.values_mut() {
            item.said.retain(|said| said.letter != id.0);
        }
        for line in self.mail.letters[&id].row.draft.lines.clone() {
            let series = (line.key.rule.to_string(), line.key.subject.to_string());
            self.mail.series.entry(series).or_default().retain(|(_, other)| *other != id);
        }
        self.mail.had.retain(|had| had.letter != id);
        self.mail.letters.get_mut(&id).expect("known").told = true;
    }

    /// An alarm comes when the customer's letters are through, or can't go
    /// out.
    fn check_alarm(&self, at: Timestamp, id: LetterId, name: &str) {
        let letter = &self.mail.letters[&id];
        for line in &letter.row.draft.lines {
            let Some((item_id, item)) = self.claim(&line.key.subject) else { continue };
            let today = self.business.of(item).today(at);
            let name = format!("{name} about {item_id} due {}", item.due_on);
            let over = !item.is_live() || item.balance() <= 0;
            assert!(!over, "{name}: nothing is owed");
            let ladder = self.edit.ladder(letter.rule());
            let Some(rung) = ladder.iter().find(|rung| rung.name == line.key.stage.as_str()) else {
                continue;
            };
            assert!(!rung.outside, "{name} is not for our own people");
            let own = after(self.business.effective(item.due_on), rung.offset);
            let first = line.key.repetition == 0;
            assert!(today >= own || !first, "{name}: it was planned for {own}");
            let last = item.last_said(letter.rule(), false);
            if let (Some(last), Some((every, most))) = (last, rung.again) {
                // A holiday between the plan and the letter does not add up.
                assert!(
                    today >= after(last.day, every - 10),
                    "{name}: the last one was sent on {}",
                    last.day
                );
                let sent =
                    item.said.iter().filter(|said| said.stage == last.stage && said.round == item.round);
                assert!(sent.count() < most as usize, "{name}: often enough");
            }
            if first && self.business.silent(item, at).is_none() && !self.has_stuck(item_id) {
                let lower = self.next_rung(item, letter.rule());
                let lower = lower.filter(|rung| self.reached_on(item, letter.rule(), rung, at).is_some());
                assert!(lower.is_none(), "{name}: {lower:?} comes before; said: {:?}", item.said);
            }
        }
    }

    /// Whether a letter about a claim waits for a person, or ran out of time.
    fn has_stuck(&self, item: &str) -> bool {
        self.mail.letters.values().any(|letter| {
            letter.is_about(item) && matches!(letter.state(), LetterState::Held | LetterState::Expired)
        })
    }

    /// Who reads digests, and of whom they hear.
    fn check_digest(&self, at: Timestamp, id: LetterId, opened: &Opened, parked: &BTreeSet<LetterId>) {
        let reader = opened.to[0].as_str();
        let name = format!("{at}: digest {id} to {reader}");
        let ours = [OPERATOR, MANAGER, "lin@ours.test", "mo@ours.test"];
        assert!(ours.contains(&reader), "{name}");
        let concerns = |customer: usize| {
            reader == OPERATOR || self.business.customers[customer].owner_address() == reader
        };
        for (index, of) in self.business.customers.iter().enumerate().filter(|(index, _)| !concerns(*index)) {
            assert!(!opened.text.contains(&format!("({})", of.id)), "{name} tells of customer {index}");
        }
        for waiting in parked.iter().filter(|other| self.mail.letters[other].is_parked()) {
            let told_of = self.customer_of(*waiting).is_some_and(concerns);
            let listed = opened.text.contains(&format!("No. {waiting},"));
            assert!(listed || !told_of, "{name} does not name letter {waiting} (I6):\n{}", opened.text);
        }
    }
}

/// What some claims come to, by currency.
fn sums(claims: &[(&String, &Item)]) -> Vec<Amount> {
    let coins: BTreeSet<_> = claims.iter().map(|(_, item)| item.coin()).collect();
    let of =
        |coin| claims.iter().filter(|(_, item)| item.coin() == coin).map(|(_, item)| item.balance()).sum();
    coins.into_iter().map(|coin| (coin, of(coin))).collect()
}

/// The day of a digest to the operator.
fn operator_day(letter: &Letter, at: Timestamp) -> Option<Date> {
    let to = letter.row.made.as_ref().map(|made| made.parcel.to.as_str() == OPERATOR);
    to.filter(|to| *to).map(|_| our_day(at))
}

/// The day of the one promise that was broken.
fn broken_promise(item: &Item, day: Date, name: &str) -> Date {
    let last = item.promises.iter().rfind(|promise| promise.binds);
    let broken = last.filter(|promise| promise.is_broken(&item.payments, day));
    assert_eq!(item.broken(day), 1, "{name}: {:?}", item.promises);
    broken.unwrap_or_else(|| panic!("{name}: no promise was broken: {:?}", item.promises)).promised_on
}
