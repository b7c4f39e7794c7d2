//! Whose certificates are accepted by the requests that the gateway makes.

use std::{path::Path, sync::Arc};

use cli::{certificates, system_authorities};
use rustls::crypto::ring;
use ureq::tls::{RootCerts, TlsConfig};

/// Trusts the authorities of the file that a setting names, or those of the system where it names none.
///
/// # Errors
/// One sentence for the operator, about the setting.
pub(crate) fn trusted(setting: &str, file: &Path) -> Result<TlsConfig, String> {
    let named = Some(file).filter(|file| !file.as_os_str().is_empty());
    let authorities = match (named, system_authorities()) {
        (Some(file), _) => {
            certificates(file).map_err(|why| format!("settings: {setting}: {}: {why}", file.display()))?
        }
        // Without any, no certificate is accepted, which the log tells at the first request.
        (None, file) => file.and_then(|file| certificates(file).ok()).unwrap_or_default(),
    };
    let config = TlsConfig::builder().root_certs(RootCerts::from(authorities));
    Ok(config.unversioned_rustls_crypto_provider(Arc::new(ring::default_provider())).build())
}
