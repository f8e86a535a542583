//! Results to text, one file per format. Never: computes a fact.
