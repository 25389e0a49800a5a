//! The page of letters side by side: one file, no network.

use crate::config::Config;
use crate::domain::rule::{Rule, RuleLetter};
use crate::letter::{Composer, Content};

/// The page around the letters; `<!--LETTERS-->` and the like are replaced.
const PAGE: &str = include_str!("page.html");

/// Every letter of some rules.
pub struct Page<'c> {
    business: &'c str,
    locales: Vec<&'c str>,
    rules: Vec<(&'c Rule, Vec<Row<'c>>)>,
}

/// A letter in every language.
struct Row<'c> {
    letter: RuleLetter<'c>,
    versions: Vec<Version<'c>>,
}

/// A letter as readers of a language get it.
struct Version<'c> {
    locale: &'c str,
    made: Result<Content, String>,
}

impl<'c> Page<'c> {
    /// Makes them of the sample.
    pub fn of(rules: &[&'c Rule], composer: &'c Composer, config: &'c Config) -> Self {
        let locales: Vec<&str> = composer.locales().collect();
        let row = |rule: &Rule, letter: RuleLetter<'c>| {
            let version = |locale: &&'c str| {
                let made = composer.sample(rule, &letter, &config.settings, &config.mail, locale);
                Version { locale, made: made.map_err(|error| error.to_string()) }
            };
            let versions = locales.iter().map(version).collect();
            Row { letter, versions }
        };
        let rules = rules
            .iter()
            .map(|rule| (*rule, rule.letters().into_iter().map(|letter| row(rule, letter)).collect()))
            .collect();
        Self { business: &config.settings.business.name, locales, rules }
    }

    /// How many there are, in a sentence.
    pub fn summary(&self) -> String {
        let letters: usize = self.rules.iter().map(|(_, rows)| rows.len()).sum();
        let one = if letters == 1 { "letter" } else { "letters" };
        let failed = self.versions().filter(|version| version.made.is_err()).count();
        let failed = if failed == 0 { String::new() } else { format!("; {failed} could not be made") };
        format!("{letters} {one} in {}{failed}", self.locales.join(", "))
    }

    /// Whether any could not be made.
    pub fn failed(&self) -> bool {
        self.versions().any(|version| version.made.is_err())
    }

    fn versions(&self) -> impl Iterator<Item = &Version<'c>> {
        self.rules.iter().flat_map(|(_, rows)| rows).flat_map(|row| &row.versions)
    }

    /// The whole page.
    pub fn render(&self) -> String {
        let (mut index, mut letters) = (String::new(), String::new());
        for (rule, rows) in &self.rules {
            let (name, summary) = (escaped(rule.name.as_str()), escaped(&rule.summary));
            index.extend(["<li><a href=\"#", &name, "\">", &name, "</a></li>\n"]);
            letters.extend([
                "<section id=\"",
                &name,
                "\">\n<h2>",
                &name,
                "</h2>\n<p class=\"soft\">",
                &summary,
            ]);
            letters.extend(["</p>\n"]);
            for row in rows {
                row.draw(rule, &mut letters);
            }
            letters.push_str("</section>\n");
        }
        PAGE.replace("<!--BUSINESS-->", &escaped(self.business))
            .replace("<!--SUMMARY-->", &escaped(&self.summary()))
            .replace("<!--INDEX-->", &index)
            .replace("<!--LETTERS-->", &letters)
    }
}

impl Row<'_> {
    fn draw(&self, rule: &Rule, out: &mut String) {
        let RuleLetter { name, stage, template, to, cc } = &self.letter;
        let words = |people: &[crate::domain::rule::Recipient]| {
            people.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let mut about = format!("{} from {}, to {}", stage.at, rule.anchor, words(to));
        if name != &stage.name {
            about = format!("after the last {}, to {}", stage.name, words(to));
        }
        if !cc.is_empty() {
            about = format!("{about}, copies to {}", words(cc));
        }
        if stage.approve {
            about.push_str("; a person must release it");
        }
        let id = escaped(&format!("{}/{name}", rule.name));
        out.extend([
            "<article id=\"",
            &id,
            "\">\n<h3>",
            &escaped(name.as_str()),
            "</h3>\n<p class=\"soft\">",
        ]);
        out.extend([
            &escaped(&about),
            " · <code>",
            &escaped(template),
            ".md</code></p>\n<div class=\"versions\">\n",
        ]);
        for version in &self.versions {
            version.draw(&id, out);
        }
        out.push_str("</div>\n</article>\n");
    }
}

impl Version<'_> {
    fn draw(&self, id: &str, out: &mut String) {
        let locale = escaped(self.locale);
        let content = match &self.made {
            Ok(content) => content,
            Err(error) => {
                out.extend(["<div class=\"version\"><p class=\"locale\">", &locale, "</p><p class=\"bad\">"]);
                out.extend([&escaped(error), "</p></div>\n"]);
                return;
            }
        };
        let other = if content.locale == self.locale {
            String::new()
        } else {
            format!(" reads it in {}", escaped(&content.locale))
        };
        out.extend([
            "<div class=\"version\"><p class=\"locale\">",
            &locale,
            &other,
            "</p>\n<p class=\"subject\" lang=\"",
        ]);
        out.extend([&escaped(&content.locale), "\">", &escaped(&content.subject), "</p>\n"]);
        // The letter's styles stay in its frame. It runs no script there; the
        // page may measure it.
        out.extend(["<iframe sandbox=\"allow-same-origin\" loading=\"lazy\" title=\"", id, " in ", &locale]);
        out.extend([
            "\" srcdoc=\"",
            &escaped(&content.html),
            "\"></iframe>\n<details><summary>plain text</summary><pre>",
        ]);
        out.extend([&escaped(&content.text), "</pre></details></div>\n"]);
    }
}

/// A text as HTML may hold it, also between quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
