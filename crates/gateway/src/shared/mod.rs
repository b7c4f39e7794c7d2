//! What processes share through Redis: counts that limit callers, and messages that say which tenant to read again. Facts never live
//! there. While Redis cannot be asked, each process has its own limits and believes its cache for less than a second.

mod counts;
mod link;
mod messages;
mod trust;

pub(crate) use link::{CACHE_TIME_ALONE, Link};
pub(crate) use messages::{Caches, Forget, Outbox};
