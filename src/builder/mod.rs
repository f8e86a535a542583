//! What enters a cache key, per builder. Never: reads the history.
