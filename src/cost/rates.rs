//! How fast bytes move and what a minute costs.

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
    /// Millionths of the currency's unit for so many milliseconds; not rounded up to whole minutes.
    pub fn micros(&self, ms: u64) -> u64 {
        u64::try_from(u128::from(self.micros_per_minute) * u128::from(ms) / 60_000)
            .unwrap_or(u64::MAX)
    }
}
