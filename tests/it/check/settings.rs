//! `courtesy.yaml`: what is wrong in it, and what it means.

use std::time::Duration;

use courtesy::config;
use courtesy::letter::ReplyTo;
use courtesy::problem::Problem;
use courtesy::relay::{Deliver, SmtpSettings, Tls};
use secrecy::ExposeSecret as _;

use super::{COURTESY, cases, folder, load, snapshot};

fn with(keys: &str) -> String {
    format!("{COURTESY}{keys}\n")
}

fn mail(keys: &str) -> String {
    COURTESY
        .replace("from: accounts@morningstar.example", &format!("from: accounts@morningstar.example, {keys}"))
}

fn smtp(keys: &str) -> String {
    at_work(&mail(&format!("deliver: {{ smtp: {{ host: smtp.example, {keys} }} }}")))
}

/// With addresses that are no example's.
fn at_work(courtesy: &str) -> String {
    courtesy.replace("@morningstar.example", "@morningstar.test")
}

#[test]
fn addresses_of_the_example_are_warned_of_once_letters_really_leave() {
    let everywhere = "deliver: { smtp: { host: smtp.example } }, reply_to: ann@sales.example.com, \
                      redirect_to: me@example.org, unsubscribe: { mailto: stop@Morningstar.Example }";
    let near = "deliver: { smtp: { host: smtp.example } }, reply_to: ann@myexample.com";
    snapshot!(cases(
        "courtesy.yaml",
        &[
            ("into files", mail("reply_to: ann@sales.example.com")),
            (
                "everywhere",
                mail(everywhere).replace("people: {", "people: { manager: \"Li <li@ours.example>\",")
            ),
            ("nowhere", at_work(&mail(near))),
        ],
    ));
}

#[test]
fn a_sender_whose_domain_is_not_the_accounts_is_warned_of() {
    let account = |name: &str| smtp(&format!("username: {name}, password: {{ env: PATH }}"));
    let plain = |text: String| text.replace("PATH", "SMTP_PASSWORD");
    snapshot!(cases(
        "courtesy.yaml",
        &[
            ("another domain", plain(account("morningstar@provider.test"))),
            ("its own", plain(account("robot@Morningstar.Test"))),
            ("above it", plain(account("robot@mail.morningstar.test"))),
            ("a name that only ends alike", plain(account("robot@evening-morningstar.test"))),
            ("no domain", plain(account("robot"))),
        ],
    ));
}

#[test]
fn keys_of_courtesy_yaml_say_what_they_expect() {
    snapshot!(cases(
        "courtesy.yaml",
        &[
            ("needed keys are missing", "business: { timezone: UTC }\npeople: {}\n".to_owned()),
            ("an unknown key", with("leters: {}")),
            ("an unknown key further in", with("letters: { hours: { form: \"09:00\" } }")),
            ("an unknown zone", COURTESY.replace("Shanghai", "Peking")),
            ("no zone", COURTESY.replace(", timezone: Asia/Shanghai", "")),
            ("a language that is none", COURTESY.replace("timezone:", "locale: english, timezone:")),
            (
                "addresses that are none",
                COURTESY
                    .replace("it@morningstar.example", "\"IT <it@morningstar>\"")
                    .replace("accounts@", "accounts")
            ),
            (
                "two addresses in one",
                COURTESY.replace("it@morningstar.example", "\"a@b.example, c@d.example\"")
            ),
            ("an address with Chinese letters before the @", COURTESY.replace("it@", "李娜@")),
            (
                "hours that end before they begin",
                with("letters: { hours: { from: \"18:00\", until: \"09:00\" } }")
            ),
            (
                "hours from the end of the day",
                with("letters: { hours: { from: \"24:00\", until: \"24:00\" } }")
            ),
            (
                "hours that are none",
                with("letters: { hours: { from: 9, until: \"25:00\", days: weekend, timezone: theirs } }")
            ),
            (
                "budgets that are none",
                with("letters: { per_customer: 1 every 2d, moments: 0 per 1d, per_pass: 0 }")
            ),
            (
                "distances that are none",
                with("dunning: { min_gap: 2h, resume_after: soon, due_on_closed_day: previous }")
            ),
            ("promises that are none", with("promises: { at_most: -1, longest: 2h, grace: 1mo }")),
            (
                "limitation that is none",
                with("limitation: { invoice: 30d, invoices: 3y, restart_by: [reminder] }")
            ),
            ("an age that is none", with("max_data_age: 1mo")),
            ("texts that are kept for no time", with("retention: { bodies: 0d }")),
            ("texts that are kept backwards", with("retention: { bodies: -2y }")),
            ("texts that nobody could look up", with("retention: { bodies: 29d }")),
            ("texts that are kept for hours", with("retention: { bodies: 900h, letters: 2y }")),
            ("guards that guard nothing", with("guards: { away: 2y, free_space: much }")),
            (
                "limits that let nothing leave",
                with("letters: { per_rule: 0, unusual: { above: 0, times: 0 } }")
            ),
            ("a share that is none", with("import: { share: 30 }")),
            ("a log that is none", with("log: { addresses: hidden }")),
            ("PostgreSQL", with("store: { postgres: { url: { env: PG_URL } } }")),
            ("two stores", with("store: { sqlite: a.db, postgres: { url: { env: PG_URL } } }")),
            ("an unknown store", with("store: { mysql: a }")),
        ],
    ));
}

#[test]
fn keys_of_mail_say_what_they_expect() {
    snapshot!(cases(
        "courtesy.yaml",
        &[
            ("answers to nobody", mail("reply_to: salesperson")),
            ("two ways out", mail("deliver: { files: a, smtp: { host: smtp.example } }")),
            ("no way out", mail("deliver: {}")),
            ("an unsafe way to unsubscribe", mail("unsubscribe: { url: \"http://morningstar.example/u\" }")),
            ("no host", mail("deliver: { smtp: { port: 465 } }")),
            ("a host with a port", at_work(&mail("deliver: { smtp: { host: \"smtp.example:465\" } }"))),
            ("no encryption", smtp("tls: none")),
            ("a kind of encryption that is none", smtp("tls: ssl")),
            ("a port of the other kind", smtp("port: 587")),
            ("a port that is none", smtp("port: 70000")),
            ("a name without a password", smtp("username: a")),
            ("a password without a name", smtp("password: { env: A }")),
            ("a password in the file", smtp("username: a, password: secret")),
            ("a password that is not here", smtp("username: a, password: { env: SMTP_PASSWORD }")),
            ("a credential that is not here", smtp("username: a, password: { credential: smtp-password }")),
            (
                "limits that are none",
                smtp("connections: 0, rate: 2/s, hello: my host, timeouts: { final_dot: 2h, dot: 5min }")
            ),
            ("a last answer that is not waited for", smtp("timeouts: { final_dot: 299s }")),
        ],
    ));
}

#[test]
fn what_is_not_said_has_a_sensible_value() {
    let folder = folder(&[]);
    let config = load(folder.path()).expect("good files");
    assert_eq!(config.warnings, []);
    assert_eq!(config.mail.reply_to, ReplyTo::Owner);
    assert_eq!(config.mail.unsubscribe.mailto.as_str(), "accounts@morningstar.example");
    assert_eq!(config.mail.from.name, "accounts@morningstar.example");
    let data = folder.path().join("../data");
    assert_eq!(config.store, data.join("courtesy.db"));
    assert!(matches!(&config.deliver, Ok(Deliver::Files(outbox)) if *outbox == data.join("outbox")));
    assert_eq!(config.mail.attachments, folder.path().join("../attachments"));
    assert!(config.log.mask_addresses);
    assert_eq!(config.settings.bodies_kept, None, "nothing is removed unasked");
    assert!((config.import_share - 0.3).abs() < f64::EPSILON);
    insta::assert_debug_snapshot!((
        &config.settings.letters,
        &config.settings.dunning,
        &config.settings.promises,
        &config.settings.guards
    ));
}

fn smtp_of(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<SmtpSettings, Problem> {
    let folder =
        folder(&[("courtesy.yaml", text.as_bytes()), ("password", b"from a file\r\n"), ("empty", b"\n")]);
    let environment = |name: &str| match name {
        "CREDENTIALS_DIRECTORY" => Some(folder.path().display().to_string()),
        _ => environment(name),
    };
    let config = config::load(&folder.path().join("courtesy.yaml"), &environment).expect("good files");
    match config.deliver? {
        Deliver::Smtp(smtp) => Ok(smtp),
        Deliver::Files(_) => panic!("not SMTP"),
    }
}

#[test]
fn a_relay_is_read_with_all_its_keys() {
    let keys = "port: 2525, tls: starttls, username: a, password: { file: password }, connections: 2, \
                rate: 120/min, hello: mail.example, timeouts: { final_dot: 5min, connect: 10s }";
    let smtp = smtp_of(&smtp(keys), &|_| None).expect("a password");
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), ("smtp.example", 2525, Tls::StartTls));
    assert_eq!((smtp.connections, smtp.rate_per_min, smtp.hello.as_str()), (2, Some(120), "mail.example"));
    assert_eq!(smtp.timeouts.final_dot, Duration::from_mins(5));
    assert_eq!(smtp.timeouts.connect, Duration::from_secs(10));
    assert_eq!(smtp.timeouts.data, Duration::from_mins(2), "the default");
}

#[test]
fn a_password_comes_from_where_it_is_kept_and_is_never_shown() {
    let password = |place: &str| {
        let text = smtp(&format!("username: a, password: {place}"));
        let environment = |name: &str| (name == "SMTP_PASSWORD").then(|| "from the environment".to_owned());
        smtp_of(&text, &environment).map(|smtp| {
            assert!(!format!("{smtp:?}").contains("from "), "{smtp:?}");
            smtp.credentials.expect("credentials").password.expose_secret().to_owned()
        })
    };
    assert_eq!(password("{ credential: password }").as_deref(), Ok("from a file"));
    assert_eq!(password("{ file: password }").as_deref(), Ok("from a file"));
    assert_eq!(password("{ env: SMTP_PASSWORD }").as_deref(), Ok("from the environment"));
    let empty = password("{ file: empty }").expect_err("no password");
    assert_eq!(empty.message, "the password is empty");
    assert!(password("{ file: missing }").is_err());
    assert!(password("{ env: OTHER }").is_err());
}

#[test]
fn clear_text_is_possible_to_this_machine_only() {
    for (host, good) in [
        ("127.0.0.1", true),
        ("127.8.9.10", true),
        ("\"::1\"", true),
        ("localhost", true),
        ("10.0.0.1", false),
        ("127.0.0.1.example", false),
        ("localhost.example", false),
    ] {
        let text = smtp("tls: none").replace("smtp.example", host);
        let folder = folder(&[("courtesy.yaml", text.as_bytes())]);
        assert_eq!(load(folder.path()).is_ok(), good, "{host}");
    }
}

#[test]
fn a_file_that_is_named_must_exist_and_a_folder_means_the_file_in_it() {
    let folder = folder(&[]);
    let file = folder.path().join("courtesy.yaml");
    assert_eq!(config::find(Some(&file)).as_deref(), Ok(file.as_path()));
    assert_eq!(config::find(Some(folder.path())).as_deref(), Ok(file.as_path()));
    let missing = config::find(Some(&folder.path().join("other.yaml"))).expect_err("a problem");
    assert_eq!(missing.message, "there is no such file");
}

#[test]
fn the_last_minute_of_the_day_can_be_within_the_hours() {
    let text = with("letters: { hours: { from: 8:30, until: 24:00, days: any, timezone: business } }");
    let folder = folder(&[("courtesy.yaml", text.as_bytes())]);
    let hours = load(folder.path()).expect("good files").settings.letters.hours;
    assert_eq!((hours.from, hours.until, hours.of_customer), (jiff::civil::time(8, 30, 0, 0), None, false));
}
