//! What a person at the desk decides about letters, addresses and rules.

use courtesy::domain::customer::Suppression;
use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::LetterState;
use courtesy::store::sqlite::Decision;

use super::super::edits::Edit;
use super::super::year::Year;

impl Year {
    /// Looks through what waits: lets go, drops, asks the customer.
    pub async fn read_the_outbox(&mut self) {
        self.look().await;
        let letters: Vec<LetterId> = self.mail.moving.iter().copied().collect();
        for id in letters {
            let decision = match (self.mail.letters[&id].state(), self.dice.below(100)) {
                (LetterState::Held, 0..25) => Decision::Release,
                (LetterState::Held, 25..28) => Decision::Drop,
                (LetterState::Uncertain, 0..20) if self.mail.letters[&id].copies > 0 => Decision::WasSent,
                (LetterState::Uncertain, 0..20) => Decision::WasNotSent,
                (LetterState::Queued | LetterState::Retry, 0..2) => Decision::Hold,
                (LetterState::Retry, 2..6) => Decision::Retry,
                _ => continue,
            };
            self.decide(id, decision).await;
        }
    }

    async fn decide(&mut self, id: LetterId, decision: Decision) {
        let why = "said the person at the desk".to_owned();
        let now = self.now();
        self.store().decide(id, decision, why, now).await.expect("it is in the state for it");
        self.reread(id).await;
        if let Some(customer) = self.customer_of(id) {
            self.about(customer);
        }
        let letter = self.mail.letters.get_mut(&id).expect("known");
        match decision {
            Decision::Release => letter.agreed = Some(letter.keys()),
            Decision::Drop => self.count_as_dropped(id),
            Decision::WasNotSent => self.unsay(id),
            Decision::Hold | Decision::WasSent | Decision::Retry => {}
        }
    }

    pub fn customer_of(&self, id: LetterId) -> Option<usize> {
        let whose = self.mail.letters[&id].row.draft.customer.as_ref()?;
        self.business.customers.iter().position(|customer| customer.id == whose.as_str())
    }

    pub async fn suppress_or_not(&mut self) {
        let customer = self.any_customer();
        let of = &self.business.customers[customer];
        if !of.reachable() || of.email.to_lowercase().starts_with("gone") {
            return;
        }
        let address = of.mailbox();
        self.about(customer);
        if self.business.suppressed.remove(&address) {
            let lifted = self.store().unsuppress(&address, "Lin".to_owned(), String::new(), self.now());
            assert_eq!(lifted.await.expect("the store works").len(), 1);
        } else {
            let cause = "does not want letters".to_owned();
            let suppression = Suppression { address: address.clone(), classes: vec![], cause };
            self.store().suppress(suppression, "Lin".to_owned(), self.now()).await.expect("the store works");
            self.business.suppressed.insert(address);
        }
    }

    /// In mid-year, with letters on their way.
    pub async fn edit_the_rules(&mut self) {
        let edit = self.dice.pick(&Edit::ALL).expect("an edit");
        let returns = self.edit == Edit::Without && edit != Edit::Without;
        self.edit = edit;
        self.engine.replace_office(edit.office());
        self.engine.pass().await.expect("the store works");
        if returns {
            // It begins anew: what was reached meanwhile was not missed by it.
            self.reminders_since = self.now();
        }
        self.all_restless = self.today();
    }
}
