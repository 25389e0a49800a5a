//! The variables as templates see them; [`crate::letter::catalogue`] says
//! what they mean.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::statement::StatementView;

#[derive(Serialize)]
pub(in crate::letter) struct Scene {
    pub(super) business: Named,
    pub(super) sender: Named,
    pub(super) customer: CustomerView,
    pub(super) owner: OwnerView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receivable: Option<ItemView>,
    pub(super) items: Vec<ItemView>,
    pub(super) below: Vec<ItemView>,
    pub(super) others: Vec<ItemView>,
    pub(super) contract_items: Vec<ItemView>,
    pub(super) contract_totals: Vec<String>,
    pub(super) item_count: usize,
    pub(super) totals: Vec<String>,
    pub(super) below_totals: Vec<String>,
    pub(super) many: bool,
    pub(super) credits: Vec<CreditView>,
    pub(super) credit_totals: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deadline: Option<Day>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payment: Option<PaymentView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) promise: Option<PromiseView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<EventView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) statement: Option<StatementView>,
    pub(super) passed_over: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peers: Option<PeersView>,
    pub(super) testimonials: Vec<TestimonialView>,
    pub(super) today: Day,
    pub(super) class: &'static str,
    pub(super) locale: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unsubscribe: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Serialize)]
pub(super) struct CustomerView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) greeting: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contact_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Serialize)]
pub(super) struct OwnerView {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) known: bool,
}

#[derive(Clone, Serialize)]
pub(super) struct ItemView {
    pub(super) id: String,
    pub(super) number: String,
    pub(super) kind: &'static str,
    pub(super) due_on: Day,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issued_on: Option<Day>,
    pub(super) amount: String,
    pub(super) received: String,
    pub(super) part_paid: bool,
    pub(super) disputed: bool,
    pub(super) balance: String,
    pub(super) currency: &'static str,
    pub(super) days_overdue: i32,
    pub(super) days_left: i32,
    pub(super) postponements: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contract: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pay_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) guarantor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limitation_on: Option<Day>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limitation_days_left: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limitation_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limitation_since: Option<Day>,
    /// On the last of a list: what the table says below its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tail: Option<Tail>,
}

#[derive(Clone, Serialize)]
pub(super) struct Tail {
    pub(super) more: usize,
    pub(super) more_totals: Vec<String>,
    pub(super) totals: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct CreditView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<String>,
    pub(super) amount: String,
    pub(super) since: Day,
}

#[derive(Serialize)]
pub(super) struct PaymentView {
    pub(super) amount: String,
    pub(super) received_on: Day,
}

#[derive(Serialize)]
pub(super) struct PromiseView {
    pub(super) amount: String,
    pub(super) promised_on: Day,
    pub(super) made_on: Day,
    pub(super) number: usize,
}

#[derive(Serialize)]
pub(super) struct PeersView {
    pub(super) on_time_percent: u8,
}

#[derive(Serialize)]
pub(super) struct TestimonialView {
    pub(super) quote: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segment: Option<String>,
    pub(super) own: bool,
}

#[derive(Serialize)]
pub(super) struct EventView {
    pub(super) kind: String,
    pub(super) occurred_on: Day,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'static str>,
}

/// A date as a template sees it: ISO 8601, which the filter `date` reads.
#[derive(Clone, Copy)]
pub(super) struct Day(pub(super) Date);

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
