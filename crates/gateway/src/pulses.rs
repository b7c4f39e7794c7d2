//! The pulse of each worker thread: a task in its event loop that notes the time. A worker that is stuck in a call does not turn, and its
//! pulse grows old.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

/// How often a pulse beats.
const BEAT: Duration = Duration::from_millis(250);

/// The pulses of all workers. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Pulses(Arc<Mutex<Vec<Weak<Pulse>>>>);

/// When the worker turned last.
struct Pulse(Mutex<Instant>);

impl Pulses {
    /// Starts the pulse of the worker that calls this. It ends with the worker.
    pub(crate) fn start_here(&self) {
        let pulse = Arc::new(Pulse(Mutex::new(Instant::now())));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&pulse));
        actix_web::rt::spawn(async move {
            loop {
                *pulse.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                tokio::time::sleep(BEAT).await;
            }
        });
    }

    /// Whether every worker has turned within this time.
    pub(crate) fn all_beat_within(&self, longest: Duration) -> bool {
        let mut pulses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.retain(|pulse| pulse.strong_count() > 0);
        let last = |pulse: Arc<Pulse>| *pulse.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.iter().filter_map(Weak::upgrade).all(|pulse| last(pulse).elapsed() <= longest)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn a_worker_that_is_stuck_is_noticed_until_it_turns_again_or_has_ended() {
        let pulses = Pulses::default();
        let (go_on, stuck) = mpsc::channel::<()>();
        let of_worker = pulses.clone();
        let worker = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                of_worker.start_here();
                tokio::time::sleep(BEAT).await;
                stuck.recv().unwrap();
                tokio::time::sleep(BEAT * 4).await;
            });
        });
        let becomes = |beats: bool| {
            let began = Instant::now();
            while pulses.all_beat_within(BEAT * 2) != beats {
                assert!(began.elapsed() < Duration::from_secs(20), "never {beats}");
                thread::sleep(Duration::from_millis(5));
            }
        };
        becomes(false);
        go_on.send(()).unwrap();
        becomes(true);
        worker.join().unwrap();
        thread::sleep(BEAT * 3);
        assert!(pulses.all_beat_within(BEAT * 2), "who has ended is not missed");
    }
}
