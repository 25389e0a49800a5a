//! The business as its owner knows it: what is owed, promised, contested and
//! held, by whom. It shares no code with the planner.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{WorkingDays, after};
use super::money::{Amount, Coin, plain};

pub const OURS: &str = "Asia/Shanghai";
pub const MANAGER: &str = "lina@morningstar.example";
pub const OPERATOR: &str = "it@morningstar.example";
pub const GUARANTOR: &str = "surety@family.test";

/// A stretch of days on which nobody is reminded.
#[derive(Clone, Debug)]
pub struct Pause {
    pub cause: &'static str,
    pub from: Date,
    pub until: Option<Date>,
    /// Whether a status in the books began it, which ends it as well.
    pub books: bool,
}

#[derive(Clone, Debug)]
pub struct Paid {
    pub id: String,
    pub amount: i64,
    pub on: Date,
}

#[derive(Clone, Debug)]
pub struct Promise {
    pub made_on: Date,
    pub promised_on: Date,
    pub until: Date,
    pub amount: i64,
    pub binds: bool,
    pub ended_on: Option<Date>,
}

/// A letter about a claim or an event that the customer, or our own people,
/// may have in hand.
#[derive(Clone, Debug)]
pub struct Said {
    pub letter: i64,
    pub rule: String,
    pub stage: String,
    pub offset: i64,
    pub round: Date,
    pub day: Date,
    pub planned: Date,
    /// Whether the customer saw it; else our own people alone.
    pub outside: bool,
    /// Whether it was a firm word.
    pub firm: bool,
    /// Whether a person dropped it, so that nobody saw it.
    pub dropped: bool,
}

pub struct Customer {
    pub id: String,
    pub name: &'static str,
    pub email: String,
    pub locale: &'static str,
    pub country: &'static str,
    pub zone: TimeZone,
    pub zone_name: &'static str,
    pub owner: Option<&'static str>,
    pub segment: &'static str,
    pub blocked: bool,
    pub pauses: Vec<Pause>,
    pub on_account: BTreeMap<Coin, i64>,
    pub purchases: u32,
}

#[derive(Debug)]
pub struct Item {
    pub customer: usize,
    pub kind: &'static str,
    pub amount: Amount,
    pub number: Option<String>,
    pub issued_on: Option<Date>,
    pub due_on: Date,
    pub status: &'static str,
    pub contract: Option<String>,
    pub guaranteed: bool,
    pub limitation_on: Option<Date>,
    pub payments: Vec<Paid>,
    pub pauses: Vec<Pause>,
    pub promises: Vec<Promise>,
    /// The due date that names the ladder round.
    pub round: Date,
    pub postponements: u32,
    /// The day the books said before our eyes that it was paid.
    pub closed_on: Option<Date>,
    pub acknowledged: bool,
    pub said: Vec<Said>,
}

#[derive(Debug)]
pub struct Happening {
    pub customer: usize,
    pub kind: &'static str,
    pub outcome: Option<&'static str>,
    pub product: Option<&'static str>,
    pub at: Timestamp,
}

/// Everything the owner knows.
pub struct Business {
    pub customers: Vec<Customer>,
    pub items: BTreeMap<String, Item>,
    pub events: BTreeMap<String, Happening>,
    /// Addresses that must not be written to.
    pub suppressed: BTreeSet<String>,
    pub payments: u64,
    pub days: WorkingDays,
}

pub fn day_in(zone: &TimeZone, at: Timestamp) -> Date {
    at.to_zoned_datetime(zone.clone()).date()
}

impl Customer {
    /// Whether there is an address at all.
    pub fn reachable(&self) -> bool {
        self.email.contains('@') && !self.email.contains(' ')
    }

    pub fn today(&self, now: Timestamp) -> Date {
        day_in(&self.zone, now)
    }

    /// Customers who share a mailbox are one.
    pub fn mailbox(&self) -> String {
        if self.reachable() { self.email.to_lowercase() } else { format!("none of {}", self.id) }
    }

    /// A pause holds from the moment it is known, wherever the customer's day
    /// has come to.
    pub fn pause_of<'p>(&self, pauses: &'p [Pause], cause: &str, now: Timestamp) -> Option<&'p Pause> {
        let theirs = self.today(now);
        let latest = theirs.max(our_day(now));
        pauses.iter().find(|pause| {
            pause.cause == cause && pause.from <= latest && pause.until.is_none_or(|until| until >= theirs)
        })
    }

    pub fn owner_address(&self) -> &'static str {
        self.owner.unwrap_or(MANAGER)
    }

    pub fn is_chinese(&self) -> bool {
        self.locale.starts_with("zh")
    }
}

impl Item {
    pub fn is_live(&self) -> bool {
        ["open", "disputed", "on_hold"].contains(&self.status)
    }

    pub fn received(&self) -> i64 {
        self.payments.iter().map(|paid| paid.amount).sum()
    }

    pub fn balance(&self) -> i64 {
        if self.is_live() { self.amount.1 - self.received() } else { 0 }
    }

    pub fn coin(&self) -> Coin {
        self.amount.0
    }

    pub fn is_credit(&self) -> bool {
        self.kind == "credit_note"
    }

    pub fn in_advance(&self) -> bool {
        ["prepayment", "deposit"].contains(&self.kind)
    }

    pub fn label<'a>(&'a self, id: &'a str) -> &'a str {
        self.number.as_deref().unwrap_or(id)
    }

    /// The day and the payment that covered it for good; `None` for the books.
    pub fn settled(&self) -> Option<(Date, Option<&Paid>)> {
        let mut payments: Vec<&Paid> = self.payments.iter().collect();
        payments.sort_by_key(|paid| (paid.on, &paid.id));
        let (mut sum, mut covering) = (0, None);
        for paid in payments {
            sum += paid.amount;
            covering = if sum < self.amount.1 { None } else { covering.or(Some((paid.on, Some(paid)))) };
        }
        let books = self.closed_on.map(|day| (day, None));
        match self.status {
            _ if self.is_credit() => None,
            "paid" => covering.filter(|_| books.is_some()).or(books),
            "open" | "disputed" | "on_hold" => covering,
            _ => None,
        }
    }

    pub fn bounced(&self, paid: &Paid) -> bool {
        self.payments.iter().any(|other| other.amount == -paid.amount && other.on >= paid.on)
    }

    /// The days on which it stood still, a customer's own pauses included.
    pub fn standstills(&self, customer: &Customer) -> Vec<Pause> {
        let promised = self.promises.iter().filter(|promise| promise.binds).filter_map(|promise| {
            let ends = [promise.kept_on(&self.payments), promise.ended_on];
            let until = ends.into_iter().flatten().fold(promise.until, Date::min);
            (until >= promise.made_on).then_some(Pause {
                cause: "promise",
                from: promise.made_on,
                until: Some(until),
                books: false,
            })
        });
        self.pauses.iter().chain(&customer.pauses).cloned().chain(promised).collect()
    }

    /// How many promises were broken by a day.
    pub fn broken(&self, today: Date) -> usize {
        self.promises.iter().filter(|promise| promise.is_broken(&self.payments, today)).count()
    }
}

impl Promise {
    pub fn kept_on(&self, payments: &[Paid]) -> Option<Date> {
        let last = self.ended_on.map_or(self.until, |ended| ended.min(self.until));
        let mut in_time: Vec<&Paid> =
            payments.iter().filter(|paid| self.made_on <= paid.on && paid.on <= last).collect();
        in_time.sort_by_key(|paid| (paid.on, &paid.id));
        let (mut sum, mut kept) = (0, None);
        for paid in in_time {
            sum += paid.amount;
            kept = if sum < self.amount { None } else { kept.or(Some(paid.on)) };
        }
        kept
    }

    pub fn is_pending(&self, payments: &[Paid], today: Date) -> bool {
        self.binds
            && self.kept_on(payments).is_none()
            && self.ended_on.is_none_or(|ended| ended >= today)
            && self.until >= today
    }

    pub fn is_broken(&self, payments: &[Paid], today: Date) -> bool {
        self.binds
            && self.kept_on(payments).is_none()
            && self.ended_on.is_none_or(|ended| ended >= today)
            && self.until < today
    }
}

impl Business {
    pub fn of(&self, item: &Item) -> &Customer {
        &self.customers[item.customer]
    }

    /// Those who read the same mailbox.
    pub fn sharing<'a>(&'a self, customer: &Customer) -> impl Iterator<Item = (usize, &'a Customer)> {
        let mailbox = customer.mailbox();
        self.customers.iter().enumerate().filter(move |(_, other)| other.mailbox() == mailbox)
    }

    pub fn items_of(&self, customer: usize) -> impl Iterator<Item = (&String, &Item)> {
        self.items.iter().filter(move |(_, item)| item.customer == customer)
    }

    /// What a customer owes in a currency after all credits.
    pub fn net(&self, customer: usize, coin: Coin) -> i64 {
        let owed: i64 = self
            .items_of(customer)
            .filter(|(_, item)| item.coin() == coin)
            .map(|(_, item)| item.balance())
            .sum();
        owed - self.customers[customer].on_account.get(&coin).copied().unwrap_or_default()
    }

    /// Why nothing at all goes to the customer now.
    pub fn deaf(&self, customer: &Customer, now: Timestamp) -> Option<String> {
        if customer.blocked {
            Some("the customer is blocked".to_owned())
        } else if !customer.reachable() {
            Some("there is no address".to_owned())
        } else if self.suppressed.contains(&customer.mailbox()) {
            Some("the address is suppressed".to_owned())
        } else {
            customer.pause_of(&customer.pauses, "hold", now).map(|pause| format!("{pause:?}"))
        }
    }

    /// Why the customer must not be reminded of a claim now.
    pub fn silent(&self, item: &Item, now: Timestamp) -> Option<String> {
        let customer = self.of(item);
        let today = customer.today(now);
        if let Some(why) = self.deaf(customer, now) {
            return Some(why);
        }
        if item.status != "open" {
            return Some(format!("it is {}", item.status));
        }
        if item.balance() <= 0 {
            return Some(format!("{} of {:?} are paid", item.received(), item.amount));
        }
        let pauses = item.pauses.iter().chain(&customer.pauses).cloned().collect::<Vec<_>>();
        for cause in ["dispute", "hold"] {
            if let Some(pause) = customer.pause_of(&pauses, cause, now) {
                return Some(format!("it is paused: {pause:?}"));
            }
        }
        if let Some(promise) = item.promises.iter().find(|promise| promise.is_pending(&item.payments, today))
        {
            return Some(format!("{promise:?} is pending"));
        }
        if item.limitation_on.is_some_and(|last| last < today) {
            return Some("it is time-barred".to_owned());
        }
        let net = self.net(item.customer, item.coin());
        (net <= 0).then(|| format!("credits cover it: {net}"))
    }

    /// What a customer, or one of the same mailbox, contests.
    pub fn disputed(&self, customer: &Customer, now: Timestamp) -> Option<String> {
        self.sharing(customer).find_map(|(index, other)| {
            let contests = |item: &Item| {
                let paused = other.pause_of(&item.pauses, "dispute", now).is_some();
                item.balance() > 0 && (item.status == "disputed" || paused)
            };
            let whole = other.pause_of(&other.pauses, "dispute", now);
            let whole = whole.map(|pause| format!("{} disputes: {pause:?}", other.id));
            let mut items = self.items_of(index);
            whole.or_else(|| {
                let found = items.find(|(_, item)| contests(item));
                found.map(|(id, item)| format!("{id} is disputed: {}, {:?}", item.status, item.pauses))
            })
        })
    }

    /// A due date on a day that we are closed counts on our next working day.
    pub fn effective(&self, due_on: Date) -> Date {
        self.days.first(None, due_on)
    }

    pub fn customers_csv(&self) -> String {
        let mut csv =
            "id,name,email,locale,country,timezone,segment,tags,owner_name,owner_email,blocked\n".to_owned();
        for c in &self.customers {
            let name = c.name.replace('"', "\"\"");
            let owner = c.owner.map_or(",".to_owned(), |owner| format!("Lin,{owner}"));
            let blocked = if c.blocked { "yes" } else { "no" };
            writeln!(
                csv,
                "{},\"{name}\",{},{},{},{},{},regular,{owner},{blocked}",
                c.id, c.email, c.locale, c.country, c.zone_name, c.segment
            )
            .expect("a String takes it");
        }
        csv
    }

    /// Everything, as the books export it every time.
    pub fn receivables_csv(&self) -> String {
        let mut csv = "id,customer_id,kind,amount,currency,number,issued_on,due_on,status,contract,\
                       guarantor_name,guarantor_email,limitation_on\n"
            .to_owned();
        let cell = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        for (id, item) in &self.items {
            let surety = if item.guaranteed { format!("Aunt,{GUARANTOR}") } else { ",".to_owned() };
            writeln!(
                csv,
                "{id},{},{},{},{},{},{},{},{},{},{surety},{}",
                self.of(item).id,
                item.kind,
                plain(item.amount),
                item.coin().code(),
                item.number.as_deref().unwrap_or_default(),
                cell(item.issued_on),
                item.due_on,
                item.status,
                item.contract.as_deref().unwrap_or_default(),
                cell(item.limitation_on)
            )
            .expect("a String takes it");
        }
        csv
    }
}

pub fn our_day(now: Timestamp) -> Date {
    day_in(&TimeZone::get(OURS).expect("a zone"), now)
}

/// The day that lies so many unpaused days after `from`.
pub fn unpaused_after(from: Date, count: i64, pauses: &[Pause], today: Date) -> Date {
    let stands_still =
        |day: Date| pauses.iter().any(|pause| pause.from <= day && day <= pause.until.unwrap_or(today));
    let (mut day, mut left) = (from, count);
    while left > 0 && day < after(from, 3_000) {
        day = after(day, 1);
        left -= i64::from(!stands_still(day));
    }
    if count <= 0 { after(from, count) } else { day }
}
