//! The letter that a person wants to see before it is due: of which rule and
//! stage, with whose facts, in which language.

use anyhow::{anyhow, bail};
use clap::Args;
use jiff::Timestamp;

use super::explain::{Account, Known};
use super::failure::Found;
use super::load;
use crate::config::Config;
use crate::domain::address::Address;
use crate::domain::facts::Facts;
use crate::domain::notice::Draft;
use crate::domain::plan::{self, Sought};
use crate::domain::rule::{Rule, RuleLetter};
use crate::domain::settings::Settings;
use crate::engine::peers_on;
use crate::letter::{Composer, Content, Occasion};
use crate::nearest::{did_you_mean, nearest};

/// Stands in where a customer has no address, so that the letter can be
/// shown (RFC 2606: it belongs to nobody).
const NO_ADDRESS: &str = "no-address@customer.invalid";

/// With whose facts, in which language.
#[derive(Args, Debug)]
pub struct FactsArgs {
    /// With the facts of this customer or claim; without it, of a made-up one
    #[arg(long = "for", value_name = "ID")]
    pub about: Option<String>,
    /// As a reader of this language gets it
    #[arg(long, value_name = "TAG")]
    pub locale: Option<String>,
}

/// A letter as it would be.
pub struct Shown {
    /// Its rule.
    pub rule: String,
    /// Its stage.
    pub stage: String,
    /// What it says, and to whom.
    pub content: Content,
    /// What is to be known of it.
    pub remarks: Vec<String>,
}

/// The templates as they are: a mistake in one letter keeps nobody from
/// looking at another.
///
/// # Errors
/// What can't be read or parsed.
pub fn composer(config: &Config) -> anyhow::Result<Composer> {
    let composer = Composer::load(&config.templates).map_err(Found)?;
    Ok(composer.quoting(config.testimonials.clone()))
}

/// The rule of a name.
///
/// # Errors
/// With the nearest right name, where there is no such rule.
pub fn rule<'c>(config: &'c Config, name: &str) -> anyhow::Result<&'c Rule> {
    rule_among(config.rules.iter(), name)
}

/// The same among the rules of several configurations.
///
/// # Errors
/// With the nearest right name, where there is no such rule.
pub fn rule_among<'c>(
    mut rules: impl Iterator<Item = &'c Rule> + Clone,
    name: &str,
) -> anyhow::Result<&'c Rule> {
    let all = rules.clone();
    let names = || all.clone().map(|rule| rule.name.as_str());
    rules.find(|rule| rule.name.as_str() == name).ok_or_else(|| match did_you_mean(name, names()) {
        Some(hint) => anyhow!("no rule `{name}`; {hint}"),
        None => anyhow!("no rule `{name}`; there are {}", names().collect::<Vec<_>>().join(", ")),
    })
}

/// The letter that `RULE/STAGE` names; of a rule with one letter, the rule is
/// enough.
fn letter<'c>(config: &'c Config, text: &str) -> anyhow::Result<(&'c Rule, RuleLetter<'c>)> {
    let (name, stage) = text.split_once('/').map_or((text, None), |(name, stage)| (name, Some(stage)));
    let rule = rule(config, name)?;
    let mut letters = rule.letters();
    let all: Vec<String> = letters.iter().map(|letter| format!("{name}/{}", letter.name)).collect();
    let Some(stage) = stage else {
        if letters.len() == 1 {
            return Ok((rule, letters.remove(0)));
        }
        bail!("which letter of `{name}`? There are {}", all.join(", "));
    };
    if let Some(at) = letters.iter().position(|letter| letter.name.as_str() == stage) {
        return Ok((rule, letters.remove(at)));
    }
    match nearest(stage, letters.iter().map(|letter| letter.name.as_str())) {
        Some(near) => bail!("`{name}` has no stage `{stage}`; did you mean `{name}/{near}`?"),
        None => bail!("`{name}` has no stage `{stage}`; there are {}", all.join(", ")),
    }
}

impl FactsArgs {
    /// Makes the letter that `RULE/STAGE` names.
    ///
    /// # Errors
    /// When there is no such rule, stage or customer, or the letter can't be
    /// made even of the sample.
    pub async fn letter(
        &self,
        text: &str,
        config: &Config,
        at: Timestamp,
        now: Timestamp,
    ) -> anyhow::Result<Shown> {
        let (rule, letter) = letter(config, text)?;
        let composer = composer(config)?;
        let locale = self.locale.as_deref();
        let mut remarks = Vec::new();
        let mut content = None;
        if let Some(about) = &self.about {
            if rule.is_digest() {
                remarks.push("A digest is about many customers; this is a made-up one.".to_owned());
            } else {
                let store = load::existing_store(config)?;
                let known = Known::read(config.clone(), &store, about, at, now).await?;
                let peers = peers_on(&store, config.settings.business.day(at)).await?;
                content = real(&known, rule, &letter, &composer, (locale, peers), &mut remarks);
            }
        }
        let content = if let Some(content) = content {
            content
        } else {
            let wanted = locale.unwrap_or(&config.settings.business.locale);
            composer.sample(rule, &letter, &config.settings, &config.mail, wanted)?
        };
        if let Some(wanted) = locale.filter(|wanted| !wanted.eq_ignore_ascii_case(&content.locale)) {
            let reads =
                format!("There is no such letter in `{wanted}`; its readers get it in `{}`.", content.locale);
            remarks.push(reads);
        }
        Ok(Shown { rule: rule.name.to_string(), stage: letter.name.to_string(), content, remarks })
    }
}

/// The letter with real facts; what it would take to leave is remarked upon.
fn real(
    known: &Known,
    rule: &Rule,
    letter: &RuleLetter<'_>,
    composer: &Composer,
    (locale, peers): (Option<&str>, Option<crate::domain::figures::Peers>),
    remarks: &mut Vec<String>,
) -> Option<Content> {
    let Some(draft) = draft(known, rule, letter) else {
        let id = known.about.id();
        let has = if known.about.claim.is_some() { "is nothing" } else { "has nothing" };
        remarks.push(format!(
            "{id} {has} that {} could be about ({}); this is a made-up one.",
            rule.name, rule.anchor
        ));
        return None;
    };
    remarks.extend(Account::new(known).and_then(|account| account.of_draft(&draft)));
    let (facts, settings) = for_show(known, &draft, locale, remarks);
    let (mail, now) = (&known.config.mail, known.at);
    let occasion = Occasion { draft: &draft, facts: &facts, settings: &settings, mail, peers, now };
    match composer.compose(&occasion) {
        Ok(content) => Some(content),
        Err(error) => {
            remarks.push(format!("With these facts it can't be made: {error}. This is a made-up one."));
            None
        }
    }
}

/// The very draft that the planner asks for now, or the one as if its time
/// had come.
fn draft(known: &Known, rule: &Rule, letter: &RuleLetter<'_>) -> Option<Draft> {
    let about = &known.about;
    let is_it = |draft: &&Draft| {
        draft.rule == rule.name
            && draft.stage == letter.name
            && draft.customer.as_ref() == Some(&about.customer)
            && about
                .claim
                .as_ref()
                .is_none_or(|claim| draft.lines.iter().any(|line| line.key.subject.id() == claim.as_str()))
    };
    let asked_for = known.explanation.plan.letters.iter().find(is_it).cloned();
    let sought = Sought { rule, letter, customer: &about.customer, claim: about.claim.as_ref() };
    asked_for.or_else(|| plan::as_if(&known.rules, &known.config.settings, &known.facts, known.at, sought))
}

/// The facts and settings changed so far that the letter can be shown: in the
/// language asked for, and to an address where there is none.
fn for_show(
    known: &Known,
    draft: &Draft,
    locale: Option<&str>,
    remarks: &mut Vec<String>,
) -> (Facts, Settings) {
    let (mut facts, mut settings) = (known.facts.clone(), known.config.settings.clone());
    if let Some(locale) = locale {
        locale.clone_into(&mut settings.business.locale);
    }
    facts.suppressions.clear();
    for of in facts.customers.iter_mut().filter(|of| Some(&of.customer.id) == draft.customer.as_ref()) {
        if let Some(locale) = locale {
            of.customer.locale = Some(locale.to_owned());
        }
        if let (Err(error), Ok(nowhere)) = (&of.customer.address, Address::parse(NO_ADDRESS)) {
            remarks.push(format!("{} can't be written to: {error}.", of.customer.id));
            of.customer.address = Ok(nowhere);
        }
    }
    (facts, settings)
}
