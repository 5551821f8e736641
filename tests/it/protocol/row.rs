//! A short row of small numbers in one word, so that a state of the model is small.

/// Numbers below 15 in order, 15 of them at most.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row(u64);

impl Row {
    pub(crate) fn iter(self) -> impl Iterator<Item = u8> + Clone {
        (0..16).map(move |place| (self.0 >> (4 * place) & 15) as u8).take_while(|n| *n > 0).map(|n| n - 1)
    }

    pub(crate) fn len(self) -> usize {
        (64 - self.0.leading_zeros() as usize).div_ceil(4)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn push(&mut self, n: u8) {
        assert!(n < 15 && self.len() < 15, "{self:?} has no room for {n}");
        self.0 |= u64::from(n + 1) << (4 * self.len());
    }

    pub(crate) fn first(self) -> Option<u8> {
        self.iter().next()
    }

    pub(crate) fn position(self, n: u8) -> Option<usize> {
        self.iter().position(|other| other == n)
    }

    pub(crate) fn contains(self, n: u8) -> bool {
        self.position(n).is_some()
    }

    pub(crate) fn filter(self, keep: impl Fn(u8) -> bool) -> Self {
        self.iter().filter(|n| keep(*n)).collect()
    }

    /// The first of each, in order.
    pub(crate) fn without_repeats(self) -> Self {
        let mut seen = Self::default();
        for n in self.iter() {
            if !seen.contains(n) {
                seen.push(n);
            }
        }
        seen
    }
}

impl FromIterator<u8> for Row {
    fn from_iter<I: IntoIterator<Item = u8>>(numbers: I) -> Self {
        let mut row = Self::default();
        numbers.into_iter().for_each(|n| row.push(n));
        row
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
