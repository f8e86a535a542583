//! What several integration tests need: recorded cases, the comparison of predicted with real steps, real builders.

pub mod agree;
pub mod case;
pub mod engine;
pub mod forge_server;
pub mod golden;
pub mod program;
pub mod repo;
