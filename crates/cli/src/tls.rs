//! Which certificates are accepted. They are verified before the request is sent, so that no other server gets the token.

use std::{fs, path::Path, sync::Arc};

use rustls::crypto::ring;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::mistake::Mistake;

/// The lists of trusted authorities of Debian, Red Hat, SUSE, and of Alpine and macOS.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The system's list of trusted authorities, as PEM.
pub fn system_authorities() -> Option<&'static Path> {
    SYSTEM.iter().map(Path::new).find(|file| file.exists())
}

/// Trusts the authorities of this file alone, or those of the system where no file is named.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<TlsConfig, Mistake> {
    let system = || -> Option<&Path> { system_authorities() };
    let file = ca_file.or_else(system).ok_or_else(|| {
        Mistake::failed(
            "This system has no list of certificate authorities; name a file of them with --ca-file.",
        )
    })?;
    let authorities = certificates(file).map_err(|cause| {
        Mistake::failed(format!("{} cannot be read as PEM certificates: {cause}.", file.display()))
    })?;
    Ok(trusting(authorities))
}

/// Trusts these authorities alone.
pub fn trusting(authorities: Vec<Certificate<'static>>) -> TlsConfig {
    let provider = Arc::new(ring::default_provider());
    let config = TlsConfig::builder().root_certs(RootCerts::from(authorities));
    config.unversioned_rustls_crypto_provider(provider).build()
}

/// The certificates of a PEM file.
///
/// # Errors
/// Why there are none.
pub fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let text = fs::read(file).map_err(|error| error.to_string())?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(error) => Some(Err(format!("{error}"))),
    };
    let found: Vec<_> = parse_pem(&text).filter_map(certificate).collect::<Result<_, _>>()?;
    if found.is_empty() { Err("it holds none".to_owned()) } else { Ok(found) }
}

/// Whether the server's certificate was not accepted.
pub(crate) fn is_refusal(error: &ureq::Error) -> bool {
    let cause = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|cause| cause.downcast_ref()),
        _ => None,
    };
    matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
}
