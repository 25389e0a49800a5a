//! `courtesy explain`: why a customer gets a letter, or none, and what comes
//! next. The planner itself answers, on the facts as they are.

mod account;
mod json;
mod words;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use owo_colors::OwoColorize;

pub(super) use self::account::Account;
use super::screen::Screen;
use super::{Global, Verdict, load};
use crate::config::Config;
use crate::domain::facts::{Facts, Reach};
use crate::domain::ids::RuleName;
use crate::domain::plan::{self, Explanation};
use crate::domain::rule::{RuleSeen, Rules};
use crate::store::sqlite::{About, SqliteStore};
use crate::store::{OutboxFilter, OutboxLetter, Store};

const EXAMPLES: &str = "\
Examples:
  courtesy explain C001                      every rule: sent, due, waiting until, or not and why
  courtesy explain INV-4711                  the same about one claim
  courtesy explain C001 --at 2026-03-03      as it was, or will be, on that day
  courtesy explain C001 --json

A claim is also found by the number on its paper, a customer by name or address. For a day to come
it is taken that nothing happens until then; `courtesy plan --customer C001` rehearses the days
between, letter by letter.";

/// About whom or what.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// A customer's or a claim's id
    #[arg(value_name = "CUSTOMER or RECEIVABLE")]
    pub about: String,
}

/// What is known and decided about one customer at a moment.
pub(super) struct Known {
    pub(super) config: Config,
    pub(super) rules: Rules,
    pub(super) about: About,
    pub(super) facts: Facts,
    pub(super) explanation: Explanation,
    /// Every letter of the relationship, oldest first.
    pub(super) letters: Vec<OutboxLetter>,
    /// Rules that no pass has seen in force yet.
    pub(super) unseen: Vec<RuleName>,
    /// Whether the claim lies too far back for any rule to look at it.
    pub(super) out_of_reach: bool,
    pub(super) at: Timestamp,
}

/// Tells it as a tree.
///
/// # Errors
/// When the configuration has problems, or nobody is found.
pub async fn run(
    args: &ExplainArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let at = global.moment(now, &config.settings);
    let store = load::existing_store(&config)?;
    let known = Known::read(config, &store, &args.about, at, now).await?;
    let hold = if at == now { store.standing(known.config.settings.guards, now).await?.halt } else { None };
    let hold = hold.map(|halt| halt.said(&known.config.settings.business.zone, now));
    if global.json {
        let mut told = json::of(&known);
        told["hold"] = hold.into();
        screen.json(&told)?;
        return Ok(Verdict::Done);
    }
    let account = Account::new(&known).context("the customer is gone meanwhile")?;
    let trees: Vec<String> = account.trees().iter().map(|tree| tree.render(screen.width())).collect();
    screen.result(trees.join("\n\n"))?;
    if let Some(hold) = hold {
        screen.complaint(format_args!("{} nothing leaves: {hold}", "HOLD:".red().bold()))?;
    }
    for line in account.remarks(now) {
        screen.note(line)?;
    }
    Ok(Verdict::Done)
}

impl Known {
    /// Reads and decides.
    ///
    /// # Errors
    /// When nobody is found, or the store fails.
    pub(super) async fn read(
        config: Config,
        store: &SqliteStore,
        about: &str,
        at: Timestamp,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let about = store.find(about).await?;
        let seen = store.rules_seen().await?;
        let unseen = config.rules.iter().map(|rule| rule.name.clone());
        let unseen: Vec<RuleName> = unseen.filter(|name| !seen.contains_key(name)).collect();
        let mut rules = Rules::in_force(&config.rules, seen);
        for (rule, seen) in &mut rules.rules {
            // As the next pass will see it.
            seen.get_or_insert_with(|| RuleSeen { audiences: vec![(rule.audience(), at)] });
        }
        let reach = plan::reach(&rules, &config.settings, at);
        let mut facts = store.facts_about(about.customer.clone(), reach.clone()).await?;
        let has = |facts: &Facts| {
            let all = facts.customers.iter().flat_map(|customer| &customer.receivables);
            about.claim.as_ref().is_none_or(|claim| all.into_iter().any(|item| item.id == *claim))
        };
        let out_of_reach = !has(&facts);
        if out_of_reach {
            let all = Reach { settled_since: Date::MIN, ..reach };
            facts = store.facts_about(about.customer.clone(), all).await?;
        }
        let mut letters = Vec::new();
        for of in &facts.customers {
            let filter = OutboxFilter { customer: Some(of.customer.id.clone()), ..OutboxFilter::default() };
            letters.extend(store.outbox(filter).await?);
        }
        letters.sort_by_key(|letter| letter.id);
        if at < now {
            letters.retain(|letter| letter.queued_at < at);
            facts = facts.as_of(at, |id| letters.binary_search_by_key(&id, |letter| letter.id).is_ok());
        }
        let explanation = plan::explain(&rules, &config.settings, &facts, at);
        Ok(Self { config, rules, about, facts, explanation, letters, unseen, out_of_reach, at })
    }
}
