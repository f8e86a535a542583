//! What a RUN takes whose programs are of another platform than the builder's machine.
//!
//! QEMU runs them, instruction by instruction. Public reports of one build, native and emulated: 2 to 5 times
//! (multiarch/qemu-user-static#176), 5 (a Rust service on GitHub's runners), 6 to 7 (jamesmortensen/geckodriver-arm-binaries#3),
//! 8 (docker/buildx#2810, argoproj/argo-cd#8831), 10 (nodeset-org/hyperdrive#42), 54 (one C package in Go,
//! promlabs/promlens-public#11). Downloads suffer least and compilers most; one factor stands for all.

use super::estimate::{Estimate, Source};
use crate::graph::{Definition, Step};

/// How many times as long: one in ten less, median, one in ten more.
const TIMES: (u64, u64, u64) = (2, 8, 20);

/// The same in words.
pub const EMULATION: &str = "8 times as long (2 to 20, by public reports)";

/// Whether the builder's machine has to emulate what a step runs.
pub(super) fn is_emulated(step: &Step) -> bool {
    matches!(&step.definition, Definition::Run(run) if run.emulated)
}

/// What takes `native` on a machine of its own platform.
pub(super) fn emulated(native: &Estimate) -> Estimate {
    let (low, median, high) = TIMES;
    Estimate {
        median_ms: native.median_ms.saturating_mul(median),
        low_ms: native.low_ms.saturating_mul(low),
        high_ms: native.high_ms.saturating_mul(high),
        source: Source::Estimated {
            from: format!("{}; emulated, {EMULATION}", native.source),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulated_duration_has_a_wider_band_and_says_why() {
        let native = Estimate::estimated(1_000, 500, 3_000, "builds");
        let got = emulated(&native);
        assert_eq!(
            (got.low_ms, got.median_ms, got.high_ms),
            (1_000, 8_000, 60_000)
        );
        assert!(
            got.source.to_string().contains("builds; emulated, 8 times"),
            "{}",
            got.source
        );
    }
}
