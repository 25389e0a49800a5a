//! The catalogue as a page shows it.

use super::{Shape, VARIABLES, Variable};

/// Every path with its meaning, as `docs/templates.md` lists them.
#[must_use]
pub fn documentation() -> String {
    let mut out = String::new();
    let mut listed = Vec::new();
    for variable in VARIABLES {
        document(variable, "", &mut listed, &mut out);
    }
    out
}

fn document(variable: &Variable, prefix: &str, listed: &mut Vec<&'static [Variable]>, out: &mut String) {
    let mark = if variable.optional { " (may be missing)" } else { "" };
    let plural = if matches!(variable.shape, Shape::Records(_) | Shape::Values) { "[]" } else { "" };
    let path = format!("{prefix}{}", variable.name);
    let form = match variable.shape {
        Shape::Value => variable.form.as_str().to_owned(),
        Shape::Values => format!("list: {}", variable.form.as_str()),
        Shape::Record(_) | Shape::Open => "group".to_owned(),
        Shape::Records(_) => "list of groups".to_owned(),
    };
    out.extend(["| `", &path, plural, "` | ", &form, " | ", variable.about, mark, " |\n"]);
    let fields: &[Variable] = match variable.shape {
        // The fields of a claim, or of a letter, are listed once.
        Shape::Records(fields) if listed.contains(&fields) => &[],
        Shape::Record(fields) | Shape::Records(fields) => {
            listed.push(fields);
            fields
        }
        Shape::Value | Shape::Values | Shape::Open => &[],
    };
    for field in fields {
        document(field, &format!("{path}{plural}."), listed, out);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::config;
    use crate::domain::money::{Currency, Money};
    use crate::domain::rule::{Anchor, Rule};
    use crate::domain::settings::Settings;
    use crate::letter::catalogue::Form;
    use crate::letter::compose::Whom;
    use crate::letter::sample::{Edge, kinds, sample};
    use crate::letter::{Occasion, context};

    /// What the templates of every letter of a rule see, tried on every sample.
    fn seen(rule: &Rule, settings: &Settings) -> Vec<Value> {
        let mut all = Vec::new();
        for letter in rule.letters() {
            for edge in Edge::ALL {
                for kind in kinds(rule) {
                    let made = sample(rule, letter.stage, letter.template, letter.to, settings, edge, kind);
                    let made = made.expect("a sample");
                    let occasion = Occasion {
                        draft: &made.draft,
                        facts: &made.facts,
                        settings,
                        mail: &made.mail,
                        peers: made.peers,
                        now: made.now,
                    };
                    let whom = Whom::of(&occasion).expect("somebody");
                    let (_, owner) = whom.people(&occasion).expect("an owner");
                    all.push(
                        match whom {
                            Whom::Customer(customer) => {
                                let scene =
                                    context::scene(&occasion, customer, &owner, "en", &made.testimonials);
                                serde_json::to_value(scene.expect("it is complete"))
                            }
                            Whom::Colleague(digest) => {
                                serde_json::to_value(context::briefing(&occasion, digest, "en"))
                            }
                        }
                        .expect("JSON"),
                    );
                }
            }
        }
        all
    }

    fn shipped() -> config::Config {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/courtesy.yaml");
        config::load(&file, &|_| None).expect("it is clean")
    }

    fn is(form: Form, value: &Value) -> bool {
        let text = value.as_str();
        match form {
            Form::Text => text.is_some(),
            Form::Money => text.and_then(|text| text.split_once(' ')).is_some_and(|(amount, currency)| {
                currency.parse::<Currency>().is_ok_and(|code| Money::parse(amount, code).is_ok())
            }),
            Form::Date => {
                text.is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10)
            }
            Form::Moment => {
                text.is_some_and(|text| text.contains('T') && text.parse::<jiff::civil::DateTime>().is_ok())
            }
            Form::Number | Form::Days => value.is_i64() || value.is_u64(),
            Form::Flag => value.is_boolean(),
        }
    }

    /// Every name that was met, with what it is held against.
    fn hold(found: &Value, known: &[Variable], path: &str, met: &mut BTreeSet<String>) {
        let fields = found.as_object().unwrap_or_else(|| panic!("{path} has fields"));
        // What only the filter `table` writes.
        let of_table = |name: &String| name == "tail" || path == "statement.accounts.";
        for name in fields.keys().filter(|name| !of_table(name)) {
            assert!(known.iter().any(|one| one.name == name), "`{path}{name}` is in no page");
        }
        for one in known {
            let here = format!("{path}{}", one.name);
            let Some(value) = fields.get(one.name) else {
                assert!(one.optional || path.is_empty(), "`{here}` is said to be always there");
                continue;
            };
            met.insert(here.clone());
            match one.shape {
                Shape::Value => assert!(is(one.form, value), "`{here}` is {value}, and no {:?}", one.form),
                Shape::Values => {
                    let all = value.as_array().expect("a list");
                    assert!(all.iter().all(|value| is(one.form, value)), "`{here}` is {value}");
                }
                Shape::Record(fields) => hold(value, fields, &format!("{here}."), met),
                Shape::Records(fields) => {
                    for value in value.as_array().expect("a list") {
                        hold(value, fields, &format!("{here}."), met);
                    }
                }
                Shape::Open => assert!(value.is_object(), "`{here}`"),
            }
        }
    }

    #[test]
    fn every_variable_is_what_the_page_says_in_every_letter() {
        let config = shipped();
        let mut met = BTreeSet::new();
        for rule in &config.rules {
            for seen in seen(rule, &config.settings) {
                hold(&seen, VARIABLES, "", &mut met);
            }
        }
        for one in VARIABLES {
            assert!(met.contains(one.name), "no letter has `{}`", one.name);
        }
    }

    /// The kinds of letters that the page tells apart.
    fn kind_of(rule: &Rule) -> &'static str {
        match &rule.anchor {
            _ if rule.is_digest() => "digest",
            _ if rule.is_statement() => "statement",
            Anchor::Receivable(_) => "claim",
            Anchor::Payment => "payment",
            Anchor::Event(_) => "event",
            Anchor::Calendar => "calendar",
        }
    }

    #[test]
    fn the_page_says_which_kind_of_letter_has_what() {
        let config = shipped();
        let mut letters: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for rule in &config.rules {
            letters.entry(kind_of(rule)).or_default().extend(seen(rule, &config.settings));
        }
        let kinds = ["claim", "payment", "event", "calendar", "statement", "digest"];
        let mut table = format!("| name | {} |\n|---{}|\n", kinds.join(" | "), "|---".repeat(kinds.len()));
        for one in VARIABLES {
            let has = |kind: &str| {
                let of = &letters[kind];
                match of.iter().filter(|seen| !seen[one.name].is_null()).count() {
                    0 => "–",
                    all if all == of.len() => "always",
                    _ => "maybe",
                }
            };
            let row: Vec<&str> = kinds.iter().map(|kind| has(kind)).collect();
            // Lists are always there, and may be empty; a digest has few names.
            if one.optional || one.name == "customer" {
                writeln!(table, "| `{}` | {} |", one.name, row.join(" | ")).expect("a String takes it");
            }
        }
        let page = include_str!("../../../docs/templates.md");
        assert!(page.contains(&table), "put this into docs/templates.md:\n{table}");
    }
}
