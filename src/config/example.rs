//! Addresses of the shipped example that were never replaced.

use super::courtesy_shape::{RawCourtesy, RawDeliver};
use super::read::Reader;
use super::source::At;
use crate::domain::address::Address;
use crate::letter::ReplyTo;

/// Warns of addresses that belong to nobody (RFC 2606), where letters really
/// leave: answers, bounces and alarms would go nowhere.
pub(super) fn warn(raw: &RawCourtesy, reader: &mut Reader<'_>) {
    match raw.mail.deliver {
        Some(RawDeliver::Smtp(_)) => {}
        None | Some(RawDeliver::Files(_)) => return,
    }
    let people = [Some(&raw.mail.from), raw.people.manager.as_ref(), Some(&raw.people.operator)];
    let people = people.into_iter().flatten().map(|person| (&person.at, &person.value.address));
    let reply_to = raw.mail.reply_to.as_ref().and_then(|reply_to| match &reply_to.value {
        ReplyTo::Owner => None,
        ReplyTo::Fixed(person) => Some((&reply_to.at, &person.address)),
    });
    let unsubscribe = raw.mail.unsubscribe.as_ref();
    let mailto = unsubscribe.and_then(|unsubscribe| unsubscribe.mailto.as_ref());
    let redirect_to = raw.mail.redirect_to.as_ref();
    let others = mailto.into_iter().chain(redirect_to).map(|given| (&given.at, &given.value));
    let left: Vec<(&At, &Address)> = people
        .chain(reply_to)
        .chain(others)
        .filter(|(_, address)| is_example(&address.domain().to_lowercase()))
        .collect();
    for (at, address) in left {
        let message = format!("`{address}` is an example's address, and letters leave by `smtp`");
        reader.warning(at, message, "write your own: answers, bounces and alarms to this one reach nobody");
    }
}

fn is_example(domain: &str) -> bool {
    let within =
        |name: &str| domain == name || domain.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    ["example", "example.com", "example.net", "example.org"].into_iter().any(within)
}
