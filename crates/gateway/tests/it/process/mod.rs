//! The process under the gateway: killed, stopped, started again, alone on its data.

mod alone;
mod crash;
mod storm;
