//! CPU time and memory of a process, from Linux: the limit of a run is as much a result as its rate.

use std::fs;
use std::time::Duration;

use super::Result;

/// `USER_HZ`: the unit of times in `/proc/<pid>/stat` is 1/100 s on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of all threads of a process so far, user and system.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    ticks(&stat).map(|ticks| TICK * ticks).ok_or_else(|| format!("/proc/{process}/stat: {stat}").into())
}

/// Fields 14 and 15, counted behind the command name, which may hold blanks and brackets.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

/// Resident memory of a process in MiB.
pub fn resident_mib(process: u32) -> Result<f64> {
    memory_mib(process, "VmRSS:")
}

/// Resident memory of a process that it shares with no other, in MiB.
pub fn private_mib(process: u32) -> Result<f64> {
    memory_mib(process, "RssAnon:")
}

fn memory_mib(process: u32, kind: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(kind));
    let kib: f64 = line.and_then(|line| line.split_whitespace().next()).unwrap_or("0").parse()?;
    Ok(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_may_hold_anything() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 12 30 0 0 20 0 3 0 99 0 0";
        assert_eq!(ticks(stat), Some(42));
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident_mib(std::process::id()).unwrap() > 1.0);
        assert!(cpu_time(std::process::id()).is_ok());
    }
}
