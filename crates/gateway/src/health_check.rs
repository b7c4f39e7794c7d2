//! `usher healthcheck`: asks the gateway on this machine whether it is ready, as a container's health check does.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use crate::settings::Settings;

/// Shorter than the 30 s that container engines give a check.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prints what the gateway answers; exit code 0 if it is ready.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn check(config: Option<&Path>) -> Result<ExitCode, String> {
    let settings = Settings::read(config)?;
    let asked = reachable(settings.health.listen.unwrap_or(settings.server.listen));
    let answer = cli::probe(&format!("http://{asked}/readyz"), PATIENCE)?;
    let said = answer.text.lines().next().unwrap_or_default();
    match answer.status {
        200 => Ok(cli::show_text(&format!("The gateway at {asked} is ready."))),
        status => Err(format!("The gateway at {asked} is not ready: it answers {status}, {said}.")),
    }
}

/// How this machine reaches a listener: one on all addresses is on loopback too.
pub(crate) fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}
