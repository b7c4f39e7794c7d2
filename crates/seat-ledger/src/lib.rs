//! The seats of one tenant: quotas, claims, queues, and an append-only ledger. Deliberately absent: users' attributes, SCIM,
//! HTTP.
//!
//! The one rule: the sum of the ledger's movements of a license equals the seats in use equals the people who hold one,
//! after every transaction. A seat is claimed by one conditional update, so it cannot be sold twice.

mod acquire;
pub mod audit;
mod day;
mod due;
mod error;
mod exchange;
pub mod forecast;
pub mod holders;
mod in_force;
mod license;
pub mod lines;
mod movements;
pub mod plan;
mod policy;
pub mod pools;
mod promotion;
mod queue;
pub mod refusals;
mod schema;
mod seat;
pub mod seats;

pub use day::{DAY_MS, Day};
pub use due::due;
pub use error::{SeatError, Shortage};
pub use license::{Definition, License, Licenses};
pub use plan::next_due;
pub use policy::{Grace, Overage, Policy};
pub use queue::{Waiting, waiting};
pub use seat::{Moves, Seat, SeatRequest, State, WaitingPlace};
pub use seats::{Removed, SeatChange};
