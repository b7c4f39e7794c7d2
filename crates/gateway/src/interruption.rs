//! Ctrl-C and SIGTERM for a command that has something to put away first: the first one asks it to stop, the second one ends it.

use std::{
    process::exit,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

static ASKED: AtomicBool = AtomicBool::new(false);

/// What a shell says of a program that Ctrl-C ended.
const ENDED_BY_CTRL_C: i32 = 130;

/// Listens from now on; the flag becomes true with the first signal.
pub(crate) fn watch() -> Result<&'static AtomicBool, String> {
    let cannot = |error: std::io::Error| format!("Signals cannot be listened to: {error}.");
    let runtime = Builder::new_current_thread().enable_io().build().map_err(cannot)?;
    let (mut interrupt, mut term) = {
        let _inside = runtime.enter();
        let signals =
            signal(SignalKind::interrupt()).and_then(|one| Ok((one, signal(SignalKind::terminate())?)));
        signals.map_err(cannot)?
    };
    let listen = async move {
        loop {
            tokio::select! { _ = interrupt.recv() => {}, _ = term.recv() => {} }
            if ASKED.swap(true, Ordering::Relaxed) {
                exit(ENDED_BY_CTRL_C);
            }
        }
    };
    thread::Builder::new().spawn(move || runtime.block_on(listen)).map_err(cannot)?;
    Ok(&ASKED)
}
