//! A minute of what wears a ledger: sixteen clients and staff change seats, the clock jumps, the gateway is killed. Every change
//! that was committed is compared with a model, and every answer with what was committed.

mod client;
mod model;
mod reckoning;

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use crate::running::gateway_with;
use client::{Client, Staff};
use reckoning::Books;

const LONG: Duration = Duration::from_secs(60);
const CLIENTS: usize = 16;

/// Longest time between two restarts.
const ROUND: Duration = Duration::from_secs(4);

const CLOCKS: [&str; 10] = ["+0s", "-2s", "-5s", "+2s", "-1h", "+2d", "-2d", "+10y", "-3y", "+0s"];

/// The numbers of a run, all from one seed (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The state that all actors of a round share.
pub(super) struct Round<'a> {
    gateway: &'a Gateway,
    tenant: &'a Tenant,
    acknowledged: AtomicUsize,
    over: AtomicBool,
}

#[test]
fn s1_s2_s6_s7_every_change_of_a_minute_of_kills_and_clock_jumps_is_the_models() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = std::env::var("USHER_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(since.subsec_nanos()));
    eprintln!("USHER_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    let clock = MachineClock::new();
    let environment = clock.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut gateway = gateway_with(&environment);
    let tenant = gateway.tenant("ire", "acme", Some(8), Some(12));
    let mut books = Books::open(&gateway, &tenant);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|n| Client::new(n, seed)).collect();
    let mut staff = Staff::new(seed);
    let (began, mut rounds) = (Instant::now(), 0);
    while began.elapsed() < LONG {
        let (enough, wrong, wronger) = (50 + dice.below(250), dice.pick(&CLOCKS), dice.pick(&CLOCKS));
        let round = Round {
            gateway: &gateway,
            tenant: &tenant,
            acknowledged: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        };
        let (pid, until, round) = (gateway.pid(), Instant::now() + ROUND, &round);
        thread::scope(|scope| {
            let mut running: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(move || client.act_until_over(round))).collect();
            running.push(scope.spawn(|| staff.act_until_over(round)));
            let wait_for = |count| {
                while round.acknowledged.load(Ordering::Relaxed) < count && Instant::now() < until {
                    thread::sleep(Duration::from_millis(2));
                }
            };
            wait_for(enough / 2);
            clock.set(wrong);
            wait_for(enough);
            // With requests under way, so that the end of some is not known.
            let signal =
                if rounds % 2 == 0 { testkit::gateway::Signal::KILL } else { testkit::gateway::Signal::TERM };
            testkit::gateway::signal(pid, signal);
            round.over.store(true, Ordering::Relaxed);
            running.into_iter().for_each(|client| client.join().unwrap());
        });
        gateway.wait_for_end();
        clock.set(wronger);
        gateway.start_again();
        books.reckon(&gateway, &tenant, &mut clients, &mut staff);
        rounds += 1;
    }
    books.assert_much_was_met(rounds);
}
