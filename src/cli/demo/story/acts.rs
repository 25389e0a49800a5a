//! What the sample business's people write down, day by day.

use crate::domain::event::EventOutcome;
use crate::domain::receivable::{PauseCause, Status};

/// What a person at the business writes down.
pub enum Act {
    /// For which claim, how much; negative where it bounced.
    Paid(&'static str, &'static str),
    /// By whom, how much, in which currency.
    OnAccount(&'static str, &'static str, &'static str),
    /// What, with whom, how it went, about what, in whose words.
    Event(&'static str, Whom, Option<EventOutcome>, &'static str, &'static str),
    /// Which claim, in how many days.
    Promise(&'static str, i32),
    /// Why, which claim, in words.
    Pause(PauseCause, &'static str, &'static str),
    /// Whom, for how many days, in words.
    HoldCustomer(&'static str, i32, &'static str),
    /// What is over about which claim.
    Resume(PauseCause, &'static str),
    /// Which claim is what.
    Status(&'static str, Status),
    /// Who confirms its whole balance, how.
    Acknowledged(&'static str, &'static str),
}

/// With whom something happened.
#[derive(Clone, Copy)]
pub enum Whom {
    /// One customer.
    One(&'static str),
    /// Every customer of a segment.
    Segment(&'static str),
}

use Act::{Acknowledged, Event, HoldCustomer, OnAccount, Paid, Pause, Promise, Resume};
use Whom::{One, Segment};

const GOOD: Option<EventOutcome> = Some(EventOutcome::Positive);
const BAD: Option<EventOutcome> = Some(EventOutcome::Negative);

/// What happened before the first day: day, what, with whom, about what.
pub const BEFORE: &[(i32, &str, &str, &str)] = &[
    (-400, "purchase", "C12", "和面机"),
    (-330, "purchase", "C09", "Planer knives"),
    (-290, "purchase", "C01", "Convection oven"),
    (-250, "purchase", "C12", "冷柜"),
    (-210, "purchase", "C09", "Dust extractor"),
    (-170, "purchase", "C12", "切片机"),
    (-142, "delivery", "C01", "Dough sheeter DS-40"),
    (-120, "purchase", "C09", "Edge banding"),
];

/// Day, local time at the business, what.
pub const ACTS: &[(i32, &str, Act)] = &[
    (4, "09:00", Act::Status("INV-1016", Status::Replaced)),
    (
        5,
        "10:20",
        Event(
            "visit",
            One("C09"),
            GOOD,
            "Edge bander EB-2",
            "It was good to see the edge bander run on your own oak boards.",
        ),
    ),
    (9, "15:05", Event("signing", One("C02"), GOOD, "数控车床", "")),
    (12, "14:10", Event("signing", One("C09"), GOOD, "Edge bander EB-2", "")),
    (
        17,
        "09:40",
        Event(
            "visit",
            One("C10"),
            GOOD,
            "整经机",
            "您提到的张力控制问题，我已请工程师整理资料，随后发给您。",
        ),
    ),
    (18, "11:15", Paid("INV-1001", "12400.00")),
    (19, "10:00", Paid("I-5001", "8000.00")),
    (
        20,
        "14:00",
        Event("favour", One("C13"), None, "", "Showing your gripper cell to our visitors meant a lot to us."),
    ),
    (24, "09:30", Paid("D-2001", "96000.00")),
    (24, "16:45", Event("purchase", One("C01"), None, "Blades and belts", "")),
    (25, "17:00", Event("delivery", One("C02"), None, "数控车床", "")),
    (28, "10:30", Promise("INV-1003", 10)),
    (30, "16:00", Event("delivery", One("C09"), None, "Edge bander EB-2", "")),
    (34, "14:00", Pause(PauseCause::Dispute, "INV-1004", "少发两箱备件")),
    (41, "09:10", HoldCustomer("C10", 16, "厂里正在搬迁，约好下月再谈")),
    (42, "10:00", Paid("INV-1007", "2350.00")),
    (
        44,
        "15:20",
        Event("visit", One("C11"), BAD, "Carton line", "Unhappy about the noise; Anna takes care of it."),
    ),
    (45, "11:00", Paid("P-3001", "28000.00")),
    (47, "09:40", Promise("INV-1008", 8)),
    (47, "16:00", Acknowledged("C02", "王总回传了盖章的对账单")),
    (51, "10:20", Paid("B-2001", "150000.00")),
    (54, "13:45", Paid("INV-1008", "1840.00")),
    (54, "15:00", Promise("INV-1003", 6)),
    (57, "10:00", Event("announcement", Segment("food"), None, "VC-3", "")),
    (58, "11:00", Resume(PauseCause::Dispute, "INV-1004")),
    (60, "10:05", Event("proficient", One("C02"), None, "数控车床", "")),
    (61, "11:30", Paid("INV-1009", "9750.00")),
    (62, "15:30", Event("part_replaced", One("C01"), None, "Dough sheeter DS-40", "")),
    (64, "10:00", Paid("I-5002", "8000.00")),
    (64, "10:50", Paid("B-2001", "74000.00")),
    (66, "09:20", Paid("INV-1010", "52000.00")),
    (66, "15:10", Paid("INV-1020", "8600.00")),
    (68, "16:10", Paid("INV-1004", "31200.00")),
    (69, "15:00", Paid("INV-1014", "3150.00")),
    (69, "16:30", Act::Status("INV-1004", Status::Offset)),
    (69, "16:31", Act::Status("CN-4001", Status::Offset)),
    (
        70,
        "11:20",
        Event(
            "referral",
            One("C09"),
            None,
            "",
            "Your neighbours at the boatyard called us the next morning.",
        ),
    ),
    (73, "16:20", Event("survey", One("C01"), GOOD, "Blades and belts", "")),
    (76, "10:15", Event("proficient", One("C09"), None, "Edge bander EB-2", "")),
    (78, "09:30", Paid("INV-1003", "18200.00")),
    (79, "10:00", Paid("I-5003", "8000.00")),
    (83, "09:00", Paid("I-5003", "-8000.00")),
    (86, "11:00", Act::Status("INV-1015", Status::Returned)),
    (97, "10:00", Paid("I-5003", "8000.00")),
    (97, "16:40", OnAccount("C09", "500.00", "AUD")),
    (98, "10:30", Paid("N-1101", "25000.00")),
    (100, "10:30", Event("visit", One("C12"), GOOD, "切配机", "第二家门店的方案，我这两天整理好发给您。")),
    (
        102,
        "16:00",
        Event(
            "trip",
            One("C09"),
            None,
            "Hanover",
            "The fair is full of edge banders. I shall bring you samples of the new edging.",
        ),
    ),
    (103, "15:00", Event("delivery", One("C12"), None, "切配机", "")),
    (
        104,
        "11:00",
        Event("trip", One("C12"), None, "广州", "展会上看到几款适合中央厨房的新机型，回来向您细说。"),
    ),
    (106, "09:50", Event("signing", One("C13"), GOOD, "Gripper cell, second line", "")),
    (113, "10:00", Acknowledged("C06", "周师傅在催款函回执上签字盖章")),
    (
        116,
        "14:30",
        Event(
            "visit",
            One("C03"),
            GOOD,
            "Spindle set",
            "The test cuts on the new spindles will be with you by the end of the week.",
        ),
    ),
    (118, "09:20", Act::Status("N-1002", Status::Legal)),
];

/// From which day to which somebody looks every day whether a customer's
/// final notice by a rule waits, and lets it go.
pub const RELEASES: &[(i32, i32, &str, &str)] = &[
    (80, 118, "C11", "note-reminders"),
    (88, 118, "C11", "payment-reminders"),
    (89, 117, "C10", "note-reminders-postponed"),
];
