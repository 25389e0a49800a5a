//! Rules that can be read and make no sense.

use courtesy::domain::settings::Budget;

use super::{COURTESY, RULE, cases, folder, load, shown, snapshot};

/// The rule with another stage.
fn stage(keys: &str) -> String {
    RULE.replace("{ stage: friendly, at: +3d, template: reminder/friendly }", &format!("{{ {keys} }}"))
}

/// The rule with more keys.
fn with(keys: &str) -> String {
    format!("{RULE}{keys}\n")
}

fn event(keys: &str) -> String {
    RULE.replace("receivable.due_on", "event.visit").replace("dunning", "courtesy") + keys + "\n"
}

/// A courtesy that counts from these.
fn anchors(words: &str) -> String {
    event("").replace("event.visit", &format!("[{words}]"))
}

#[test]
fn keys_of_a_rule_say_what_they_expect() {
    snapshot!(cases(
        "rules/a.yaml",
        &[
            ("keys are missing", "rule: a\n".to_owned()),
            ("a class that is none", RULE.replace("dunning", "friendly")),
            ("an anchor that is nearly one", RULE.replace("receivable.due_on", "receivable.due")),
            ("an anchor that is none", RULE.replace("receivable.due_on", "invoice")),
            ("an event without a kind", RULE.replace("receivable.due_on", "event.")),
            ("several anchors", anchors("event.favour, receivable.due_on, event.favour, calendar")),
            ("several anchors without an event", anchors("receivable.due_on, payment.received_on")),
            ("no anchor", anchors("")),
            ("a bad cron", with("schedule: every morning")),
            ("a cron with a wrong hour", with("schedule: \"0 25 * * *\"")),
            ("a cron that never comes", with("schedule: \"0 9 31 2 *\"")),
            (
                "a calendar rule without a schedule",
                RULE.replace("receivable.due_on", "calendar").replace("+3d", "0d")
            ),
            ("a name with a slash", RULE.replace("rule: reminders", "rule: all/reminders")),
            ("an empty value", RULE.replace("class: dunning", "class:")),
            ("a list where a word belongs", RULE.replace("class: dunning", "class: [dunning]")),
            ("combine of an event", event("combine: customer")),
            ("combine of something else", with("combine: all")),
            ("include without combine", with("include: open")),
            ("interlocks", with("not_while: [overdu, dunned, { dunned: 2h }, { duned: 14d }]")),
            ("an interlock instead of a list of them", with("not_while: disputed")),
            ("stale_after in hours", with("stale_after: 5h")),
            ("a cap that is none", event("per_customer: once per 180d")),
            ("a cap of reminders", with("per_customer: 1 per 180d")),
            (
                "a cap of letters to ourselves",
                event("per_customer: 1 per 180d")
                    .replace("courtesy", "internal")
                    .replace("reminder/friendly }", "a, to: owner }")
            ),
            ("words", with("backlog: go\nbudget: moment\ndays: weekday")),
        ],
    ));
}

#[test]
fn stages_that_cannot_be_are_named() {
    let two = |first: &str, second: &str| {
        RULE.replace(
            "  - { stage: friendly, at: +3d, template: reminder/friendly }",
            &format!("  - {{ {first} }}\n  - {{ {second} }}"),
        )
    };
    snapshot!(cases(
        "rules/a.yaml",
        &[
            (
                "out of order",
                two("stage: friendly, at: +10d, template: a", "stage: firm, at: +3d, template: b")
            ),
            (
                "the same time",
                two("stage: friendly, at: 0d, template: a", "stage: firm, at: 0d, template: b")
            ),
            ("the same name", two("stage: firm, at: +3d, template: a", "stage: firm, at: +9d, template: b")),
            ("no stage", RULE.replace("stages:", "stages: []").replace("  - {", "# {")),
            ("a missing key", stage("stage: firm, template: a")),
            ("an offset that is none", stage("stage: firm, at: 3 days, template: a")),
            ("minutes from a due date", stage("stage: firm, at: +10min, template: a")),
            ("a deadline in months", stage("stage: firm, at: +3d, template: a, deadline: 1mo")),
            ("an unknown recipient", stage("stage: firm, at: +3d, template: a, to: [custmer], cc: [boss]")),
            (
                "an address that is none",
                stage("stage: firm, at: +3d, template: a, cc: [\"lina@morningstar\"]")
            ),
            ("somebody twice", stage("stage: firm, at: +3d, template: a, cc: [owner, owner]")),
            ("nobody", stage("stage: firm, at: +3d, template: a, to: []")),
            ("approve yes", stage("stage: firm, at: +3d, template: a, approve: yes")),
            ("a template with an ending", stage("stage: firm, at: +3d, template: reminder/firm.md")),
            ("a template elsewhere", stage("stage: firm, at: +3d, template: ../secret")),
            ("before an event", event("").replace("+3d", "-1d")),
            ("a guarantor of an event", event("").replace("reminder/friendly }", "a, cc: guarantor }")),
            (
                "before a payment",
                RULE.replace("receivable.due_on", "payment.received_on").replace("+3d", "-3d")
            ),
            (
                "a calendar rule with an offset",
                RULE.replace("receivable.due_on", "calendar") + "schedule: \"0 9 1 * *\"\n"
            ),
            ("internal to the customer, unsaid", RULE.replace("dunning", "internal")),
            (
                "internal to the customer",
                RULE.replace("dunning", "internal").replace("reminder/friendly }", "a, to: customer }")
            ),
        ],
    ));
}

#[test]
fn repetitions_that_cannot_be_are_named() {
    let repeat = |keys: &str| stage(&format!("stage: firm, at: +3d, template: a, repeat: {{ {keys} }}"));
    snapshot!(cases(
        "rules/a.yaml",
        &[
            ("without an interval", repeat("at_most: 3")),
            ("hours", repeat("every: 2h")),
            ("business days", repeat("every: 5bd")),
            ("no time at all", repeat("every: 0d")),
            ("shrinking", repeat("every: 14d, growing: 0.5")),
            ("growing months", repeat("every: 1mo, growing: 2")),
            ("never", repeat("every: 14d, at_most: 0")),
            ("half a letter", repeat("every: 14d, at_most: 1.5")),
            ("then without an end", repeat("every: 14d, then: { to: owner, template: b }")),
            ("then without a recipient", repeat("every: 14d, at_most: 2, then: { template: b }")),
            ("until something that is no event", repeat("every: 14d, until: proficient")),
            (
                "for ever, to be friendly",
                event("").replace("reminder/friendly }", "a, repeat: { every: 14d } }")
            ),
            (
                "by a calendar",
                RULE.replace("receivable.due_on", "calendar").replace(
                    "+3d, template: reminder/friendly }",
                    "0d, template: a, repeat: { every: 7d } }"
                ) + "schedule: \"0 9 1 * *\"\n"
            ),
        ],
    ));
}

#[test]
fn conditions_that_cannot_hold_are_named() {
    snapshot!(cases(
        "rules/a.yaml",
        &[
            ("an unknown condition", with("where: { kinds: invoice }")),
            ("an unknown kind", with("where: { kind: [invoice, invioce] }")),
            ("an unknown currency", with("where: { currency: [CNY, RMB] }")),
            ("a currency in small letters", with("where: { currency: cny }")),
            ("an unknown currency with a least balance", with("where: { min_balance: { RMB: 100 } }")),
            ("a least balance without a currency", with("where: { min_balance: 100 }")),
            (
                "amounts that are none",
                with("where: { min_balance: { CNY: 1e3, JPY: 1.5, EUR: -1, KWD: \"1,000\" } }")
            ),
            (
                "a receivable's conditions of an event",
                event("where: { kind: invoice, min_balance: { CNY: 1 }, currency: CNY }")
            ),
            ("an event's conditions of a receivable", with("unless: { outcome: positive, product: X1 }")),
            (
                "a receivable's conditions of a calendar",
                RULE.replace("receivable.due_on", "calendar").replace("+3d", "0d")
                    + "schedule: \"0 9 1 * *\"\nwhere: { kind: visit, postponements_at_least: 1 }\n"
            ),
            (
                "postponements of an event",
                event("unless: { postponements_at_least: 2, broken_promises_at_least: 1 }")
            ),
            ("an event's kind of a receivable", with("where: { kind: visit }")),
            (
                "kinds that are not the rule's own",
                anchors("event.favour, event.referral")
                    + "where: { kind: [favor, event.referral] }\nunless: { kind: survey }\n"
            ),
            ("an outcome that is nothing", event("where: { outcome: [] }")),
            ("an outcome that is none", event("where: { outcome: good }")),
            ("a language that is none", with("where: { locale: [zh_CN, Chinese] }")),
            ("an empty list", with("where: { segment: [] }")),
            ("a number that is none", with("where: { purchases_at_least: two }")),
            ("attributes that are no map", with("where: { attributes: [a, b] }")),
        ],
    ));
}

#[test]
fn rules_that_can_never_write_or_always_come_too_late_are_named() {
    let settled = |keys: &str| with(keys).replace("receivable.due_on", "receivable.settled_on");
    let promised = |keys: &str| with(keys).replace("receivable.due_on", "receivable.promised_on");
    snapshot!(cases(
        "rules/a.yaml",
        &[
            ("left out by kind", with("where: { kind: invoice }\nunless: { kind: [balance, invoice] }")),
            ("left out by every outcome", event("unless: { outcome: [positive, neutral, negative, none] }")),
            ("left out by the only event", event("unless: { kind: visit }")),
            (
                "left out by number",
                with("where: { postponements_at_least: 3 }\nunless: { postponements_at_least: 2 }")
            ),
            ("left out by none at least", with("unless: { purchases_at_least: 0 }")),
            (
                "left out by balance",
                with(
                    "where: { currency: EUR, min_balance: { EUR: 50 } }\nunless: { min_balance: { EUR: 10 } }"
                )
            ),
            (
                "left out by language and attribute",
                with(
                    "where: { locale: [zh-CN, zh-TW], attributes: { vip: [yes] } }\nunless: { locale: zh, attributes: { vip: [yes, maybe] } }"
                )
            ),
            (
                "only some left out",
                with(
                    "where: { kind: [invoice, balance], tags: [a, b] }\nunless: { kind: invoice, tags: [a, b] }"
                )
            ),
            ("credit notes", with("where: { kind: [invoice, credit_note] }")),
            ("a balance of what is settled", settled("where: { min_balance: { EUR: 5 } }")),
            ("more broken promises than count", promised("where: { broken_promises_at_least: 3 }")),
            ("a rule that looks too seldom", event("schedule: \"0 9 * * Mon\"")),
            ("one that looks often enough", event("schedule: \"0 9 * * Mon-Fri\"")),
            ("the day itself, after hours", with("schedule: \"0 18 * * *\"").replace("+3d", "0d")),
            ("the day itself, in time", with("schedule: \"30 17 * * *\"").replace("+3d", "0d")),
        ],
    ));
}

#[test]
fn promises_that_never_count_are_never_broken() {
    let rule = RULE.replace("receivable.due_on", "receivable.promised_on");
    let courtesy = format!("{COURTESY}promises: {{ at_most: 0 }}\n");
    snapshot!(shown(&[("rules/a.yaml", rule.as_bytes()), ("courtesy.yaml", courtesy.as_bytes())]));
}

#[test]
fn two_rules_that_write_to_the_same_people_on_the_same_day_are_named() {
    let second = |text: &str| text.replace("rule: reminders", "rule: second");
    let calendar = |schedule: &str| {
        event(&format!("schedule: \"{schedule}\"")).replace("event.visit", "calendar").replace("+3d", "0d")
    };
    let two_stages = with("").replace("stages:\n", "stages:\n  - { stage: today, at: 0d, template: a }\n");
    let all = [
        ("a copy under another name", two_stages.clone(), second(&two_stages)),
        ("one is for some of the other's people", with("where: { segment: vip }"), second(RULE)),
        ("business days and none", RULE.replace("+3d", "0d"), second(&RULE.replace("+3d", "0bd"))),
        (
            "an event and its minutes",
            event("").replace("+3d", "+10min"),
            second(&event("").replace("+3d", "0d")),
        ),
        ("one event in common", anchors("event.favour, event.visit"), second(&event(""))),
        (
            "languages that meet",
            with("where: { locale: zh }"),
            second(&with("where: { locale: [zh-CN, en] }")),
        ),
        (
            "tags, of which a customer has several",
            with("where: { tags: a }"),
            second(&with("where: { tags: b }")),
        ),
        ("a day in common", calendar("0 9 28 12 *"), second(&calendar("0 9 * 12 Mon"))),
        ("no day in common", calendar("0 9 28 12 *"), second(&calendar("0 9 1 * *"))),
        (
            "other kinds",
            with("where: { kind: invoice }"),
            second(&with("where: { kind: [balance, deposit] }")),
        ),
        ("other outcomes", event("where: { outcome: positive }"), second(&event("where: { outcome: none }"))),
        ("other currencies", with("where: { currency: EUR }"), second(&with("where: { currency: CNY }"))),
        (
            "one leaves out the other's",
            with("where: { postponements_at_least: 2 }"),
            second(&with("where: { kind: invoice }\nunless: { postponements_at_least: 2 }")),
        ),
        ("another day", RULE.to_owned(), second(&RULE.replace("+3d", "+4d"))),
        ("another anchor", RULE.to_owned(), second(&RULE.replace("due_on", "issued_on"))),
        (
            "to our own people",
            RULE.replace("reminder/friendly }", "a, to: owner }"),
            second(&RULE.replace("reminder/friendly }", "a, to: owner }")),
        ),
    ];
    let told = all.map(|(title, one, other)| {
        let files = [("rules/a.yaml", one.as_bytes()), ("rules/b.yaml", other.as_bytes())];
        format!("=== {title}\n{}\n", shown(&files))
    });
    snapshot!(told.concat());
}

#[test]
fn a_rule_of_several_events_asks_about_each_kind() {
    let text = anchors("event.proficient, event.survey")
        + "unless: { kind: survey, outcome: [neutral, negative, none] }\nper_customer: 2 per 180d\n";
    let one = event("where: { kind: visit }");
    let folder = folder(&[
        ("rules/a.yaml", text.as_bytes()),
        ("rules/b.yaml", one.replace("rule: reminders", "rule: one").as_bytes()),
    ]);
    let rules = load(folder.path()).expect("good rules").rules;
    let by_name = |name: &str| rules.iter().find(|rule| rule.name.as_str() == name).expect("the rule");
    let rule = by_name("reminders");
    assert_eq!(rule.anchor.to_string(), "event.proficient, event.survey");
    assert_eq!(rule.unless.kind, ["survey"]);
    assert_eq!(rule.unless.outcome, ["neutral", "negative", "none"]);
    assert_eq!(rule.per_customer, Some(Budget { letters: 2, days: 180 }));
    assert_eq!(by_name("one").audience.kind, ["visit"]);
}

#[test]
fn two_rules_of_one_name_are_noticed_even_if_one_is_wrong() {
    let wrong = RULE.replace("dunning", "duning");
    snapshot!(shown(&[("rules/a.yaml", RULE.as_bytes()), ("rules/b.yaml", wrong.as_bytes())]));
}

#[test]
fn the_folder_of_rules_says_what_it_does_not_read() {
    let missing = shown(&[("courtesy.yaml", format!("{COURTESY}rules: regeln\n").as_bytes())]);
    let empty = shown(&[("rules/README.md", b"soon")]);
    let others = shown(&[
        ("rules/a.yaml", RULE.as_bytes()),
        ("rules/b.yml", b"rule: b"),
        ("rules/.c.yaml.swp", b"\xff"),
        ("rules/.d.yaml", b"\xff"),
        ("rules/a.yaml~", b"\xff"),
        ("rules/more/e.yaml", b"rule: e"),
    ]);
    snapshot!(format!("=== missing\n{missing}\n=== empty\n{empty}\n=== others\n{others}"));
}

#[test]
fn a_fingerprint_changes_with_the_meaning_and_not_with_the_layout() {
    let fingerprint = |text: &str| {
        let folder = folder(&[("rules/a.yaml", text.as_bytes())]);
        let config = load(folder.path()).expect("a good rule");
        config.fingerprints.into_values().next().expect("one rule")
    };
    let same = "# a comment\nclass:   dunning\nrule: \"reminders\"\nanchor: receivable.due_on\nstages:\n- stage: friendly\n  template: reminder/friendly\n  at: '+3d'\n";
    assert_eq!(fingerprint(RULE), fingerprint(same));
    assert_ne!(fingerprint(RULE), fingerprint(&RULE.replace("+3d", "+4d")));
    assert_eq!(fingerprint(RULE).len(), 64);
}

#[test]
fn a_template_that_is_missing_can_be_shown_in_its_rule() {
    let rule = stage(
        "stage: care, at: +3d, template: a, repeat: { every: 7d, at_most: 2, then: { to: owner, template: b } }",
    );
    let folder = folder(&[("rules/a.yaml", rule.as_bytes())]);
    let config = load(folder.path()).expect("a good rule");
    let uses: Vec<_> = config
        .template_uses
        .iter()
        .map(|found| {
            let place = found.problem("is missing").line_and_column();
            (found.stage.as_str(), found.template.as_str(), found.to_customer, place)
        })
        .collect();
    assert_eq!(uses, [("care", "a", true, Some((5, 39))), ("care/then", "b", false, Some((5, 104)))]);
}
