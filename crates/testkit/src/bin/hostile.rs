//! The cost of the requests of `testkit::hostile` for a gateway: `cargo run --release --bin hostile -- target/release/usher`.
//! It is the CPU time of the whole process, user and system. Linux counts it in hundredths of a second, so each request is sent
//! often.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "the report is this program's output")]

use std::time::{Duration, Instant};

use testkit::{bench::process::cpu_time, gateway::Gateway, hostile};

/// How often each request is sent.
const TIMES: u32 = 20;

/// The most that a hostile request should cost.
const AIM: Duration = Duration::from_millis(50);

fn main() {
    let binary = std::env::args().nth(1).unwrap_or_else(|| "target/release/usher".into());
    let gateway = Gateway::start(&binary);
    let tenant = gateway.tenant("ire", "acme", None, None);
    let ada = tenant.create_user("ada", "").expect(201).id();
    println!("{:46} {:>6} {:>10} {:>10}", "request", "status", "CPU ms", "wall ms");
    for request in hostile::requests(&ada) {
        let status = request.send(&tenant).status;
        let (before, began) = (cpu_time(gateway.pid()).unwrap(), Instant::now());
        for _ in 0..TIMES {
            request.send(&tenant);
        }
        let cpu = cpu_time(gateway.pid()).unwrap().saturating_sub(before) / TIMES;
        let wall = began.elapsed() / TIMES;
        let note = if cpu > AIM { "  above the aim of 50 ms" } else { "" };
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        println!("{:46} {status:>6} {:>10.1} {:>10.1}{note}", request.name, millis(cpu), millis(wall));
    }
}
