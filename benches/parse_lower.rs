//! Text to typed Dockerfile, ours against two published parsers on the same generated files.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/generate.rs"]
mod generate;

use criterion::BenchmarkId;
use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use std::hint::black_box;
use std::time::Duration;

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for (name, stages, steps) in [("small", 2, 8), ("large", 40, 100)] {
        let text = generate::dockerfile(1, stages, steps);
        let expected = stratigraph::dockerfile::parse(&text)
            .unwrap()
            .dockerfile
            .instructions()
            .count();
        // All three read the same number of instructions, or the comparison would mean nothing.
        assert_eq!(
            parse_dockerfile::parse(&text).unwrap().instructions.len(),
            expected
        );
        assert_eq!(
            dockerfile_parser::Dockerfile::parse(&text)
                .unwrap()
                .instructions
                .len(),
            expected
        );
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("stratigraph", name), &text, |b, text| {
            b.iter(|| stratigraph::dockerfile::parse(black_box(text)));
        });
        group.bench_with_input(
            BenchmarkId::new("parse-dockerfile", name),
            &text,
            |b, text| {
                b.iter(|| parse_dockerfile::parse(black_box(text)));
            },
        );
        group.bench_with_input(
            BenchmarkId::new("dockerfile-parser", name),
            &text,
            |b, text| {
                b.iter(|| dockerfile_parser::Dockerfile::parse(black_box(text)));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
