//! Trying it out with `mail.redirect_to`, and going live.

use super::courtesy::Installation;

const OFF: &str = "redirect_to: null";
const ON: &str = "redirect_to: me@ours.test";

/// Letters to the customer, and to ourselves instead.
fn to(installation: &Installation) -> (usize, usize) {
    let letters = installation.letters();
    let to = |address: &str| {
        let is_to = |line: &&str| line.starts_with("To: ") && line.contains(address);
        letters.iter().filter(|letter| letter.lines().any(|line| is_to(&line))).count()
    };
    (to("ann@example.test"), to("me@ours.test"))
}

#[test]
fn what_went_to_us_alone_while_trying_out_goes_to_the_customer_once_we_go_live() {
    let installation = Installation::with_a_customer();
    installation.edit("config/courtesy.yaml", OFF, ON);
    installation.record_visit();
    for _ in 0..2 {
        assert_eq!(installation.run(&["run", "--once"]).code, 0);
        assert_eq!(to(&installation), (0, 1), "to us, and once");
    }
    installation.edit("config/courtesy.yaml", ON, OFF);
    let live = installation.run(&["run", "--once"]);
    assert!(live.out.contains("1 sent") || live.err.contains("1 sent"), "{live:?}");
    assert!(live.out.contains("went to our own address alone: it counts as not sent"), "{live:?}");
    for _ in 0..2 {
        assert_eq!(to(&installation), (1, 1), "to the customer as well, and once");
        assert_eq!(installation.run(&["run", "--once"]).code, 0);
    }
    // What the customer has got is not taken back by another trial.
    installation.edit("config/courtesy.yaml", OFF, ON);
    assert_eq!(installation.run(&["run", "--once"]).code, 0);
    installation.edit("config/courtesy.yaml", ON, OFF);
    assert_eq!(installation.run(&["run", "--once"]).code, 0);
    assert_eq!(to(&installation), (1, 1));
    let history = installation.run(&["history", "C1"]);
    assert!(history.out.contains("it went to our own address alone"), "{history:?}");
}
