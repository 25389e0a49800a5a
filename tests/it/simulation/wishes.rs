//! Nothing is forgotten: each day on which a letter was wanted and nothing
//! stood in its way, it came.
//!
//! What stands in the way is written down with a wide margin: a day counts
//! only if from the day before until the day after nothing happened to the
//! mailbox, the machine ran, the relay took letters and the rules stayed.

use courtesy::domain::notice::LetterState;
use jiff::civil::{Date, Weekday};

use super::calendar::after;
use super::courtesies::{self, After, Courtesy};
use super::edits::Rung;
use super::model::{Customer, Happening, Item, OPERATOR};
use super::statements::STATEMENT;
use super::year::{Year, moment};

/// A letter that should have been sent by the end of a day.
struct Wish {
    customer: usize,
    subject: String,
    rule: String,
    what: String,
    sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// To our own people.
    Internal,
    /// One a day, on any day of the week or not.
    Moment { any_day: bool },
    /// One in two days.
    Customer,
}

impl Year {
    /// Looks back at the day before yesterday, whose letters are all in: what
    /// was forgotten, and about what.
    pub fn check_the_day(&mut self, today: Date) -> Result<(), (String, String)> {
        let day = after(today, -2);
        let mut wishes = Vec::new();
        for (id, item) in self.business.items.iter().filter(|(_, item)| !item.is_credit()) {
            self.reminders(id, item, day, &mut wishes);
            self.alarms(id, item, day, &mut wishes);
            self.thanks_for_money(id, item, day, &mut wishes);
        }
        self.statements(day, &mut wishes);
        self.courtesies(day, &mut wishes);
        let mut missed = std::collections::BTreeMap::new();
        for wish in wishes {
            if self.is_waiting(&wish, day) || !self.is_free(&wish, day) {
                continue;
            }
            let key = format!("{} {} {}", wish.subject, wish.rule, wish.what);
            let before = self.misses.get(&key).copied().unwrap_or_default();
            // A higher letter that was to come tomorrow may have turned out
            // to need a person.
            let patience = if wish.sort == Sort::Customer { 2 } else { 1 };
            if before + 1 >= patience {
                let of = &self.business.customers[wish.customer];
                let about = (self.business.items.get(&wish.subject), self.business.events.get(&wish.subject));
                let what =
                    format!("{day}: {key} to {} in {} was forgotten (I3); {about:?}", of.id, of.zone_name);
                return Err((wish.subject, what));
            }
            missed.insert(key, before + 1);
        }
        self.misses = missed;
        self.check_digests(day);
        Ok(())
    }

    /// Whether the outbox has, or had on the day, such a letter, and shows it.
    fn is_waiting(&self, wish: &Wish, day: Date) -> bool {
        let (begins, ends) = (moment(day, 0), moment(after(day, 1), 0));
        self.mail.letters.values().filter(|letter| letter.is_about(&wish.subject)).any(|letter| {
            let row = &letter.row;
            let there = letter.was_there(begins, ends);
            let parked = matches!(
                row.state,
                LetterState::Uncertain | LetterState::Assumed | LetterState::Expired | LetterState::Rejected
            );
            letter.rule() == wish.rule && (there || parked || row.state.is_waiting())
        })
    }

    /// Whether nothing stood in the way of a letter on a day.
    fn is_free(&self, wish: &Wish, day: Date) -> bool {
        let of = &self.business.customers[wish.customer];
        let mailbox = of.mailbox();
        if !self.is_quiet_since(&mailbox, after(day, -1)) {
            return false;
        }
        let letters = |moments: bool, within: i64| {
            let mut had = self.had(of).filter(|had| had.moments == moments);
            had.any(|had| had.day > after(day, -within) && had.day < after(day, within))
        };
        match wish.sort {
            Sort::Internal => self.business.days.ours(day),
            Sort::Moment { any_day } => {
                (any_day || self.business.days.both(Some(of.country), day)) && !letters(true, 1)
            }
            Sort::Customer => {
                let coming = self.is_expecting(&mailbox);
                // A statement makes way for the reminder of tomorrow, which may
                // then wait a day for another one to go with it.
                let within = if wish.rule == STATEMENT { 3 } else { 2 };
                self.business.days.both(Some(of.country), day) && !letters(false, within) && !coming
            }
        }
    }

    /// Whether a letter to a mailbox is on its way, and keeps its place.
    fn is_expecting(&self, mailbox: &str) -> bool {
        self.mail.moving.iter().any(|id| {
            let waits = matches!(self.mail.letters[id].state(), LetterState::Queued | LetterState::Retry);
            let whose = self.customer_of(*id).map(|customer| self.business.customers[customer].mailbox());
            waits && whose.as_deref() == Some(mailbox)
        })
    }

    fn reminders(&self, id: &str, item: &Item, day: Date, wishes: &mut Vec<Wish>) {
        let (Some(rule), now) = (item.rule(), moment(after(day, 1), 0)) else { return };
        let wish = |rule: &str, what: &str| Wish {
            customer: item.customer,
            subject: id.to_owned(),
            rule: rule.to_owned(),
            what: what.to_owned(),
            sort: Sort::Customer,
        };
        if self.business.silent(item, now).is_some() || self.business.silent(item, self.now()).is_some() {
            return;
        }
        if item.broken(day) == 1
            && let Some(promise) = item.promises.iter().rfind(|promise| promise.binds)
            && promise.is_broken(&item.payments, day)
            && item.min_gap("broken-promise", promise.promised_on, day).is_ok()
            && !item
                .said
                .iter()
                .any(|said| said.rule == "broken-promise" && said.round == promise.promised_on)
        {
            wishes.push(wish("broken-promise", "broken"));
        }
        let worth = item.balance() >= item.coin().least() || rule.starts_with("note");
        if !worth || item.min_gap(rule, item.round, day).is_err() {
            return;
        }
        let anchor = self.business.effective(item.due_on);
        if day < anchor {
            return self
                .coming_due(item, rule, day)
                .into_iter()
                .for_each(|rung| wishes.push(wish(rule, rung.name)));
        }
        if let Some(rung) = self.next_rung(item, rule)
            && self.reached_on(item, rule, rung, now).is_some_and(|reached| reached <= day)
        {
            wishes.push(wish(rule, rung.name));
        }
    }

    /// The early letter that should have come by a day before the due date.
    fn coming_due(&self, item: &Item, rule: &str, day: Date) -> Option<&'static Rung> {
        let anchor = self.business.effective(item.due_on);
        let rung = self.edit.ladder(rule).iter().find(|rung| rung.offset < 0)?;
        let own = after(anchor, rung.offset);
        let soon = item.issued_on.is_some_and(|issued| own < after(issued, 3));
        let done = item.said.iter().any(|said| said.rule == rule && said.round == item.round && said.outside);
        let waits = self.resumed_on(item, day) > day;
        (own <= day && !soon && !done && !waits && !self.is_backlog(item, rule, own)).then_some(rung)
    }

    fn statements(&self, day: Date, wishes: &mut Vec<Wish>) {
        let customers = self.business.customers.iter().enumerate();
        let owed = customers.filter(|(index, _)| self.is_owed_a_statement(*index, day));
        wishes.extend(owed.map(|(customer, of)| Wish {
            customer,
            subject: of.id.clone(),
            rule: STATEMENT.to_owned(),
            what: "statement".to_owned(),
            sort: Sort::Customer,
        }));
    }

    /// Hand-overs, missed instalments, claims about to be time-barred.
    fn alarms(&self, id: &str, item: &Item, day: Date, wishes: &mut Vec<Wish>) {
        if !item.is_live() || item.balance() <= 0 {
            return;
        }
        let now = moment(after(day, 1), 0);
        let anchor = self.business.effective(item.due_on);
        let mut wish = |rule: &str, what: &str| {
            wishes.push(Wish {
                customer: item.customer,
                subject: id.to_owned(),
                rule: rule.to_owned(),
                what: what.to_owned(),
                sort: Sort::Internal,
            });
        };
        let missed_on = self.business.days.later(anchor, 3);
        if item.kind == "instalment"
            && missed_on < day
            && !item.is_said("plan-missed", "missed")
            && !self.is_backlog(item, "plan-missed", missed_on)
        {
            wish("plan-missed", "missed");
        }
        if let Some(last) = item.limitation_on
            && let Some(stage) = [(30_i64, "one-month"), (90, "three-months"), (180, "half-year")]
                .into_iter()
                .find(|(before, _)| after(last, -before) < day && day < last)
        {
            let stages = ["half-year", "three-months", "one-month"];
            let place = |stage: &str| stages.iter().position(|other| *other == stage);
            let told = item.said.iter().filter(|said| said.rule == "limitation-watch" && said.round == last);
            if !told.into_iter().any(|said| place(&said.stage) >= place(stage.1)) {
                wish("limitation-watch", stage.1);
            }
        }
        let Some(rule) = item.rule() else { return };
        let worth = item.balance() >= item.coin().least() || rule.starts_with("note");
        let Some(rung) = self.edit.ladder(rule).iter().find(|rung| !rung.outside).filter(|_| worth) else {
            return;
        };
        match (item.last_said(rule, false), rung.again) {
            (None, _) => {
                let stopped = self.business.silent(item, now).is_some()
                    && self.business.silent(item, self.now()).is_some();
                let own = after(anchor, rung.offset);
                let through = self.next_rung(item, rule).is_none() && item.last_said(rule, true).is_some();
                let reached = self.reached_on(item, rule, rung, now).is_some_and(|reached| reached < day);
                let due = if stopped { own < day } else { through && reached };
                if due && !self.is_backlog(item, rule, own) {
                    wish(rule, rung.name);
                }
            }
            (Some(last), Some((every, most))) => {
                let sent = item.said.iter().filter(|said| said.rule == rule && said.stage == last.stage);
                if after(last.day, every) < day && sent.count() < most as usize {
                    wish(rule, rung.name);
                }
            }
            (Some(_), None) => {}
        }
    }

    fn thanks_for_money(&self, id: &str, item: &Item, day: Date, wishes: &mut Vec<Wish>) {
        let of = self.business.of(item);
        let mut wish = |rule: &str, subject: &str| {
            wishes.push(Wish {
                customer: item.customer,
                subject: subject.to_owned(),
                rule: rule.to_owned(),
                what: "thanks".to_owned(),
                sort: Sort::Moment { any_day: false },
            });
        };
        let welcome = |on: Date| on < day && day <= after(self.business.days.first(Some(of.country), on), 3);
        let rule = courtesies::courtesy("payment-thanks").expect("in the table");
        if self.is_unwelcome(rule, of, day) {
            return;
        }
        let settled = item.settled();
        if let Some((on, _)) = settled.filter(|(on, _)| welcome(*on)) {
            let thanked = item.said.iter().any(|said| said.rule == "payment-thanks" && said.day >= on);
            if !thanked && !self.is_backlog(item, "payment-thanks", on) {
                wish("payment-thanks", id);
            }
        }
        let open = item.is_live() && item.balance() > 0 && self.business.net(item.customer, item.coin()) > 0;
        for paid in item.payments.iter().filter(|paid| open && paid.amount > 0 && welcome(paid.on)) {
            let told = self.mail.is_told("part-payment-thanks", &format!("payment:{}", paid.id));
            if !item.bounced(paid) && !told && !self.is_backlog(item, "part-payment-thanks", paid.on) {
                wish("part-payment-thanks", &paid.id);
            }
        }
    }

    /// Whether the customer is deaf to a courtesy on a day, or was today.
    fn is_unwelcome(&self, rule: &Courtesy, of: &Customer, day: Date) -> bool {
        [moment(day, 0), moment(after(day, 1), 0), self.now()]
            .into_iter()
            .any(|at| self.business.deaf(of, at).is_some() || self.out_of_place(rule, of, at).is_some())
    }

    fn courtesies(&self, day: Date, wishes: &mut Vec<Wish>) {
        // What was before the rules is not asked of them.
        let since = |event: &&Happening| event.at >= self.rules_since;
        for (id, event) in self.business.events.iter().filter(|(_, event)| since(event)) {
            let of = &self.business.customers[event.customer];
            for rule in courtesies::all().filter(|rule| rule.concerns(event)) {
                let wanted_on = rule.wanted_on(event, of);
                let first = if rule.any_day {
                    wanted_on
                } else {
                    self.business.days.first(Some(of.country), wanted_on)
                };
                let welcome = wanted_on < day && day <= after(first, rule.welcome);
                let told = self.mail.is_told(rule.rule, &format!("event:{id}"));
                let mut others = self.had(of).filter(|had| had.rule == rule.rule);
                let capped = others.any(|had| after(had.day, rule.once_in) > day);
                let wanted = welcome && !told && !capped && of.purchases >= rule.purchases;
                if !wanted || self.is_over(rule, event) || self.is_unwelcome(rule, of, day) {
                    continue;
                }
                let any_day = rule.any_day;
                wishes.push(Wish {
                    customer: event.customer,
                    subject: id.clone(),
                    rule: rule.rule.to_owned(),
                    what: format!("{:?}", rule.after == After::HalfYear),
                    sort: if rule.moments { Sort::Moment { any_day } } else { Sort::Customer },
                });
            }
        }
    }

    /// What waits for a person is told of every working day.
    fn check_digests(&self, day: Date) {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let quiet = self.is_quiet_since(OPERATOR, after(day, -1));
        let waits = self.mail.letters.iter().find(|(_, letter)| {
            letter.parked_on.is_some_and(|since| since < day) && letter.row.draft.customer.is_some()
        });
        if weekend || !quiet || waits.is_none() || !self.business.days.ours(day) {
            return;
        }
        let told = self.mail.digests.contains(&day);
        // One that waits tells of the rest as well, when it leaves.
        let stuck = self.mail.letters.values().any(|letter| {
            letter.row.draft.customer.is_none() && letter.was_there(moment(day, 0), moment(after(day, 1), 0))
        });
        let waits = waits.map(|(id, letter)| (id, letter.parked_on, letter.keys(), letter.state()));
        let digests =
            self.mail.letters.iter().rev().filter(|(_, letter)| letter.row.draft.customer.is_none());
        let digests =
            digests.take(4).map(|(id, letter)| (id, letter.keys(), letter.state(), letter.row.queued_at));
        let digests: Vec<_> = digests.collect();
        assert!(told || stuck, "{day}: {waits:?} waits, and the operator was not told (I6): {digests:#?}");
    }
}
