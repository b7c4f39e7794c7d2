//! Redis absent at the start, killed, started again and frozen, under traffic: every request is answered in time and none with 5xx.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use testkit::{
    gateway::{Gateway, Tenant},
    redis::Redis,
};

use super::{probe, set, wait_for_metric, wrong};
use crate::running::{gateway_with, wait_for};

/// No request waits longer, with all its other work.
const LONGEST: Duration = Duration::from_secs(2);

/// What the requests of one phase came to.
#[derive(Debug, Default)]
struct Phase {
    served: usize,
    refused: usize,
    longest: Duration,
}

/// Requests of a tenant with a rate, and wrong credentials, all the time.
struct Traffic<'a> {
    tenant: &'a Tenant,
    phase: Mutex<Phase>,
    sent: AtomicUsize,
    is_over: AtomicBool,
}

impl Traffic<'_> {
    fn run(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let statuses = (probe(self.tenant), wrong(&self.tenant.base_url, "nonsense"));
            let took = began.elapsed();
            assert!(matches!(statuses, (200 | 429, 401)), "{statuses:?}");
            let mut phase = self.phase.lock().unwrap();
            phase.served += usize::from(statuses.0 == 200);
            phase.refused += usize::from(statuses.0 == 429);
            phase.longest = phase.longest.max(took);
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends a phase after some more requests; shows its figures and holds them to the limit.
    fn end_phase(&self, name: &str) -> Phase {
        let before = self.sent.load(Ordering::Relaxed);
        wait_for("traffic goes on", || self.sent.load(Ordering::Relaxed) > before + 100);
        let phase = std::mem::take(&mut *self.phase.lock().unwrap());
        println!("{name}: {phase:?}");
        assert!(phase.longest < LONGEST, "{name}: {phase:?}");
        phase
    }
}

/// How long it takes until a line of the metrics reads so.
fn time_until(gateway: &Gateway, line: &str) -> Duration {
    let began = Instant::now();
    wait_for_metric(gateway, line);
    println!("  {line} after {:?}", began.elapsed());
    began.elapsed()
}

#[test]
fn redis_may_be_absent_die_come_back_and_freeze_and_every_request_is_answered_in_time() {
    let mut redis = Redis::start();
    redis.kill();
    let gateway =
        gateway_with(&[("USHER__REDIS__URL", &redis.url()), ("USHER__LIMITS__WRONG_SECRETS", "1000000")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    set(&gateway, &["--rate", "100", "--burst", "500"]);
    assert!(gateway.metrics().contains("usher_redis_up 0"));
    let traffic = Traffic {
        tenant: &acme,
        phase: Mutex::default(),
        sent: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let clients = [(); 2].map(|()| scope.spawn(|| traffic.run()));
        let absent = traffic.end_phase("absent at the start");
        assert!(absent.served > 0);

        redis.start_again();
        assert!(time_until(&gateway, "usher_redis_fallback_active 0") < Duration::from_secs(5));
        traffic.end_phase("started");
        wait_for("counts are in Redis", || redis.command(&["DBSIZE"]) != ":0");

        redis.kill();
        time_until(&gateway, "usher_redis_up 0");
        traffic.end_phase("killed");

        redis.start_again();
        assert!(time_until(&gateway, "usher_redis_fallback_active 0") < Duration::from_secs(5));
        traffic.end_phase("started again");

        redis.freeze();
        time_until(&gateway, "usher_redis_fallback_active 1");
        time_until(&gateway, "usher_redis_up 0");
        traffic.end_phase("frozen");

        redis.thaw();
        assert!(time_until(&gateway, "usher_redis_fallback_active 0") < Duration::from_secs(5));
        traffic.end_phase("thawed");

        traffic.is_over.store(true, Ordering::Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    // Each change of state has one line.
    let log = gateway.log();
    let count = |message: &str| log.lines().filter(|line| line.contains(message)).count();
    assert_eq!(count("redis is reached"), 3, "{log}");
    assert_eq!(count("redis is not reached"), 3, "{log}");
    assert!(count("redis is slow") <= 3, "{log}");
}

#[test]
fn while_redis_is_away_a_tenant_has_its_whole_rate_in_each_process() {
    let redis = Redis::start();
    let url = redis.url();
    drop(redis);
    let gateway = gateway_with(&[("USHER__REDIS__URL", &url)]);
    let acme = gateway.tenant("ire", "acme", None, None);
    set(&gateway, &["--rate", "25"]);
    let began = Instant::now();
    let served = (0..700).filter(|_| probe(&acme) == 200).count();
    let most = 501 + usize::try_from(began.elapsed().as_millis() * 25 / 1_000).unwrap();
    assert!((500..=most).contains(&served), "{served} of at most {most}");
}
