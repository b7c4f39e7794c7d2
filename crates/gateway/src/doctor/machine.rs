//! The machine: its clock, its disks, its limit of open files, its ports.

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use rustix::fs::statvfs;
use store::is_reserve_whole;
use tenant_registry::RegistryPlace;

use super::looked::Looked;
use crate::{descriptors, health_check::reachable, settings::Settings};

/// A clock that is behind the newest known time by more was set back.
const MOST_BEHIND_MS: i64 = 60_000;

/// The beginning of 2025: no store is older.
const FIRST_MS: i64 = 1_735_689_600_000;

const DAY_MS: i64 = 86_400_000;

/// The logs of so many busy tenants must fit on a disk.
const BUSY_TENANTS: u64 = 2;

/// How long a listener may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The machine's clock against the newest time that a registry holds.
pub(super) fn clock(settings: &Settings, now_ms: i64, newest_ms: Option<i64>) -> Looked {
    let newest_ms = newest_ms.unwrap_or(FIRST_MS).max(FIRST_MS);
    let set = "set the clock, or have it set by NTP";
    if now_ms < newest_ms - MOST_BEHIND_MS {
        let seconds = (newest_ms - now_ms) / 1_000;
        let fault = format!("The machine's clock is {seconds} s behind the newest time that is known");
        return Looked::finding("clock", fault, set);
    }
    let days = (now_ms - newest_ms) / DAY_MS;
    if newest_ms > FIRST_MS && days > settings.store.clock_ahead_days() {
        let fault = format!(
            "The machine's clock is {days} days ahead of the newest time that is known, and will not be believed"
        );
        return Looked::finding(
            "clock",
            fault,
            format!("{set}; if it is right, raise store.clock_ahead_days for one start"),
        );
    }
    Looked::well("clock", "The machine's clock fits the newest time that is known.")
}

/// The disks of the served regions that keep files.
pub(super) fn disks(settings: &Settings) -> Vec<Looked> {
    let directories = settings.regions.values().filter_map(|region| match &region.place.registry {
        RegistryPlace::Directory(directory) => Some(directory.as_path()),
        RegistryPlace::Database(_) => None,
    });
    let there = directories.filter(|directory| directory.is_dir());
    there
        .map(|directory| {
            disk(directory, settings).unwrap_or_else(|error| {
                let fault =
                    format!("The disk of {} cannot be asked for its room ({error})", directory.display());
                Looked::finding("disk", fault, "check permissions and mounts")
            })
        })
        .collect()
}

fn disk(directory: &Path, settings: &Settings) -> io::Result<Looked> {
    const MIB: u64 = 1 << 20;
    let shown = directory.display();
    let disk = statvfs(directory)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize) / MIB;
    let needed = BUSY_TENANTS * u64::from(settings.store.log_limit_mib());
    let is_reserve_missing = match is_reserve_whole(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        whole => !whole.unwrap_or(false),
    };
    Ok(if free < needed {
        let fault = format!(
            "The disk of {shown} has {free} MiB left, less than the {needed} MiB of the logs of {BUSY_TENANTS} busy tenants"
        );
        Looked::finding("disk", fault, "make room; see \"The disk is full\" in docs/operations.md")
    } else if is_reserve_missing {
        let fault = format!("The reserve of {shown} is not whole, though {free} MiB are left");
        Looked::finding("disk", fault, "start the gateway, which restores it, or check quotas of its user")
    } else {
        Looked::well("disk", format!("The disk of {shown} has {free} MiB left, and the reserve is whole."))
    })
}

/// The limit of open files of whoever runs the doctor; a service has a limit of its own.
pub(super) fn descriptors(settings: &Settings) -> Looked {
    match descriptors::fit(settings) {
        Ok((limit, shares)) => Looked::well(
            "open files",
            format!(
                "The limit of {limit} open files has room for {} connections and {} open stores.",
                shares.connections, shares.stores
            ),
        ),
        Err(fault) => {
            Looked::finding("open files", fault, "the limit meant is that of the gateway's service")
        }
    }
}

/// The addresses that the settings name: free, or served by a gateway. `is_served`: a gateway has the data directory.
pub(super) fn ports(settings: &Settings, is_served: bool) -> Vec<Looked> {
    let all = [
        ("server.listen", Some(settings.server.listen), "/livez"),
        ("admin.listen", settings.admin.listen, "/"),
        ("metrics.listen", settings.metrics.listen, "/metrics"),
        ("health.listen", settings.health.listen, "/livez"),
    ];
    let named = all.into_iter().filter_map(|(key, address, path)| Some((key, address?, path)));
    named.map(|(key, address, path)| port(key, address, path, is_served)).collect()
}

fn port(key: &str, address: SocketAddr, path: &str, is_served: bool) -> Looked {
    match TcpListener::bind(address) {
        Ok(_) if is_served => Looked::finding(
            "port",
            format!("A gateway serves the data directory, but nobody listens at {key} {address}"),
            "name the settings that it was started with, with --config and the same USHER__ variables",
        ),
        Ok(_) => Looked::well("port", format!("{key} {address} is free.")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => match is_ushers(address, path) {
            true => Looked::well("port", format!("{key} {address} is served by a gateway.")),
            false => Looked::finding(
                "port",
                format!("{key} {address} is used by another program"),
                format!("choose another address for {key}, or stop what uses it (ss -ltnp)"),
            ),
        },
        Err(error) => Looked::finding(
            "port",
            format!("{key} {address} cannot be listened on ({error})"),
            format!("choose an address of this machine for {key}, and a port that this user may open"),
        ),
    }
}

/// Whether what answers there is a gateway's, by what it says of itself.
fn is_ushers(address: SocketAddr, path: &str) -> bool {
    let Ok(answer) = cli::probe(&format!("http://{}{path}", reachable(address)), PATIENCE) else {
        return false;
    };
    match path {
        "/livez" => answer.status == 200 && answer.text == "ok\n",
        "/metrics" => answer.status == 200 && answer.text.contains("# HELP usher_"),
        // Not the admin API itself: a request without a token is logged and counted.
        _ => answer.status == 404 && answer.text.contains("\"title\""),
    }
}
