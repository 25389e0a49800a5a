//! Stub.
use super::rows::Fault;
use super::worker::Desk;
use crate::domain::money::Money;
use crate::store::{ImportOrder, ImportReport, StoreError, import::Staged};
use jiff::Timestamp;

/// An amount as it is kept: all decimals of its currency, so that equal ones are equal texts.
pub(super) fn plain(money: Money) -> String {
    let mut amount = money.amount;
    amount.rescale(money.currency.decimals());
    amount.to_string()
}

pub(super) fn merge(
    _desk: &mut Desk,
    _order: &ImportOrder,
    _staged: Staged,
    _now: Timestamp,
) -> Result<ImportReport, Fault> {
    Err(StoreError::Refused("not yet".into()).into())
}
