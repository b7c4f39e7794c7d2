//! Random lives of one tenant through every door: SCIM, bulk, groups, staff, plan, profile, tick, restarts. After every step people, seats and
//! the audit are as a second telling of the rules says. `USHER_DOOR_STEPS` sets the number of steps, `USHER_DOOR_SEED` the life.

mod client;
mod life;
mod step;
#[path = "../../../../seat-ledger/tests/it/world.rs"]
#[allow(dead_code, reason = "the ledger's own test, whose model this is, asks it for more")]
mod world;

use std::time::{SystemTime, UNIX_EPOCH};

use seat_ledger::DAY_MS;
use serde_json::json;
use testkit::{clocks::MachineClock, dice::Dice};

use self::{client::Client, life::Life};
use crate::running::gateway_with;

/// Half of the steps of `make test`, which lives once on each database.
const STEPS: u64 = 50_000;

/// The product: three licenses, a role by `userType`, else by a group.
const TIERS: &str = r#"format = 1
name = "tiers"
title = "Tiers"
default_role = "basic"

[[licenses]]
key = "gold"
quota = 2
fallback = "silver"
[[licenses]]
key = "silver"
quota = 2
fallback = "bronze"
[[licenses]]
key = "bronze"
quota = 2
policy = "refuse"

[[roles]]
key = "boss"
license = "gold"
[[roles]]
key = "pro"
license = "gold"
may_fall_back = true
[[roles]]
key = "plus"
license = "silver"
may_fall_back = true
[[roles]]
key = "quiet"
license = "silver"
[[roles]]
key = "basic"
license = "bronze"

[[sources]]
attribute = "userType"
values = { boss = "boss", pro = "pro", plus = "plus", quiet = "quiet", basic = "basic" }
[[sources]]
groups = [ { name = "Pros", role = "pro" }, { name = "Pluses", role = "plus" } ]
"#;

/// A clock at two in the morning of a later day, so that no hour of the test ends at midnight.
struct Morning {
    clock: MachineClock,
    ahead_ms: i64,
}

impl Morning {
    fn new() -> (Self, i64) {
        let clock = MachineClock::new();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_millis()).unwrap();
        let start = (now / DAY_MS + 2) * DAY_MS + 2 * 3_600_000;
        let morning = Self { clock, ahead_ms: start - now };
        morning.set();
        (morning, start)
    }

    fn set(&self) {
        self.clock.set(&format!("+{}s", self.ahead_ms / 1_000 + 1));
    }

    fn pass(&mut self, hours: i64) {
        self.ahead_ms += hours * 3_600_000;
        self.set();
    }
}

#[test]
fn s3_through_every_door_people_and_seats_are_as_the_model_says_after_each_step() {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap());
    let (steps, seed) = (number("USHER_DOOR_STEPS", STEPS), number("USHER_DOOR_SEED", 1));
    let (morning, start) = Morning::new();
    let mut settings = morning.clock.environment().to_vec();
    // Thousands of refusals are no reason to hold here (S10 has a test of its own), and nobody is slowed down.
    settings.push(("USHER__LIMITS__REFUSALS_BEFORE_HOLD", "1000000000".to_owned()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gateway = gateway_with(&settings);
    let url = format!("{}/admin/v1/profiles/tiers", gateway.url);
    let put = testkit::http::Request::new("PUT", &url).bearer(&crate::staff::token(&gateway));
    put.header("Content-Type", "application/toml").bytes(TIERS.as_bytes()).send().expect(200);
    let tenant = gateway.onboard("ire", &json!({ "key": "acme", "name": "Acme", "profile": "tiers" }));
    let client = Client::new(&gateway, &tenant);
    let mut life = Life::new(gateway, morning, client, start);
    let mut dice = Dice::new(seed);
    for number in 0..steps {
        let step = step::random(&mut dice, &life);
        life.live(number, seed, step);
    }
    life.was_full(steps >= STEPS);
}
