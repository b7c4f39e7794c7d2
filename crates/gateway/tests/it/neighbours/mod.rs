//! No tenant harms another, nor itself: large bodies, searches in memory and answers that no client reads have bounds, and
//! others are served meanwhile. What is asserted is how much happens while something else goes on, never how fast.

mod answers;
mod bodies;
mod searches;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use testkit::gateway::{Gateway, Tenant};

use crate::running::gateway_with;

/// A tenant with seats for everybody.
fn roomy(gateway: &Gateway, key: &str) -> Tenant {
    gateway.tenant("ire", key, None, None)
}

/// How many probes of a tenant are answered, one after the other, while something else goes on; and what came of that.
fn probes_while<T>(tenant: &Tenant, other: impl FnOnce() -> T) -> (usize, T) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let probing = scope.spawn(|| {
            let mut answered = 0;
            while !over.load(Ordering::Relaxed) {
                tenant.find("/Users", "userName eq \"nobody\"").expect(200);
                answered += 1;
            }
            answered
        });
        let done = other();
        over.store(true, Ordering::Relaxed);
        (probing.join().unwrap(), done)
    })
}
