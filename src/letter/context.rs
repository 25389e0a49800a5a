//! What a template sees: the names of [`super::catalogue`], filled from a
//! draft and facts. What is missing is left out, so that a letter that
//! forgets to ask for it fails instead of reading "Dear ,".

mod digest;
mod example;
mod statement;
mod views;

pub(super) use digest::briefing;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use views::{
    CreditView, CustomerView, Day, EventView, ItemView, Named, OwnerView, PaymentView, PromiseView, Scene,
    Tail,
};

use super::clean;
use super::words::Language;
use super::{ComposeError, Occasion, Testimonial};
use crate::domain::customer::{Class, Person};
use crate::domain::event::{Event, EventOutcome};
use crate::domain::facts::CustomerFacts;
use crate::domain::limitation::{self, Limitation};
use crate::domain::money::{Currency, Money, Totals};
use crate::domain::notice::{PastNotice, Subject};
use crate::domain::receivable::{Kind, Receivable, SettledBy};
use crate::domain::recipients::Claims;
use crate::domain::rule::Recipient;
use crate::domain::statement::Statement;

/// How many claims a letter lists; the rest is one row with its sums.
pub const LISTED_MAX: usize = 50;

/// Whether the letter goes to our own people only: it is internal whatever
/// its rule's class, and written in the business's language.
#[must_use]
pub fn is_internal(to: &[Recipient], class: Class) -> bool {
    class == Class::Internal || !to.iter().any(|r| matches!(r, Recipient::Customer | Recipient::Guarantor))
}

/// Puts together what the templates of one letter see.
///
/// # Errors
/// [`ComposeError::Incomplete`] where the facts lack what the draft is about.
pub(super) fn scene(
    of: &Occasion<'_>,
    customer: &CustomerFacts,
    owner: &Person,
    locale: &str,
    testimonials: &[Testimonial],
) -> Result<Scene, ComposeError> {
    let internal = is_internal(&of.draft.to, of.draft.class);
    let zone = if internal { &of.settings.business.zone } else { &customer.customer.zone };
    let today = of.now.to_zoned_datetime(zone.clone()).date();
    let list = Lists { of, customer, today };
    let (mut leading, below) = claims(of, customer)?;
    let stated = statement::period(of.draft).map(|period| {
        let barred = |item: &Receivable| list.barred(item);
        leading = statement::open(customer, &barred);
        let account = Statement::of(customer, period, &barred);
        statement::view(&account, &leading, today, Language::of(locale))
    });
    let paid = payment(of, customer, &leading);
    let credits = credits(customer);
    // A guarantor sees what he answers for and nothing else.
    let alone = !of.draft.to.iter().chain(&of.draft.cc).any(|to| *to == Recipient::Guarantor);
    let others = if alone { others(customer, &leading, &below) } else { vec![] };
    let of_contract = if alone { of_contract(customer, &leading) } else { vec![] };
    let items = list.of(&leading);
    Ok(Scene {
        business: Named { name: clean::value(&of.settings.business.name) },
        sender: Named { name: clean::value(&of.mail.from.name) },
        customer: customer_view(customer, Language::of(locale), internal),
        owner: owner_view(of, customer, owner),
        receivable: items.first().cloned(),
        many: leading.len() > 1,
        item_count: leading.len(),
        totals: sums(&leading),
        below_totals: sums(&below),
        contract_totals: sums(&of_contract),
        below: list.of(&below),
        others: list.of(&others),
        contract_items: list.of(&of_contract),
        items,
        credit_totals: credits
            .iter()
            .map(|(_, money, _)| *money)
            .collect::<Totals>()
            .iter()
            .map(text)
            .collect(),
        credits: credits.into_iter().take(LISTED_MAX).map(credit_view).collect(),
        deadline: deadline(of, customer, today).map(Day),
        payment: paid,
        promise: leading.first().and_then(|item| promise(of, item)),
        event: event(of, customer)?.map(|event| event_view(event, &customer.customer.zone)),
        statement: stated,
        passed_over: of.draft.passed_over.iter().take(LISTED_MAX).map(|text| clean::value(text)).collect(),
        peers: example::peers(of.peers),
        testimonials: example::testimonials(testimonials, customer.customer.segment.as_deref(), locale),
        today: Day(today),
        class: if internal { Class::Internal } else { of.draft.class }.as_str(),
        locale: locale.to_owned(),
        unsubscribe: unsubscribe(of, internal),
    })
}

type Parted<'a> = (Vec<&'a Receivable>, Vec<&'a Receivable>);

/// The claims of the draft, leading ones and others, each once, oldest
/// first.
fn claims<'a>(of: &Occasion<'_>, customer: &'a CustomerFacts) -> Result<Parted<'a>, ComposeError> {
    let known = Claims::of(customer);
    let mut seen = BTreeSet::new();
    let (mut leading, mut below) = (vec![], vec![]);
    for line in &of.draft.lines {
        let subject = &line.key.subject;
        if matches!(subject, Subject::Event(_) | Subject::Customer(_)) {
            continue;
        }
        let missing = || ComposeError::Incomplete(format!("{subject} is not known any more"));
        let item = known.find(subject).ok_or_else(missing)?;
        if seen.insert(&item.id) {
            if line.leading { leading.push(item) } else { below.push(item) }
        }
    }
    for list in [&mut leading, &mut below] {
        list.sort_by_key(|item| (item.due_on, &item.id));
    }
    Ok((leading, below))
}

/// Open claims that the letter is not about.
fn others<'a>(
    customer: &'a CustomerFacts,
    leading: &[&Receivable],
    below: &[&Receivable],
) -> Vec<&'a Receivable> {
    let named: BTreeSet<_> = leading.iter().chain(below).map(|item| &item.id).collect();
    customer.receivables.iter().filter(|item| is_open(item) && !named.contains(&item.id)).collect()
}

/// Every open claim of the contracts that the letter is about, oldest first.
fn of_contract<'a>(customer: &'a CustomerFacts, leading: &[&Receivable]) -> Vec<&'a Receivable> {
    let contracts: BTreeSet<&str> = leading.iter().filter_map(|item| item.contract.as_deref()).collect();
    let belongs = |item: &&Receivable| item.contract.as_deref().is_some_and(|name| contracts.contains(name));
    let mut claims: Vec<&Receivable> =
        customer.receivables.iter().filter(|item| is_open(item)).filter(belongs).collect();
    claims.sort_by_key(|item| (item.due_on, &item.id));
    claims
}

fn is_open(item: &Receivable) -> bool {
    item.kind != Kind::CreditNote && item.balance().is_positive()
}

/// Makes lists of claims as a letter shows them on its day.
struct Lists<'a> {
    of: &'a Occasion<'a>,
    customer: &'a CustomerFacts,
    today: Date,
}

impl Lists<'_> {
    fn of(&self, claims: &[&Receivable]) -> Vec<ItemView> {
        let mut views: Vec<ItemView> = claims
            .iter()
            .take(LISTED_MAX)
            .map(|item| item_view(item, self.limitation(item), self.today))
            .collect();
        let rest = claims.get(LISTED_MAX..).unwrap_or_default();
        if let Some(last) = views.last_mut().filter(|_| claims.len() > 1) {
            last.tail = Some(Tail { more: rest.len(), more_totals: sums(rest), totals: sums(claims) });
        }
        views
    }

    /// The last day on which it could be enforced, where it has passed.
    fn barred(&self, item: &Receivable) -> Option<Date> {
        self.limitation(item).map(|limitation| limitation.on).filter(|last| *last < self.today)
    }

    fn limitation(&self, item: &Receivable) -> Option<Limitation> {
        let subject = Subject::Receivable(item.id.clone());
        let past = self.customer.notices.iter().filter(|notice: &&PastNotice| notice.key.subject == subject);
        let settings = self.of.settings;
        limitation::of(item, past, &settings.limitation, &settings.business.calendars.business)
    }
}

fn sums(claims: &[&Receivable]) -> Vec<String> {
    claims.iter().map(|item| item.balance()).collect::<Totals>().iter().map(text).collect()
}

fn text(money: Money) -> String {
    money.to_string()
}

/// Whole days, negative if `until` comes first.
fn days_between(from: Date, until: Date) -> i32 {
    i32::try_from(from.duration_until(until).as_hours() / 24).unwrap_or_default()
}

fn item_view(item: &Receivable, limitation: Option<Limitation>, today: Date) -> ItemView {
    let days = days_between(item.due_on, today);
    let number = clean::optional(Some(item.label())).unwrap_or_else(|| clean::value(item.id.as_str()));
    let received = Money { amount: item.received(), currency: item.amount.currency };
    ItemView {
        id: clean::value(item.id.as_str()),
        number,
        kind: item.kind.as_str(),
        due_on: Day(item.due_on),
        issued_on: item.issued_on.map(Day),
        amount: item.amount.to_string(),
        received: received.to_string(),
        part_paid: received.is_positive() && item.balance().is_positive(),
        disputed: item.is_disputed(today),
        balance: item.balance().to_string(),
        currency: item.amount.currency.code(),
        days_overdue: days.max(0),
        days_left: (-days).max(0),
        postponements: item.postponements,
        description: clean::optional(item.description.as_deref()),
        contract: clean::optional(item.contract.as_deref()),
        pay_url: item.pay_url.as_deref().and_then(clean::url),
        guarantor: item.guarantor.as_ref().map(|person| clean::value(&person.name)).filter(|n| !n.is_empty()),
        limitation_on: limitation.map(|limitation| Day(limitation.on)),
        limitation_days_left: limitation.map(|limitation| days_between(today, limitation.on).max(0)),
        limitation_by: limitation.map(|limitation| limitation.since.as_str()),
        limitation_since: limitation.and_then(|limitation| limitation.since.day()).map(Day),
        tail: None,
    }
}

fn customer_view(customer: &CustomerFacts, language: Language, internal: bool) -> CustomerView {
    let of = &customer.customer;
    let id = clean::value(of.id.as_str());
    let contact_name = clean::optional(of.contact_name.as_deref());
    let given = clean::optional(of.greeting.as_deref());
    let attributes = of
        .attributes
        .iter()
        .filter_map(|(name, text)| clean::optional(Some(text)).map(|text| (clean::value(name), text)));
    CustomerView {
        greeting: language.greeting(given.as_deref(), contact_name.as_deref()),
        name: clean::optional(Some(&of.name)).unwrap_or_else(|| id.clone()),
        email: of.address.as_ref().ok().filter(|_| internal).map(ToString::to_string),
        segment: clean::optional(of.segment.as_deref()),
        country: clean::optional(of.country.as_deref()),
        attributes: attributes.collect(),
        contact_name,
        id,
    }
}

fn owner_view(of: &Occasion<'_>, customer: &CustomerFacts, owner: &Person) -> OwnerView {
    let known = customer.customer.owner.is_some() || of.settings.business.manager.is_some();
    OwnerView { name: name_of(owner), email: owner.address.to_string(), known }
}

/// A person's name as it may stand in a letter; the address where none is
/// left.
pub(super) fn name_of(person: &Person) -> String {
    clean::optional(Some(&person.name)).unwrap_or_else(|| person.address.to_string())
}

/// The payment of the first line, or the one that settled the claim.
fn payment(of: &Occasion<'_>, customer: &CustomerFacts, leading: &[&Receivable]) -> Option<PaymentView> {
    let named = of.draft.lines.iter().find_map(|line| match &line.key.subject {
        Subject::Payment(id) => Some(id),
        _ => None,
    });
    let settling = || match leading.first().and_then(|item| item.settled())?.1 {
        SettledBy::Payment(id) => Some(id),
        SettledBy::Books => None,
    };
    let id = named.or_else(settling)?;
    let found = customer
        .receivables
        .iter()
        .find_map(|item| item.payments.iter().find(|payment| payment.id == *id))?;
    Some(PaymentView { amount: found.amount.to_string(), received_on: Day(found.received_on) })
}

/// The promise that the letter's round is named after, or the last one.
fn promise(of: &Occasion<'_>, item: &Receivable) -> Option<PromiseView> {
    let named = |promised_on: &Date| {
        let (day, about) = (promised_on.to_string(), Subject::Receivable(item.id.clone()));
        of.draft.lines.iter().any(|line| line.key.round == day && line.key.subject == about)
    };
    let last = item.promises.iter().rposition(|promise| named(&promise.promised_on));
    let index = last.or(item.promises.len().checked_sub(1))?;
    let promise = item.promises.get(index)?;
    Some(PromiseView {
        amount: promise.amount.to_string(),
        promised_on: Day(promise.promised_on),
        made_on: Day(promise.made_on),
        number: index + 1,
    })
}

/// What we owe the customer: credit notes, claims that were paid twice, and
/// in each currency what is left of the money on account.
fn credits(customer: &CustomerFacts) -> Vec<(Option<String>, Money, Date)> {
    let owed = |money: Money| Money { amount: -money.amount, ..money };
    let since = |item: &Receivable| {
        let paid_on = item.payments.last().map(|payment| payment.received_on);
        paid_on.unwrap_or_else(|| item.issued_on.unwrap_or(item.due_on))
    };
    let of_claims = customer
        .receivables
        .iter()
        .map(|item| (clean::optional(Some(item.label())), owed(item.balance()), since(item)));
    let sums: Totals = customer.on_account.iter().map(|payment| payment.amount).collect();
    let last = |currency: Currency| {
        let of = customer.on_account.iter().filter(|payment| payment.amount.currency == currency);
        of.map(|payment| payment.received_on).max().unwrap_or_default()
    };
    let on_account = sums.iter().map(|money| (None, money, last(money.currency))).collect::<Vec<_>>();
    of_claims.chain(on_account).filter(|(_, money, _)| money.is_positive()).collect()
}

fn credit_view((number, money, since): (Option<String>, Money, Date)) -> CreditView {
    CreditView { number, amount: money.to_string(), since: Day(since) }
}

/// Counted from the day the letter leaves; on a closed day it moves to the
/// next working one, in the debtor's favour.
fn deadline(of: &Occasion<'_>, customer: &CustomerFacts, today: Date) -> Option<Date> {
    let calendars = &of.settings.business.calendars;
    let day = of.draft.deadline?.from_date(today, &calendars.business);
    Some(calendars.first_shared_day(customer.customer.country.as_deref(), day))
}

fn event<'a>(of: &Occasion<'_>, customer: &'a CustomerFacts) -> Result<Option<&'a Event>, ComposeError> {
    let id = of.draft.lines.iter().find_map(|line| match &line.key.subject {
        Subject::Event(id) => Some(id),
        _ => None,
    });
    let Some(id) = id else { return Ok(None) };
    let missing = || ComposeError::Incomplete(format!("event:{id} is not known any more"));
    customer.events.iter().find(|event| event.id == *id).map(Some).ok_or_else(missing)
}

fn event_view(event: &Event, zone: &TimeZone) -> EventView {
    EventView {
        kind: clean::value(&event.kind),
        occurred_on: Day(day_of(event.occurred_at, zone)),
        product: clean::optional(event.product.as_deref()),
        note: clean::optional(event.note.as_deref()),
        outcome: event.outcome.map(EventOutcome::as_str),
    }
}

fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned_datetime(zone.clone()).date()
}

fn unsubscribe(of: &Occasion<'_>, internal: bool) -> Option<String> {
    let offered = !internal && matches!(of.draft.class, Class::Courtesy | Class::Marketing);
    offered.then(|| {
        let links = super::mime::unsubscribe_links(&of.mail.unsubscribe, of.draft.whose());
        links.web.unwrap_or(links.mailto)
    })
}
