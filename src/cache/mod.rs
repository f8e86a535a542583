//! Keys, records, lookups and reasons.
//!
//! Never: reads the context or the history by itself.

mod lookup;
mod store;

pub use lookup::Lookup;
pub use lookup::MissReason;
pub use lookup::NOT_HELD;
pub use store::InputKey;
pub use store::KeyId;
pub use store::Link;
pub use store::OpId;
pub use store::Record;
pub use store::Store;
