//! Proposals to change a Dockerfile, with what makes them safe. Never: scores itself.
