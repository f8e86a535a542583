//! The process: arguments, files, terminal, exit codes. One of the places that do I/O.
