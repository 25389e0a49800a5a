//! The business as its owner knows it, and what may be written about it. It
//! shares no code with the planner.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;

/// A small generator of our own (splitmix64), so that a seed is a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

pub struct Customer {
    pub id: String,
    pub name: String,
    pub email: String,
    pub locale: &'static str,
    pub zone: &'static str,
}

pub struct Item {
    pub customer: usize,
    pub issued_on: Date,
    pub due_on: Date,
    pub cents: i64,
    pub paid: i64,
    pub status: &'static str,
    /// First and last day of every dispute, hold and promise.
    pub pauses: Vec<(Date, Option<Date>)>,
}

/// Everything the owner knows.
pub struct Business {
    pub customers: Vec<Customer>,
    pub items: BTreeMap<String, Item>,
    pub payments: u64,
}

const NAMES: [&str; 8] = [
    "Oak & Ash Ltd",
    "青岛海天机械有限公司",
    "A<B Tools",
    "Smith, Jones",
    "The \"Copper\" Works",
    "苏州瑞丰贸易有限公司",
    "**Bold** {{ 7*7 }}",
    "Zoë Müller GmbH",
];

impl Business {
    pub fn new(dice: &mut Dice) -> Self {
        let places = [
            ("zh-CN", "Asia/Shanghai"),
            ("en-GB", "Europe/London"),
            ("en-US", "America/Los_Angeles"),
            ("zh-TW", "Pacific/Kiritimati"),
        ];
        let customers = (0..10)
            .map(|n| {
                let (locale, zone) = places[usize::try_from(dice.below(4)).expect("small")];
                let email = match n {
                    3 => String::new(),
                    4 => "unknown".to_owned(),
                    // Two customers with one mailbox.
                    5 => "c2@example.test".to_owned(),
                    _ => format!("c{n}@example.test"),
                };
                Customer { id: format!("C{n}"), name: NAMES[n % NAMES.len()].to_owned(), email, locale, zone }
            })
            .collect();
        Self { customers, items: BTreeMap::new(), payments: 0 }
    }

    pub fn customers_csv(&self) -> String {
        let mut csv = "id,name,email,locale,timezone,owner_name,owner_email\n".to_owned();
        for c in &self.customers {
            let name = c.name.replace('"', "\"\"");
            writeln!(csv, "{},\"{name}\",{},{},{},Lin,lin@ours.test", c.id, c.email, c.locale, c.zone)
                .expect("a String takes it");
        }
        csv
    }

    pub fn receivables_csv(&self) -> String {
        let mut csv = "id,customer_id,kind,amount,currency,issued_on,due_on,status\n".to_owned();
        for (id, item) in &self.items {
            let customer = &self.customers[item.customer].id;
            let (whole, cents) = (item.cents / 100, item.cents % 100);
            let (issued_on, due_on, status) = (item.issued_on, item.due_on, item.status);
            writeln!(csv, "{id},{customer},invoice,{whole}.{cents:02},CNY,{issued_on},{due_on},{status}")
                .expect("a String takes it");
        }
        csv
    }

    /// Whether a reminder about the item may reach the customer on a day.
    pub fn may_remind(&self, id: &str, day: Date) -> Result<(), String> {
        let item = self.items.get(id).ok_or("nobody knows it")?;
        if item.status != "open" {
            return Err(format!("it is {}", item.status));
        }
        if item.cents <= item.paid {
            return Err(format!("{} of {} are paid", item.paid, item.cents));
        }
        match item.pauses.iter().find(|(from, until)| *from <= day && until.is_none_or(|u| day <= u)) {
            Some(pause) => Err(format!("it is paused: {pause:?}")),
            None => Ok(()),
        }
    }

    /// What a customer has open, as a letter writes the number.
    pub fn open_amount(&self, customer: &str) -> String {
        let of_customer =
            |item: &&Item| self.customers[item.customer].id == customer && item.status == "open";
        let cents: i64 =
            self.items.values().filter(of_customer).map(|item| (item.cents - item.paid).max(0)).sum();
        let (whole, cents) = ((cents / 100).to_string(), cents % 100);
        let groups: Vec<&str> =
            whole.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
        format!("{}.{cents:02}", groups.join(","))
    }

    /// An open item of which the dice think.
    pub fn pick(&self, dice: &mut Dice) -> Option<String> {
        let open: Vec<&String> = self
            .items
            .iter()
            .filter(|(_, i)| i.status == "open" && i.paid < i.cents)
            .map(|(id, _)| id)
            .collect();
        if open.is_empty() {
            return None;
        }
        let n = dice.below(open.len() as u64);
        Some(open[usize::try_from(n).expect("small")].clone())
    }
}
