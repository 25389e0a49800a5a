//! `courtesy send-test`: a letter to oneself, over the real relay.

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use owo_colors::OwoColorize;

use super::screen::Screen;
use super::wanted::FactsArgs;
use super::{Global, Verdict, load};
use crate::config::Config;
use crate::domain::address::Address;
use crate::domain::delivery::{Outcome, SmtpStage, Unreachable};
use crate::letter::mime;
use crate::relay::{Deliver, Relay};

const EXAMPLES: &str = "\
Examples:
  courtesy send-test payment-reminders/firm --to me@our-firm.example
  courtesy send-test visit-thanks --to me@our-firm.example --for C001 --locale zh-CN

It goes the way of every letter, marked as a test in its subject, to you alone. No customer hears
of it, no stage counts as sent, and nothing is written down.";

/// Which letter, and to whom.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SendTestArgs {
    /// Rule and stage, like payment-reminders/firm
    #[arg(value_name = "RULE/STAGE")]
    pub letter: String,
    /// With whose facts, in which language
    #[command(flatten)]
    pub facts: FactsArgs,
    /// Your own address
    #[arg(long, value_name = "ADDRESS")]
    pub to: String,
}

/// Sends it and says what came of it.
///
/// # Errors
/// When the configuration has problems, there is no such letter, or the
/// address is a customer's.
pub async fn run(
    args: &SendTestArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let mut config = load::config(global)?;
    let to = own_address(&args.to, &config).await?;
    // A link in it must not unsubscribe the customer whose facts it shows.
    config.mail.unsubscribe.url = config.mail.unsubscribe.url.map(|url| url.replace("{customer}", "test"));
    let letter = args.facts.letter(&args.letter, &config, now, now).await?;
    for remark in &letter.remarks {
        screen.note(format_args!("{} {remark}", "note:".yellow()))?;
    }
    let id = format!("test.{}@{}", now.as_nanosecond(), config.mail.from.address.domain());
    let parcel = mime::build_test(&letter.content, &config.mail, &to, &id, now)?;
    let relay = load::relay(&config)?;
    let outcome = match relay.open().await {
        Err(why) => Err(why),
        Ok(mut session) => {
            relay.ready(&mut session).await;
            let outcome = relay.deliver(&mut session, &parcel).await;
            relay.close(session).await;
            Ok(outcome)
        }
    };
    let sent = matches!(outcome, Ok(Outcome::Accepted { .. }));
    let words = match &outcome {
        Ok(outcome) => told(outcome, &to, &config),
        Err(why) => unreachable(why),
    };
    if global.json {
        screen.json(&serde_json::json!({
            "sent": sent, "to": to.as_str(), "subject": letter.content.subject, "message_id": id, "said": words,
        }))?;
    } else if sent {
        screen.say(format_args!("{} {words}", "sent".green().bold()))?;
    } else {
        screen.complaint(format_args!("{} {words}", "not sent:".red().bold()))?;
    }
    Ok(if sent { Verdict::Done } else { Verdict::Failed })
}

/// An address that no customer of ours reads.
async fn own_address(text: &str, config: &Config) -> anyhow::Result<Address> {
    let to = Address::parse(text).map_err(|error| anyhow::anyhow!("`{text}` is no address: {error}"))?;
    if config.store.exists()
        && let Some(customer) = load::existing_store(config)?.who_reads(&to).await?
    {
        bail!("{to} is read by customer {customer}; a test goes to one of our own people only");
    }
    Ok(to)
}

/// What became of it.
fn told(outcome: &Outcome, to: &Address, config: &Config) -> String {
    match outcome {
        Outcome::Accepted { reply, .. } => match &config.deliver {
            Ok(Deliver::Files(folder)) => format!(
                "into {} ({reply}); `mail.deliver` is `files`, so nothing left this machine",
                super::screen::shown(folder)
            ),
            Ok(Deliver::Smtp(_)) | Err(_) => format!(
                "to {to}: the mail server took it ({reply}). If it does not arrive within minutes, look among \
                 the spam, then for a reply to {}",
                config.mail.from.address
            ),
        },
        Outcome::NotSent { stage, cause, reply } => {
            let said = reply.as_ref().map_or_else(|| cause.clone(), ToString::to_string);
            format!(
                "the mail server put it off at {stage} ({said}). A real letter would be tried again by itself"
            )
        }
        Outcome::RecipientRefused { reply } => {
            format!("the mail server does not take letters for {to} ({reply})")
        }
        Outcome::LetterRefused { stage, reply } => format!(
            "the mail server does not take the letter at {stage} ({reply}). As a rule it does not let {} send \
             through it, or takes the letter for spam",
            config.mail.from.address
        ),
        Outcome::Uncertain { cause } => format!(
            "nobody can know: {cause}. Look whether it arrived; a real letter would wait for a person to say so"
        ),
    }
}

/// Why there was no conversation at all.
fn unreachable(why: &Unreachable) -> String {
    let hint = match why.stage {
        SmtpStage::Connect => "is `mail.deliver.smtp` right, host and port, and is it reachable from here?",
        SmtpStage::Greeting | SmtpStage::Ehlo => {
            "it answers, but not as a mail server does; is the port right, and is `tls` implicit on 465, starttls on 587?"
        }
        SmtpStage::Tls => {
            "the connection can't be protected; is `tls` right, and the certificate for this host?"
        }
        SmtpStage::Auth => "it does not let us in; are `username` and `password` right?",
        SmtpStage::Mail | SmtpStage::Rcpt | SmtpStage::Data | SmtpStage::Body | SmtpStage::FinalDot => {
            "it broke off"
        }
    };
    format!("{why}; {hint}")
}
