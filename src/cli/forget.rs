//! `courtesy forget`: what is personal of a customer goes.

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize as _;

use super::screen::{Screen, counted, shown};
use super::{Global, Surroundings, Verdict, load};
use crate::config::Config;
use crate::domain::address::Address;
use crate::domain::ids::CustomerId;
use crate::letter::ReplyTo;
use crate::relay::Deliver;
use crate::store::sqlite::{Forget, Forgotten, Gone, SqliteStore};

const EXAMPLES: &str = "\
Examples:
  courtesy forget C001 --dry-run                 what would go, what stays and why
  courtesy forget C001 --because 'letter of 3 March' --confirm C001
  courtesy forget --list
  courtesy forget C001 --take-back --because 'bought again on 1 June'

Goes: name, contact, addresses, attributes, tags, the words of events, promises, disputes, holds,
guarantors of settled claims, text, subject and recipients of letters. Stays: numbers, amounts,
dates of claims and payments, which letter went when and what came of it, that an address must
not be written to (as a hash alone), and that the customer was forgotten, when, by whom and why.
Nobody is written to any more, and later imports take nothing personal of that number.
A running daemon goes on. Backups, logs and mailboxes are not reached from here.";

/// Whom.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, and independent of the others"
)]
pub struct ForgetArgs {
    /// The customer's id
    #[arg(required_unless_present = "list")]
    customer: Option<String>,
    /// Why: which request, of when. It is kept, so say no more of the person
    #[arg(long, value_name = "WHY", required_unless_present_any = ["list", "dry_run"])]
    because: Option<String>,
    /// The customer's id once more: nothing of this can be undone
    #[arg(long, value_name = "CUSTOMER")]
    confirm: Option<String>,
    /// Only show what would go and what would stay
    #[arg(long, conflicts_with = "confirm")]
    dry_run: bool,
    /// Although something is owed: it stays in the books, and nobody is reminded of it any more
    #[arg(long)]
    with_open_claims: bool,
    /// Write the whole store anew, however large it is; letters wait meanwhile
    #[arg(long)]
    rewrite: bool,
    /// Let a forgotten customer be imported again; what was erased does not come back
    #[arg(long, conflicts_with_all = ["dry_run", "confirm", "with_open_claims", "rewrite"])]
    take_back: bool,
    /// List everybody who is forgotten
    #[arg(long, conflicts_with_all = ["customer", "because", "confirm", "dry_run", "take_back"])]
    list: bool,
}

/// Does it, and says what went, what stays and what is not reached.
///
/// # Errors
/// When the configuration has problems, there is no such customer, or
/// something keeps it.
pub async fn run(
    args: &ForgetArgs,
    global: &Global,
    around: &Surroundings,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let store = load::existing_store(&config)?;
    let zone = &config.settings.business.zone;
    let Some(id) = args.customer.as_deref() else { return list(&store, zone, global, screen).await };
    let because = args.because.clone().unwrap_or_default();
    if args.take_back {
        return take_back(&store, id, around.user.clone(), because, (global, now), screen).await;
    }
    if let Some(other) = args.confirm.as_deref().filter(|other| *other != id) {
        bail!("--confirm names `{other}`, and not `{id}`; nothing was erased");
    }
    let shown_only = args.confirm.is_none();
    let order = Forget {
        customer: CustomerId::from(id),
        who: around.user.clone(),
        because,
        with_open_claims: args.with_open_claims,
        ours: ours(&config),
        dry_run: shown_only,
        rewrite: args.rewrite,
    };
    let done = store.forget(order, now).await?;
    if global.json {
        screen.json(&as_json(id, &done, !shown_only))?;
    } else {
        tell(id, &done, (shown_only, zone), &config, screen)?;
    }
    if shown_only && !args.dry_run {
        screen.complaint(format_args!(
            "{} nothing was erased yet, for it can't be undone; if it is meant so, add --confirm {id}",
            "error:".red().bold()
        ))?;
        return Ok(Verdict::Failed);
    }
    Ok(if done.unclean.is_none() { Verdict::Done } else { Verdict::Failed })
}

/// Addresses of our own people, which letters went to as well.
fn ours(config: &Config) -> Vec<String> {
    let business = &config.settings.business;
    let people = business.manager.iter().chain([&business.operator, &config.mail.from]);
    let answers = match &config.mail.reply_to {
        ReplyTo::Fixed(person) => Some(person),
        ReplyTo::Owner => None,
    };
    let addresses = people.chain(answers).map(|person| &person.address).chain(&config.mail.redirect_to);
    addresses.map(Address::folded).collect()
}

async fn list(
    store: &SqliteStore,
    zone: &TimeZone,
    global: &Global,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let gone = store.forgotten().await?;
    if global.json {
        let json = |one: &Gone| {
            serde_json::json!({
                "customer": one.customer.as_str(), "at": one.at.to_string(), "by": one.who, "because": one.because,
            })
        };
        screen.json(&gone.iter().map(json).collect())?;
        return Ok(Verdict::Done);
    }
    if gone.is_empty() {
        screen.note("Nobody is forgotten.")?;
        return Ok(Verdict::Done);
    }
    let rows = gone.into_iter().map(|one| {
        let at = one.at.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string();
        [one.customer.to_string(), at, one.who, one.because]
    });
    screen.table(["customer", "since", "by", "because"], rows.collect())?;
    Ok(Verdict::Done)
}

async fn take_back(
    store: &SqliteStore,
    id: &str,
    who: String,
    because: String,
    (global, now): (&Global, Timestamp),
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let done = store.remember(CustomerId::from(id), who, because, now).await?;
    if global.json {
        screen.json(&serde_json::json!({ "customer": id, "taken_back": done }))?;
    } else if done {
        screen.say(format_args!(
            "{id} may be imported again. Nothing of what was erased comes back by that; what their address must not \
             get, it still does not get (`courtesy suppress`)."
        ))?;
    } else {
        screen.say(format_args!("{id} was not forgotten."))?;
    }
    Ok(Verdict::Done)
}

fn tell(
    id: &str,
    done: &Forgotten,
    (shown_only, zone): (bool, &TimeZone),
    config: &Config,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    if let Some(at) = done.before {
        let on = at.to_zoned_datetime(zone.clone()).date();
        screen.say(format_args!("{id} was forgotten on {on} already."))?;
    }
    let (head, goes) = if shown_only {
        (format!("If {id} is forgotten:"), "would go")
    } else {
        (format!("{id} is forgotten."), "went")
    };
    screen.say(head)?;
    screen.say(format_args!("  {goes}:"))?;
    for line in gone(done) {
        screen.say(format_args!("    - {line}"))?;
    }
    screen.say(if shown_only { "  would stay:" } else { "  stays:" })?;
    for line in kept(done) {
        screen.say(format_args!("    - {line}"))?;
    }
    screen.say("  is not reached from here:")?;
    for line in beyond(config) {
        screen.say(format_args!("    - {line}"))?;
    }
    if !done.open.is_empty() {
        let owed = done.open.join(", ");
        let why =
            if shown_only { "; this needs --with-open-claims" } else { "; it is for a person to see to" };
        screen.note(format_args!("{} still owed: {owed}{why}", "warning:".yellow()))?;
    }
    if let Some(cause) = &done.unclean {
        screen.complaint(format_args!(
            "{} it is erased, but may still stand on the disk: {cause}; say it again",
            "error:".red().bold()
        ))?;
        return Ok(());
    }
    if !shown_only && !done.rewritten {
        screen.note(
            "The store is large and was overwritten in place; --rewrite writes all of it anew, while letters wait.",
        )?;
    }
    if !shown_only && !done.wiped {
        screen.note(format_args!(
            "{} somebody is reading the store just now, so that its write-ahead log may hold a copy: say it again",
            "warning:".yellow()
        ))?;
    }
    Ok(())
}

fn gone(done: &Forgotten) -> Vec<String> {
    let mut lines =
        vec!["name, contact, greeting, language, country, segment, tags and attributes".to_owned()];
    let addresses = format!("e-mail addresses, {} of them", done.addresses);
    let remarks =
        format!("what was said about promises, disputes, holds, acknowledgements: {}", done.remarks);
    for (count, line) in [
        (done.addresses, addresses),
        (done.letters, format!("text, subject and recipients of {}", counted(done.letters, "letter"))),
        (done.cancelled, format!("{} that waited: cancelled", counted(done.cancelled, "letter"))),
        (done.assumed, format!("{} that may have arrived: counted as sent", counted(done.assumed, "letter"))),
        (done.digests, format!("text of {}, which may name them", counted(done.digests, "digest"))),
        (done.events, format!("note, product and outcome of {}", counted(done.events, "event"))),
        (done.remarks, remarks),
        (
            done.claims,
            format!("guarantor, description, link, attachment of {}", counted(done.claims, "claim")),
        ),
        (done.returns, format!("address and words of {} that came back", counted(done.returns, "mail"))),
    ] {
        if count > 0 {
            lines.push(line);
        }
    }
    lines
}

fn kept(done: &Forgotten) -> Vec<String> {
    let mut lines = vec![
        format!(
            "numbers, amounts and dates of {} and {}: the books must be kept",
            counted(done.claims_kept, "claim"),
            counted(done.payments_kept, "payment")
        ),
        format!(
            "{}: by which rule, about what, when and what came of it, so that nothing goes twice",
            counted(done.notices_kept, "notice")
        ),
        "the customer's number, our salesperson, and who erased this when and why".to_owned(),
    ];
    if done.addresses > 0 {
        lines.push("that an address of theirs must not be written to, as a hash".to_owned());
    }
    if !done.elsewhere.is_empty() {
        lines.push(format!("an address that others have as well: {}", done.elsewhere.join(", ")));
    }
    lines
}

fn beyond(config: &Config) -> Vec<String> {
    let mut lines = vec![
        "backups made before: delete them, or forget again after a restore (it says so)".to_owned(),
        "logs, which hold the number, and the address where `log: { addresses: full }`".to_owned(),
        "mailboxes, ours and theirs, and the mail server's own log".to_owned(),
        "the books and files that are imported, and attachments: erase it there, too".to_owned(),
    ];
    if let Ok(Deliver::Files(folder)) = &config.deliver {
        lines.push(format!("letters that were written as files, in {}", shown(folder)));
    }
    lines
}

fn as_json(id: &str, done: &Forgotten, erased: bool) -> serde_json::Value {
    serde_json::json!({
        "customer": id,
        "erased": erased,
        "forgotten_before": done.before.map(|at| at.to_string()),
        "open_claims": done.open,
        "gone": {
            "addresses": done.addresses, "letters": done.letters, "cancelled": done.cancelled,
            "assumed": done.assumed, "digests": done.digests, "events": done.events, "remarks": done.remarks,
            "claims": done.claims, "returns": done.returns,
        },
        "kept": {
            "claims": done.claims_kept, "payments": done.payments_kept, "notices": done.notices_kept,
            "address_also_of": done.elsewhere,
        },
        "store_rewritten": done.rewritten,
        "log_emptied": done.wiped,
        "trouble": done.unclean,
    })
}
