//! Threads for work that takes long: searches that look into many resources, large bodies, bulks. They are of lower priority
//! than those that serve requests, so that a core that does such work is free for a short request at once, and that of one
//! tenant costs another next to nothing. The caller decides how much of it runs at a time.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::StoreError;
use crate::error::Failure;

/// Which threads do work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// Beside the requests, as their equal.
    Usual,
    /// When no request wants the core.
    Background,
}

/// The niceness of the threads: against one thread that serves requests, such a thread gets a tenth of a core and never
/// nothing. What waits for a row lock or a permit of such work goes on.
const NICENESS: i32 = 10;

/// A runtime whose one use are its threads that may block. They end when there is nothing to do.
static BACKGROUND: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let threads = Builder::new_current_thread().thread_name("background").on_thread_start(step_back).build();
    threads
        .inspect_err(|error| tracing::warn!(%error, "work in the background has no threads of its own"))
        .ok()
});

/// Lowers the priority of the calling thread: on Linux niceness is a thread's own. Elsewhere it is the process's and stays.
fn step_back() {
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::setpriority_process(None, NICENESS)
    {
        tracing::warn!(%error, "a thread keeps its priority");
    }
}

/// Runs work that may block or take long in the background.
///
/// # Errors
/// The work's own; `Panicked`; `Unavailable` when the program shuts down before the work began.
pub async fn in_background<T: Send + 'static, E: Failure>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    run(Threads::Background, work).await
}

/// Runs blocking work on a thread for it.
///
/// # Errors
/// As [`in_background`].
pub(crate) async fn run<T: Send + 'static, E: Failure>(
    on: Threads,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match spawn(on, work).await {
        Ok(result) => result,
        Err(failed) if failed.is_panic() => Err(StoreError::Panicked.into()),
        Err(_) => Err(StoreError::Unavailable("the program is shutting down".to_owned()).into()),
    }
}

/// Runs blocking work beside the requests, as their equal.
///
/// # Errors
/// As [`in_background`].
pub(crate) async fn blocking<T: Send + 'static, E: Failure>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    run(Threads::Usual, work).await
}

/// Begins blocking work on a thread for it.
pub(crate) fn spawn<T: Send + 'static>(
    on: Threads,
    work: impl FnOnce() -> T + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let caller = Handle::current();
    match BACKGROUND.as_ref().filter(|_| on == Threads::Background) {
        // Tasks that the work starts belong to the runtime that serves requests: this one has neither tasks nor a clock.
        Some(threads) => threads.spawn_blocking(move || {
            let _caller = caller.enter();
            work()
        }),
        None => caller.spawn_blocking(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn work_in_the_background_yields_to_requests_and_leaves_their_threads_as_they_are() {
        let niceness = || rustix::process::getpriority_process(None).map_err(|_| StoreError::Panicked);
        let usual = niceness().unwrap();
        assert_eq!(in_background(niceness).await.unwrap(), usual.max(NICENESS));
        assert_eq!(run(Threads::Usual, niceness).await.unwrap(), usual);
        assert_eq!(niceness().unwrap(), usual);
    }

    #[tokio::test]
    async fn what_work_in_the_background_begins_belongs_to_the_callers_runtime() {
        let begun = in_background(|| Ok::<_, StoreError>(tokio::spawn(async { 7 }))).await.unwrap();
        assert_eq!(begun.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_in_the_background_is_an_error() {
        let panicked = in_background(|| -> Result<(), StoreError> { panic!("on purpose") }).await;
        assert!(matches!(panicked, Err(StoreError::Panicked)));
    }
}
