//! The keys of `courtesy.yaml`, as they are written.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use schemars::{Schema, json_schema};

use super::forms::{Given, Many, Spot};
use super::guards::{RawGuards, RawImport, RawUnusual};
use super::monitoring::RawMonitoring;
use super::read::{Complaint, Scalar, choice, not_a_word, shape, words};
use super::retention::RawRetention;
use super::scalars::{Clock, Locale, Rate, Timeout};
use crate::domain::address::Address;
use crate::domain::calendar::Days;
use crate::domain::customer::Person;
use crate::domain::delivery::OnUncertain;
use crate::domain::offset::Offset;
use crate::domain::settings::{Budget, DueOnClosedDay};
use crate::letter::ReplyTo;
use crate::relay::Tls;

shape! { "courtesy.yaml"
/// `courtesy.yaml`: who the business is, how letters leave, and the limits
/// that hold for all rules.
#[schemars(rename = "Courtesy")]
struct RawCourtesy {
    /// Who the business is.
    business: RawBusiness,
    /// Our own people.
    people: RawPeople,
    /// Where the store and the files of letters are, from this file's
    /// folder; `../data` if not said.
    data_dir: Option<Spot<PathBuf>>,
    /// Where the durable state is; `{ sqlite: courtesy.db }` if not said.
    store: Option<RawStore>,
    /// How letters leave.
    mail: RawMail,
    /// The folder of the rules, from this file's folder; `rules` if not said.
    #[expect(dead_code, reason = "looked up before the keys are checked")]
    rules: Option<Spot<PathBuf>>,
    /// The folder of the templates, from this file's folder; `../templates`
    /// if not said.
    templates: Option<Spot<PathBuf>>,
    /// The folder of the files that receivables name as `attachment`, from
    /// this file's folder; `../attachments` if not said. A letter to the
    /// customer takes along those of the claims it is about, at most 10 files
    /// and 10 MiB together; no file outside the folder is read.
    attachments: Option<Spot<PathBuf>>,
    /// The file of what customers say about us, from this file's folder, for
    /// letters that show it to others.
    #[expect(dead_code, reason = "looked up before the keys are checked")]
    testimonials: Option<Spot<PathBuf>>,
    /// When and how often letters leave.
    letters: Option<RawLetters>,
    /// How reminders keep their distance.
    dunning: Option<RawDunning>,
    /// How far a promise to pay carries.
    promises: Option<RawPromises>,
    /// After how long claims become time-barred, where a receivable does not
    /// say it itself.
    limitation: Option<RawLimitation>,
    /// How old the data may be before no letter is sent, `3bd`; null is any
    /// age.
    max_data_age: Option<Spot<Offset>>,
    /// What must be so before anything leaves.
    guards: Option<RawGuards>,
    /// How long what is no longer needed is kept.
    retention: Option<RawRetention>,
    /// Guards of `courtesy import`.
    import: Option<RawImport>,
    /// How those who watch see that it works.
    monitoring: Option<RawMonitoring>,
    /// What the log shows.
    log: Option<RawLog>,
} }

shape! { "`business`"
/// Who the business is.
#[schemars(rename = "Business")]
struct RawBusiness {
    /// Its name, as it signs.
    name: Spot<String>,
    /// The language of a customer who has none, like en or zh-CN; en if not
    /// said.
    locale: Option<Spot<Locale>>,
    /// Where it is: a name of the IANA time zone database, like
    /// Asia/Shanghai; UTC if not said.
    timezone: Option<Spot<TimeZone>>,
    /// Its calendar of working days, from this file's folder. Calendars of
    /// other countries lie beside it, by country code: `de.yaml`.
    #[expect(dead_code, reason = "looked up before the keys are checked")]
    calendar: Option<Spot<PathBuf>>,
} }

shape! { "`people`"
/// Our own people. A customer without an owner falls back to the manager,
/// then to the operator.
#[schemars(rename = "People")]
struct RawPeople {
    /// Who is told where a customer has no owner.
    manager: Option<Spot<Person>>,
    /// Who looks after the installation, and is told of its troubles.
    operator: Spot<Person>,
} }

choice! { "`store`"
/// Where the durable state is.
#[schemars(rename = "Store")]
enum RawStore {
    /// A file, from `data_dir`.
    Sqlite(Spot<PathBuf>) = "sqlite",
    /// A `PostgreSQL` database. Not possible yet.
    Postgres(RawPostgres) = "postgres",
} }

shape! { "`postgres`"
/// A `PostgreSQL` database. Not possible yet.
#[schemars(rename = "Postgres")]
struct RawPostgres {
    /// Where its address with user and password is kept.
    url: RawSecret,
} }

choice! { "a secret"
/// Where a secret is kept; never in this file.
#[schemars(rename = "Secret")]
enum RawSecret {
    /// The name of a systemd credential (`LoadCredential=`).
    Credential(Spot<String>) = "credential",
    /// A file that only the service may read, from this file's folder.
    File(Spot<PathBuf>) = "file",
    /// The name of an environment variable.
    Env(Spot<String>) = "env",
} }

shape! { "`mail`"
/// How letters leave.
#[schemars(rename = "Mail")]
struct RawMail {
    /// The sender of every letter, "Name <name@example.com>".
    from: Spot<Person>,
    /// Where answers go: `owner` (if not said: the customer's salesperson,
    /// else the manager, else the operator), or an address.
    reply_to: Option<Spot<ReplyTo>>,
    /// Where letters are handed over; `{ files: outbox }` if not said, so
    /// that nothing leaves by accident.
    deliver: Option<RawDeliver>,
    /// Everything goes to this one address while trying out. Once this is out
    /// again, what went there counts as not sent.
    redirect_to: Option<Spot<Address>>,
    /// How courtesies and news are unsubscribed from.
    unsubscribe: Option<RawUnsubscribe>,
    /// What becomes of a letter of which nobody can know whether it arrived.
    on_uncertain: Option<RawOnUncertain>,
} }

shape! { "`on_uncertain`"
/// What becomes of a letter of which nobody can know whether it arrived: the
/// connection ended after the letter and before the answer, or the machine
/// did. `park`: a person decides, or a bounce; never sent again by itself.
/// `assume_sent`: it counts as sent, but never as a delivered demand.
/// `resend_same_id`: the same bytes go again under the same Message-ID; the
/// reader may see two. A rule may say otherwise.
#[schemars(rename = "OnUncertain")]
struct RawOnUncertain {
    /// Reminders; `park` if not said.
    dunning: Option<Spot<OnUncertain>>,
    /// Thanks and care; `assume_sent` if not said.
    courtesy: Option<Spot<OnUncertain>>,
    /// News; `assume_sent` if not said.
    marketing: Option<Spot<OnUncertain>>,
    /// Letters to our own people; `park` if not said.
    internal: Option<Spot<OnUncertain>>,
} }

shape! { "`unsubscribe`"
/// What List-Unsubscribe offers (RFC 2369, RFC 8058).
#[schemars(rename = "Unsubscribe")]
struct RawUnsubscribe {
    /// A mailbox that takes unsubscriptions; the sender's if not said.
    mailto: Option<Spot<Address>>,
    /// An address of the web, https://, that takes a POST. `{customer}` in
    /// it is replaced by the customer's id.
    url: Option<Spot<String>>,
} }

choice! { "`deliver`"
/// Where letters are handed over.
#[schemars(rename = "Deliver")]
enum RawDeliver {
    /// One .eml per letter into this folder, from `data_dir`.
    Files(Spot<PathBuf>) = "files",
    /// To an SMTP server.
    Smtp(Box<RawSmtp>) = "smtp",
} }

shape! { "`smtp`"
/// An SMTP server and how to treat it.
#[schemars(rename = "Smtp")]
struct RawSmtp {
    /// Its name; the certificate must be for it.
    host: Spot<String>,
    /// Its port; 465 for implicit TLS, 587 for starttls, 25 for none if not
    /// said.
    port: Option<Spot<u16>>,
    /// `implicit` (if not said), `starttls`, or `none`, which is possible
    /// only to this machine itself.
    tls: Option<Spot<Tls>>,
    /// The account, where the server asks for one.
    username: Option<Given<Spot<String>>>,
    /// Where its password is kept.
    password: Option<Given<RawSecret>>,
    /// A file of PEM certificates to trust besides the system's, from this
    /// file's folder.
    ca_file: Option<Spot<PathBuf>>,
    /// How many sessions at once, 1 to 32; 4 if not said.
    connections: Option<Spot<u32>>,
    /// At most so many letters a minute, `120/min`; no limit if not said.
    rate: Option<Spot<Rate>>,
    /// The name we greet with; the domain of `mail.from` if not said.
    hello: Option<Spot<String>>,
    /// How long each command may take.
    timeouts: Option<RawTimeouts>,
} }

shape! { "`timeouts`"
/// How long each command may take, `30s` or `5min` (RFC 5321 4.5.3.2).
#[schemars(rename = "Timeouts")]
struct RawTimeouts {
    /// Name look-up, TCP and TLS; 1min if not said.
    connect: Option<Spot<Timeout>>,
    /// The greeting and EHLO; 5min if not said.
    greeting: Option<Spot<Timeout>>,
    /// AUTH, MAIL and RCPT; 5min if not said.
    command: Option<Spot<Timeout>>,
    /// DATA until its 354; 2min if not said.
    data: Option<Spot<Timeout>>,
    /// Writing each 64 KiB of the letter; 3min if not said.
    body: Option<Spot<Timeout>>,
    /// The final dot until its answer, 5min at least; 10min if not said. A
    /// letter whose answer does not come is uncertain, so be patient here.
    final_dot: Option<Spot<Timeout>>,
} }

shape! { "`letters`"
/// When and how often letters leave.
#[schemars(rename = "Letters")]
struct RawLetters {
    /// The decent hours; 09:00 to 18:00 on business days at the customer's
    /// if not said.
    hours: Option<RawHours>,
    /// One budget for all classes but internal, `1 per 2d` (if not said).
    per_customer: Option<Spot<Budget>>,
    /// The budget of thanks that answer the customer's own act, `1 per 1d`
    /// (if not said).
    moments: Option<Spot<Budget>>,
    /// At most so many letters are queued in one pass; 500 if not said.
    per_pass: Option<Spot<u32>>,
    /// At most so many letters of one rule are queued in one day, and the
    /// rest the next day, oldest due first; 2000 if not said.
    per_rule: Option<Spot<u32>>,
    /// When a day's letters are so many that they are held until a person
    /// says `courtesy resume`.
    unusual: Option<RawUnusual>,
} }

shape! { "`hours`"
/// The hours in which letters may leave.
#[schemars(rename = "Hours")]
struct RawHours {
    /// From this time on, "09:00" if not said.
    from: Option<Spot<Clock>>,
    /// Until before this time, "18:00" if not said; "24:00" is the end of
    /// the day.
    until: Option<Spot<Clock>>,
    /// On which days: `business` (if not said; working days on our side and
    /// on theirs), `weekdays` (Monday to Friday) or `any`.
    days: Option<Spot<Days>>,
    /// Whose clock: `customer` (if not said) or `business`.
    timezone: Option<Spot<WhoseClock>>,
} }

shape! { "`dunning`"
/// How reminders keep their distance.
#[schemars(rename = "Dunning")]
struct RawDunning {
    /// Between two dunning letters about one receivable, over all rules; 5d
    /// if not said.
    min_gap: Option<Spot<Offset>>,
    /// After a promise, hold, dispute, part payment or bounced payment; 3bd
    /// if not said.
    resume_after: Option<Spot<Offset>>,
    /// What a due date on a closed day means: `next` (if not said; the next
    /// working day) or `same`.
    due_on_closed_day: Option<Spot<DueOnClosedDay>>,
} }

shape! { "`promises`"
/// How far a promise to pay carries.
#[schemars(rename = "Promises")]
struct RawPromises {
    /// How many promises per receivable pause the reminders; 2 if not said.
    at_most: Option<Spot<u32>>,
    /// How far away a promised date may lie; 30d if not said.
    longest: Option<Spot<Offset>>,
    /// How long after the date the money may arrive; 2bd if not said.
    grace: Option<Spot<Offset>>,
} }

shape! { "`limitation`"
/// After how long claims become time-barred, by kind, in `mo` or `y`.
#[schemars(rename = "Limitation")]
struct RawLimitation {
    /// For invoices.
    invoice: Option<Spot<Offset>>,
    /// For prepayments.
    prepayment: Option<Spot<Offset>>,
    /// For deposits.
    deposit: Option<Spot<Offset>>,
    /// For balances after a deposit.
    balance: Option<Spot<Offset>>,
    /// For instalments.
    instalment: Option<Spot<Offset>>,
    /// For promissory notes.
    promissory_note: Option<Spot<Offset>>,
    /// What starts the clock anew: `acknowledgement`, `part_payment`,
    /// `demand` (a reminder that was delivered).
    restart_by: Option<Many<Spot<Restart>>>,
} }

shape! { "`log`"
/// What the log shows.
#[schemars(rename = "Log")]
struct RawLog {
    /// `masked` (if not said; c***@e***.com) or `full`.
    addresses: Option<Spot<Addresses>>,
} }

/// Whose clock the hours are read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WhoseClock {
    Customer,
    Business,
}

words! { "a choice of time zone here" WhoseClock {
    "customer" => Self::Customer,
    "business" => Self::Business,
} }

/// What starts the clock of limitation anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restart {
    /// The customer confirmed the claim.
    Acknowledgement,
    /// A part of it was paid.
    PartPayment,
    /// A reminder was delivered.
    Demand,
}

words! { "something that restarts limitation" Restart {
    "acknowledgement" => Self::Acknowledgement,
    "part_payment" => Self::PartPayment,
    "demand" => Self::Demand,
} }

/// How addresses are shown in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Addresses {
    Masked,
    Full,
}

words! { "a way to show addresses" Addresses {
    "masked" => Self::Masked,
    "full" => Self::Full,
} }

impl Scalar for ReplyTo {
    fn parse(text: &str) -> Result<Self, Complaint> {
        match text {
            "owner" => Ok(Self::Owner),
            _ if text.contains('@') => Person::parse(text).map(Self::Fixed),
            _ => Err(not_a_word(text, "somewhere for answers to go", &["owner", "an address"])),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [{ "const": "owner" }, { "type": "string", "pattern": "@" }] })
    }
}
