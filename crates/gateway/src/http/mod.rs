//! The HTTP server: actix-web over a stream that lets raw quotes and blanks in a query pass, gives every refusal a body, and
//! ends when an exchange does not.

mod patience;
mod raw_query;
mod refusals;
mod server;

pub(crate) use raw_query::restore;
pub(crate) use server::{Limits, start};
