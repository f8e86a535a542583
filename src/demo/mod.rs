//! Generated repositories and Dockerfiles for the demo. Never: reads the clock or a random device.
