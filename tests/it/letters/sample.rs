//! Customers, claims and drafts made by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use courtesy::domain::address::Address;
use courtesy::domain::calendar::{Calendars, Days, Hours};
use courtesy::domain::customer::{Class, Customer, Person};
use courtesy::domain::delivery::OnUncertain;
use courtesy::domain::event::{Event, EventOutcome};
use courtesy::domain::facts::{CustomerFacts, Facts};
use courtesy::domain::figures::Peers;
use courtesy::domain::money::Money;
use courtesy::domain::notice::{Draft, Line, NoticeKey, Priority, Subject};
use courtesy::domain::offset::Offset;
use courtesy::domain::receivable::{Kind, Payment, Receivable, Status};
use courtesy::domain::rule::Recipient;
use courtesy::domain::settings::{
    Budget, Business, DunningSettings, LetterSettings, LimitationSettings, PromiseSettings, Settings,
    UncertainSettings,
};
use courtesy::letter::{MailSettings, Occasion, ReplyTo, Unsubscribe};
use jiff::Timestamp;
use jiff::civil::{Date, Time, date};
use jiff::tz::TimeZone;

/// Everything a letter is made from.
#[derive(Clone)]
pub struct Sample {
    pub draft: Draft,
    pub facts: Facts,
    pub settings: Settings,
    pub mail: MailSettings,
    pub peers: Option<Peers>,
    pub now: Timestamp,
}

pub const TODAY: Date = date(2026, 3, 12);

pub fn person(name: &str, address: &str) -> Person {
    Person { name: name.into(), address: Address::parse(address).expect("an address") }
}

pub fn money(text: &str, currency: &str) -> Money {
    Money::parse(text, currency.parse().expect("a currency")).expect("an amount")
}

fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("a zone")
}

impl Sample {
    /// One open invoice of a customer who writes Chinese or English, at one
    /// o'clock in the afternoon in Shanghai.
    pub fn new(template: &str, locale: &str) -> Self {
        let chinese = locale.starts_with("zh");
        let item = receivable("R1", Some("2026-0117"), "12800", "CNY", date(2026, 3, 2));
        let mut sample = Self {
            draft: draft(template, vec![Subject::Receivable("R1".into())]),
            facts: facts(locale, vec![item]),
            settings: settings(),
            mail: mail(),
            peers: None,
            now: "2026-03-12T05:00:00Z".parse().expect("a moment"),
        };
        if chinese {
            let customer = &mut sample.facts.customers[0].customer;
            customer.name = "苏州启明纺织有限公司".into();
            customer.contact_name = Some("陈静".into());
            customer.owner = Some(person("王伟", "wang.wei@morningstar.example"));
            sample.settings.business.name = "晨星机械有限公司".into();
            sample.settings.business.locale = "zh-CN".into();
            sample.mail.from.name = "晨星机械财务部".into();
            sample.facts.customers[0].receivables[0].description = Some("纺机配件".into());
        }
        if template.starts_with("internal/") {
            sample.draft.to = vec![Recipient::Owner];
            sample.draft.class = Class::Internal;
        } else if template.starts_with("news/") {
            sample.draft.class = Class::Marketing;
        } else if !super::is_reminder(template) && !template.starts_with("statement/") {
            sample.draft.class = Class::Courtesy;
        }
        if template.ends_with("/final-notice") {
            sample.draft.deadline = Some(Offset::days(7));
        }
        sample
    }

    pub fn customer(&mut self) -> &mut Customer {
        &mut self.facts.customers[0].customer
    }

    pub fn item(&mut self) -> &mut Receivable {
        &mut self.facts.customers[0].receivables[0]
    }

    /// Puts more claims into the letter.
    pub fn add(&mut self, item: Receivable, leading: bool) {
        let line = line(Subject::Receivable(item.id.clone()), leading);
        self.draft.lines.push(line);
        self.facts.customers[0].receivables.push(item);
    }

    /// The letter answers an event instead.
    pub fn about_event(&mut self, kind: &str, product: Option<&str>, note: Option<&str>) {
        self.facts.customers[0].events = vec![Event {
            id: "E1".into(),
            kind: kind.into(),
            occurred_at: "2026-03-10T02:30:00Z".parse().expect("a moment"),
            outcome: Some(EventOutcome::Positive),
            product: product.map(Into::into),
            note: note.map(Into::into),
        }];
        self.draft.lines = vec![line(Subject::Event("E1".into()), true)];
    }

    /// The letter is about nothing in particular.
    pub fn about_customer(&mut self) {
        self.draft.lines = vec![line(Subject::Customer("C1".into()), true)];
    }

    /// The letter answers a payment for the invoice.
    pub fn about_payment(&mut self, amount: &str) {
        let id = "P1";
        self.item().payments =
            vec![Payment { id: id.into(), amount: money(amount, "CNY"), received_on: date(2026, 3, 11) }];
        self.draft.lines = vec![line(Subject::Payment(id.into()), true)];
    }

    pub fn occasion(&self) -> Occasion<'_> {
        Occasion {
            draft: &self.draft,
            facts: &self.facts,
            settings: &self.settings,
            mail: &self.mail,
            peers: self.peers,
            now: self.now,
        }
    }
}

pub fn receivable(id: &str, number: Option<&str>, amount: &str, currency: &str, due_on: Date) -> Receivable {
    Receivable {
        id: id.into(),
        kind: Kind::Invoice,
        status: Status::Open,
        amount: money(amount, currency),
        due_on,
        round_on: due_on,
        postponements: 0,
        number: number.map(Into::into),
        issued_on: Some(date(2026, 1, 31)),
        contract: None,
        description: Some("loom parts".into()),
        guarantor: None,
        limitation_on: None,
        pay_url: Some(format!("https://pay.example/i/{id}?t=a&b=1")),
        attachment: None,
        first_seen: "2026-02-01T00:00:00Z".parse().expect("a moment"),
        closed_on: None,
        payments: vec![],
        pauses: vec![],
        promises: vec![],
        acknowledged_on: vec![],
    }
}

pub fn line(subject: Subject, leading: bool) -> Line {
    Line {
        key: NoticeKey {
            rule: "payment-reminders".into(),
            stage: "firm".into(),
            subject,
            round: "2026-03-02".into(),
            repetition: 0,
        },
        offset: Offset::days(10),
        planned_on: TODAY,
        leading,
    }
}

fn draft(template: &str, subjects: Vec<Subject>) -> Draft {
    Draft {
        customer: Some("C1".into()),
        rule: "payment-reminders".into(),
        stage: "firm".into(),
        class: Class::Dunning,
        template: template.into(),
        to: vec![Recipient::Customer],
        cc: vec![],
        lines: subjects.into_iter().map(|subject| line(subject, true)).collect(),
        deadline: None,
        approve: false,
        priority: Priority::STAGE,
        budget: None,
        not_before: "2026-03-12T01:00:00Z".parse().expect("a moment"),
        passed_over: vec![],
        on_uncertain: OnUncertain::Park,
    }
}

fn facts(locale: &str, receivables: Vec<Receivable>) -> Facts {
    Facts {
        relationship: "ann@weaver.example".into(),
        looked_at: None,
        customers: vec![CustomerFacts {
            customer: Customer {
                id: "C1".into(),
                name: "Weaver & Sons Ltd".into(),
                address: Address::parse("ann@weaver.example"),
                contact_name: Some("Ann Weaver".into()),
                greeting: None,
                cc: vec![],
                locale: Some(locale.into()),
                country: None,
                zone: shanghai(),
                segment: None,
                tags: vec![],
                owner: Some(person("Wang Wei", "wang.wei@morningstar.example")),
                attributes: BTreeMap::new(),
                blocked: false,
                forgotten_at: None,
                purchases: 0,
            },
            receivables,
            on_account: vec![],
            events: vec![],
            pauses: vec![],
            notices: vec![],
            expired: vec![],
        }],
        suppressions: vec![],
        payments_read_at: None,
        digests: vec![],
    }
}

pub fn settings() -> Settings {
    Settings {
        business: Business {
            name: "Morningstar Machinery".into(),
            locale: "en".into(),
            zone: shanghai(),
            calendars: Calendars::default(),
            manager: Some(person("Li Na", "lina@morningstar.example")),
            operator: person("IT", "it@morningstar.example"),
        },
        letters: LetterSettings {
            hours: Hours { from: Time::midnight(), until: None, days: Days::Any, of_customer: true },
            per_customer: Budget { letters: 1, days: 2 },
            moments: Budget { letters: 1, days: 1 },
            per_pass: 500,
            per_rule: 2_000,
            unusual: courtesy::domain::settings::Unusual { above: 200, times: 5 },
        },
        dunning: DunningSettings {
            min_gap: Offset::days(5),
            resume_after: Offset::days(3),
            due_on_closed_day: courtesy::domain::settings::DueOnClosedDay::Next,
        },
        promises: PromiseSettings { at_most: 2, longest: Offset::days(30), grace: Offset::days(2) },
        limitation: LimitationSettings::default(),
        max_data_age: None,
        bodies_kept: None,
        guards: courtesy::domain::settings::Guards::default(),
        on_uncertain: UncertainSettings::default(),
    }
}

fn mail() -> MailSettings {
    MailSettings {
        from: person("Morningstar Accounts", "accounts@morningstar.example"),
        reply_to: ReplyTo::Owner,
        redirect_to: None,
        unsubscribe: Unsubscribe {
            mailto: Address::parse("leave@morningstar.example").expect("an address"),
            url: Some("https://morningstar.example/leave/{customer}".into()),
        },
        attachments: PathBuf::new(),
    }
}
