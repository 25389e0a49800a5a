//! Chance from a seed (splitmix64), so that a seed is a year.

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// From `from` on, below `until`.
    pub fn between(&mut self, from: i64, until: i64) -> i64 {
        let span = u64::try_from(until - from).expect("a range in order");
        from + i64::try_from(self.below(span)).expect("a small range")
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let n = self.below(of.len() as u64);
        of.get(usize::try_from(n).expect("a short list")).cloned()
    }
}

/// A throw that depends on what it is about alone, and not on what was thrown
/// before: couriers may ask in any order.
pub fn throw(seed: u64, about: &str, below: u64) -> u64 {
    let hash = about.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Dice::new(seed ^ hash).below(below)
}
