//! Build logs of all kinds to plain data: texts, and the records that BuildKit keeps.
//!
//! Never: fails, or trusts a log: sizes are capped, what is damaged is left out and said.
//!
//! ```
//! let log = "#1 [build 2/2] RUN npm ci\n#1 DONE 1.7s\n";
//! let reading = stratigraph::cost::log::read(log.as_bytes());
//! assert_eq!(reading.builds[0].steps[0].duration_ms, Some(1700));
//! ```

mod archive;
mod build;
mod clean;
mod name;
mod plain;
mod rawjson;
mod read;
mod record;
mod sequential;
mod side;
mod spans;
mod status;
mod time;
pub(super) mod total;
mod vertex;

pub use build::Format;
pub use build::Internal;
pub use build::LogBuild;
pub use build::LogStep;
pub use build::Outcome;
pub use build::Reading;
pub use build::Role;
pub use build::SizeRecord;
pub use build::TotalSource;
pub use build::Traffic;
pub use build::Transfer;
pub use read::read;
pub use time::parse_size;
