//! Files with secrets, which no other user may read, and files for TLS, which must be there and hold what they are for.

use std::{fs, io::ErrorKind, os::unix::fs::MetadataExt as _, path::Path};

use tenant_registry::RegistryPlace;

use super::looked::Looked;
use crate::settings::{Region, Settings};

/// Others than owner and group: a file for a service may well be its group's.
const ANYBODY: u32 = 0o007;

/// Group and others: what the gateway makes is its user's alone.
const NOT_THE_USER: u32 = 0o077;

/// All such files that the settings name, or that lie in the data directory. One sentence where all are well.
pub(super) fn files(settings: &Settings) -> Vec<Looked> {
    let mut findings = Vec::new();
    for (key, path) in &settings.secret_files {
        findings.extend(secret(key, path, ANYBODY));
    }
    if settings.regions.values().any(Region::keeps_files) {
        for name in ["admin-token", "signing-secret"] {
            let path = settings.data_dir.join(name);
            if path.exists() {
                findings.extend(secret(name, &path, NOT_THE_USER));
            }
        }
    }
    findings.extend(of_tls(settings));
    if findings.is_empty() {
        findings.push(Looked::well(
            "files",
            "Files with secrets are closed to other users; those for TLS can be read.",
        ));
    }
    findings
}

fn secret(key: &str, path: &Path, closed_to: u32) -> Option<Looked> {
    let shown = path.display();
    match fs::metadata(path).and_then(|found| fs::File::open(path).map(|_| found)) {
        Err(error) => Some(unreadable(key, path, &error)),
        Ok(found) if found.mode() & closed_to != 0 => Some(Looked::finding(
            "files",
            format!("Other users can read the secret in {key} {shown} (mode {:o})", found.mode() & 0o777),
            format!(
                "chmod {} {shown}, and change the secret",
                if closed_to == ANYBODY { "o=" } else { "600" }
            ),
        )),
        Ok(_) => None,
    }
}

fn unreadable(key: &str, path: &Path, error: &std::io::Error) -> Looked {
    let fault = format!("{key} {} cannot be read ({error})", path.display());
    let remedy = if error.kind() == ErrorKind::NotFound {
        "put the file there, or correct the setting"
    } else {
        "give it to the gateway's user"
    };
    Looked::finding("files", fault, remedy)
}

fn of_tls(settings: &Settings) -> Vec<Looked> {
    let mut findings = Vec::new();
    let mut authorities = |key: &str, path: &Path| {
        if let Err(cause) = cli::certificates(path) {
            let fault = format!("{key} {} holds no certificates of authorities ({cause})", path.display());
            findings.push(Looked::finding("files", fault, "name a PEM file with CERTIFICATE blocks"));
        }
    };
    let named =
        [("auth.jwks_ca_file", &settings.auth.jwks_ca_file), ("traces.ca_file", &settings.traces.ca_file)];
    for (key, file) in named.into_iter().filter(|(_, file)| !file.as_os_str().is_empty()) {
        authorities(key, file);
    }
    let mut others = Vec::new();
    for (code, region) in &settings.regions {
        let registry = match &region.place.registry {
            RegistryPlace::Database(url) => Some(("registry_url".to_owned(), url)),
            RegistryPlace::Directory(_) => None,
        };
        let cells = region.place.cells.iter().map(|(name, cell)| (format!("cell {name}"), &cell.url));
        for (of, url) in registry.into_iter().chain(cells) {
            for (parameter, path) in url.files() {
                let key = format!("{parameter} of {code}'s {of}");
                match parameter {
                    "sslrootcert" => authorities(&key, path),
                    "sslkey" => others.extend(secret(&key, path, ANYBODY)),
                    _ => {
                        others.extend(fs::File::open(path).err().map(|error| unreadable(&key, path, &error)))
                    }
                }
            }
        }
    }
    findings.extend(others);
    findings
}
