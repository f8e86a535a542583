//! The facade: project and settings in, analysis out. The only module that sees every other.
