//! Tries every letter before the first one is due.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::compose::{Composer, Stumble, Whom};
use super::context::is_internal;
use super::library::{Letter, Library};
use super::sample::{Edge, Sample, UNSUBSCRIBE, kinds, sample};
use super::{ComposeError, Occasion};
use crate::domain::customer::Class;
use crate::domain::rule::{Recipient, Rule, RuleLetter, Stage};
use crate::domain::settings::Settings;
use crate::hands::shared_out;
use crate::nearest::did_you_mean;
use crate::problem::{Place, Problem};

/// A letter that a rule asks for.
struct Asked<'r> {
    rule: &'r Rule,
    stage: &'r Stage,
    template: &'r str,
    to: &'r [Recipient],
}

/// Where a rule's stage names a template, if that is known.
pub type Named<'a> = dyn Fn(&Rule, &Stage, &str) -> Option<(PathBuf, Place)> + 'a;

/// Tries them all; see [`Composer::check`].
pub(super) fn check(
    composer: &Composer,
    rules: &[Rule],
    settings: &Settings,
    places: &Named<'_>,
) -> Vec<Problem> {
    let library = &composer.library;
    let mut problems = library.warnings.clone();
    let mut used = BTreeSet::new();
    let asked: Vec<Asked<'_>> = rules.iter().flat_map(asked).collect();
    let letters: Vec<(&Asked<'_>, &str, &Letter)> =
        asked.iter().flat_map(|asked| written(library, asked)).collect();
    let stumbled = shared_out(&letters, 1, |(asked, locale, letter)| {
        try_letter(composer, asked, locale, letter, settings)
    });
    let mut stumbled = stumbled.into_iter();
    for asked in &asked {
        let name = asked.template;
        let fresh = used.insert(name);
        let found = written(library, asked).count();
        problems.extend(stumbled.by_ref().take(found).flatten());
        if found == 0 {
            problems.push(missing(composer, asked, "in any language", places));
        } else if !composer.has_fallback(name, &settings.business.locale) {
            let language = format!("in the business's own language, `{}`", settings.business.locale);
            problems.push(missing(composer, asked, &language, places));
        } else if fresh && !is_internal(asked.to, asked.rule.class) {
            problems.extend(untranslated(library, asked));
        }
    }
    for letters in library.locales.values() {
        for (_, letter) in letters.iter().filter(|(name, _)| !used.contains(name.as_str())) {
            problems.push(Problem::warning(&letter.file, "no rule uses this template"));
        }
    }
    problems
}

fn asked<'r>(rule: &'r Rule) -> Vec<Asked<'r>> {
    let of = |letter: RuleLetter<'r>| Asked {
        rule,
        stage: letter.stage,
        template: letter.template,
        to: letter.to,
    };
    rule.letters().into_iter().map(of).collect()
}

/// What is written for it, in each language that has it.
fn written<'a>(
    library: &'a Library,
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a Asked<'a>, &'a str, &'a Letter)> {
    library.locales.iter().filter_map(move |(locale, letters)| {
        letters.get(asked.template).map(|letter| (asked, locale.as_str(), letter))
    })
}

fn missing(composer: &Composer, asked: &Asked<'_>, whereabouts: &str, places: &Named<'_>) -> Problem {
    let names: BTreeSet<&str> =
        composer.library.locales.values().flat_map(|letters| letters.keys().map(String::as_str)).collect();
    let message = format!(
        "rule `{}`, stage `{}`: there is no template `{}` {whereabouts}",
        asked.rule.name, asked.stage.name, asked.template
    );
    let problem = match places(asked.rule, asked.stage, asked.template) {
        Some((file, place)) => Problem { place: Some(place), ..Problem::error(file, message) },
        None => Problem::error(PathBuf::from(format!("{}.md", asked.template)), message),
    };
    let others = names.into_iter().filter(|name| *name != asked.template);
    let hint = did_you_mean(asked.template, others);
    problem.hint(hint.unwrap_or_else(|| "write it below the folder of that language".to_owned()))
}

/// The languages whose readers would get this letter in another one, while
/// their folder has others.
fn untranslated(library: &Library, asked: &Asked<'_>) -> Vec<Problem> {
    let language = |locale: &str| locale.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let having: BTreeSet<String> = library
        .locales
        .iter()
        .filter(|(_, letters)| letters.contains_key(asked.template))
        .map(|(locale, _)| language(locale))
        .collect();
    let lacking = library.locales.iter().filter(|(locale, letters)| {
        // `zh-TW` may hold the few letters in which it differs from `zh-CN`.
        !letters.is_empty() && !having.contains(&language(locale))
    });
    lacking
        .map(|(locale, _)| {
            let file = PathBuf::from(format!("{locale}/{}.md", asked.template));
            let message = format!(
                "rule `{}`, stage `{}`: readers of `{locale}` get this letter in another language",
                asked.rule.name, asked.stage.name
            );
            Problem::warning(file, message).hint("write it in theirs")
        })
        .collect()
}

/// The first thing a letter stumbles over; the others would often be the
/// same again.
fn try_letter(
    composer: &Composer,
    asked: &Asked<'_>,
    locale: &str,
    letter: &Letter,
    settings: &Settings,
) -> Option<Problem> {
    let kinds = kinds(asked.rule);
    let trials = kinds.iter().flat_map(|kind| Edge::ALL.into_iter().map(move |edge| (kind, edge)));
    trials.into_iter().find_map(|(kind, edge)| {
        let sample = sample(asked.rule, asked.stage, asked.template, asked.to, settings, edge, kind)?;
        let Stumble { error, place } = attempt(composer, &sample, locale, letter, settings).err()?;
        let message = format!(
            "rule `{}`, stage `{}`, a letter {}: {}",
            asked.rule.name,
            asked.stage.name,
            edge.about(),
            plain(&error)
        );
        // `if` helps where something is missing: in the letter that lacks
        // whatever can be, or by what is said of it.
        let missing = |cause: &str| cause.contains("not defined") || cause.contains("nothing here");
        let missing = edge == Edge::Bare || missing(&plain(&error));
        let problem = Problem::error(&letter.file, message);
        let problem = match place {
            Some((start, length)) => problem.at(letter.text.clone(), start, length),
            None => problem,
        };
        let hint = if missing {
            "templates/README.md says what can be missing; it needs `{% if … %}` around it"
        } else {
            "templates/README.md says what each name is, and what can be done with it"
        };
        Some(if matches!(error, ComposeError::Template { .. }) { problem.hint(hint) } else { problem })
    })
}

fn attempt(
    composer: &Composer,
    sample: &Sample,
    locale: &str,
    letter: &Letter,
    settings: &Settings,
) -> Result<(), Stumble> {
    let occasion = Occasion {
        draft: &sample.draft,
        facts: &sample.facts,
        settings,
        mail: &sample.mail,
        peers: sample.peers,
        now: sample.now,
    };
    let whom = Whom::of(&occasion)?;
    let content = composer.compose_as(&occasion, whom, locale, letter, &sample.testimonials)?;
    let silent = |part: &str| content.class == Class::Marketing && !part.contains(UNSUBSCRIBE);
    if silent(&content.text) || silent(&content.html) {
        let cause = "news must say how to unsubscribe; put a link to `{{ unsubscribe }}` into it";
        return Err(ComposeError::Incomplete(cause.to_owned()).into());
    }
    Ok(())
}

/// Without the template's name, which the problem's file says.
fn plain(error: &ComposeError) -> String {
    match error {
        ComposeError::Template { cause, .. } => cause.clone(),
        other => other.to_string(),
    }
}
