//! What customers say: what is wrong in the file, and what it means.

use super::{COURTESY, folder, load, shown, snapshot};

fn naming_it() -> String {
    format!("{COURTESY}testimonials: testimonials.yaml\n")
}

#[test]
fn testimonials_that_cannot_be_are_named() {
    let courtesy = naming_it();
    let one = |title: &str, text: &str| {
        let files = [("courtesy.yaml", courtesy.as_bytes()), ("testimonials.yaml", text.as_bytes())];
        format!("=== {title}\n{}\n", shown(&files))
    };
    let all = [
        format!("=== a missing file\n{}\n", shown(&[("courtesy.yaml", courtesy.as_bytes())])),
        one("no list", "quote: Good.\n"),
        one("an unknown key", "- { quote: Good., name: Ann, sector: food }\n"),
        one("no name", "- { quote: Good. }\n"),
        one("a language that is none", "- { quote: 好, name: 陈静, locale: Chinese }\n"),
        one("a whole page", &format!("- {{ quote: {}, name: Ann }}\n", "好".repeat(501))),
    ];
    snapshot!(all.concat());
}

#[test]
fn testimonials_are_read_in_order_and_may_be_none() {
    let courtesy = naming_it();
    let read = |text: &[u8]| {
        let folder = folder(&[("courtesy.yaml", courtesy.as_bytes()), ("testimonials.yaml", text)]);
        load(folder.path()).expect("good files").testimonials
    };
    assert_eq!(read(b"[]\n"), []);
    let both = read(
        "- { quote: Good., name: Ann }\n- { quote: 好, name: 陈静, segment: food, locale: zh }\n".as_bytes(),
    );
    let said: Vec<_> =
        both.iter().map(|of| (of.quote.as_str(), of.segment.as_deref(), of.locale.as_deref())).collect();
    assert_eq!(said, [("Good.", None, None), ("好", Some("food"), Some("zh"))]);
    let shipped = include_bytes!("../../../config/testimonials.yaml");
    assert!(read(shipped).iter().any(|of| of.segment.is_none()), "something for everybody");
    let none = folder(&[("courtesy.yaml", COURTESY.as_bytes())]);
    assert_eq!(load(none.path()).expect("good files").testimonials, []);
}
