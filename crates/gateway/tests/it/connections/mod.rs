//! Connections and file descriptors: who gets how many, what is read of strangers, and how an orderly stop treats who is there.

mod client;
mod descriptors;
mod stop;
mod strangers;
mod upgrade;

pub(crate) use client::Client;
