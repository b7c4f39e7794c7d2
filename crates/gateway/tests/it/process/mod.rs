//! The process under the gateway: killed, stopped, started again.

mod crash;
mod storm;
