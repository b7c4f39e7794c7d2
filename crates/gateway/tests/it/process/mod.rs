//! The process under the gateway: killed, stopped, started again, alone on its data, closed to other users.

mod alone;
mod clock;
mod closed;
mod crash;
mod doctor;
mod files;
mod probes;
mod resting;
mod seat_storm;
mod service_manager;
mod storm;

use std::{
    path::Path,
    process::{Command, Output},
};

/// A start over this data directory, on ports of its own choice, that is expected to end by itself.
fn serve(data_dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_usher"))
        .arg("serve")
        .env("USHER__DATA_DIR", data_dir)
        .env("USHER__SERVER__LISTEN", "127.0.0.1:0")
        .env("USHER__METRICS__LISTEN", "")
        .output()
        .unwrap()
}

/// What a start that was refused says.
#[track_caller]
fn refused(start: Output) -> String {
    let said = String::from_utf8_lossy(&start.stderr).into_owned();
    assert_eq!(start.status.code(), Some(1), "{said}");
    said
}
