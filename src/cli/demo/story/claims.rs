//! What the sample business is owed, as its books export it.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;

/// A claim of the sample, with the days on which it is issued and due.
pub struct Claim {
    pub id: &'static str,
    pub customer: &'static str,
    pub kind: &'static str,
    pub amount: &'static str,
    pub currency: &'static str,
    pub issued: i32,
    pub due: i32,
    pub contract: &'static str,
    pub description: &'static str,
    pub guarantor: Option<(&'static str, &'static str)>,
}

/// A claim without contract and guarantor.
const fn claim(
    id: &'static str,
    customer: &'static str,
    kind: &'static str,
    money: (&'static str, &'static str),
    days: (i32, i32),
    description: &'static str,
) -> Claim {
    Claim {
        id,
        customer,
        kind,
        amount: money.0,
        currency: money.1,
        issued: days.0,
        due: days.1,
        contract: "",
        description,
        guarantor: None,
    }
}

impl Claim {
    const fn of_contract(mut self, contract: &'static str) -> Self {
        self.contract = contract;
        self
    }

    const fn guaranteed_by(mut self, name: &'static str, address: &'static str) -> Self {
        self.guarantor = Some((name, address));
        self
    }
}

/// In order of the day they are issued.
pub const CLAIMS: &[Claim] = &[
    claim("OLD-6001", "C06", "invoice", ("9800.00", "CNY"), (-995, -965), "气动阀门 一批"),
    claim("INV-1016", "C05", "invoice", ("24000.00", "USD"), (-60, -30), "Press brake").of_contract("K-5001"),
    claim("D-2001", "C02", "deposit", ("96000.00", "CNY"), (0, 14), "数控车床 定金 30%")
        .of_contract("K-2001"),
    claim("INV-1001", "C01", "invoice", ("12400.00", "GBP"), (1, 20), "Dough sheeter DS-40"),
    claim("INV-1003", "C03", "invoice", ("18200.00", "EUR"), (1, 16), "Milling centre, spindle set"),
    claim("P-3001", "C12", "prepayment", ("28000.00", "CNY"), (2, 12), "中央厨房切配机"),
    claim("I-5001", "C05", "instalment", ("8000.00", "USD"), (4, 20), "Press brake, 1 of 3")
        .of_contract("K-5001"),
    claim("I-5002", "C05", "instalment", ("8000.00", "USD"), (4, 46), "Press brake, 2 of 3")
        .of_contract("K-5001"),
    claim("I-5003", "C05", "instalment", ("8000.00", "USD"), (4, 80), "Press brake, 3 of 3")
        .of_contract("K-5001"),
    claim("INV-1006", "C06", "invoice", ("15600.00", "CNY"), (5, 25), "阀体加工夹具"),
    claim("INV-1004", "C04", "invoice", ("34800.00", "CNY"), (8, 30), "胶印机滚筒与备件"),
    claim("INV-1010", "C10", "invoice", ("52000.00", "CNY"), (10, 35), "整经机大修"),
    claim("INV-1020", "C04", "invoice", ("8600.00", "CNY"), (10, 38), "印版 200 张"),
    claim("N-1101", "C11", "promissory_note", ("25000.00", "EUR"), (12, 70), "Carton line, note at 60 days")
        .guaranteed_by("Mihai Ionescu", "mihai@ionescu.example"),
    claim("INV-1007", "C07", "invoice", ("2350.00", "GBP"), (15, 40), "Oven service"),
    claim("INV-1008", "C08", "invoice", ("1840.00", "GBP"), (15, 40), "Mixer hire"),
    claim("B-2001", "C02", "balance", ("224000.00", "CNY"), (25, 46), "数控车床 余款").of_contract("K-2001"),
    claim("INV-1009", "C09", "invoice", ("9750.00", "AUD"), (30, 60), "Edge bander EB-2"),
    claim("INV-1011", "C11", "invoice", ("16900.00", "EUR"), (32, 58), "Carton line, commissioning")
        .guaranteed_by("Mihai Ionescu", "mihai@ionescu.example"),
    claim("N-1002", "C10", "promissory_note", ("60000.00", "CNY"), (36, 66), "整经机改造 期票")
        .guaranteed_by("黄志强", "huang.zhiqiang@nanfeng-group.example"),
    claim("INV-1018", "C10", "invoice", ("7200.00", "CNY"), (40, 62), "备件 一批"),
    claim("INV-1014", "C01", "invoice", ("3150.00", "GBP"), (45, 70), "Blades and belts"),
    claim("CN-4001", "C04", "credit_note", ("-3600.00", "CNY"), (57, 57), "少发两箱备件"),
    claim("INV-1015", "C05", "invoice", ("640.00", "USD"), (60, 85), "Punch set, returned"),
    claim("INV-1013", "C13", "invoice", ("880000", "JPY"), (82, 108), "Gripper cell"),
    claim("INV-1023", "C09", "invoice", ("480.00", "AUD"), (92, 106), "Edge bander EB-2, service"),
    claim("INV-1012", "C12", "invoice", ("46500.00", "CNY"), (101, 126), "切配机 尾款与安装"),
    claim("INV-1019", "C01", "invoice", ("5980.00", "GBP"), (104, 129), "Proofing cabinet"),
];

/// From which day on the books say that a claim is due on another; in order.
pub const MOVED: &[(i32, &str, i32)] = &[(63, "N-1002", 74), (72, "N-1002", 82)];

/// The days on which the books export something new, in order.
pub fn export_days() -> BTreeSet<i32> {
    let issued = CLAIMS.iter().map(|claim| claim.issued.max(0));
    issued.chain(MOVED.iter().map(|(day, ..)| *day)).collect()
}

/// Everything issued until a day, as the books export it.
pub fn export(begin: Date, until: i32) -> anyhow::Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "id",
        "customer_id",
        "kind",
        "amount",
        "currency",
        "issued_on",
        "due_on",
        "contract",
        "description",
        "guarantor_name",
        "guarantor_email",
    ])?;
    for claim in CLAIMS.iter().filter(|claim| claim.issued <= until) {
        let (guarantor, address) = claim.guarantor.unwrap_or_default();
        let day = |day: i32| (begin + day.days()).to_string();
        csv.write_record([
            claim.id,
            claim.customer,
            claim.kind,
            claim.amount,
            claim.currency,
            &day(claim.issued),
            &day(due(claim, until)),
            claim.contract,
            claim.description,
            guarantor,
            address,
        ])?;
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}

/// The day on which a claim is due, as the books say it on a day.
fn due(claim: &Claim, on: i32) -> i32 {
    let moved = MOVED.iter().filter(|(day, id, _)| *day <= on && *id == claim.id);
    moved.map(|(.., due)| *due).next_back().unwrap_or(claim.due)
}

/// What is new on a day, in words.
pub fn news(begin: Date, day: i32) -> String {
    let issued = CLAIMS.iter().filter(|claim| claim.issued.max(0) == day).map(|claim| {
        let due = begin + claim.due.days();
        format!("{} {} {} for {}, due {due}", claim.id, claim.amount, claim.currency, claim.customer)
    });
    let moved = MOVED.iter().filter(|(on, ..)| *on == day);
    let moved = moved.map(|(_, id, due)| format!("{id} is postponed to {}", begin + due.days()));
    issued.chain(moved).collect::<Vec<_>>().join("; ")
}
