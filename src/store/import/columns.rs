//! The columns of each kind of file.

use super::super::ImportKind;
use super::cells::{self, Check};

/// One column: its name, whether a row can't be without it, and what its
/// cells must be.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Column {
    pub(in crate::store) name: &'static str,
    pub(super) required: bool,
    pub(super) check: Check,
}

const fn required(name: &'static str, check: Check) -> Column {
    Column { name, required: true, check }
}

const fn optional(name: &'static str, check: Check) -> Column {
    Column { name, required: false, check }
}

const CUSTOMERS: &[Column] = &[
    required("id", cells::id),
    required("name", cells::text),
    optional("email", cells::text),
    optional("contact_name", cells::text),
    optional("greeting", cells::text),
    optional("cc", cells::list),
    optional("locale", cells::locale),
    optional("country", cells::country),
    optional("timezone", cells::zone),
    optional("segment", cells::text),
    optional("tags", cells::list),
    optional("owner_name", cells::text),
    optional("owner_email", cells::text),
    optional("attributes", cells::attributes),
    optional("blocked", cells::yes_or_no),
];

const RECEIVABLES: &[Column] = &[
    required("id", cells::id),
    required("customer_id", cells::id),
    required("kind", cells::kind),
    required("amount", cells::amount),
    required("currency", cells::currency),
    required("due_on", cells::date),
    optional("number", cells::text),
    optional("issued_on", cells::date),
    optional("contract", cells::text),
    optional("description", cells::text),
    optional("status", cells::status),
    optional("guarantor_name", cells::text),
    optional("guarantor_email", cells::text),
    optional("limitation_on", cells::date),
    optional("pay_url", cells::url),
    optional("attachment", cells::text),
];

/// A payment is for a receivable, or on the account of a customer; then it
/// needs a currency, which the receivable otherwise has.
const PAYMENTS: &[Column] = &[
    required("id", cells::id),
    optional("receivable_id", cells::id),
    optional("customer_id", cells::id),
    required("amount", cells::amount),
    optional("currency", cells::currency),
    required("received_on", cells::date),
];

const EVENTS: &[Column] = &[
    required("id", cells::id),
    required("customer_id", cells::id),
    required("kind", cells::event_kind),
    required("occurred_at", cells::moment),
    optional("outcome", cells::outcome),
    optional("product", cells::text),
    optional("note", cells::text),
];

/// The columns of a kind; the id is the first.
pub(in crate::store) fn columns_of(kind: ImportKind) -> &'static [Column] {
    match kind {
        ImportKind::Customers => CUSTOMERS,
        ImportKind::Receivables => RECEIVABLES,
        ImportKind::Payments => PAYMENTS,
        ImportKind::Events => EVENTS,
    }
}
