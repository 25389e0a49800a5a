//! Money comes in, in full and in parts, goes back, and lies on account.

use courtesy::domain::ids::{CustomerId, ReceivableId};
use courtesy::store::{ImportKind, Record};
use jiff::civil::Date;

use super::super::calendar::after;
use super::super::model::{Item, Paid};
use super::super::money::{Amount, Coin, plain};
use super::super::year::Year;

impl Year {
    pub async fn pay_something(&mut self) {
        let Some(id) = self.any_item() else { return };
        let percent = if self.dice.chance(50) { 100 } else { self.dice.between(5, 95) };
        self.pay_part(&id, percent).await;
    }

    /// A part of what is still open, written down at once or some days later.
    pub async fn pay_part(&mut self, id: &str, percent: i64) {
        let Some(item) = self.business.items.get(id).filter(|item| item.is_live()) else { return };
        let amount = item.balance() * percent / 100;
        if amount <= 0 {
            return;
        }
        let late = if self.dice.chance(20) { self.dice.between(1, 6) } else { 0 };
        self.pay(id, amount, after(self.today(), -late)).await;
    }

    /// The last payment goes back.
    pub async fn bounce(&mut self) {
        let bounces = |item: &Item| {
            item.is_live() && !item.is_credit() && item.payments.last().is_some_and(|paid| paid.amount > 0)
        };
        let paid = self.business.items.iter().filter(|(_, item)| bounces(item));
        let paid: Vec<String> = paid.map(|(id, _)| id.clone()).collect();
        let Some(id) = self.dice.pick(&paid) else { return };
        let last = self.business.items[&id].payments.last().expect("there is one").amount;
        self.pay(&id, -last, self.today()).await;
    }

    /// By hand, or by the file that the bank sends.
    async fn pay(&mut self, id: &str, amount: i64, on: Date) {
        self.business.payments += 1;
        let paid = Paid { id: format!("P{:04}", self.business.payments), amount, on };
        let name = paid.id.clone();
        let item = self.item(id);
        let coin = item.coin();
        item.payments.push(paid);
        if self.dice.chance(50) {
            self.import(
                ImportKind::Payments,
                &format!("id,receivable_id,amount,received_on\n{name},{id},{},{on}\n", plain((coin, amount))),
            )
            .await;
            return;
        }
        self.record(Record::Payment {
            id: Some(name.clone()),
            receivable: Some(ReceivableId::from(id)),
            customer: None,
            amount: plain((coin, amount)),
            currency: None,
            received_on: on,
        })
        .await;
        // The books list it as well, under a number of their own.
        if self.dice.chance(30) {
            let row = format!("B-{name},{id},{},{on}\n", plain((coin, amount)));
            self.import(ImportKind::Payments, &format!("id,receivable_id,amount,received_on\n{row}")).await;
        }
    }

    pub async fn money_on_account(&mut self) {
        let customer = self.any_customer();
        let (coin, amount) = self.some_money();
        self.business.payments += 1;
        let id = format!("P{:04}", self.business.payments);
        self.about(customer);
        let of = &mut self.business.customers[customer];
        *of.on_account.entry(coin).or_default() += amount;
        let record = Record::Payment {
            id: Some(id),
            receivable: None,
            customer: Some(CustomerId::from(of.id.as_str())),
            amount: plain((coin, amount)),
            currency: Some(coin.code().to_owned()),
            received_on: self.today(),
        };
        self.record(record).await;
    }

    pub async fn credit_note(&mut self) {
        let id = self.invoice(0);
        let (coin, amount) = self.some_money();
        for planned in self.agenda.values_mut() {
            planned.retain(|planned| !matches!(planned, super::Planned::Pay { item, .. } if *item == id));
        }
        let item = self.item(&id);
        (item.kind, item.amount, item.limitation_on) = ("credit_note", (coin, -amount), None);
        self.import_items().await;
    }

    fn some_money(&mut self) -> Amount {
        let coin = self.dice.pick(&[Coin::Cny, Coin::Cny, Coin::Eur, Coin::Usd]).expect("a currency");
        (coin, self.dice.between(50, 60_000) * coin.unit())
    }
}
