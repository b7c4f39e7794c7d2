//! The HTTP server: actix-web over a stream that lets raw quotes in a query pass, and that ends when an exchange does not.

mod patience;
mod raw_quotes;
mod server;

pub(crate) use raw_quotes::restore;
pub(crate) use server::{Limits, start};
