//! When a letter that was not sent is tried again.

use jiff::{SignedDuration, Timestamp};

use super::customer::Class;

/// The waits between attempts, in minutes; the last one goes on. Quick
/// enough for greylisting (RFC 6647 asks senders to wait some minutes), slow
/// enough not to be a nuisance (RFC 5321 4.5.4.1: at least 30 minutes, after
/// two tries in the first hour).
const WAITS_MIN: [i64; 7] = [5, 15, 30, 60, 120, 240, 480];

/// The wait for a mailbox that is full, in minutes: it takes its owner a day
/// to empty it.
const FULL_WAIT_MIN: i64 = 24 * 60;

/// How long a letter is tried, by class: a reminder for the five days of RFC
/// 5321 4.5.4.1; a courtesy only as long as it is one.
#[must_use]
pub fn expires_after(class: Class) -> SignedDuration {
    match class {
        Class::Dunning | Class::Internal => SignedDuration::from_hours(5 * 24),
        Class::Courtesy => SignedDuration::from_hours(2 * 24),
        Class::Marketing => SignedDuration::from_hours(24),
    }
}

/// The moment of the next attempt, or `None` once its time has run out.
/// `attempt` counts from 1; `spread` (0 to 99, from the letter's id) puts up
/// to a tenth on top, so that letters refused together do not return
/// together.
#[must_use]
pub fn next_attempt(
    class: Class,
    attempt: u32,
    spread: u8,
    first_attempt_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let index = (attempt.max(1) as usize - 1).min(WAITS_MIN.len() - 1);
    after(WAITS_MIN[index], class, spread, first_attempt_at, now)
}

/// The same for a mailbox that is full: once a day.
#[must_use]
pub fn next_attempt_when_full(
    class: Class,
    spread: u8,
    first_attempt_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    after(FULL_WAIT_MIN, class, spread, first_attempt_at, now)
}

fn after(
    wait_min: i64,
    class: Class,
    spread: u8,
    first_attempt_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let wait_s = wait_min * 60;
    let next = now + SignedDuration::from_secs(wait_s + wait_s * i64::from(spread.min(99)) / 1_000);
    let end = first_attempt_at + expires_after(class);
    (now < end).then(|| next.min(end))
}

/// How long the relay itself is left alone after so many failures in a row,
/// in seconds: 10, 20, 40 … up to 15 minutes.
#[must_use]
pub fn relay_backoff(failures: u32) -> SignedDuration {
    let doubled = 10_i64 << failures.saturating_sub(1).min(10);
    SignedDuration::from_secs(doubled.min(900))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(class: Class, spread: u8) -> Vec<i64> {
        let start = Timestamp::UNIX_EPOCH;
        let mut now = start;
        let mut minutes = Vec::new();
        for attempt in 1.. {
            match next_attempt(class, attempt, spread, start, now) {
                Some(next) => now = next,
                None => break,
            }
            minutes.push(now.as_second() / 60);
        }
        minutes
    }

    #[test]
    fn a_reminder_is_tried_for_five_days() {
        for class in [Class::Dunning, Class::Internal] {
            assert_eq!(
                schedule(class, 0),
                [
                    5, 20, 50, 110, 230, 470, 950, 1430, 1910, 2390, 2870, 3350, 3830, 4310, 4790, 5270,
                    5750, 6230, 6710, 7190, 7200
                ]
            );
        }
    }

    #[test]
    fn a_courtesy_is_tried_for_two_days_and_news_for_one() {
        let two_days = [5, 20, 50, 110, 230, 470, 950, 1430, 1910, 2390, 2870, 2880];
        assert_eq!(schedule(Class::Courtesy, 0), two_days);
        assert_eq!(schedule(Class::Marketing, 0), [5, 20, 50, 110, 230, 470, 950, 1430, 1440]);
    }

    #[test]
    fn letters_refused_together_come_back_apart() {
        assert_eq!(schedule(Class::Marketing, 50), [5, 21, 52, 115, 241, 493, 997, 1440]);
        assert_eq!(schedule(Class::Marketing, 99), [5, 21, 54, 120, 252, 516, 1044, 1440]);
        // A spread beyond its range is the widest, never a longer wait.
        assert_eq!(schedule(Class::Marketing, 255), schedule(Class::Marketing, 99));
        assert_eq!(
            schedule(Class::Dunning, 99),
            [
                5, 21, 54, 120, 252, 516, 1044, 1571, 2099, 2626, 3154, 3681, 4209, 4736, 5264, 5791, 6319,
                6846, 7200
            ]
        );
    }

    #[test]
    fn a_full_mailbox_is_tried_once_a_day() {
        let start = Timestamp::UNIX_EPOCH;
        let mut now = start;
        let mut hours = Vec::new();
        while let Some(next) = next_attempt_when_full(Class::Dunning, 0, start, now) {
            now = next;
            hours.push(now.as_second() / 3_600);
        }
        assert_eq!(hours, [24, 48, 72, 96, 120]);
    }

    #[test]
    fn the_relay_is_left_alone_for_longer_each_time() {
        let waits: Vec<_> = (1..10).map(|n| relay_backoff(n).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 900, 900]);
    }
}
