//! Outcomes to numbers: hit ratio, cost, attribution, bound. Never: prints.
