//! The use cases: a user and its seat change together or not at all.
