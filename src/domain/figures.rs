//! What the business's customers do as a whole, as far as a letter may say
//! it.

/// How many must have paid before their number says anything.
const PAYERS_MIN: u64 = 20;

/// Below this share they are no example, and saying so would excuse whoever
/// is late.
const ON_TIME_PERCENT_MIN: u64 = 70;

/// What other customers do: an example to name in a reminder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peers {
    on_time_percent: u8,
}

impl Peers {
    /// Of so many who paid, so many did so on time; none where they are too
    /// few to tell, or no example.
    #[must_use]
    pub fn of(on_time: u64, payers: u64) -> Option<Self> {
        if payers < PAYERS_MIN || on_time > payers {
            return None;
        }
        // Rounded down: a letter must not claim more than is true.
        let percent = u128::from(on_time) * 100 / u128::from(payers);
        let on_time_percent = u8::try_from(percent).ok()?;
        (u64::from(on_time_percent) >= ON_TIME_PERCENT_MIN).then_some(Self { on_time_percent })
    }

    /// How many of a hundred pay on time, 70 to 100.
    #[must_use]
    pub fn on_time_percent(self) -> u8 {
        self.on_time_percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_an_example_only_if_they_are_many_and_most_pay_on_time() {
        for (on_time, payers, expected) in [
            (20, 20, Some(100)),
            (19, 19, None),
            (0, 0, None),
            (14, 20, Some(70)),
            (139, 200, None),
            (199, 200, Some(99)),
            (21, 20, None),
            (u64::MAX, u64::MAX, Some(100)),
        ] {
            assert_eq!(
                Peers::of(on_time, payers).map(Peers::on_time_percent),
                expected,
                "{on_time}/{payers}"
            );
        }
    }
}
