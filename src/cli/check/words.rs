//! What only the data can say of the rules: that nobody has the segment they
//! ask for, that a letter waits whose rule is gone.

use std::collections::BTreeSet;

use crate::cli::screen::shown;
use crate::config::{Config, place_of};
use crate::domain::filter::Filter;
use crate::domain::ids::RuleName;
use crate::domain::rule::Rule;
use crate::nearest::did_you_mean;
use crate::problem::Problem;
use crate::store::sqlite::{Overview, Vocabulary};

/// A warning for each word of a rule that nothing in the data has.
pub(super) fn unknown(config: &Config, words: &Vocabulary) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in &config.rules {
        for (side, filter) in [("where", &rule.audience), ("unless", &rule.unless)] {
            for (key, asked, known) in asked(filter, words) {
                let missing = asked.into_iter().filter(|word| !known.contains(*word));
                problems.extend(missing.map(|word| nobody_has(config, rule, side, key, word, known)));
            }
        }
    }
    problems
}

/// The words a filter asks for, each kind beside those that there are.
fn asked<'a>(
    filter: &'a Filter,
    words: &'a Vocabulary,
) -> [(&'static str, Vec<&'a String>, &'a BTreeSet<String>); 5] {
    [
        ("segment", filter.segment.iter().collect(), &words.segments),
        ("tags", filter.tags.iter().collect(), &words.tags),
        ("owner", filter.owner.iter().collect(), &words.owners),
        ("product", filter.product.iter().collect(), &words.products),
        ("attributes", filter.attributes.keys().collect(), &words.attributes),
    ]
}

fn nobody_has(
    config: &Config,
    rule: &Rule,
    side: &str,
    key: &str,
    word: &str,
    known: &BTreeSet<String>,
) -> Problem {
    let what = match key {
        "segment" => "no customer is of segment",
        "tags" => "no customer has the tag",
        "owner" => "no customer has the owner",
        "product" => "no event is about the product",
        _ => "no customer has the attribute",
    };
    let file = config.rule_files.get(&rule.name).unwrap_or(&config.file);
    let hint = did_you_mean(word, known.iter().map(String::as_str)).unwrap_or_else(|| {
        "it may come with the next import; until then it is as if nobody were meant".to_owned()
    });
    Problem {
        place: place_of(file, &[side, key]),
        ..Problem::warning(file, format!("{what} `{word}`")).hint(hint)
    }
}

/// A warning for each rule that is gone while letters of it are on their way.
pub(super) fn orphans(config: &Config, overview: &Overview) -> Vec<Problem> {
    let names = || config.rules.iter().map(|rule| rule.name.as_str());
    let waiting = overview.waiting();
    let gone = waiting.iter().filter(|(rule, _)| !names().any(|name| name == rule.as_str()));
    let told = |(rule, letters): (&RuleName, &u64)| {
        let some = if *letters == 1 { "a letter is".to_owned() } else { format!("{letters} letters are") };
        let hint = did_you_mean(rule.as_str(), names()).map_or_else(
            || "they are cancelled when they come to leave".to_owned(),
            |near| {
                format!(
                    "{near} A rule renamed is another rule: put the old name back, or let them be cancelled"
                )
            },
        );
        Problem::warning(
            shown(&config.store),
            format!("{some} on the way by `{rule}`, and no rule is called so"),
        )
        .hint(hint)
    };
    gone.map(told).collect()
}

/// A warning for each language of customers in which nothing is written.
pub(super) fn unwritten(config: &Config, words: &Vocabulary, written: &[&str]) -> Vec<Problem> {
    let language = |locale: &str| locale.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    let known: BTreeSet<String> = written.iter().map(|locale| language(locale)).collect();
    let lacking = words.locales.iter().filter(|(locale, _)| !known.contains(&language(locale)));
    let told = |(locale, customers): (&String, &u64)| {
        let some = if *customers == 1 {
            "a customer reads".to_owned()
        } else {
            format!("{customers} customers read")
        };
        let own = &config.settings.business.locale;
        Problem::warning(
            shown(&config.templates),
            format!("{some} `{locale}`, and no letter is written in it"),
        )
        .hint(format!("they get `{own}`; a folder `{locale}` beside the others would be theirs"))
    };
    lacking.map(told).collect()
}
