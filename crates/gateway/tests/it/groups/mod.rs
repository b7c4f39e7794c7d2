//! `/Groups` and their members.

mod members;
mod nested;
mod unknown_members;
