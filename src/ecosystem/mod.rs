//! Knowledge tables of package managers: manifests, lockfiles, install commands. Never: reads files.
