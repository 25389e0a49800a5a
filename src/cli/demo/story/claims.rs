//! What the sample business is owed.

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
    claim("D-2001", "C02", "deposit", ("96000.00", "CNY"), (0, 14), "数控车床 定金 30%")
        .of_contract("K-2001"),
    claim("INV-1001", "C01", "invoice", ("12400.00", "GBP"), (1, 20), "Dough sheeter DS-40"),
    claim("INV-1003", "C03", "invoice", ("18200.00", "EUR"), (1, 16), "Milling centre, spindle set"),
    claim("P-3001", "C12", "prepayment", ("28000.00", "CNY"), (2, 12), "中央厨房切配机"),
    claim("I-5001", "C05", "instalment", ("8000.00", "USD"), (4, 20), "Press brake, 1 of 3")
        .of_contract("K-5001"),
    claim("I-5002", "C05", "instalment", ("8000.00", "USD"), (4, 50), "Press brake, 2 of 3")
        .of_contract("K-5001"),
    claim("I-5003", "C05", "instalment", ("8000.00", "USD"), (4, 80), "Press brake, 3 of 3")
        .of_contract("K-5001"),
    claim("INV-1006", "C06", "invoice", ("15600.00", "CNY"), (5, 25), "阀体加工夹具"),
    claim("INV-1004", "C04", "invoice", ("34800.00", "CNY"), (8, 30), "胶印机滚筒与备件"),
    claim("INV-1010", "C10", "invoice", ("52000.00", "CNY"), (10, 35), "整经机大修"),
    claim("N-1101", "C11", "promissory_note", ("25000.00", "EUR"), (12, 90), "Carton line, note at 90 days")
        .guaranteed_by("Mihai Ionescu", "mihai@ionescu.example"),
    claim("INV-1007", "C07", "invoice", ("2350.00", "GBP"), (15, 40), "Oven service"),
    claim("INV-1008", "C08", "invoice", ("1840.00", "GBP"), (15, 40), "Mixer hire"),
    claim("B-2001", "C02", "balance", ("224000.00", "CNY"), (25, 46), "数控车床 余款").of_contract("K-2001"),
    claim("INV-1009", "C09", "invoice", ("9750.00", "AUD"), (30, 60), "Edge bander EB-2"),
    claim("INV-1011", "C11", "invoice", ("16900.00", "EUR"), (32, 58), "Carton line, commissioning")
        .guaranteed_by("Mihai Ionescu", "mihai@ionescu.example"),
    claim("INV-1018", "C10", "invoice", ("7200.00", "CNY"), (40, 62), "备件 一批"),
    claim("INV-1014", "C01", "invoice", ("3150.00", "GBP"), (45, 70), "Blades and belts"),
    claim("CN-4001", "C04", "credit_note", ("-3600.00", "CNY"), (50, 50), "少发两箱备件"),
    claim("INV-1015", "C05", "invoice", ("640.00", "USD"), (60, 85), "Punch set, returned"),
    claim("INV-1013", "C13", "invoice", ("880000", "JPY"), (82, 108), "Gripper cell"),
    claim("INV-1012", "C12", "invoice", ("46500.00", "CNY"), (101, 126), "切配机 尾款与安装"),
    claim("INV-1019", "C01", "invoice", ("5980.00", "GBP"), (104, 129), "Proofing cabinet"),
];
