//! Inputs for the benches, made from a seed: the same bytes every time.

use std::fmt::Write;

/// A small generator of numbers (splitmix64); good enough to vary shapes.
pub(crate) struct Numbers(u64);

impl Numbers {
    /// Starts from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// A Dockerfile of `stages` stages with about `steps` instructions each, in the proportions of real files: mostly RUN over
/// several lines, COPY, ENV, comments. Only forms that all compared parsers take.
pub(crate) fn dockerfile(seed: u64, stages: usize, steps: usize) -> String {
    let mut numbers = Numbers::new(seed);
    let mut text = String::from("# A generated Dockerfile.\nARG VERSION=1\n");
    for stage in 0..stages {
        let _ = writeln!(
            text,
            "\nFROM image{}:{} AS stage{stage}",
            numbers.below(50),
            numbers.below(30)
        );
        for _ in 0..steps {
            instruction(&mut text, &mut numbers, stage);
        }
    }
    text
}

fn instruction(text: &mut String, numbers: &mut Numbers, stage: usize) {
    let _ = match numbers.below(10) {
        0..4 => run(text, numbers),
        4..6 => writeln!(
            text,
            "COPY package{}.json src/ ./app{}/",
            numbers.below(9),
            numbers.below(9)
        ),
        6 if stage > 0 => writeln!(
            text,
            "COPY --from=stage{} /out/bin /usr/local/bin/",
            numbers.below(stage as u64)
        ),
        6 | 7 => writeln!(
            text,
            "ENV NAME{}=\"some value {}\" OTHER=1",
            numbers.below(99),
            numbers.below(99)
        ),
        8 => writeln!(
            text,
            "# A comment of some length, as people write them\nWORKDIR /srv/app{}",
            numbers.below(9)
        ),
        _ => writeln!(text, "CMD [\"node\", \"server{}.js\"]", numbers.below(9)),
    };
}

fn run(text: &mut String, numbers: &mut Numbers) -> std::fmt::Result {
    write!(text, "RUN apt-get update")?;
    for _ in 0..numbers.below(12) {
        write!(
            text,
            " \\\n    && tool-{} --flag=$VERSION \"argument {}\" > /dev/null",
            numbers.below(99),
            numbers.below(99)
        )?;
    }
    writeln!(text)
}
