//! The demo shows what it should on any day, and replaces nothing but itself.

use super::rows::Show;
use super::*;

/// Spring Festival at the end, in the middle and at the beginning of the
/// story, the National Day, and a year beyond the calendars; weekends, nights
/// and mornings.
const STARTS: &[&str] = &[
    "2026-03-01T15:30:00Z",
    "2026-04-12T02:00:00Z",
    "2026-06-06T23:30:00Z",
    "2026-11-01T00:00:00Z",
    "2028-02-29T16:00:00Z",
];

/// Plays until a moment, and tells the rows that nothing showed.
async fn unshown(until: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let now = until.parse().expect("a moment");
    let play = Play::perform(folder.path(), now, &mut Screen::standard(true)).await.expect("a play");
    let seen = play.seen().await.expect("a look back");
    let mut missing = Vec::new();
    for (row, show) in ROWS.iter().flat_map(|row| row.shows.iter().map(move |show| (row, show))) {
        let sight = show.seen(&seen);
        if !sight.met {
            missing.push(format!("{until}: {}: {}", row.id, sight.words));
        }
    }
    missing
}

#[tokio::test]
async fn every_need_is_met_whatever_the_day_on_which_the_demo_is_played() {
    let mut missing = Vec::new();
    for until in STARTS {
        missing.extend(unshown(until).await);
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_shipped_rule_shows_something_or_is_a_digest() {
    let folder = tempfile::tempdir().expect("a folder");
    set_up(folder.path()).expect("the shipped files");
    let config = load::config_at(&folder.path().join("config/courtesy.yaml")).expect("no problems");
    let rules = config.rules.iter().filter(|rule| !rule.is_digest()).map(|rule| rule.name.as_str());
    let shown = ROWS.iter().flat_map(|row| row.shows).filter_map(|show| match show {
        Show::Rule(rule) | Show::InSeason(rule) => Some(*rule),
        Show::Count(..) | Show::Never(..) => None,
    });
    assert_eq!(shown.collect::<BTreeSet<_>>(), rules.collect::<BTreeSet<_>>());
}

#[test]
fn only_a_former_demo_is_ever_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = |force| DemoArgs { dir: folder.path().to_owned(), force };
    make_room(&args(false)).expect("an empty folder will do");
    let letters = folder.path().join("data/outbox");
    fs::create_dir_all(&letters).expect("a folder with letters");
    make_room(&args(true)).expect_err("somebody's letters stay");
    assert!(letters.exists());
    fs::write(folder.path().join(MARKER), "").expect("marked");
    let refusal = make_room(&args(false)).expect_err("only when asked to").to_string();
    assert!(refusal.contains("--force"), "{refusal}");
    make_room(&args(true)).expect("asked to");
    assert!(!letters.exists());
}
