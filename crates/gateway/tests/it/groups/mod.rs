//! `/Groups` and their members.

mod members;
mod unknown_members;
