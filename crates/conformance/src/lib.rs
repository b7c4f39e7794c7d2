//! Black-box checks of any SCIM server: requests, and the answers that they must get. The checks are data ([`groups`]); [`run()`] makes
//! them against a [`Server`] and leaves nothing behind; a [`Report`] is their result. Nothing of the gateway's own rules is here, so that
//! it is held to the same list as any other server.

mod check;
mod claims;
mod junit;
mod litter;
mod matching;
mod path;
mod play;
mod report;
mod run;
mod server;
mod variables;

pub use check::{Check, Group, Step, groups};
pub use claims::{Feature, Profile};
pub use junit::junit;
pub use matching::check;
pub use path::{find, plain};
pub use play::Failure;
pub use report::{Outcome, Report, Verdict};
pub use run::{Plan, run};
pub use server::Server;
pub use variables::Variables;
