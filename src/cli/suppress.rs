//! `courtesy suppress`: addresses that must not be written to.

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::screen::Screen;
use super::{Global, Surroundings, Verdict, load};
use crate::domain::address::Address;
use crate::domain::customer::{Class, Suppression};
use crate::domain::ids::CustomerId;
use crate::domain::returned::UNWANTED;
use crate::nearest::nearest;
use crate::store::Suppressed;
use crate::store::sqlite::SqliteStore;

const EXAMPLES: &str = "\
Examples:
  courtesy suppress                                       every address, with cause and date
  courtesy suppress add ann@example.com --reason 'left the firm'
  courtesy suppress add --customer C001 --unsubscribed    no courtesies, no news; reminders go on
  courtesy suppress add ann@example.com --class marketing --reason 'asked on the phone'
  courtesy suppress remove ann@example.com --reason 'the mailbox works again'

An address that the mail server or a bounce calls dead is suppressed by itself, for all classes;
one that complains or unsubscribes, for courtesy and marketing: a claim is not unsubscribed from.
Letters to our own people are never stopped. What is owed remains owed where reminders can't go
out: the owner is told in the digest, and has the hand-over on its own date.";

/// What to do.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SuppressArgs {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Write to an address no more
    Add(AddArgs),
    /// Write to addresses again
    Remove(RemoveArgs),
    /// List every suppressed address
    List,
}

#[derive(Args, Debug)]
struct AddArgs {
    /// The address
    #[arg(required_unless_present = "customer", conflicts_with = "customer", value_parser = address)]
    address: Option<Address>,
    /// The address of this customer
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Only letters of this class; may be repeated [default: all]
    #[arg(long, value_name = "CLASS", value_delimiter = ',',
          value_parser = clap::builder::PossibleValuesParser::new(["dunning", "courtesy", "marketing"]))]
    class: Vec<String>,
    /// They want no courtesies and no news: short for both classes and that reason
    #[arg(long, conflicts_with = "class")]
    unsubscribed: bool,
    /// Why, in your own words
    #[arg(long, required_unless_present = "unsubscribed")]
    reason: Option<String>,
}

#[derive(Args, Debug)]
struct RemoveArgs {
    /// The addresses
    #[arg(required = true, value_parser = address)]
    addresses: Vec<Address>,
    /// Why, in your own words
    #[arg(long, default_value = "")]
    reason: String,
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

/// Does it, and says what follows.
///
/// # Errors
/// When the configuration has problems, the store can't be used, or there is
/// no such customer.
pub async fn run(
    args: &SuppressArgs,
    global: &Global,
    around: &Surroundings,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let store = load::existing_store(&config)?;
    match &args.what {
        None | Some(What::List) => list(&store, &config.settings.business.zone, global, screen).await,
        Some(What::Add(args)) => add(args, &store, global, around, now, screen).await,
        Some(What::Remove(args)) => remove(args, &store, global, around, now, screen).await,
    }
}

async fn list(
    store: &SqliteStore,
    zone: &TimeZone,
    global: &Global,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let all = store.suppressions().await?;
    if global.json {
        screen.json(&all.iter().map(as_json).collect())?;
        return Ok(Verdict::Done);
    }
    if all.is_empty() {
        screen.note("No address is suppressed.")?;
        return Ok(Verdict::Done);
    }
    let row = |one: &Suppressed| {
        let suppression = &one.suppression;
        [
            suppression.address.clone(),
            words(&suppression.classes),
            one.at.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string(),
            if one.who.is_empty() { "mail".to_owned() } else { one.who.clone() },
            suppression.cause.clone(),
        ]
    };
    screen.table(["address", "no letters of", "since", "by", "because"], all.iter().map(row).collect())?;
    Ok(Verdict::Done)
}

async fn add(
    args: &AddArgs,
    store: &SqliteStore,
    global: &Global,
    around: &Surroundings,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let address = match (&args.address, &args.customer) {
        (Some(address), _) => address.clone(),
        (None, id) => of_customer(store, id.as_deref().unwrap_or_default()).await?,
    };
    let classes = if args.unsubscribed {
        UNWANTED.to_vec()
    } else {
        args.class.iter().filter_map(|word| Class::from_word(word)).collect()
    };
    let cause = args.reason.clone().unwrap_or_else(|| "unsubscribed".to_owned());
    let suppression = Suppression { address: address.folded(), classes, cause };
    let new = store.suppress(suppression.clone(), around.user.clone(), now).await?;
    if global.json {
        let one = Suppressed { suppression, who: around.user.clone(), at: now };
        let mut json = as_json(&one);
        json["new"] = new.into();
        screen.json(&json)?;
        return Ok(Verdict::Done);
    }
    let classes = words(&suppression.classes);
    if new {
        screen.say(format_args!("No letters of {classes} go to {address} any more."))?;
    } else {
        screen.say(format_args!("No letters of {classes} went to {address} already."))?;
    }
    let known = store.addresses().await?;
    if !known.contains(&suppression.address) {
        let hint = nearest(&suppression.address, known.iter().map(String::as_str))
            .map_or(String::new(), |right| format!(" Did you mean {right}?"));
        screen.note(format_args!("No customer has this address now.{hint}"))?;
    } else if suppression.classes.is_empty() || suppression.classes.contains(&Class::Dunning) {
        screen.note("What is owed remains owed: the owner hears of it instead.")?;
    }
    Ok(Verdict::Done)
}

async fn of_customer(store: &SqliteStore, id: &str) -> anyhow::Result<Address> {
    let email = store.address_of(CustomerId::from(id)).await?.unwrap_or_default();
    Address::parse(&email).map_err(|error| anyhow::anyhow!("customer {id}: {error}"))
}

async fn remove(
    args: &RemoveArgs,
    store: &SqliteStore,
    global: &Global,
    around: &Surroundings,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let all = store.suppressions().await?;
    let known: Vec<&str> = all.iter().map(|one| one.suppression.address.as_str()).collect();
    // All or none: a slip in one of them is mended before anything changes.
    for address in &args.addresses {
        let folded = address.folded();
        if !known.contains(&folded.as_str()) {
            let hint = nearest(&folded, known.iter().copied())
                .map_or("`courtesy suppress` lists those that are".to_owned(), |right| {
                    format!("did you mean {right}?")
                });
            bail!("{address} is not suppressed; {hint}");
        }
    }
    let mut lifted = Vec::new();
    for address in &args.addresses {
        let user = around.user.clone();
        let of_address = store.unsuppress(&address.folded(), user, args.reason.clone(), now).await?;
        for one in &of_address {
            let classes = words(&one.suppression.classes);
            let because = &one.suppression.cause;
            screen_unless_json(
                global,
                screen,
                format_args!("Letters of {classes} go to {address} again ({because})."),
            )?;
        }
        lifted.extend(of_address);
    }
    if global.json {
        screen.json(&lifted.iter().map(as_json).collect())?;
    }
    Ok(Verdict::Done)
}

fn screen_unless_json(
    global: &Global,
    screen: &mut Screen,
    text: std::fmt::Arguments<'_>,
) -> std::io::Result<()> {
    if global.json { Ok(()) } else { screen.say(text) }
}

/// `all classes`, `courtesy and marketing`.
pub(super) fn words(classes: &[Class]) -> String {
    let words: Vec<&str> = classes.iter().map(|class| class.as_str()).collect();
    if words.is_empty() { "all classes".to_owned() } else { words.join(" and ") }
}

fn as_json(one: &Suppressed) -> serde_json::Value {
    let suppression = &one.suppression;
    serde_json::json!({
        "address": suppression.address,
        "classes": suppression.classes.iter().map(|class| class.as_str()).collect::<Vec<_>>(),
        "cause": suppression.cause,
        "by": (!one.who.is_empty()).then_some(&one.who),
        "since": one.at.to_string(),
    })
}
