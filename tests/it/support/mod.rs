//! What several integration tests need: recorded cases and the comparison of predicted with real steps.

pub mod agree;
pub mod case;
pub mod engine;
pub mod forge_server;
pub mod repo;
