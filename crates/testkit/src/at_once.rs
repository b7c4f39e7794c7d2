//! The same act by many clients at the same moment, for tests of races.

use std::{sync::Barrier, thread};

/// Runs `act(0)` to `act(clients - 1)`, each on a thread of its own, all let go together; the results in that order.
pub fn at_once<T: Send>(clients: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (line, act) = (Barrier::new(clients), &act);
    thread::scope(|scope| {
        let start = |client| {
            let line = &line;
            scope.spawn(move || {
                line.wait();
                act(client)
            })
        };
        let running: Vec<_> = (0..clients).map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
