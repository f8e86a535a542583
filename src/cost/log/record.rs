//! Build records, as `docker buildx history export` writes them (docker/buildx util/desktop/bundle/export.go).
//!
//! An OCI layout: for each record a manifest whose configuration is the record itself and whose layers are its log, the
//! build's provenance, and what else belongs to it. Manifests are known by what they say, not by the index: that comes
//! last, and a cut archive has lost it. Layouts of images tell the sizes of layers.

use super::build::Format;
use super::build::LogBuild;
use super::build::Reading;
use super::rawjson::RawJson;
use super::side;
use super::status;
use super::vertex::Layers;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Configurations of images, as OCI and as Docker name them.
const IMAGES: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];
const RECORD: &str = "application/vnd.buildkit.historyrecord.v0";
const LOG: &str = "application/vnd.buildkit.status.v0";
const PROVENANCE: &str = "application/vnd.in-toto+json";

/// Manifests, records and provenances are smaller: what is larger is not parsed.
const MAX_JSON: usize = 8 << 20;
/// More records than this are not read.
const MAX_RECORDS: usize = 10_000;
/// Images have at most 127 layers.
const MAX_LAYERS: usize = 200;

type Files = BTreeMap<String, Vec<u8>>;

#[derive(Default, Deserialize)]
struct Manifest {
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Default, Deserialize)]
struct Descriptor {
    #[serde(default, rename = "mediaType")]
    media_type: String,
    #[serde(default)]
    digest: String,
}

/// A record: moby/buildkit api/services/control/control.proto `BuildHistoryRecord`, as Go's JSON.
#[derive(Default, Deserialize)]
struct Record {
    #[serde(default, rename = "Ref")]
    name: String,
    #[serde(default)]
    error: Option<Failure>,
    #[serde(default, rename = "CreatedAt")]
    created: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Timestamp {
    #[serde(default)]
    seconds: i64,
    #[serde(default)]
    nanos: i64,
}

/// Reads the files of an archive.
pub(super) fn read(files: &Files, reading: &mut Reading) {
    let mut records: Vec<(Record, Manifest)> = Vec::new();
    for bytes in files.values() {
        let Some(manifest) = json::<Manifest>(bytes) else {
            continue;
        };
        if manifest.config.media_type == RECORD {
            let record = blob(files, &manifest.config.digest).and_then(json);
            records.push((record.unwrap_or_default(), manifest));
        } else if IMAGES.contains(&manifest.config.media_type.as_str())
            && let Some(config) = blob(files, &manifest.config.digest)
        {
            // Sizes of its layers, and what made them. Those of other kinds, damaged records among them, are no layers.
            for document in [bytes.as_slice(), config] {
                reading
                    .sizes
                    .extend(side::document(&String::from_utf8_lossy(document)));
            }
        }
        if records.len() >= MAX_RECORDS {
            break;
        }
    }
    records.sort_by(|a, b| (a.0.created, &a.0.name).cmp(&(b.0.created, &b.0.name)));
    let n_records = records.len();
    let logs = records
        .iter()
        .map(|(record, manifest)| build(files, record, manifest));
    for result in logs {
        match result {
            Ok(build) => reading.builds.push(build),
            Err(problem) => reading.problems.push(problem),
        }
    }
    if n_records == 0 && reading.sizes.is_empty() {
        reading.problems.push(format!(
            "No build was found in this archive of {} files. Known are build records, as docker buildx history export \
             writes them, and OCI layouts of images.",
            files.len()
        ));
    }
}

/// One record's build, or why there is none.
fn build(files: &Files, record: &Record, manifest: &Manifest) -> Result<LogBuild, String> {
    let of_type = |wanted: &'static str| {
        manifest
            .layers
            .iter()
            .filter(move |l| l.media_type == wanted)
            .filter_map(|l| blob(files, &l.digest))
    };
    let name = if record.name.is_empty() {
        "of a build without a name"
    } else {
        &record.name
    };
    let Some(log) = of_type(LOG).next() else {
        return Err(format!("Record {name} has no log."));
    };
    let mut raw = RawJson::default();
    let is_whole = status::statuses(log, |status| raw.status(status));
    for layers in of_type(PROVENANCE)
        .filter_map(json)
        .flat_map(Provenance::layers)
    {
        raw.layers(&layers.0, layers.1);
    }
    if let Some(failure) = &record.error {
        raw.fail(&failure.message);
    }
    let build = raw.finish(Format::Record);
    let mut build = build.ok_or_else(|| format!("The log of record {name} tells of no step."))?;
    if !is_whole {
        build.problems.push(format!(
            "The log of record {name} is cut or damaged; what could be read of it is used."
        ));
    }
    Ok(build)
}

fn blob<'a>(files: &'a Files, digest: &str) -> Option<&'a [u8]> {
    let (algorithm, hex) = digest.split_once(':')?;
    files
        .get(&format!("blobs/{algorithm}/{hex}"))
        .map(Vec::as_slice)
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let fits = bytes.len() <= MAX_JSON && bytes.trim_ascii_start().starts_with(b"{");
    fits.then(|| serde_json::from_slice(bytes).ok()).flatten()
}

/// What a build was made of (SLSA provenance; moby/buildkit solver/llbsolver/provenance/types/types.go). Versions 0.2 and
/// 1 hold the same in different places.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provenance {
    #[serde(default)]
    build_definition: Definition,
    #[serde(default)]
    run_details: Details,
    #[serde(default)]
    build_config: Config,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    #[serde(default)]
    internal_parameters: Parameters,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default)]
    build_config: Config,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    /// Names of steps by the digest of their vertex.
    #[serde(default)]
    digest_mapping: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(
        default,
        rename = "buildkit_metadata",
        alias = "https://mobyproject.org/buildkit@v1#metadata"
    )]
    buildkit: BuildKit,
}

#[derive(Default, Deserialize)]
struct BuildKit {
    /// By step and output (`step4:0`) the layers of the result, in each of its forms.
    #[serde(default)]
    layers: BTreeMap<String, Vec<Vec<Layer>>>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(default)]
    digest: String,
    #[serde(default)]
    size: u64,
}

impl Provenance {
    /// Each vertex's layers.
    fn layers(self) -> Vec<(String, Layers)> {
        let mut chains = self.run_details.metadata.buildkit.layers;
        chains.extend(self.metadata.buildkit.layers);
        let of_step: BTreeMap<String, Layers> = chains
            .into_iter()
            .filter_map(|(step, forms)| {
                let form = forms.into_iter().next()?.into_iter().take(MAX_LAYERS);
                Some((step, form.map(|l| (l.digest, l.size)).collect()))
            })
            .collect();
        let mut step_of = self.build_definition.internal_parameters.build_config;
        step_of
            .digest_mapping
            .extend(self.build_config.digest_mapping);
        step_of
            .digest_mapping
            .into_iter()
            .filter_map(|(vertex, step)| Some((vertex, of_step.get(&format!("{step}:0"))?.clone())))
            .collect()
    }
}
