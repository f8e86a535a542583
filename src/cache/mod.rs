//! Keys, records, lookups and reasons.
//!
//! Never: reads the context or the history by itself.

mod lookup;

pub use lookup::Lookup;
pub use lookup::MissReason;
