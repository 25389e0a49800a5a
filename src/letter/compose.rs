//! From an occasion to a letter in words.

use std::path::Path;

use tera::{Context, ErrorKind, Tera};

use super::context::{self, name_of};
use super::library::{LAYOUT_FILE, Letter, Library};
use super::{ComposeError, Content, Named, Occasion, ReplyTo, Testimonial};
use super::{attachment, clean, engine, fingerprint, layout, markdown};
use crate::domain::customer::{Class, Person};
use crate::domain::digest::Digest;
use crate::domain::facts::CustomerFacts;
use crate::domain::ids::RuleName;
use crate::domain::notice::{Draft, Subject};
use crate::domain::receivable::Receivable;
use crate::domain::recipients::{self, People};
use crate::domain::rule::{Recipient, Rule};
use crate::domain::settings::Settings;
use crate::problem::Problem;

/// The most characters of a subject.
const SUBJECT_CHARS_MAX: usize = 200;

/// The most characters of a name in a header.
const NAME_CHARS_MAX: usize = 120;

/// Writes letters. Every template is read and parsed when it is loaded; after
/// that it touches no file but those that go along, and the same occasion
/// with the same files gives the same letter.
pub struct Composer {
    pub(super) library: Library,
    pub(super) testimonials: Vec<Testimonial>,
    words: Words,
}

/// How much of a letter is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    All,
    None,
}

impl std::fmt::Debug for Composer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composer").field("locales", &self.library.locales.keys()).finish_non_exhaustive()
    }
}

impl Composer {
    /// Reads and parses every template below `dir`.
    ///
    /// # Errors
    /// Every problem of every file, with its place: what can't be read, is
    /// no template, or uses a name that does not exist.
    pub fn load(dir: &Path) -> Result<Self, Vec<Problem>> {
        Ok(Self { library: Library::load(dir)?, testimonials: vec![], words: Words::All })
    }

    /// The same, with what customers say, for letters that show it.
    #[must_use]
    pub fn quoting(self, testimonials: Vec<Testimonial>) -> Self {
        Self { testimonials, ..self }
    }

    /// The same without words, for rehearsals: a letter has its language, its
    /// people and what goes along, and stumbles over whatever of that is
    /// missing, but nothing is rendered. No relay may ever see one.
    #[must_use]
    pub(crate) fn in_outline(self) -> Self {
        Self { words: Words::None, ..self }
    }

    /// Tries every stage of every rule in every language on sample facts,
    /// edges included. What is found is what a letter would have stumbled
    /// over when it was due.
    #[must_use]
    pub fn check(&self, rules: &[Rule], settings: &Settings) -> Vec<Problem> {
        self.check_named(rules, settings, &|_, _, _| None)
    }

    /// The same, where it is known in which file and place a stage names its
    /// template.
    #[must_use]
    pub fn check_named(&self, rules: &[Rule], settings: &Settings, named: &Named<'_>) -> Vec<Problem> {
        super::check::check(self, rules, settings, named)
    }

    /// The languages that have templates.
    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.library.locales.keys().map(String::as_str)
    }

    /// Writes the letter of a draft.
    ///
    /// # Errors
    /// [`ComposeError`]: it is held, and no other.
    pub fn compose(&self, occasion: &Occasion<'_>) -> Result<Content, ComposeError> {
        let whom = Whom::of(occasion)?;
        let business = &occasion.settings.business.locale;
        let internal = context::is_internal(&occasion.draft.to, occasion.draft.class);
        let own = match whom {
            Whom::Customer(customer) => customer.customer.locale.as_ref(),
            Whom::Colleague(_) => None,
        };
        let wanted = own.filter(|_| !internal).unwrap_or(business);
        let (locale, letter) = self.find(&occasion.draft.template, wanted, business)?;
        self.compose_as(occasion, whom, locale, letter, &self.testimonials).map_err(|stumble| stumble.error)
    }

    /// The letter of this name in the best language: the wanted one, its
    /// broader ones (`zh-Hant-TW`, `zh-Hant`, `zh`), any other of the same
    /// language (somebody in Taipei would rather read `zh-CN` than English),
    /// then the same for the business's own.
    pub(super) fn find<'a>(
        &'a self,
        name: &str,
        wanted: &str,
        business: &str,
    ) -> Result<(&'a str, &'a Letter), ComposeError> {
        let locales = &self.library.locales;
        let exact = |tag: &str| {
            let found = locales.iter().find(|(locale, _)| locale.eq_ignore_ascii_case(tag))?;
            found.1.get(name).map(|letter| (found.0.as_str(), letter))
        };
        let kin = |tag: &str| {
            let language = tag.split(['-', '_']).next().unwrap_or(tag);
            locales.iter().find_map(|(locale, letters)| {
                let same = locale.split('-').next().is_some_and(|other| other.eq_ignore_ascii_case(language));
                letters.get(name).filter(|_| same).map(|letter| (locale.as_str(), letter))
            })
        };
        let mut tried = Vec::new();
        for tag in [wanted, business] {
            let tag = tag.replace('_', "-");
            let mut part = tag.as_str();
            loop {
                if let Some(found) = exact(part) {
                    return Ok(found);
                }
                tried.push(part.to_owned());
                match part.rsplit_once('-') {
                    Some((broader, _)) => part = broader,
                    None => break,
                }
            }
            if let Some(found) = kin(&tag) {
                return Ok(found);
            }
        }
        tried.dedup();
        Err(ComposeError::NoTemplate { name: name.to_owned(), tried: tried.join(", ") })
    }

    /// Whether a customer whose language has no such letter gets one.
    pub(super) fn has_fallback(&self, name: &str, business: &str) -> bool {
        self.find(name, business, business).is_ok()
    }

    /// Writes it by this template.
    pub(super) fn compose_as(
        &self,
        of: &Occasion<'_>,
        whom: Whom<'_>,
        locale: &str,
        letter: &Letter,
        testimonials: &[Testimonial],
    ) -> Result<Content, Stumble> {
        let (people, owner) = whom.people(of)?;
        let claims = match whom {
            Whom::Customer(customer) => recipients::receivables_of(of.draft, customer),
            Whom::Colleague(_) => vec![],
        };
        let (subject, text, html) = match self.words {
            Words::All => self.parts(letter, seen(of, whom, &owner, locale, testimonials)?, locale)?,
            Words::None => Default::default(),
        };
        let internal = context::is_internal(&of.draft.to, of.draft.class);
        let mut content = Content {
            locale: locale.to_owned(),
            subject,
            text,
            html,
            to: people.to.iter().map(shown).collect(),
            cc: people.cc.iter().map(shown).collect(),
            reply_to: shown(match &of.mail.reply_to {
                ReplyTo::Owner => &owner,
                ReplyTo::Fixed(person) => person,
            }),
            class: if internal { Class::Internal } else { of.draft.class },
            thread: thread(of.draft, &claims, of.mail.from.address.domain()),
            customer: of.draft.whose().to_owned(),
            attachments: attachment::of(of, &claims)?,
            fingerprint: String::new(),
        };
        content.fingerprint = fingerprint::of(&content);
        // What went to somebody else is not what goes to the customer.
        if let Some(address) = &of.mail.redirect_to {
            content.fingerprint = fingerprint::hash([content.fingerprint.as_str(), address.as_str()]);
        }
        Ok(content)
    }

    /// Subject, text and HTML.
    fn parts(
        &self,
        letter: &Letter,
        mut context: Context,
        locale: &str,
    ) -> Result<(String, String, String), Stumble> {
        let library = &self.library;
        let subject =
            render(&library.subjects, &letter.id, letter, letter.subject_at.unwrap_or_default(), &context)?;
        let subject = clean::value_within(&subject, SUBJECT_CHARS_MAX);
        if subject.is_empty() {
            let cause = "the subject is empty".into();
            return Err(ComposeError::Template { template: letter.id.clone(), cause }.into());
        }
        let body = render(&library.markdown, &letter.id, letter, letter.body_at, &context)?;
        let parts = markdown::render(&body, &library.styles);
        context.insert("subject", &subject);
        context.insert("dir", if is_right_to_left(locale) { "rtl" } else { "ltr" });
        let html = match &letter.html {
            Some(page) => {
                let own = render(&library.html, page, letter, 0, &context)?;
                let whole = own.to_ascii_lowercase().contains("<html");
                let html = if whole { own } else { self.in_layout(&own, letter, &mut context)? };
                layout::inline(&html)
                    .map_err(|cause| ComposeError::Template { template: page.clone(), cause })?
            }
            None => self.in_layout(&parts.html, letter, &mut context)?,
        };
        let limit = engine::OUTPUT_BYTES_MAX;
        if html.len() > limit || parts.text.len() > limit {
            return Err(ComposeError::TooLarge { limit }.into());
        }
        Ok((subject, parts.text, html))
    }

    fn in_layout(&self, inner: &str, letter: &Letter, context: &mut Context) -> Result<String, Stumble> {
        context.insert_value("content", tera::Value::safe_string(inner));
        render(&self.library.html, LAYOUT_FILE, letter, 0, context)
    }
}

/// Whom a letter concerns: a customer, or one of our own people, who is told
/// of many.
#[derive(Clone, Copy)]
pub(super) enum Whom<'a> {
    Customer(&'a CustomerFacts),
    Colleague(&'a Digest),
}

impl<'a> Whom<'a> {
    /// Finds them in the facts.
    pub(super) fn of(occasion: &Occasion<'a>) -> Result<Self, ComposeError> {
        let (draft, facts) = (occasion.draft, occasion.facts);
        let gone = |what: &str| ComposeError::Incomplete(format!("{what} is not known any more"));
        if let Some(id) = &draft.customer {
            return facts.customer(id).map(Self::Customer).ok_or_else(|| gone(&format!("customer {id}")));
        }
        let about = |digest: &&Digest| {
            digest.rule == draft.rule && draft.lines.iter().any(|line| line.key.subject == digest.subject())
        };
        facts
            .digests
            .iter()
            .find(about)
            .map(Self::Colleague)
            .ok_or_else(|| gone(&format!("what {} is to be told", draft.whose())))
    }

    /// Who gets the letter, and who answers for it on our side.
    pub(super) fn people(self, of: &Occasion<'_>) -> Result<(People, Person), ComposeError> {
        match self {
            Self::Customer(customer) => {
                let owner = recipients::person(
                    &Recipient::Owner,
                    Class::Internal,
                    of.facts,
                    customer,
                    &[],
                    of.settings,
                );
                recipients::people(of.draft, of.facts, customer, of.settings)
                    .and_then(|people| Ok((people, owner?)))
                    .map_err(ComposeError::Nobody)
            }
            Self::Colleague(digest) => {
                let person = digest.person.clone();
                Ok((People { to: vec![person.clone()], cc: vec![] }, person))
            }
        }
    }
}

/// What the templates of a letter see.
fn seen(
    of: &Occasion<'_>,
    whom: Whom<'_>,
    owner: &Person,
    locale: &str,
    testimonials: &[Testimonial],
) -> Result<Context, ComposeError> {
    match whom {
        Whom::Customer(customer) => {
            Context::from_serialize(&context::scene(of, customer, owner, locale, testimonials)?)
        }
        Whom::Colleague(digest) => Context::from_serialize(&context::briefing(of, digest, locale)),
    }
    .map_err(|error| ComposeError::Incomplete(error.to_string()))
}

/// What a letter stumbled over, and where in its file, in bytes.
#[derive(Debug)]
pub(super) struct Stumble {
    pub(super) error: ComposeError,
    pub(super) place: Option<(usize, usize)>,
}

impl From<ComposeError> for Stumble {
    fn from(error: ComposeError) -> Self {
        Self { error, place: None }
    }
}

fn render(
    tera: &Tera,
    template: &str,
    letter: &Letter,
    offset: usize,
    context: &Context,
) -> Result<String, Stumble> {
    let error = match engine::render(tera, template, context) {
        Ok(Some(text)) => return Ok(text),
        Ok(None) => return Err(ComposeError::TooLarge { limit: engine::OUTPUT_BYTES_MAX }.into()),
        Err(error) => error,
    };
    let stumble = |cause: String, place| Stumble {
        error: ComposeError::Template { template: template.to_owned(), cause },
        place,
    };
    Err(match error.kind() {
        ErrorKind::RenderingError(report) if report.filename() == letter.id => {
            let range = &report.span().range;
            let start = offset + range.start;
            let line = letter.text.get(..start).map_or(1, |text| text.matches('\n').count() + 1);
            stumble(format!("line {line}: {}", report.message().trim()), Some((start, range.len())))
        }
        ErrorKind::RenderingError(report) => {
            stumble(format!("{}: {}", report.filename(), report.message().trim()), None)
        }
        _ => stumble(error.to_string(), None),
    })
}

/// A person as a header may show it.
fn shown(person: &Person) -> Person {
    Person { name: clean::value_within(&name_of(person), NAME_CHARS_MAX), address: person.address.clone() }
}

fn is_right_to_left(locale: &str) -> bool {
    let language = locale.split(['-', '_']).next().unwrap_or_default();
    ["ar", "fa", "he", "ur", "yi", "ps", "dv", "ckb", "sd", "ug"]
        .contains(&language.to_ascii_lowercase().as_str())
}

/// Letters about one claim share a root, and so do those about one event;
/// others thread by rule and customer.
fn thread(draft: &Draft, claims: &[(&Receivable, bool)], domain: &str) -> String {
    let claim = claims.first().map(|(item, _)| item.id.to_string());
    let event = draft.lines.iter().find_map(|line| match &line.key.subject {
        Subject::Event(id) => Some(id.to_string()),
        _ => None,
    });
    let rule: &RuleName = &draft.rule;
    let root = match (claim, event) {
        (Some(id), _) => ["receivable".to_owned(), id],
        (None, Some(id)) => ["event".to_owned(), id],
        (None, None) => ["rule".to_owned(), rule.to_string()],
    };
    let hash = fingerprint::hash([draft.whose(), root[0].as_str(), root[1].as_str()]);
    format!("courtesy.{}@{domain}", &hash[..24])
}
