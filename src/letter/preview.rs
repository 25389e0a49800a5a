//! A letter on made-up facts, for a person who wants to see it.

use super::compose::{Composer, Whom};
use super::sample::{Edge, kinds, sample};
use super::{ComposeError, Content, MailSettings, Occasion};
use crate::domain::notice::Draft;
use crate::domain::rule::{Rule, RuleLetter};
use crate::domain::settings::Settings;

impl Composer {
    /// A rule's letter with everything known that can be, as a reader of
    /// `locale` gets it.
    ///
    /// # Errors
    /// [`ComposeError`], as for a real one.
    pub fn sample(
        &self,
        rule: &Rule,
        letter: &RuleLetter<'_>,
        settings: &Settings,
        mail: &MailSettings,
        locale: &str,
    ) -> Result<Content, ComposeError> {
        let kind = kinds(rule).first().copied().unwrap_or("visit");
        let made = sample(rule, letter.stage, letter.template, letter.to, settings, Edge::Full, kind);
        let made = made.ok_or_else(|| ComposeError::Incomplete("there is no sample of it".to_owned()))?;
        let draft = Draft { cc: letter.cc.to_vec(), stage: letter.name.clone(), ..made.draft };
        let occasion =
            Occasion { draft: &draft, facts: &made.facts, settings, mail, peers: made.peers, now: made.now };
        let whom = Whom::of(&occasion)?;
        let (locale, found) = self.find(letter.template, locale, &settings.business.locale)?;
        let quotes = if self.testimonials.is_empty() { &made.testimonials } else { &self.testimonials };
        self.compose_as(&occasion, whom, locale, found, quotes).map_err(|stumble| stumble.error)
    }
}
