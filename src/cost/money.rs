//! What billed time costs.

use std::fmt;

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Millionths of the currency's unit.
    pub micros: u64,
    /// `USD`, `EUR`.
    pub currency: String,
    /// The price behind it and its source: `0.006 USD a minute (as given)`.
    pub price: String,
}

impl Money {
    /// One of `n` equal parts; all of it for 0.
    pub fn share(&self, n: u64) -> Self {
        Self {
            micros: self.micros / n.max(1),
            ..self.clone()
        }
    }
}

impl fmt::Display for Money {
    /// Two decimals, more for amounts below one hundredth.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.micros >= 10_000 || self.micros == 0 {
            2
        } else {
            4
        };
        write!(
            f,
            "{:.decimals$} {}",
            self.micros as f64 / 1e6,
            self.currency
        )
    }
}
