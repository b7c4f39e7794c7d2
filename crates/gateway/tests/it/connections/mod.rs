//! Connections and file descriptors: their bounds, how much is read without a credential, and how an orderly stop treats open
//! connections.

mod descriptors;
mod stop;
mod strangers;
mod upgrade;
