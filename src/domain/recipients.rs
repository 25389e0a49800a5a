//! From a recipient's word to a person.

use super::customer::{Class, Person};
use super::facts::{CustomerFacts, Facts};
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

/// The receivables that a letter is about, leading lines first.
#[must_use]
pub fn receivables_of<'a>(draft: &Draft, customer: &'a CustomerFacts) -> Vec<(&'a Receivable, bool)> {
    draft
        .lines
        .iter()
        .filter_map(|line| match &line.key.subject {
            Subject::Receivable(id) => {
                customer.receivables.iter().find(|receivable| receivable.id == *id).map(|r| (r, line.leading))
            }
            Subject::Payment(id) => customer
                .receivables
                .iter()
                .find(|receivable| receivable.payments.iter().any(|payment| payment.id == *id))
                .map(|r| (r, line.leading)),
            Subject::Event(_) | Subject::Customer(_) => None,
        })
        .collect()
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
        Recipient::Guarantor => {
            items.iter().find_map(|item| item.guarantor.clone()).ok_or(Stop::NoRecipient("guarantor"))
        }
        Recipient::Other(address) => Ok(Person { name: address.to_string(), address: address.clone() }),
    }
}
