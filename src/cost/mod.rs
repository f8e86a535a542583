//! What a step costs: priors, measured profiles, the cost of a build. Never: reads files or the clock.
