//! Connections and file descriptors: who gets how many, what is read of strangers, and how an orderly stop treats who is there.

mod descriptors;
mod stop;
mod strangers;
mod upgrade;
