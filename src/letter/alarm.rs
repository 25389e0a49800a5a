//! The letter of alarm to the operator. Its words stand here and in no
//! template: it must be right when the templates are not.

use jiff::Timestamp;

use super::layout::Styles;
use super::words::Language;
use super::{Content, MailSettings, clean, fingerprint, markdown};
use crate::domain::alarm::{Alarm, Parked};
use crate::domain::customer::{Class, Person};
use crate::domain::settings::Settings;

/// More letters than this are only counted.
const LETTERS_MAX: usize = 20;

/// Writes it.
#[must_use]
pub fn content(alarms: &[Alarm], settings: &Settings, mail: &MailSettings, now: Timestamp) -> Content {
    let business = &settings.business;
    let language = Language::of(&business.locale);
    let words = Words { chinese: language == Language::Chinese, language, settings, now };
    let (letters, others): (Vec<&Alarm>, Vec<&Alarm>) =
        alarms.iter().partition(|alarm| matches!(alarm, Alarm::Letter(_)));
    let mut headlines: Vec<String> = others.iter().map(|alarm| words.headline(alarm)).collect();
    let mut sections: Vec<String> = others.iter().map(|alarm| words.section(alarm)).collect();
    if !letters.is_empty() {
        headlines.push(words.letters_headline(letters.len()));
        sections.push(words.letters(&letters));
    }
    let subject = clean::value_within(&format!("Courtesy: {}", headlines.join(words.comma())), 200);
    let body = format!("{}\n\n{}\n\n{}\n", words.opening(), sections.join("\n\n"), words.closing());
    let parts = markdown::render(&body, &Styles::default());
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"></head><body>{}</body></html>\n",
        business.locale, parts.html
    );
    let mut content = Content {
        locale: business.locale.clone(),
        subject,
        text: parts.text,
        html,
        to: vec![business.operator.clone()],
        cc: Vec::new(),
        reply_to: business.operator.clone(),
        class: Class::Internal,
        thread: format!("alarm@{}", mail.from.address.domain()),
        customer: own(&business.operator),
        attachments: Vec::new(),
        fingerprint: String::new(),
    };
    content.fingerprint = fingerprint::of(&content);
    content
}

fn own(operator: &Person) -> String {
    operator.address.folded()
}

struct Words<'s> {
    chinese: bool,
    language: Language,
    settings: &'s Settings,
    now: Timestamp,
}

impl Words<'_> {
    fn of(&self, english: impl Into<String>, chinese: impl Into<String>) -> String {
        if self.chinese { chinese.into() } else { english.into() }
    }

    fn comma(&self) -> &'static str {
        if self.chinese { "；" } else { "; " }
    }

    fn opening(&self) -> String {
        let name = literal(&self.settings.business.name);
        self.of(
            format!("Something needs you at the Courtesy of {name}."),
            format!("{name} 的 Courtesy 有事需要您处理。"),
        )
    }

    fn closing(&self) -> String {
        self.of(
            "What lasts is told again after a day. `courtesy status` and the log say more.",
            "问题若持续存在，一天后会再次提醒。详情请看 `courtesy status` 与日志。",
        )
    }

    fn moment(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.settings.business.zone.clone()).strftime("%F %R").to_string()
    }

    fn headline(&self, alarm: &Alarm) -> String {
        match alarm {
            Alarm::Hold(halt) => {
                let name = self.language.reason(halt.name());
                self.of(format!("nothing leaves (HOLD): {name}"), format!("已暂停全部发信（HOLD）：{name}"))
            }
            Alarm::MailServer(_) => self.of("the mail server takes no letters", "邮件服务器不接收信件"),
            Alarm::Config(_) => self.of("changed files were refused", "修改后的配置未被采用"),
            Alarm::Letter(_) => self.letters_headline(1),
            Alarm::Unusual(count) => self.of(
                format!("{count} letters held, far more than usual"),
                format!("发信量异常，{count} 封待放行"),
            ),
            Alarm::StaleData(_) => self.of("payments are not up to date", "付款数据过旧"),
            Alarm::Calendar { file, .. } => {
                self.of(format!("the calendar {file} ends"), format!("工作日历 {file} 即将用完"))
            }
        }
    }

    fn letters_headline(&self, count: usize) -> String {
        match count {
            1 => self.of("1 letter waits for a person", "1 封信等待人工处理"),
            _ => self.of(format!("{count} letters wait for a person"), format!("{count} 封信等待人工处理")),
        }
    }

    /// A headline, what there is to say, and what to do.
    fn section(&self, alarm: &Alarm) -> String {
        let (detail, advice) = match alarm {
            Alarm::Hold(halt) => {
                (literal(&halt.said(&self.settings.business.zone, self.now)), halt.advice().to_owned())
            }
            Alarm::MailServer(why) => (
                literal(why),
                self.of(
                    "No letter is lost: they leave when it takes them again. `courtesy check --relay` says what is wrong.",
                    "信件不会丢失，服务器恢复后会继续发出。`courtesy check --relay` 会指出问题所在。",
                ),
            ),
            Alarm::Config(why) => (
                why.iter().map(|why| format!("- {}", literal(why))).collect::<Vec<_>>().join("\n"),
                self.of(
                    "The last good configuration stays in force. Mend the files, then `courtesy reload`.",
                    "仍按上一份有效配置运行。请改正文件，然后执行 `courtesy reload`。",
                ),
            ),
            Alarm::Unusual(_) | Alarm::Letter(_) => (
                String::new(),
                self.of(
                    "Look at them with `courtesy outbox list --state held`, and let them go with `courtesy resume`.",
                    "请用 `courtesy outbox list --state held` 查看，用 `courtesy resume` 放行。",
                ),
            ),
            Alarm::StaleData(read_at) => (
                match read_at {
                    Some(at) => {
                        let at = self.moment(*at);
                        self.of(format!("Payments were last imported {at}."), format!("上次导入付款：{at}。"))
                    }
                    None => self.of("Payments were never imported.", "从未导入付款。"),
                },
                self.of(
                    "Reminders wait until they are (`max_data_age`): `courtesy import payments FILE`.",
                    "导入之前不会发出催款信（`max_data_age`）：`courtesy import payments FILE`。",
                ),
            ),
            Alarm::Calendar { ends_on, .. } => (
                self.of(
                    format!("Its holidays end on {ends_on}; after that only weekends are known."),
                    format!("其中的节假日到 {ends_on} 为止，此后只认周末。"),
                ),
                self.of("Add the next year's, then `courtesy reload`.", "请补充下一年的安排，然后执行 `courtesy reload`。"),
            ),
        };
        let headline = literal(&capital(&self.headline(alarm)));
        [format!("### {headline}"), detail, advice]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    fn letters(&self, alarms: &[&Alarm]) -> String {
        let parked = alarms
            .iter()
            .filter_map(|alarm| if let Alarm::Letter(parked) = alarm { Some(parked) } else { None });
        let mut lines: Vec<String> = parked.take(LETTERS_MAX).map(|parked| self.letter(parked)).collect();
        if alarms.len() > LETTERS_MAX {
            let more = alarms.len() - LETTERS_MAX;
            lines.push(self.of(format!("- and {more} more"), format!("- 另有 {more} 封")));
        }
        let headline = self.letters_headline(alarms.len());
        let advice = self.of(
            "`courtesy outbox show NUMBER` shows one. A held one: `outbox release` or `outbox cancel`. An uncertain one: \
             ask whether it arrived, then `outbox resolve NUMBER --sent` or `--not-sent`.",
            "`courtesy outbox show NUMBER` 查看信件。待放行的：`outbox release` 或 `outbox cancel`。是否送达不明的：请先核实，\
             再执行 `outbox resolve NUMBER --sent` 或 `--not-sent`。",
        );
        format!("### {headline}\n\n{}\n\n{advice}", lines.join("\n"))
    }

    fn letter(&self, parked: &Parked) -> String {
        let state = self.language.state(parked.state);
        let reason = self.language.reason(&parked.reason);
        let what = format!(
            "No. {}, {}/{}, {}: {state}: {reason}",
            parked.letter, parked.rule, parked.stage, parked.customer
        );
        format!("- {}", literal(&what))
    }
}

/// A heading begins with a capital.
fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// Other people's words as words, and on one line.
fn literal(text: &str) -> String {
    let mut escaped = Vec::new();
    let text = clean::value(text);
    match clean::escape_markdown(&text, &mut escaped) {
        Ok(()) => String::from_utf8(escaped).unwrap_or(text),
        // A Vec takes everything.
        Err(_) => text,
    }
}
