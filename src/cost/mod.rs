//! What a step costs: priors, measured profiles, the cost of a build.
//!
//! Never: reads files or the clock.
//!
//! [`CostModel`] turns outcomes of a replay into time, bytes and money. Without a [`Profile`] everything is estimated
//! from public figures ([`prior`], [`image`]); `calibrate` makes a profile from the user's own logs. Every figure has a
//! band; those of whole replays come from [`World`]s, drawn without chance: same input, same figures.

mod calibrate;
mod emulation;
mod estimate;
pub mod image;
mod kind;
mod kinds;
pub mod log;
mod model;
mod money;
mod observed;
mod pieces;
mod plan;
pub mod prior;
pub mod profile;
mod rates;
mod resolved;
mod scale;
mod schedule;
mod sheet;
mod step;
mod told;
mod total;
mod values;
mod warm;
mod world;

pub use calibrate::Calibration;
pub use calibrate::calibrate;
pub use emulation::EMULATION;
pub use estimate::Estimate;
pub use estimate::Match;
pub use estimate::Source;
pub use kinds::weight;
pub use model::BuildCost;
pub use model::CostModel;
pub use model::ImageSize;
pub use money::Money;
pub use observed::Observations;
pub use observed::Overhead;
pub use observed::Profile;
pub use observed::Size;
pub use observed::Speed;
pub use observed::StepProfile;
pub use observed::image_name;
pub use observed::normalised;
pub use rates::Origin;
pub use rates::Preset;
pub use rates::Price;
pub use rates::Rates;
pub use rates::SpeedFact;
pub use scale::Family;
pub use scale::Scale;
pub use schedule::Job;
pub use schedule::makespan;
pub use sheet::Known;
pub use step::LayerFact;
pub use step::LayerSize;
pub use step::kind_of_text;
pub use total::Bill;
pub use total::Comparison;
pub use total::EachCost;
pub use total::TotalCost;
pub use total::builds_per_day_milli;
pub use world::Band;
pub use world::World;
pub use world::share_below;
