//! How fast bytes move and what a minute costs.

use super::estimate::Match;
use super::money::Money;
use super::observed::Profile;
use super::observed::Speed;
use std::fmt;

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
    /// Where each speed comes from, in the order of [`Speed::ALL`].
    pub origins: [Origin; 4],
}

/// Where a speed comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// What others measured, or a rule of thumb; in plain words.
    Default(&'static str),
    /// The user's own logs: how many observations, and the 10–90 % band of their speeds in bytes a second.
    Measured {
        /// Observations.
        n: usize,
        /// One in ten is slower.
        low: u64,
        /// One in ten is faster.
        high: u64,
    },
    /// The user said so.
    Given,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(source) => f.write_str(source),
            Self::Measured { n: 1, .. } => f.write_str("measured once"),
            Self::Measured { n, .. } => write!(f, "measured {n} times"),
            Self::Given => f.write_str("as given"),
        }
    }
}

/// One speed of a model, for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeedFact {
    /// Of what.
    pub speed: Speed,
    /// Bytes a second.
    pub bytes_per_second: u64,
    /// Where it comes from.
    pub origin: Origin,
}

/// A lookup of BuildKit: builds that hit everywhere took 1 to 4 ms a step in the logs of `fixtures/logs/buildkit`, set-up included.
pub(super) const LOOKUP_US: u64 = 1_000;

const BENCHMARK: &str = "a public benchmark of GitHub-hosted runners, January 2026, 371 runs";

/// Where the speeds come from, [`Origin`] says. Others have no published series: layers are taken as 40 % of their
/// unpacked size (node:20-alpine, eclipse-temurin:21-jdk and debian:bookworm-slim lie between 35 and 47 %); lookup,
/// set-up and export times are from the logs of BuildKit's own builds against a registry nearby.
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
            origins: [
                Origin::Default(BENCHMARK),
                Origin::Default("assumption: half of the download"),
                Origin::Default("assumption: gzip on one core"),
                Origin::Default(BENCHMARK),
            ],
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
            origins: self.origins,
        }
    }

    /// Bytes a second.
    pub fn speed(&self, speed: Speed) -> u64 {
        match speed {
            Speed::Download => self.download,
            Speed::Upload => self.upload,
            Speed::Compress => self.compress,
            Speed::Unpack => self.unpack,
        }
    }

    /// The same with one speed set, and where it comes from.
    #[must_use]
    pub fn with(mut self, speed: Speed, bytes_per_second: u64, origin: Origin) -> Self {
        *match speed {
            Speed::Download => &mut self.download,
            Speed::Upload => &mut self.upload,
            Speed::Compress => &mut self.compress,
            Speed::Unpack => &mut self.unpack,
        } = bytes_per_second;
        self.origins[speed as usize] = origin;
        self
    }

    /// The same with the speeds that a profile has measured.
    #[must_use]
    pub fn measured(self, profile: &Profile) -> Self {
        let seen = |speed| profile.speeds.get(&speed).map(|o| (speed, o));
        let measured = Speed::ALL.into_iter().filter_map(seen);
        measured.fold(self, |rates, (speed, observed)| {
            match observed.estimate(Match::Step) {
                Some(e) if e.median_ms > 0 => {
                    let origin = Origin::Measured {
                        n: observed.samples().len(),
                        low: e.low_ms,
                        high: e.high_ms,
                    };
                    rates.with(speed, e.median_ms, origin)
                }
                _ => rates,
            }
        })
    }

    /// All speeds.
    pub fn facts(&self) -> Vec<SpeedFact> {
        let fact = |speed: Speed| SpeedFact {
            speed,
            bytes_per_second: self.speed(speed),
            origin: self.origins[speed as usize],
        };
        Speed::ALL.into_iter().map(fact).collect()
    }

    /// How much the network's times vary, in percent of the median's: one in ten is shorter, one in ten longer. `None`
    /// where the user gave its speed.
    pub(super) fn network_band(&self) -> Option<(u64, u64)> {
        let network = [Speed::Download, Speed::Upload];
        if network
            .iter()
            .any(|s| self.origins[*s as usize] == Origin::Given)
        {
            return None;
        }
        match self.origins[Speed::Download as usize] {
            Origin::Measured { low, high, .. } => {
                let percent =
                    |speed: u64| Self::ms(self.download, speed).saturating_mul(100) / 1000;
                Some((percent(high).min(100), percent(low).max(100)))
            }
            Origin::Default(_) | Origin::Given => Some((60, 170)),
        }
    }
}

/// Two digits: `38 MB/s`, `0.9 MB/s`.
pub(super) fn per_second(bytes: u64) -> String {
    let mb = bytes as f64 / 1e6;
    if mb >= 100.0 {
        format!("{:.0} MB/s", (mb / 10.0).round() * 10.0)
    } else if mb >= 10.0 {
        format!("{mb:.0} MB/s")
    } else {
        format!("{mb:.1} MB/s")
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
    fn measured_speeds_take_the_place_of_defaults() {
        let mut profile = Profile::default();
        let samples = [40_000_000, 50_000_000, 60_000_000, 50_000_000, 50_000_000];
        profile.speeds.insert(
            Speed::Download,
            super::super::observed::Observations::new(samples),
        );
        let rates = Rates::default().measured(&profile);
        assert_eq!((rates.download, rates.upload), (50_000_000, 78_000_000));
        assert_eq!(rates.facts()[0].origin.to_string(), "measured 5 times");
        assert_eq!(rates.network_band(), Some((89, 113)));
        let given = rates.with(Speed::Download, 1, Origin::Given);
        assert_eq!((given.download, given.network_band()), (1, None));
        assert_eq!(Rates::default().network_band(), Some((60, 170)));
    }

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
