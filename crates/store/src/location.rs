//! Where a store is. Names are checked when they are built, so that no path and no identifier made from them
//! can mean anything else later.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A name that cannot be a store's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// A file stem outside `[a-z0-9-]{1,64}`.
    #[error("a store's file stem is 1 to 64 characters of a-z, 0-9 and '-'")]
    FileStem,
    /// A schema name outside `[a-z][a-z0-9_]{0,62}`.
    #[error("a schema name is a letter and up to 62 characters of a-z, 0-9 and '_'")]
    SchemaName,
    /// A URL of another kind than `postgres://…` or `postgresql://…`.
    #[error("a PostgreSQL URL begins with postgres:// or postgresql://")]
    PostgresUrl,
}

/// Where one store's rows live.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreLocation {
    /// A SQLite file of its own.
    Sqlite(StoreFile),
    /// A schema of its own in one PostgreSQL database (a cell).
    Postgres {
        /// The database that holds the schema.
        cell: PostgresUrl,
        /// The schema.
        schema: SchemaName,
    },
}

/// `<directory>/<stem>.db`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreFile {
    path: Arc<str>,
}

impl StoreFile {
    /// The file `<directory>/<stem>.db`; the stem is checked, the directory is the operator's word.
    ///
    /// # Errors
    /// When the stem is not `[a-z0-9-]{1,64}`, or the directory is not UTF-8.
    pub fn new(directory: &Path, stem: &str) -> Result<Self, LocationError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if stem.is_empty() || stem.len() > 64 || !stem.bytes().all(allowed) {
            return Err(LocationError::FileStem);
        }
        let directory = directory.to_str().ok_or(LocationError::FileStem)?;
        let separator = if directory.is_empty() || directory.ends_with('/') { "" } else { "/" };
        Ok(Self { path: [directory, separator, stem, ".db"].concat().into() })
    }

    /// The database file. SQLite keeps `<path>-wal` and `<path>-shm` beside it.
    pub fn path(&self) -> &Path {
        Path::new(&*self.path)
    }

    /// The last part of its path, for sentences and marks.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The file and its two companions, the main file first.
    pub(crate) fn all_paths(&self) -> [PathBuf; 3] {
        ["", "-wal", "-shm"].map(|suffix| self.companion(suffix))
    }

    /// What SQLite keeps beside the file under its name and this.
    pub(crate) fn companion(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path))
    }

    /// A SQLite URI that never makes a file: `mode=rw` is stronger than Diesel's `CREATE` flag.
    pub(crate) fn uri(&self) -> String {
        let escaped = self.path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        format!("file:{escaped}?mode=rw")
    }
}

/// A PostgreSQL schema. Short enough not to be cut by PostgreSQL (63 bytes): a cut name is another tenant's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchemaName(Arc<str>);

impl SchemaName {
    /// A checked schema name.
    ///
    /// # Errors
    /// When the name is not `[a-z][a-z0-9_]{0,62}`.
    pub fn new(name: &str) -> Result<Self, LocationError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins_well = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        // `pg_` belongs to the server, and these two already mean something to everyone.
        let reserved = name.starts_with("pg_") || name == "public" || name == "information_schema";
        if !begins_well || reserved || name.len() > 63 || !name.bytes().all(allowed) {
            return Err(LocationError::SchemaName);
        }
        Ok(Self(name.into()))
    }

    /// The bare name; it needs no escaping inside double quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URL of a PostgreSQL database. It may hold a password, so `Debug` shows the host at most.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PostgresUrl(Arc<str>);

impl PostgresUrl {
    /// A URL for libpq.
    ///
    /// # Errors
    /// When it does not begin with `postgres://` or `postgresql://`.
    pub fn new(url: &str) -> Result<Self, LocationError> {
        let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
        if known && !url.contains('\0') { Ok(Self(url.into())) } else { Err(LocationError::PostgresUrl) }
    }

    /// The whole URL, secret included: for opening connections only.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The files that the URL names for TLS, each with its parameter: authorities, a certificate, its key. Names with escapes are left out.
    pub fn files(&self) -> Vec<(&str, &Path)> {
        const OF_TLS: [&str; 4] = ["sslrootcert", "sslcert", "sslkey", "sslcrl"];
        let (_, query) = self.0.split_once('?').unwrap_or_default();
        let parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
        let files = parameters.filter(|(name, value)| {
            let is_word = *name == "sslrootcert" && *value == "system";
            OF_TLS.contains(name) && !value.is_empty() && !is_word && !value.contains('%')
        });
        files.map(|(name, value)| (name, Path::new(value))).collect()
    }

    /// The URL with a libpq parameter added, unless it already names one of that kind.
    pub(crate) fn with_parameter(&self, name: &str, value: impl fmt::Display) -> Self {
        if self.0.contains(&format!("{name}=")) {
            return self.clone();
        }
        let separator = if self.0.contains('?') { '&' } else { '?' };
        Self(format!("{}{separator}{name}={value}", self.0).into())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after_scheme = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let without_query = after_scheme.split('?').next().unwrap_or_default();
        let without_secret = without_query.rsplit('@').next().unwrap_or_default();
        write!(formatter, "postgres://***@{without_secret}")
    }
}
