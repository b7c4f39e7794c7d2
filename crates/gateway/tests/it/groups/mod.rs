//! `/Groups` and their members.

mod changes;
mod members;
mod nested;
mod unknown_members;
