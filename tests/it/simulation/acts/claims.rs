//! Claims come, move, stop, and are over.

use courtesy::domain::ids::{CustomerId, ReceivableId};
use courtesy::domain::receivable::PauseCause;
use courtesy::store::{ImportKind, Record};
use jiff::civil::Date;

use super::super::calendar::after;
use super::super::model::{Item, Pause, Promise};
use super::super::money::{Coin, plain};
use super::super::year::Year;
use super::Planned;

impl Year {
    /// An open claim that the dice think of.
    pub fn any_item(&mut self) -> Option<String> {
        let open = self.business.items.iter().filter(|(_, item)| item.is_live() && item.balance() > 0);
        let open: Vec<String> = open.map(|(id, _)| id.clone()).collect();
        self.dice.pick(&open)
    }

    pub fn item(&mut self, id: &str) -> &mut Item {
        let customer = self.business.items[id].customer;
        self.about(customer);
        self.business.items.get_mut(id).expect("just found")
    }

    pub async fn new_claim(&mut self) {
        let term = self.dice.between(-12, 60);
        let id = self.invoice(term);
        match self.dice.below(10) {
            // A deposit now, the balance after the delivery.
            0 | 1 => {
                let contract = format!("K-{id}");
                let deposit = self.item(&id);
                (deposit.kind, deposit.contract) = ("deposit", Some(contract.clone()));
                let customer = deposit.customer;
                let later = term + 40;
                let balance = self.invoice(later);
                let rest = self.item(&balance);
                (rest.kind, rest.contract, rest.customer) = ("balance", Some(contract), customer);
                self.about(customer);
            }
            2 => self.item(&id).kind = "prepayment",
            3 | 4 => {
                let guaranteed = self.dice.chance(60);
                let item = self.item(&id);
                (item.kind, item.guaranteed) = ("promissory_note", guaranteed);
            }
            _ => {}
        }
        self.import_items().await;
    }

    /// A claim due in so many days, with its fate, not yet told to the
    /// program.
    pub fn invoice(&mut self, term: i64) -> String {
        let customer = self.any_customer();
        let id = format!("R{:04}", self.business.items.len());
        let coin =
            self.dice.pick(&[Coin::Cny, Coin::Cny, Coin::Cny, Coin::Eur, Coin::Usd, Coin::Jpy, Coin::Kwd]);
        let coin = coin.expect("a currency");
        // Now and then less than is worth a letter.
        let whole =
            if self.dice.chance(5) { self.dice.between(1, 90) } else { self.dice.between(200, 90_000) };
        let amount = whole * coin.unit() + self.dice.between(0, coin.unit());
        let today = self.today();
        let due_on = after(today, term);
        let issued_on = if self.dice.chance(80) {
            Some(today.min(after(due_on, -self.dice.between(0, 40))))
        } else {
            None
        };
        let number = self.dice.chance(50).then(|| format!("INV{:04}", self.business.items.len()));
        let limitation_on = self.dice.chance(15).then(|| after(due_on, self.dice.between(60, 300)));
        let item = Item {
            customer,
            kind: "invoice",
            amount: (coin, amount),
            number,
            issued_on,
            due_on,
            status: "open",
            contract: None,
            guaranteed: self.dice.chance(20),
            limitation_on,
            payments: vec![],
            pauses: vec![],
            promises: vec![],
            round: due_on,
            postponements: 0,
            closed_on: None,
            acknowledged: false,
            said: vec![],
        };
        self.business.items.insert(id.clone(), item);
        self.about(customer);
        self.decide_the_fate(&id, due_on);
        id
    }

    /// Who pays in time, who late, who in parts, and who never.
    fn decide_the_fate(&mut self, id: &str, due_on: Date) {
        let mut plan = |day: Date, percent| {
            let planned = Planned::Pay { item: id.to_owned(), percent };
            self.agenda.entry(day).or_default().push(planned);
        };
        let day = after(due_on, self.dice.between(-10, 90));
        match self.dice.below(10) {
            0..4 => plan(day.min(after(due_on, 2)), 100),
            4..6 => plan(day, 100),
            6 | 7 => {
                plan(day, 40);
                plan(after(day, 25), 100);
            }
            _ => {}
        }
    }

    pub async fn pause_an_item(&mut self) {
        let Some(id) = self.any_item() else { return };
        let today = self.today();
        let cause = self.dice.pick(&["dispute", "hold"]).expect("a cause");
        let until = self.dice.chance(60).then(|| after(today, self.dice.between(0, 25)));
        self.item(&id).pauses.push(Pause { cause, from: today, until, books: false });
        self.record(Record::Pause {
            cause: PauseCause::from_word(cause).expect("a word"),
            receivable: Some(ReceivableId::from(id.as_str())),
            customer: None,
            from: today,
            until,
            who: "Lin".to_owned(),
            reason: "said so".to_owned(),
        })
        .await;
    }

    pub async fn pause_a_customer(&mut self) {
        let customer = self.any_customer();
        let today = self.today();
        let cause = self.dice.pick(&["dispute", "hold"]).expect("a cause");
        let until = Some(after(today, self.dice.between(0, 20)));
        self.business.customers[customer].pauses.push(Pause { cause, from: today, until, books: false });
        self.about(customer);
        self.record(Record::Pause {
            cause: PauseCause::from_word(cause).expect("a word"),
            receivable: None,
            customer: Some(CustomerId::from(self.business.customers[customer].id.as_str())),
            from: today,
            until,
            who: "Lin".to_owned(),
            reason: "they are moving house".to_owned(),
        })
        .await;
    }

    /// Ends every dispute or hold about one claim.
    pub async fn end_a_pause(&mut self) {
        let today = self.today();
        let runs = |pause: &Pause| pause.until.is_none_or(|until| until > today);
        let paused = self.business.items.iter().filter(|(_, item)| item.pauses.iter().any(runs));
        let paused: Vec<String> = paused.map(|(id, _)| id.clone()).collect();
        let Some(id) = self.dice.pick(&paused) else { return };
        let item = self.item(&id);
        let cause = item.pauses.iter().find(|pause| runs(pause)).expect("one runs").cause;
        for pause in item.pauses.iter_mut().filter(|pause| pause.cause == cause && runs(pause)) {
            pause.until = Some(today);
        }
        let status = if cause == "dispute" { "disputed" } else { "on_hold" };
        if item.status == status {
            item.status = "open";
        }
        self.record(Record::Resume {
            cause: PauseCause::from_word(cause).expect("a word"),
            receivable: Some(ReceivableId::from(id.as_str())),
            customer: None,
            until: today,
        })
        .await;
    }

    /// Half of them are kept; some come a second and a third time, or promise
    /// the end of the year.
    pub async fn promise(&mut self) {
        let Some(id) = self.any_item() else { return };
        let today = self.today();
        let far = self.dice.chance(10);
        let ahead = if far { self.dice.between(31, 60) } else { self.dice.between(0, 20) };
        let promised_on = after(today, ahead);
        let (until, latest) = (self.business.days.later(promised_on, 2), after(today, 30));
        let percent = if self.dice.chance(70) { 100 } else { 50 };
        let item = self.item(&id);
        let amount = (item.balance() * percent / 100).max(1);
        let same = |promise: &Promise| (promise.amount, promise.promised_on) == (amount, promised_on);
        if item.promises.iter().any(same) {
            return;
        }
        let binds = item.promises.iter().filter(|promise| promise.binds).count() < 2 && promised_on <= latest;
        if binds {
            let pending = |promise: &&mut Promise| promise.until >= today && promise.ended_on.is_none();
            for replaced in item.promises.iter_mut().filter(pending) {
                replaced.ended_on = Some(after(today, -1));
            }
        }
        item.promises.push(Promise { made_on: today, promised_on, until, amount, binds, ended_on: None });
        let coin = item.coin();
        if self.dice.chance(45) {
            let day = after(promised_on, self.dice.between(-2, 2)).max(after(today, 1));
            self.agenda.entry(day).or_default().push(Planned::Pay { item: id.clone(), percent: 100 });
        }
        self.record(Record::Promise {
            receivable: ReceivableId::from(id.as_str()),
            promised_on,
            amount: Some(plain((coin, amount))),
            until,
            latest,
            at_most: 2,
            who: "Lin".to_owned(),
            reason: "on the telephone".to_owned(),
        })
        .await;
    }

    pub async fn move_a_due_date(&mut self) {
        let Some(id) = self.any_item() else { return };
        let today = self.today();
        let by = self.dice.between(-20, 45);
        let named = self.mail.has_round(&id, after(today, by));
        let item = self.item(&id);
        let (old, new) = (item.due_on, after(today, by));
        if new != old && (new >= today || named) {
            item.round = new;
            item.postponements += u32::from(new > old);
        }
        item.due_on = new;
        self.import_items().await;
    }

    /// By the books, or by a person.
    pub async fn change_a_status(&mut self) {
        let Some(id) = self.any_item() else { return };
        let words = [
            "paid",
            "paid",
            "written_off",
            "cancelled",
            "returned",
            "legal",
            "offset",
            "assigned",
            "disputed",
            "on_hold",
        ];
        let status = self.dice.pick(&words).expect("a status");
        self.set_status(&id, status);
        if ["disputed", "on_hold"].contains(&status) {
            let day = after(self.today(), self.dice.between(1, 30));
            self.agenda.entry(day).or_default().push(Planned::Release(id.clone()));
        }
        self.import_items().await;
    }

    pub fn set_status(&mut self, id: &str, status: &'static str) {
        let today = self.today();
        let yesterday = after(today, -1);
        let item = self.item(id);
        let cause = |status| match status {
            "disputed" => Some("dispute"),
            "on_hold" => Some("hold"),
            _ => None,
        };
        if let Some(cause) = cause(item.status).filter(|_| item.status != status) {
            let begun = |pause: &&mut Pause| pause.books && pause.cause == cause && pause.until.is_none();
            for pause in item.pauses.iter_mut().filter(begun) {
                pause.until = Some(yesterday.max(pause.from));
            }
        }
        if let Some(cause) = cause(status).filter(|_| item.status != status) {
            item.pauses.push(Pause { cause, from: today, until: None, books: true });
        }
        item.status = status;
        item.closed_on = (!item.is_live()).then_some(today);
    }

    pub async fn set_open_again(&mut self, id: &str) {
        if ["disputed", "on_hold"].contains(&self.business.items[id].status) {
            self.set_status(id, "open");
            self.import_items().await;
        }
    }

    /// An old debt becomes instalments.
    pub async fn make_a_plan(&mut self) {
        let Some(id) = self.any_item() else { return };
        let (customer, amount, today) =
            (self.business.items[&id].customer, self.business.items[&id].amount, self.today());
        self.set_status(&id, "replaced");
        let parts = self.dice.between(2, 5);
        for n in 0..parts {
            let part = self.invoice(25 + 30 * n);
            let item = self.item(&part);
            item.customer = customer;
            (item.kind, item.contract) = ("instalment", Some(format!("P-{id}")));
            item.amount = (amount.0, (amount.1 / parts).max(amount.0.unit()));
            item.issued_on = Some(today);
        }
        self.about(customer);
        self.import_items().await;
    }

    pub async fn acknowledge(&mut self) {
        let Some(id) = self.any_item() else { return };
        self.item(&id).acknowledged = true;
        self.record(Record::Acknowledgement {
            receivable: Some(ReceivableId::from(id.as_str())),
            customer: None,
            acknowledged_on: self.today(),
            who: "Lin".to_owned(),
            reason: "signed statement".to_owned(),
        })
        .await;
    }

    /// Blocked, or let in again; an address found, lost or mended.
    pub async fn change_a_customer(&mut self) {
        let customer = self.any_customer();
        self.about(customer);
        let fresh = format!("c{customer}-{}@example.test", self.dice.below(1_000));
        let of = &mut self.business.customers[customer];
        match self.dice.below(4) {
            0 => of.blocked = !of.blocked,
            1 => of.email = String::new(),
            _ => of.email = fresh,
        }
        self.about(customer);
        self.import(ImportKind::Customers, &self.business.customers_csv()).await;
    }
}
