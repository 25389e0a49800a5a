//! Digests: letters to our own people about many customers.

use jiff::Timestamp;

use super::Found;
use super::view::our_next_open;
use crate::domain::customer::Class;
use crate::domain::delivery::OnUncertain;
use crate::domain::digest::{Digest, DigestOrder};
use crate::domain::facts::Facts;
use crate::domain::notice::{Draft, LetterState, Line, NoticeKey, PastNotice, Priority};
use crate::domain::rule::{Recipient, Rule, Rules};
use crate::domain::settings::Settings;

/// The digests that are due to be written now.
pub fn letters(
    rules: &Rules,
    settings: &Settings,
    facts: &Facts,
    now: Timestamp,
    found: &mut Found,
) -> Vec<Draft> {
    let mut letters = Vec::new();
    for (rule, seen) in rules.rules.iter().filter(|(rule, _)| rule.is_digest()) {
        let zone = &settings.business.zone;
        if let Some(next) = rule.schedule.as_ref().and_then(|schedule| schedule.next_after(now, zone)) {
            found.wake(next);
        }
        let first_seen = seen.as_ref().and_then(|seen| seen.audiences.first()).map(|(_, since)| *since);
        let of_rule = facts.digests.iter().filter(|digest| digest.rule == rule.name);
        // Whoever had nothing to read when the rule looked hears of what came
        // after at the next occurrence.
        let not_looked =
            |digest: &&Digest| facts.looked_at.is_none_or(|looked| digest.until > looked || looked > now);
        letters.extend(
            of_rule
                .filter(not_looked)
                .filter(|digest| first_seen.is_some_and(|since| since <= digest.until))
                .filter_map(|digest| letter(rule, settings, digest, now)),
        );
    }
    letters
}

fn letter(rule: &Rule, settings: &Settings, digest: &Digest, now: Timestamp) -> Option<Draft> {
    let round = digest.until.to_zoned_datetime(settings.business.zone.clone()).strftime("%FT%R").to_string();
    let stage = rule.stages.first()?;
    // One that leaves by itself tells of the rest as well; one that waits for a
    // person keeps no other back.
    let said = |past: &PastNotice| {
        past.key.round == round || matches!(past.state, LetterState::Queued | LetterState::Retry)
    };
    if digest.news.is_empty() || digest.past.iter().any(said) {
        return None;
    }
    Some(Draft {
        customer: None,
        rule: rule.name.clone(),
        stage: stage.name.clone(),
        class: Class::Internal,
        template: stage.template.clone(),
        to: vec![Recipient::Other(digest.person.address.clone())],
        cc: Vec::new(),
        lines: vec![Line {
            key: NoticeKey {
                rule: rule.name.clone(),
                stage: stage.name.clone(),
                subject: digest.subject(),
                round,
                repetition: 0,
            },
            offset: stage.at,
            planned_on: digest.until.to_zoned_datetime(settings.business.zone.clone()).date(),
            leading: true,
        }],
        deadline: None,
        approve: false,
        priority: Priority::STAGE,
        budget: None,
        not_before: our_next_open(settings, now, rule.days.unwrap_or(settings.letters.hours.days)),
        passed_over: Vec::new(),
        // The next one tells again of what may have been lost.
        on_uncertain: rule.on_uncertain.unwrap_or(OnUncertain::AssumeSent),
    })
}

/// The digests that the store is to put together: those of the last
/// occurrence of each rule.
pub fn orders(rules: &Rules, settings: &Settings, now: Timestamp) -> Vec<DigestOrder> {
    let business = &settings.business;
    let fallback = business.manager.clone().unwrap_or_else(|| business.operator.clone());
    let of_rule = |rule: &Rule| {
        let schedule = rule.schedule.as_ref()?;
        let until = schedule.last_until(now, &business.zone)?;
        let just_before = until - jiff::SignedDuration::from_micros(1);
        let to = &rule.stages.first()?.to;
        let overall = to.iter().filter_map(|recipient| match recipient {
            Recipient::Manager => Some(fallback.clone()),
            Recipient::Operator => Some(business.operator.clone()),
            Recipient::Other(address) => {
                Some(crate::domain::customer::Person { name: address.to_string(), address: address.clone() })
            }
            Recipient::Customer | Recipient::Owner | Recipient::Guarantor => None,
        });
        let mut people: Vec<crate::domain::customer::Person> = Vec::new();
        for person in overall {
            if !people.iter().any(|other| other.address.folded() == person.address.folded()) {
                people.push(person);
            }
        }
        Some(DigestOrder {
            rule: rule.name.clone(),
            owners: to.contains(&Recipient::Owner),
            fallback: fallback.clone(),
            overall: people,
            previous: schedule.last_until(just_before, &business.zone).unwrap_or(until),
            until,
        })
    };
    rules.iter().filter(|rule| rule.is_digest()).filter_map(of_rule).collect()
}
