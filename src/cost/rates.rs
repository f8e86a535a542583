//! How fast bytes move and what a minute costs.

use super::total::Money;

/// Speeds of the runner and its network. A rate of 0 means that the work takes no time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Bytes a second from registry or cache.
    pub download: u64,
    /// Bytes a second to registry or cache.
    pub upload: u64,
    /// Unpacked bytes a second into compressed layers.
    pub compress: u64,
    /// Unpacked bytes a second onto the disk.
    pub unpack: u64,
    /// Compressed size of a layer in percent of its unpacked size.
    pub ratio_percent: u64,
    /// Microseconds of one cache lookup.
    pub lookup_us: u64,
    /// Milliseconds before the first step, unless measured.
    pub setup_ms: u64,
    /// Milliseconds of an export beside its bytes (manifests, round trips), unless measured.
    pub export_ms: u64,
    /// Milliseconds the runner is held before the build begins (start, checkout).
    pub job_start_ms: u64,
    /// Whether the user gave download and upload; otherwise they vary in the bands.
    pub given: bool,
}

/// A lookup of BuildKit: builds that hit everywhere took 1 to 4 ms a step in the logs of `fixtures/logs/buildkit`, set-up included.
pub(super) const LOOKUP_US: u64 = 1_000;

/// Sources: a public benchmark of January 2026 over 371 runs gives GitHub-hosted runners 156 MB/s of network and
/// 201 MB/s of disk writes. Upload, compression, lookup, set-up and export times have no published series: upload is
/// taken as half of download, one core's gzip as 60 MB/s, layers as 40 % of their unpacked size (node:20-alpine,
/// eclipse-temurin:21-jdk and debian:bookworm-slim lie between 35 and 47 %), the rest from the logs of BuildKit's
/// own builds against a registry nearby.
impl Default for Rates {
    fn default() -> Self {
        Self {
            download: 156_000_000,
            upload: 78_000_000,
            compress: 60_000_000,
            unpack: 201_000_000,
            ratio_percent: 40,
            lookup_us: LOOKUP_US,
            setup_ms: 1_000,
            export_ms: 500,
            job_start_ms: 0,
            given: false,
        }
    }
}

impl Rates {
    /// Milliseconds that `bytes` take at `rate` bytes a second.
    pub fn ms(bytes: u64, rate: u64) -> u64 {
        if rate == 0 {
            return 0;
        }
        u64::try_from(u128::from(bytes) * 1000 / u128::from(rate)).unwrap_or(u64::MAX)
    }

    /// Compressed bytes of `unpacked` ones.
    pub fn compressed(&self, unpacked: u64) -> u64 {
        u64::try_from(u128::from(unpacked) * u128::from(self.ratio_percent) / 100)
            .unwrap_or(u64::MAX)
    }

    /// Unpacked bytes of `compressed` ones.
    pub fn unpacked(&self, compressed: u64) -> u64 {
        u64::try_from(u128::from(compressed) * 100 / u128::from(self.ratio_percent.max(1)))
            .unwrap_or(u64::MAX)
    }

    /// The same on a runner `factor` times slower in everything.
    pub fn slower(&self, factor: u64) -> Self {
        let slow = |rate: u64| {
            if rate == 0 {
                0
            } else {
                (rate / factor.max(1)).max(1)
            }
        };
        Self {
            download: slow(self.download),
            upload: slow(self.upload),
            compress: slow(self.compress),
            unpack: slow(self.unpack),
            ratio_percent: self.ratio_percent,
            lookup_us: self.lookup_us.saturating_mul(factor),
            setup_ms: self.setup_ms.saturating_mul(factor),
            export_ms: self.export_ms.saturating_mul(factor),
            job_start_ms: self.job_start_ms.saturating_mul(factor),
            given: self.given,
        }
    }
}

/// What a runner costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Millionths of the currency's unit for a minute.
    pub micros_per_minute: u64,
    /// `USD` for the presets.
    pub currency: String,
    /// Where it comes from.
    pub source: String,
}

impl Price {
    /// What so many milliseconds cost.
    pub fn money(&self, ms: u64) -> Money {
        let minute = format!("{:.6}", self.micros_per_minute as f64 / 1e6);
        let minute = minute.trim_end_matches('0').trim_end_matches('.');
        Money {
            micros: self.micros(ms),
            currency: self.currency.clone(),
            price: format!("{minute} {} a minute ({})", self.currency, self.source),
        }
    }

    /// Millionths of the currency's unit for so many milliseconds; not rounded up to whole minutes.
    pub fn micros(&self, ms: u64) -> u64 {
        u64::try_from(u128::from(self.micros_per_minute) * u128::from(ms) / 60_000)
            .unwrap_or(u64::MAX)
    }
}

impl Price {
    /// `0.006`, `0.006 USD`, `0.01EUR`: a minute's price; dollars where no currency is named.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let at = text
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(text.len());
        let (number, currency) = (text[..at].trim(), text[at..].trim());
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_number = !number.is_empty()
            && whole.len() <= 9
            && fraction.len() <= 6
            && (whole.len() + fraction.len()) > 0;
        let micros: u64 = format!("{whole}{fraction:0<6}")
            .parse()
            .ok()
            .filter(|_| is_number)?;
        let is_currency = currency.len() <= 3 && currency.bytes().all(|b| b.is_ascii_alphabetic());
        is_currency.then(|| Self {
            micros_per_minute: micros,
            currency: if currency.is_empty() {
                "USD".to_owned()
            } else {
                currency.to_ascii_uppercase()
            },
            source: "as given".to_owned(),
        })
    }
}

/// A usual runner.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name on the command line.
    pub name: &'static str,
    /// Millionths of a dollar a minute.
    micros_per_minute: u64,
    /// Where the price comes from.
    source: &'static str,
}

const GITHUB: &str = "GitHub's documentation, Actions runner pricing, 2026";

static PRESETS: [Preset; 4] = [
    Preset {
        name: "github-2core",
        micros_per_minute: 6_000,
        source: GITHUB,
    },
    Preset {
        name: "github-4core",
        micros_per_minute: 12_000,
        source: GITHUB,
    },
    Preset {
        name: "github-8core",
        micros_per_minute: 22_000,
        source: GITHUB,
    },
    Preset {
        name: "own",
        micros_per_minute: 0,
        source: "a runner of one's own",
    },
];

impl Preset {
    /// All presets, by name.
    pub fn all() -> &'static [Self] {
        &PRESETS
    }

    /// The preset of that name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|p| p.name == name)
    }

    /// Its speeds: the defaults, which are those measured on GitHub's runners.
    pub fn rates(&self) -> Rates {
        Rates::default()
    }

    /// Its price.
    pub fn price(&self) -> Price {
        Price {
            micros_per_minute: self.micros_per_minute,
            currency: "USD".to_owned(),
            source: self.source.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read() {
        let check = |text: &str, expected: Option<(u64, &str)>| {
            let price = Price::parse(text);
            assert_eq!(
                price
                    .as_ref()
                    .map(|p| (p.micros_per_minute, p.currency.as_str())),
                expected,
                "{text}"
            );
        };
        check("0.006", Some((6_000, "USD")));
        check("1", Some((1_000_000, "USD")));
        check(".5 eur", Some((500_000, "EUR")));
        for wrong in ["", "x", "0.0000001", "-1", "1.2.3", "1 dollar", "."] {
            check(wrong, None);
        }
        assert_eq!(Price::parse("0.6").unwrap().micros(90_000), 900_000);
    }
}
