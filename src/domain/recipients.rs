//! From a recipient's word to a person, and from a letter's lines to claims.

use std::collections::BTreeMap;

use super::customer::{Class, Person};
use super::facts::{CustomerFacts, Facts};
use super::ids::{PaymentId, ReceivableId};
use super::notice::{Draft, Subject};
use super::receivable::Receivable;
use super::rule::Recipient;
use super::settings::Settings;
use super::stop::Stop;

/// The people of a letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct People {
    /// To whom; never empty.
    pub to: Vec<Person>,
    /// Who else sees it, nobody twice.
    pub cc: Vec<Person>,
}

/// Up to so many lines of a letter, looking through the claims is quicker
/// than making an index of them.
const LOOKED_THROUGH_MAX: usize = 8;

/// A customer's claims, found by what a notice is about.
#[derive(Debug)]
pub struct Claims<'a> {
    by_id: BTreeMap<&'a ReceivableId, &'a Receivable>,
    by_payment: BTreeMap<&'a PaymentId, &'a Receivable>,
}

impl<'a> Claims<'a> {
    /// Reads all of them once, so that a letter about ten thousand is made in
    /// no more than that many steps.
    #[must_use]
    pub fn of(customer: &'a CustomerFacts) -> Self {
        let mut claims = Self { by_id: BTreeMap::new(), by_payment: BTreeMap::new() };
        for item in &customer.receivables {
            claims.by_id.entry(&item.id).or_insert(item);
            for payment in &item.payments {
                claims.by_payment.entry(&payment.id).or_insert(item);
            }
        }
        claims
    }

    /// The claim itself, or the one that the payment is for.
    #[must_use]
    pub fn find(&self, subject: &Subject) -> Option<&'a Receivable> {
        match subject {
            Subject::Receivable(id) => self.by_id.get(id).copied(),
            Subject::Payment(id) => self.by_payment.get(id).copied(),
            Subject::Event(_) | Subject::Customer(_) | Subject::Colleague(_) => None,
        }
    }
}

/// The receivables that a letter is about, leading lines first.
#[must_use]
pub fn receivables_of<'a>(draft: &Draft, customer: &'a CustomerFacts) -> Vec<(&'a Receivable, bool)> {
    let index = (draft.lines.len() > LOOKED_THROUGH_MAX).then(|| Claims::of(customer));
    let find = |subject: &Subject| match &index {
        Some(claims) => claims.find(subject),
        None => customer.receivables.iter().find(|item| concerns(subject, item)),
    };
    let lines = draft.lines.iter();
    lines.filter_map(|line| find(&line.key.subject).map(|item| (item, line.leading))).collect()
}

fn concerns(subject: &Subject, item: &Receivable) -> bool {
    match subject {
        Subject::Receivable(id) => item.id == *id,
        Subject::Payment(id) => item.payments.iter().any(|payment| payment.id == *id),
        Subject::Event(_) | Subject::Customer(_) | Subject::Colleague(_) => false,
    }
}

/// Who gets a letter, or the stop that leaves it without a main recipient.
/// A copy without an address is left out.
///
/// # Errors
/// The [`Stop`] of the first main recipient who can't be written to.
pub fn people(
    draft: &Draft,
    facts: &Facts,
    customer: &CustomerFacts,
    settings: &Settings,
) -> Result<People, Stop> {
    let items: Vec<&Receivable> = receivables_of(draft, customer).into_iter().map(|(item, _)| item).collect();
    let find = |recipient: &Recipient| person(recipient, draft.class, facts, customer, &items, settings);
    let to = draft.to.iter().map(find).collect::<Result<Vec<Person>, Stop>>()?;
    let mut seen: Vec<String> = to.iter().map(|person| person.address.folded()).collect();
    let mut cc = Vec::new();
    let customer_copies = draft.to.contains(&Recipient::Customer).then_some(&customer.customer.cc);
    let named = draft.cc.iter().filter_map(|recipient| find(recipient).ok());
    let further = customer_copies
        .into_iter()
        .flatten()
        .map(|address| Person { name: customer.customer.name.clone(), address: address.clone() });
    for person in named.chain(further) {
        let folded = person.address.folded();
        if !seen.contains(&folded) && facts.suppression(&person.address, draft.class).is_none() {
            seen.push(folded);
            cc.push(person);
        }
    }
    Ok(People { to, cc })
}

/// Finds one recipient.
///
/// # Errors
/// The [`Stop`] that says why there is none.
pub fn person(
    recipient: &Recipient,
    class: Class,
    facts: &Facts,
    customer: &CustomerFacts,
    items: &[&Receivable],
    settings: &Settings,
) -> Result<Person, Stop> {
    let business = &settings.business;
    let ours = || business.manager.clone().unwrap_or_else(|| business.operator.clone());
    let of = &customer.customer;
    match recipient {
        Recipient::Customer => {
            let address = of.address.clone().map_err(Stop::NoAddress)?;
            if let Some(suppression) = facts.suppression(&address, class) {
                return Err(Stop::Suppressed(suppression.cause.clone()));
            }
            Ok(Person { name: of.contact_name.clone().unwrap_or_else(|| of.name.clone()), address })
        }
        Recipient::Owner => Ok(of.owner.clone().unwrap_or_else(ours)),
        Recipient::Manager => Ok(ours()),
        Recipient::Operator => Ok(business.operator.clone()),
        Recipient::Guarantor => {
            let guarantor = items.iter().find_map(|item| item.guarantor.clone());
            let person = guarantor.ok_or(Stop::NoRecipient("guarantor"))?;
            match facts.suppression(&person.address, class) {
                Some(suppression) => Err(Stop::Suppressed(suppression.cause.clone())),
                None => Ok(person),
            }
        }
        Recipient::Other(address) => Ok(Person { name: address.to_string(), address: address.clone() }),
    }
}
