//! A made-up digest.

use jiff::ToSpan;

use super::{Edge, MailSettings, Sample, TODAY, noon};
use crate::domain::customer::Person;
use crate::domain::digest::{Digest, MAIL_SERVER, Matter, News, ROWS_MAX, Returned, Rows, Told, Trouble};
use crate::domain::facts::Facts;
use crate::domain::ids::LetterId;
use crate::domain::notice::{Draft, LetterState};
use crate::domain::returned::What;

/// Turns the sample of a letter to a customer into that of a digest.
pub(super) fn sample(
    mut draft: Draft,
    mut facts: Facts,
    mail: MailSettings,
    person: &Person,
    edge: Edge,
) -> Sample {
    let digest = Digest {
        rule: draft.rule.clone(),
        person: person.clone(),
        overall: edge == Edge::Bare,
        since: noon(TODAY.saturating_sub(1.day())),
        until: noon(TODAY),
        past: vec![],
        news: news(edge),
    };
    draft.customer = None;
    for line in &mut draft.lines {
        line.key.subject = digest.subject();
    }
    facts.customers.clear();
    facts.digests = vec![digest];
    Sample { draft, facts, mail, peers: None, testimonials: vec![], now: noon(TODAY) }
}

/// Something of each sort; the least there can be; more than is listed.
fn news(edge: Edge) -> News {
    let matters = |what: &str| rows(edge, |bare| matter(what, bare));
    if edge == Edge::Bare {
        return News { matters: matters("stale"), ..News::default() };
    }
    News {
        sent: rows(edge, |bare| told(LetterState::Sent, bare)),
        unsent: rows(edge, |bare| told(LetterState::Cancelled, bare)),
        waiting: rows(edge, |bare| told(LetterState::Held, bare)),
        matters: matters("address missing"),
        returned: rows(edge, returned),
        troubles: troubles(edge),
    }
}

fn troubles(edge: Edge) -> Vec<Trouble> {
    let hold = Trouble {
        what: "clock went back".to_owned(),
        detail: String::new(),
        since: noon(TODAY.saturating_sub(1.day())),
        until: Some(noon(TODAY)),
    };
    let relay = Trouble {
        what: MAIL_SERVER.to_owned(),
        detail: "connect: refused".to_owned(),
        until: None,
        ..hold.clone()
    };
    match edge {
        Edge::Bare => vec![],
        Edge::Full | Edge::Instalment => vec![hold],
        Edge::Several | Edge::Many => vec![hold, relay],
    }
}

fn rows<T: Clone>(edge: Edge, row: impl Fn(bool) -> T) -> Rows<T> {
    match edge {
        Edge::Full | Edge::Instalment => Rows { first: vec![row(false)], all: 1 },
        Edge::Bare => Rows { first: vec![row(true)], all: 1 },
        Edge::Several => Rows { first: vec![row(false), row(true)], all: 2 },
        Edge::Many => Rows { first: vec![row(false); ROWS_MAX], all: 200 },
    }
}

fn told(state: LetterState, bare: bool) -> Told {
    let known = |text: &str| if bare { String::new() } else { text.to_owned() };
    Told {
        letter: LetterId(7),
        customer: (!bare).then(|| "C1".into()),
        customer_name: "Sample Customer".into(),
        rule: "payment-reminders".into(),
        stage: "firm".into(),
        about: known("2026-0001"),
        state,
        reason: known("settled"),
    }
}

fn returned(bare: bool) -> Returned {
    Returned {
        customer: (!bare).then(|| "C1".into()),
        customer_name: "Sample Customer".into(),
        letter: (!bare).then(|| (LetterId(7), "payment-reminders".into(), "firm".into())),
        what: if bare { What::Unsubscribed } else { What::Bounced },
        address: if bare { String::new() } else { "info@sample.example".into() },
        copy: !bare,
        ours: false,
        detail: "552 5.2.2 mailbox full".into(),
    }
}

fn matter(what: &str, bare: bool) -> Matter {
    Matter {
        customer: "C1".into(),
        customer_name: "Sample Customer".into(),
        what: what.to_owned(),
        detail: what.to_owned(),
        about: if bare { String::new() } else { "2026-0001".into() },
        count: if bare { 1 } else { 3 },
    }
}
