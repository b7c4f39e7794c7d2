//! Requests that the gateway makes itself. They go straight to the server that they name, and accept the certificates of known authorities
//! alone.

use std::path::Path;

use cli::{certificates, system_authorities, trusting};
use ureq::{Agent, config::ConfigBuilder, tls::TlsConfig, typestate::AgentScope};

/// Begins the settings of such requests: through no proxy, whatever the environment names, and after no redirect.
pub(crate) fn straight() -> ConfigBuilder<AgentScope> {
    Agent::config_builder().proxy(None).max_redirects(0).user_agent("usher")
}

/// Trusts the authorities of the file that a setting names, or those of the system where it names none.
///
/// # Errors
/// One sentence for the operator, about the setting.
pub(crate) fn tls(setting: &str, file: &Path) -> Result<TlsConfig, String> {
    let named = Some(file).filter(|file| !file.as_os_str().is_empty());
    let authorities = match (named, system_authorities()) {
        (Some(file), _) => {
            certificates(file).map_err(|why| format!("settings: {setting}: {}: {why}", file.display()))?
        }
        // Without any, no certificate is accepted, which the log tells at the first request.
        (None, file) => file.and_then(|file| certificates(file).ok()).unwrap_or_default(),
    };
    Ok(trusting(authorities))
}
