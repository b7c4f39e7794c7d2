//! The seats of one tenant: quotas, claims, queues, and an append-only ledger. Deliberately absent: users' attributes, SCIM,
//! HTTP.
//!
//! The one rule: the sum of the ledger's movements of a license equals the seats in use equals the people who hold one,
//! after every transaction. A seat is claimed by one conditional update, so it cannot be sold twice.

pub mod audit;
mod error;
pub mod holders;
mod license;
mod movements;
mod policy;
pub mod pools;
mod schema;
pub mod seats;

pub use error::{SeatError, Shortage};
pub use license::{Definition, License, Licenses};
pub use policy::Policy;
pub use seats::{Seat, SeatChange, SeatRequest, State};
