//! Build records of real builds, as exported, and cut, shuffled and damaged.

use crate::logs::{BUILDS, fixture, one};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::{Read, Write};
use stratigraph::cost::log::{Format, LogBuild, Outcome, Traffic, read};
use stratigraph::cost::{CostModel, Origin, Rates, Speed, calibrate};

fn record(name: &str) -> Vec<u8> {
    fixture(&format!("buildx/{name}.dockerbuild"))
}

/// The files of an archive in order.
fn files(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    let mut files = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if entry.header().entry_type().is_file() {
            files.push((
                String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
                bytes,
            ));
        }
    }
    files
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        builder
            .append_data(&mut header, path, bytes.as_slice())
            .unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What a log and a record of one build have in common: all but the sizes of layers.
fn shown(build: &LogBuild) -> String {
    let mut build = build.clone();
    build.format = Format::Plain;
    build.transfers.clear();
    build.steps.iter_mut().for_each(|s| s.layer_bytes = None);
    format!("{build:#?}")
}

#[test]
fn a_record_tells_what_its_log_tells() {
    for name in BUILDS {
        let (record, log) = (
            one(&record(name)),
            one(&fixture(&format!("buildx/{name}.rawjson"))),
        );
        assert_eq!(record.format, Format::Record);
        assert_eq!(shown(&record), shown(&log), "{name}");
        assert_eq!(record.error.is_some(), name == "5-api-failing");
    }
}

#[test]
fn plain_progress_of_the_same_build_agrees() {
    for name in BUILDS {
        let (record, plain) = (
            one(&record(name)),
            one(&fixture(&format!("buildx/{name}.plain"))),
        );
        // A failed build's progress does not show what did not begin.
        let began = |s: &&stratigraph::cost::log::LogStep| s.outcome != Outcome::Unfinished;
        assert_eq!(
            record.steps.iter().filter(began).count(),
            plain.steps.len(),
            "{name}"
        );
        for step in record.steps.iter().filter(began) {
            let same = |s: &&stratigraph::cost::log::LogStep| {
                s.stage == step.stage && s.index == step.index
            };
            let other = plain.steps.iter().find(same).unwrap();
            assert_eq!(
                (&step.text, step.outcome),
                (&other.text, other.outcome),
                "{name}"
            );
            let (a, b) = (
                step.duration_ms.unwrap_or(0),
                other.duration_ms.unwrap_or(0),
            );
            // Tenths of a second, rounded; of a step that failed no time is told.
            let is_told = step.outcome != Outcome::Failed;
            assert!(
                !is_told || a.abs_diff(b) <= 110,
                "{name} {}: {a} {b}",
                step.text
            );
        }
    }
}

#[test]
fn what_ran_is_what_changed() {
    let ran = |name: &str| {
        let build = one(&record(name));
        let made = |s: &&stratigraph::cost::log::LogStep| {
            matches!(s.outcome, Outcome::Ran | Outcome::Failed) && !s.is_from()
        };
        build.steps.iter().filter(made).count()
    };
    assert_eq!(BUILDS.map(ran), [14, 0, 2, 4, 1, 0]);
}

#[test]
fn provenance_tells_the_sizes_of_layers_and_images() {
    let profile = calibrate(&[("cold".to_owned(), read(&record("1-cold")))]).profile;
    let layer = |stage: &str, text: &str| profile.layer(Some(stage), text).unwrap().compressed;
    let mb = |bytes: Option<u64>| bytes.map(|b| b / 1_000_000);
    assert_eq!(mb(layer("build", "RUN npm ci")), Some(12));
    assert_eq!(mb(layer("api", "RUN go mod download")), Some(4));
    assert_eq!(
        mb(layer(
            "stage-2",
            "RUN apt-get update && apt-get install -y curl"
        )),
        Some(3)
    );
    // What only moves little is known as well; a link's layer is its own, not that of what it lies on.
    assert_eq!(
        layer("stage-2", "COPY --link conf /etc/nginx/conf").map(|b| b < 1000),
        Some(true)
    );
    assert_eq!(
        ["node:20", "golang:1", "nginx:1"].map(|i| mb(profile.images[i].compressed)),
        [Some(21), Some(16), Some(8)]
    );
}

#[test]
fn speeds_come_from_what_was_moved() {
    let logs: Vec<_> = BUILDS
        .iter()
        .map(|n| ((*n).to_owned(), read(&record(n))))
        .collect();
    let cold = &logs[0].1.builds[0].transfers;
    let bytes = |traffic| cold.iter().find(|t| t.traffic == traffic).unwrap().bytes;
    // Three images of 46 MB, of which 10 MB are shared by all.
    assert!((34_000_000..40_000_000).contains(&bytes(Traffic::Download).unwrap()));
    assert_eq!(bytes(Traffic::Download), bytes(Traffic::Unpack));
    let profile = calibrate(&logs).profile;
    let rates = Rates::default().measured(&profile);
    // The registry gave 40 MB/s to each connection and took 27 MB/s from it.
    assert!(
        (30_000_000..130_000_000).contains(&rates.download),
        "{rates:?}"
    );
    assert!(
        (10_000_000..60_000_000).contains(&rates.upload),
        "{rates:?}"
    );
    for fact in rates.facts() {
        assert!(
            matches!(fact.origin, Origin::Measured { n: 1.., .. }),
            "{fact:?}"
        );
        assert!(
            profile.speeds[&fact.speed]
                .samples()
                .iter()
                .all(|s| *s > 1_000_000)
        );
    }
    // A warm build moved nothing.
    let warm = calibrate(&[("warm".to_owned(), read(&record("2-nothing-changed")))]);
    assert!(warm.profile.speeds.is_empty(), "{:?}", warm.profile.speeds);
    let model = CostModel {
        rates,
        profile,
        ..CostModel::default()
    };
    let basis = model.basis(None);
    assert!(
        basis.contains("Speeds from the same logs: download"),
        "{basis}"
    );
    assert_eq!(model.rates.speed(Speed::Download), model.rates.download);
}

#[test]
fn compressed_logs_are_unpacked() {
    let log = fixture("buildkit/1-cold.plain");
    assert_eq!(read(&gzip(&log)), read(&log));
}

#[test]
fn an_archive_without_compression_and_in_any_order_is_the_same() {
    let mut unpacked = files(&record("1-cold"));
    let plain = archive(&unpacked);
    assert_eq!(read(&plain), read(&record("1-cold")));
    unpacked.reverse();
    assert_eq!(read(&archive(&unpacked)), read(&record("1-cold")));
}

#[test]
fn several_records_in_one_archive_are_read_in_the_order_of_their_builds() {
    let mut all: Vec<(String, Vec<u8>)> = BUILDS
        .iter()
        .rev()
        .flat_map(|name| files(&record(name)))
        .collect();
    all.retain(|(path, _)| path.starts_with("blobs/"));
    let reading = read(&gzip(&archive(&all)));
    let totals = |builds: &[LogBuild]| builds.iter().map(|b| b.total_ms).collect::<Vec<_>>();
    let single: Vec<LogBuild> = BUILDS.iter().map(|n| one(&record(n))).collect();
    assert_eq!(totals(&reading.builds), totals(&single));
}

#[test]
fn what_is_no_record_is_said() {
    let empty = vec![0u8; 1024];
    let mut tar = empty;
    tar[257..262].copy_from_slice(b"ustar");
    let other = archive(&[("a.txt".to_owned(), b"hello".to_vec())]);
    for bytes in [
        &[0x1f, 0x8b, 8, 0][..],
        &tar,
        &other,
        &gzip(&other),
        &gzip(b"hello"),
    ] {
        let reading = read(bytes);
        assert!(reading.builds.is_empty());
        let said = |p: &String| p.contains("No build was found");
        assert!(reading.problems.iter().any(said), "{:?}", reading.problems);
    }
}

#[test]
fn a_record_of_an_unknown_kind_is_no_image() {
    let mut files = files(&record("1-cold"));
    for (_, bytes) in &mut files {
        if let Ok(text) = str::from_utf8(bytes) {
            *bytes = text
                .replace("buildkit.historyrecord", "buildkit.historyrecore")
                .into_bytes();
        }
    }
    let reading = read(&archive(&files));
    assert_eq!(
        (&reading.builds[..], &reading.sizes[..]),
        (&[][..], &[][..])
    );
    assert!(
        reading.problems[0].contains("No build was found"),
        "{:?}",
        reading.problems
    );
}

#[test]
fn hostile_records_are_refused_in_peace() {
    let files = files(&record("1-cold"));
    let with = |edit: &dyn Fn(&str, &mut Vec<u8>)| {
        let mut files = files.clone();
        files.iter_mut().for_each(|(path, bytes)| edit(path, bytes));
        read(&archive(&files))
    };
    let is_json = |bytes: &[u8]| bytes.starts_with(b"{");
    // Deep nesting where JSON is.
    let deep = with(&|_, bytes| {
        if is_json(bytes) {
            *bytes = [b"{\"config\":".repeat(100_000), b"1".to_vec()].concat();
        }
    });
    assert!(deep.builds.is_empty());
    // A log that is one giant message, and one of countless empty vertices.
    let giant = with(&|_, bytes| {
        if !is_json(bytes) {
            *bytes = [&u32::MAX.to_le_bytes()[..], &[1; 100]].concat();
        }
    });
    assert!(
        giant.builds.is_empty() && giant.problems[0].contains("no step"),
        "{:?}",
        giant.problems
    );
    let empty = with(&|_, bytes| {
        if !is_json(bytes) {
            let message = [0x0a, 0x00].repeat(500_000);
            *bytes = [&(message.len() as u32).to_le_bytes()[..], &message].concat();
        }
    });
    assert!(empty.builds.is_empty());
    // A log cut in the middle: the beginning is used.
    let cut = with(&|_, bytes| {
        if !is_json(bytes) {
            bytes.truncate(bytes.len() / 2);
        }
    });
    let [build] = &cut.builds[..] else {
        panic!("{:?}", cut.problems);
    };
    assert!(build.problems.iter().any(|p| p.contains("cut or damaged")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]
    #[test]
    fn damaged_archives_are_read_as_far_as_they_go(
        name in 0usize..6,
        layer in 0usize..3,
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..5),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        let damage = |bytes: &mut Vec<u8>| {
            for (at, byte) in &flips {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
            }
            if is_cut && !bytes.is_empty() {
                bytes.truncate(cut.index(bytes.len()));
            }
        };
        let mut bytes = record(BUILDS[name]);
        match layer {
            // The compressed file, the archive in it, the files in that.
            0 => damage(&mut bytes),
            1 => {
                let mut unpacked = files(&bytes);
                let n = unpacked.len();
                swaps.iter().for_each(|(a, b)| unpacked.swap(a.index(n), b.index(n)));
                bytes = archive(&unpacked);
                damage(&mut bytes);
            }
            _ => {
                let mut unpacked = files(&bytes);
                let n = unpacked.len();
                swaps.iter().for_each(|(a, _)| damage(&mut unpacked[a.index(n)].1));
                bytes = gzip(&archive(&unpacked));
            }
        }
        let reading = read(&bytes);
        for build in &reading.builds {
            prop_assert!(build.steps.iter().all(|s| s.inputs.iter().all(|&i| i < build.steps.len())));
        }
        prop_assert!(!reading.builds.is_empty() || !reading.problems.is_empty(), "{reading:?}");
        calibrate(&[("damaged".to_owned(), reading)]);
    }
}
