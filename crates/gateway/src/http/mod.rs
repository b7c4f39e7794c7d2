//! The HTTP server: actix-web over a stream that lets raw quotes and blanks in a query pass, ignores `Upgrade`, gives every
//! refusal a body, and ends when an exchange does not.

mod connections;
mod door;
mod leftovers;
mod patience;
mod raw_query;
mod refusals;
mod server;
mod upgrade;

pub(crate) use connections::{Bounds, Connections};
pub(crate) use raw_query::restore;
pub(crate) use server::{Limits, NEWCOMERS, Serving, Stopper, start, trust};
