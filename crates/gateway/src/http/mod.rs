//! The HTTP server: actix-web over a stream that lets raw quotes and blanks in a query pass, ignores `Upgrade`, gives every
//! refusal a body, and ends when an exchange does not.

mod connections;
mod door;
mod head;
mod leftovers;
mod refusals;
mod server;
mod stream;
mod timeouts;

pub(crate) use connections::{Bounds, Connections};
pub(crate) use head::restore;
pub(crate) use server::{NEWCOMERS, Serving, Stopper, allow_long, start, trust};
pub(crate) use timeouts::Timeouts;
