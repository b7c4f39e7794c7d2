//! The breaker on mass loss. In a window of some minutes so many people may lose their access by the word of an identity provider, or of
//! the clock; further losses are held: what was sent is stored and returned, seat and role stay until staff release them or roll them
//! back. Staff's own acts are not counted.

pub(crate) mod deletion;
mod give_back;
pub(crate) mod loss;
mod release;
mod rollback;
mod settings;

pub use release::{Released, run as release};
pub use rollback::{RolledBack, run as rollback};
pub use settings::{Change, Shown, is_asked, set, show};
