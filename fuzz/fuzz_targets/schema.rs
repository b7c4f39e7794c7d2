//! `schema` of `scim_properties::TARGETS`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scim_properties::run("schema", bytes));
