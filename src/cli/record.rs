//! `courtesy record`: what a person knows and the books do not, or not yet.

mod event;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;

use self::event::EventArgs;
use super::screen::Screen;
use super::{Global, Surroundings, Timing, Verdict, harmless, load};
use crate::domain::ids::{CustomerId, ReceivableId};
use crate::domain::receivable::{PauseCause, Status};
use crate::domain::settings::Settings;
use crate::store::{Record, Store};

const EXAMPLES: &str = "\
Examples:
  courtesy record payment INV-4711 1200.50                 money came in today
  courtesy record payment INV-4711 -1200.50 --on 2026-03-02   and went back: it bounced
  courtesy record payment --customer C001 500 --currency CNY  on account
  courtesy record event C001 visit --outcome positive --note 'The drawings follow tomorrow.'
  courtesy record event --segment dentists announcement --note 'The new lamp is here.'
  courtesy record promise INV-4711 2026-04-15
  courtesy record dispute INV-4711 --reason 'two boxes were missing'
  courtesy record resume dispute INV-4711
  courtesy record hold --customer C001 --until 2026-05-01 --reason 'family matter'
  courtesy record status INV-4711 written_off

Days default to today where the business is. Recording the same twice changes nothing.";

/// What happened.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RecordArgs {
    #[command(subcommand)]
    what: What,
}

impl RecordArgs {
    /// `--at` says when an event happened.
    pub(super) fn timing(&self) -> Timing {
        if matches!(self.what, What::Event(_)) { Timing::Dates } else { Timing::Now }
    }
}

#[derive(Subcommand, Debug)]
enum What {
    /// Money came in, or went back if negative
    Payment(PaymentArgs),
    /// Something happened with a customer, or with many: visit, delivery, proficient, announcement …
    Event(EventArgs),
    /// A customer promised to pay by a day; reminders wait for it
    Promise(PromiseArgs),
    /// A customer contests a claim, or everything; reminders about it stop
    Dispute(PauseArgs),
    /// Stop letters about a claim, or to a customer, for a reason of your own
    Hold(PauseArgs),
    /// End a dispute, a hold or a promise
    Resume(ResumeArgs),
    /// The customer agreed that it owes: a claim, or its whole balance
    Acknowledgement(AcknowledgementArgs),
    /// Say what became of a claim: paid, returned, written off …
    Status(StatusArgs),
}

#[derive(Args, Debug)]
#[command(allow_missing_positional = true, allow_negative_numbers = true)]
struct PaymentArgs {
    /// The claim it is for
    #[arg(required_unless_present = "customer", conflicts_with = "customer")]
    receivable: Option<String>,
    /// How much, like 1200.50; negative if it went back
    amount: String,
    /// Money on account of this customer instead
    #[arg(long, value_name = "ID", requires = "currency")]
    customer: Option<String>,
    /// The currency of money on account
    #[arg(long, value_name = "CODE", requires = "customer")]
    currency: Option<String>,
    /// The day it came in [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// Your own number for it; made from the rest if left out
    #[arg(long)]
    id: Option<String>,
}

#[derive(Args, Debug)]
struct PromiseArgs {
    /// The claim
    receivable: String,
    /// The promised day
    #[arg(value_name = "DATE")]
    on: Date,
    /// How much [default: all that is owed]
    #[arg(long)]
    amount: Option<String>,
    /// In your own words
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("subject").args(["receivable", "customer"]).required(true))]
struct PauseArgs {
    /// The claim
    receivable: Option<String>,
    /// Everything of this customer instead
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// From this day [default: today]
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The last day of it [default: until `record resume`]
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// Why, in your own words
    #[arg(long)]
    reason: String,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("subject").args(["receivable", "customer"]).required(true))]
struct ResumeArgs {
    /// What ends
    #[arg(value_enum)]
    what: Cause,
    /// The claim
    receivable: Option<String>,
    /// Everything of this customer instead
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// The last day of it [default: today]
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("subject").args(["receivable", "customer"]).required(true))]
struct AcknowledgementArgs {
    /// The claim
    receivable: Option<String>,
    /// The whole balance of this customer instead
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// On which day [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// How, in your own words: signed statement, letter of …
    #[arg(long)]
    reason: String,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Cause {
    Dispute,
    Hold,
    Promise,
}

#[derive(Args, Debug)]
struct StatusArgs {
    /// The claim
    receivable: String,
    /// What became of it
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(Status::ALL.iter().map(|s| s.as_str())))]
    status: String,
}

/// Writes it down and says so.
///
/// # Errors
/// When the configuration has problems, or the thing is not known.
pub async fn run(
    args: RecordArgs,
    global: &Global,
    around: &Surroundings,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    if let What::Event(event) = &args.what {
        event.check_kind(&config.rules, screen)?;
    }
    let record = args.what.into_record(&config.settings, &around.user, now)?;
    let store = load::store(&config)?;
    let recorded = store.record(record, now).await?;
    screen.say(harmless::one_line(&recorded.sentence))?;
    Ok(Verdict::Done)
}

impl What {
    fn into_record(self, settings: &Settings, who: &str, now: Timestamp) -> anyhow::Result<Record> {
        let zone = &settings.business.zone;
        let today = now.to_zoned_datetime(zone.clone()).date();
        Ok(match self {
            Self::Payment(args) => Record::Payment {
                id: args.id,
                receivable: args.receivable.as_deref().map(ReceivableId::from),
                customer: args.customer.as_deref().map(CustomerId::from),
                amount: args.amount,
                currency: args.currency,
                received_on: args.on.unwrap_or(today),
            },
            Self::Event(args) => args.into_record(zone, now),
            Self::Promise(args) => Record::Promise {
                receivable: ReceivableId::from(args.receivable.as_str()),
                promised_on: args.on,
                amount: args.amount,
                until: settings.promises.grace.from_date(args.on, &settings.business.calendars.business),
                latest: settings.promises.longest.from_date(today, &settings.business.calendars.business),
                at_most: settings.promises.at_most,
                who: who.to_owned(),
                reason: args.reason,
            },
            Self::Dispute(args) => args.into_record(PauseCause::Dispute, who, today),
            Self::Hold(args) => args.into_record(PauseCause::Hold, who, today),
            Self::Resume(args) => Record::Resume {
                cause: args.what.into(),
                receivable: args.receivable.as_deref().map(ReceivableId::from),
                customer: args.customer.as_deref().map(CustomerId::from),
                until: args.until.unwrap_or(today),
            },
            Self::Acknowledgement(args) => Record::Acknowledgement {
                receivable: args.receivable.as_deref().map(ReceivableId::from),
                customer: args.customer.as_deref().map(CustomerId::from),
                acknowledged_on: args.on.unwrap_or(today),
                who: who.to_owned(),
                reason: args.reason,
            },
            Self::Status(args) => Record::Status {
                receivable: ReceivableId::from(args.receivable.as_str()),
                status: Status::from_word(&args.status)
                    .ok_or_else(|| anyhow::anyhow!("`{}` is not a status", args.status))?,
                today,
            },
        })
    }
}

impl PauseArgs {
    fn into_record(self, cause: PauseCause, who: &str, today: Date) -> Record {
        Record::Pause {
            cause,
            receivable: self.receivable.as_deref().map(ReceivableId::from),
            customer: self.customer.as_deref().map(CustomerId::from),
            from: self.from.unwrap_or(today),
            until: self.until,
            who: who.to_owned(),
            reason: self.reason,
        }
    }
}

impl From<Cause> for PauseCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Dispute => Self::Dispute,
            Cause::Hold => Self::Hold,
            Cause::Promise => Self::Promise,
        }
    }
}
