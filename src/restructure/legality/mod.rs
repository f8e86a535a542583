//! The one check that every candidate of every rule passes or is dropped by: what is protected, what was promised.
//!
//! It judges the text before against the text after and asks no rule how it got there:
//! 1. the edits fit and the result parses;
//! 2. every comment stands; every FROM and RUN stands as often as before, but for what the candidate declares;
//! 3. the image's configuration (CMD, ENTRYPOINT, USER, EXPOSE, VOLUME, LABEL, ENV, WORKDIR, …) ends as it ended;
//! 4. the same files reach the image, from the same places with the same owner and mode (the owner aside where a RUN gave
//!    it that the candidate replaces); where some do not, the candidate is not called safe;
//! 5. every COPY still finds what it names, under the ignore file as it would be;
//! 6. no RUN comes above the COPY of a file that it names;
//! 7. no RUN that resolves dependencies comes above the COPY of a file that it reads;
//! 8. where two kept instructions changed places, it was shown that their order does not matter, or the candidate is
//!    not called safe.
//!
//! Never: asks a rule how it got there, mends a candidate.

mod check;
mod configuration;
mod differing;
mod findable;
mod image;
mod order;
mod sources;
mod steps;

pub use check::check;
pub use check::visible_after;
pub use sources::{missing_sources, remote_sources, unheld_sources};
