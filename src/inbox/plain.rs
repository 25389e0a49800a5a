//! Bounces without a part for machines, as far as they are certain: those of
//! Exim, which names the recipients in a header, and those of qmail, whose
//! form is written down (QSBMF). Both have a copy of the letter below a line;
//! that it is ours, the store will know by its Message-ID.

use mail_parser::Message;

use super::{header, text};
use crate::domain::returned::{Action, Fate, Says};

/// The most recipients that are read.
const FATES_MAX: usize = 100;

/// What the bounce says, where the mail is one.
pub(super) fn read(message: &Message<'_>) -> Option<Says> {
    let body = message.body_text(0)?.replace("\r\n", "\n");
    let (message_id, fates) = exim(message, &body).or_else(|| qmail(&body))?;
    (!fates.is_empty()).then_some(Says::Fates { message_id, fates })
}

fn exim(message: &Message<'_>, body: &str) -> Option<(String, Vec<Fate>)> {
    let failed = header(message, "X-Failed-Recipients")?;
    let copy = body.find("\n------ This is a copy of ")?;
    let (said, copy) = body.split_at(copy);
    let fate = |recipient: &str| {
        let address = text::address(recipient);
        // What is said of it stands indented below it.
        let own = said.split_once(&format!("\n  {}\n", recipient.trim())).map_or("", |(_, below)| below);
        let lines: Vec<&str> =
            own.lines().take_while(|line| line.starts_with("    ")).map(str::trim).collect();
        failed_for(address, &lines.join(" "))
    };
    let recipients = failed.split(',').map(str::trim).filter(|one| !one.is_empty());
    Some((copied_id(copy)?, recipients.take(FATES_MAX).map(fate).collect()))
}

fn qmail(body: &str) -> Option<(String, Vec<Fate>)> {
    let body = body.strip_prefix("Hi. This is the")?;
    let (said, copy) = body.split_once("\n\n-")?;
    let fate = |paragraph: &str| {
        let (address, said) = paragraph.trim_start().strip_prefix('<')?.split_once(">:")?;
        Some(failed_for(text::address(address), said))
    };
    Some((copied_id(copy)?, said.split("\n\n").filter_map(fate).take(FATES_MAX).collect()))
}

fn failed_for(address: String, said: &str) -> Fate {
    Fate {
        addresses: vec![address],
        action: Action::Failed,
        status: text::said_status(said),
        detail: text::line(said),
    }
}

/// The Message-ID in the headers of the copy.
fn copied_id(copy: &str) -> Option<String> {
    const NAME: &str = "message-id:";
    let value = |line: &str| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then(|| text::message_id(value)).flatten()
    };
    copy.lines().find_map(value)
}
