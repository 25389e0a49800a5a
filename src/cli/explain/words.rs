//! Stops and guards in plain words, with what a person can do.

use jiff::civil::Date;

use crate::cli::harmless::one_line;
use crate::domain::address::AddressError;
use crate::domain::plan::Near;
use crate::domain::promise::{Promise, Standing};
use crate::domain::receivable::{Pause, PauseCause};
use crate::domain::stop::Stop;

/// A stop by its name, and what it means.
pub fn stop(stop: &Stop) -> String {
    format!("{}: {}", stop.name(), meaning(stop))
}

/// What a stop means, and how it ends where a person can end it.
fn meaning(stop: &Stop) -> String {
    let said = match stop {
        Stop::NotInAudience(condition) => return format!("`where: {condition}` does not hold"),
        Stop::Excluded => "`unless` holds",
        Stop::BelowMinimum => "less is owed than `where: min_balance` asks for",
        Stop::Settled => "nothing is owed any more",
        Stop::Closed(status) => return format!("the books say {status}"),
        Stop::CreditNote => "a credit note is owed by us",
        Stop::Disputed => "the customer contests it; `courtesy record resume dispute` ends that",
        Stop::OnHold(Some(until)) => return format!("a person stopped it until {until}"),
        Stop::OnHold(None) => {
            "a person stopped it; `courtesy record resume hold` ends that, or another status"
        }
        Stop::Promised(until) => return format!("the money may still come; {until} is the last day for it"),
        Stop::PromiseOver(how) => return format!("there is none to speak of; it is {how}"),
        Stop::CoveredByCredit(currency) => {
            return format!("credit notes and money on account cover all that is owed in {currency}");
        }
        Stop::Blocked => "nobody may write to this customer",
        Stop::Forgotten => "it asked to be forgotten; what is owed is for a person to see to",
        Stop::NoAddress(AddressError::Missing) => "import the customer with an `email`",
        Stop::NoAddress(error) => return format!("{error}; import the customer with another `email`"),
        Stop::Suppressed(cause) => {
            return format!("the address must not be written to ({})", one_line(cause));
        }
        Stop::NoRecipient(who) => return format!("no {who} is known"),
        Stop::Backlog => "reached before the rule came into force; `courtesy backlog start` begins with it",
        Stop::Lapsed => "its day has passed",
        Stop::Stale => "too late to be welcome (stale_after)",
        Stop::TooSoonAfterIssue => "it would come within three days of issue",
        Stop::NotWhile("overdue") => "the rule keeps silent while something is overdue",
        Stop::NotWhile("disputed") => "the rule keeps silent while something is disputed",
        Stop::NotWhile(_) => "the rule keeps silent for a while after a firm letter",
        Stop::Done => "all is said",
        Stop::Ended => "the event that ends it has come",
        Stop::NoAnchor => "there is nothing to count from",
        Stop::Bounced => "the payment went back",
        Stop::TimeBarred(since) => return format!("since {since}; the owner decides about the claim"),
        Stop::InOutbox => "a letter about it waits already",
        Stop::NotReached => "its day has not come",
        Stop::NotLooking => "the rule looks again then",
        Stop::Spacing => "it keeps its distance from the letter before, a pause or a payment",
        Stop::MinGap(rule) => {
            return format!("{rule} wrote about the same claim lately (dunning.min_gap)");
        }
        Stop::DataTooOld => "payments were imported too long ago (max_data_age)",
        Stop::Budget => {
            "another letter goes first, and a customer gets only so many (letters.per_customer, moments)"
        }
        Stop::RuleCap => "this rule writes to a customer only so often (per_customer)",
        Stop::PassCap => "one pass queues only so many (letters.per_pass)",
    };
    said.to_owned()
}

/// A guard that nearly applies, on a day.
pub fn near(guard: &Near, today: Date) -> String {
    match guard {
        Near::PauseOver(pause) => format!("{} is over{}", pause_words(pause), because(pause)),
        Near::PauseNow(pause) => {
            let end = if pause.until.is_none() { "; nobody has said when it ends" } else { "" };
            format!("{}{end}{}", pause_words(pause), because(pause))
        }
        Near::PauseAhead(pause) => format!("{} is to come{}", pause_words(pause), because(pause)),
        Near::Promise(promise, standing) => promise_words(promise, *standing),
        Near::Payment { amount, on } if amount.is_positive() => format!("{amount} came in on {on}"),
        Near::Payment { amount, on } => format!("{amount} on {on}: a payment went back"),
        Near::Resumes(day) if *day > today => {
            format!("after that the next reminder waits until {day} (dunning.resume_after)")
        }
        Near::Resumes(day) => format!("after that reminders could go on from {day} on"),
        Near::Least { least, balance } => {
            format!("{balance} is owed, and the rule asks for at least {least} (min_balance)")
        }
        Near::Gap { rule, last, free_on } => {
            format!("{rule} wrote about it on {last}; {} (dunning.min_gap)", room(*free_on, today))
        }
        Near::Dunned { last, free_on } => {
            format!("a firm letter left on {last}; {} (not_while)", room(*free_on, today))
        }
        Near::Credit(net) => format!("with credit notes and money on account taken off, {net} is owed"),
        Near::TimeBarred(on) if *on < today => format!("time-barred since {on}"),
        Near::TimeBarred(on) => format!("time-barred after {on}"),
    }
}

/// "room again since" a day, or not before it.
pub fn room(from: Date, today: Date) -> String {
    if from <= today {
        format!("there has been room again since {from}")
    } else {
        format!("there is room again from {from} on")
    }
}

fn pause_words(pause: &Pause) -> String {
    let what = match pause.cause {
        PauseCause::Dispute => "the dispute",
        PauseCause::Hold => "the hold",
        PauseCause::Promise => "the promise",
    };
    match pause.until {
        Some(until) => format!("{what} from {} until {until}", pause.from),
        None => format!("{what} since {}", pause.from),
    }
}

fn because(pause: &Pause) -> String {
    let reason = one_line(&pause.reason);
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

fn promise_words(promise: &Promise, standing: Standing) -> String {
    let Promise { amount, promised_on, until, .. } = promise;
    let what = format!("the promise of {amount} for {promised_on}");
    match standing {
        Standing::Pending => format!("{what} is pending; {until} is its last day"),
        Standing::Kept(day) => format!("{what} was kept on {day}"),
        Standing::Broken => format!("{what} was broken; {until} was its last day"),
        Standing::Ended => format!("{what} was ended, or replaced by another"),
        Standing::Beyond => format!("{what} was beyond the limits (promises), and pauses nothing"),
    }
}
