//! What a template of a digest sees: one of our own people is told of many
//! customers, so there is no customer and no claim.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::views::{Day, Named, OwnerView};
use super::{clean, name_of};
use crate::domain::customer::Class;
use crate::domain::digest::{Digest, Matter, Returned, Told, Trouble};
use crate::domain::ids::CustomerId;
use crate::letter::Occasion;

/// Every name of a digest's letter.
#[derive(Serialize)]
pub(in crate::letter) struct Briefing {
    business: Named,
    sender: Named,
    owner: OwnerView,
    digest: DigestView,
    today: Day,
    class: &'static str,
    locale: String,
}

#[derive(Serialize)]
struct DigestView {
    since: String,
    until: String,
    overall: bool,
    sent: Vec<ToldView>,
    sent_count: u32,
    unsent: Vec<ToldView>,
    unsent_count: u32,
    waiting: Vec<ToldView>,
    waiting_count: u32,
    matters: Vec<MatterView>,
    matters_count: u32,
    returned: Vec<ReturnedView>,
    returned_count: u32,
    troubles: Vec<TroubleView>,
}

#[derive(Serialize)]
struct TroubleView {
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Serialize)]
struct ToldView {
    letter: i64,
    customer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    rule: String,
    stage: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct ReturnedView {
    customer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    letter: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    copy: bool,
    ours: bool,
    detail: String,
}

#[derive(Serialize)]
struct MatterView {
    customer: String,
    customer_id: String,
    what: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    count: u32,
}

/// Puts together what the template of a digest sees.
pub(in crate::letter) fn briefing(of: &Occasion<'_>, digest: &Digest, locale: &str) -> Briefing {
    let zone = &of.settings.business.zone;
    let person = &digest.person;
    Briefing {
        business: Named { name: clean::value(&of.settings.business.name) },
        sender: Named { name: clean::value(&of.mail.from.name) },
        owner: OwnerView { name: name_of(person), email: person.address.to_string(), known: true },
        digest: digest_view(digest, zone),
        today: Day(of.now.to_zoned_datetime(zone.clone()).date()),
        class: Class::Internal.as_str(),
        locale: locale.to_owned(),
    }
}

fn digest_view(digest: &Digest, zone: &TimeZone) -> DigestView {
    let told = |rows: &[Told]| rows.iter().map(told_view).collect();
    let news = &digest.news;
    DigestView {
        since: moment(digest.since, zone),
        until: moment(digest.until, zone),
        overall: digest.overall,
        sent: told(&news.sent.first),
        sent_count: news.sent.all,
        unsent: told(&news.unsent.first),
        unsent_count: news.unsent.all,
        waiting: told(&news.waiting.first),
        waiting_count: news.waiting.all,
        matters: news.matters.first.iter().map(matter_view).collect(),
        matters_count: news.matters.all,
        returned: news.returned.first.iter().map(returned_view).collect(),
        returned_count: news.returned.all,
        troubles: news.troubles.iter().map(|trouble| trouble_view(trouble, zone)).collect(),
    }
}

/// As ISO 8601 writes it, without the zone: `2026-03-11T10:00`, which the
/// filters `moment` and `date` read.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%FT%R").to_string()
}

fn told_view(told: &Told) -> ToldView {
    ToldView {
        letter: told.letter.0,
        customer: named(&told.customer_name, told.customer.as_ref().map_or("", CustomerId::as_str)),
        customer_id: told.customer.as_ref().map(|id| clean::value(id.as_str())),
        rule: clean::value(told.rule.as_str()),
        stage: clean::value(told.stage.as_str()),
        about: clean::optional(Some(&told.about)),
        state: told.state.as_str(),
        reason: clean::optional(Some(&told.reason)),
    }
}

fn returned_view(returned: &Returned) -> ReturnedView {
    let letter = returned.letter.as_ref();
    ReturnedView {
        customer: named(&returned.customer_name, returned.customer.as_ref().map_or("", CustomerId::as_str)),
        customer_id: returned.customer.as_ref().map(|id| clean::value(id.as_str())),
        letter: letter.map(|(id, _, _)| id.0),
        rule: letter.map(|(_, rule, _)| clean::value(rule.as_str())),
        stage: letter.map(|(_, _, stage)| clean::value(stage.as_str())),
        what: returned.what.as_str(),
        address: clean::optional(Some(&returned.address)),
        copy: returned.copy,
        ours: returned.ours,
        detail: clean::value(&returned.detail),
    }
}

fn trouble_view(trouble: &Trouble, zone: &TimeZone) -> TroubleView {
    TroubleView {
        what: clean::value(&trouble.what),
        detail: clean::optional(Some(&trouble.detail)),
        since: moment(trouble.since, zone),
        until: trouble.until.map(|until| moment(until, zone)),
    }
}

fn matter_view(matter: &Matter) -> MatterView {
    MatterView {
        customer: named(&matter.customer_name, matter.customer.as_str()),
        customer_id: clean::value(matter.customer.as_str()),
        what: clean::value(&matter.what),
        detail: clean::value(&matter.detail),
        about: clean::optional(Some(&matter.about)),
        count: matter.count,
    }
}

fn named(name: &str, id: &str) -> String {
    clean::optional(Some(name)).unwrap_or_else(|| clean::value(id))
}
