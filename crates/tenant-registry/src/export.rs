//! Writes the export of one tenant: its record, then the rows of its store.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use store::{ReadTx, Scratch, StoreError};
use transfer::{FileWriter, Header, dump, versions};

use crate::{
    error::{RegistryError, TenantName},
    names::{CompanyKey, RegionCode},
    record::TenantRecord,
    registry::Registry,
    tenant::Tenant,
};

impl Registry {
    /// Writes the export of a tenant, as it is now, into a file without a name, and returns it, to be read from its beginning.
    /// Written first and sent afterwards, because a transaction that waits for a client would keep the log from starting again.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn export(&self, key: &CompanyKey, exported: String) -> Result<File, RegistryError> {
        let tenant = self.tenant(key).await?;
        let asked = key.clone();
        let record = self.store.read(move |tx| TenantRecord::read(tx, &asked)).await?;
        let record = record.ok_or_else(|| RegistryError::NoTenant(TenantName::new(&self.region, key)))?;
        let file = self.spool()?;
        let mut out = BufWriter::new(file.try_clone().map_err(unwritten)?);
        let region = self.region.clone();
        let write = move |tx: &mut ReadTx<'_>| write_export(&mut out, tx, &region, &record, &exported);
        self.store_of(&tenant).await?.read(write).await?;
        let mut written = file;
        io::Seek::rewind(&mut written).map_err(unwritten)?;
        Ok(written)
    }

    /// A copy of a tenant's store as it is now, to try something out on, without the rows of these tables.
    ///
    /// # Errors
    /// The store's.
    pub async fn scratch(
        &self,
        tenant: &Tenant,
        without: &'static [&'static str],
    ) -> Result<Scratch, RegistryError> {
        let (store, directory) = (self.store_of(tenant).await?, self.place.directory().cloned());
        let copied =
            transfer::scratch(&store, directory, self.tenant_migrations, without, self.stores.clock()).await;
        Ok(copied?)
    }

    /// A file without a name, which goes with its last handle: for an export that is sent or received.
    ///
    /// # Errors
    /// What the file system says.
    pub fn spool(&self) -> Result<File, RegistryError> {
        let file = match self.place.directory() {
            Some(directory) => tempfile::tempfile_in(directory),
            None => tempfile::tempfile(),
        };
        file.map_err(unwritten)
    }
}

/// Writes the export of the store that `tx` reads. `exported` is the time of what it holds, for people.
///
/// # Errors
/// What the store or `out` says.
pub fn write_export(
    out: impl Write,
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    record: &TenantRecord,
    exported: &str,
) -> Result<(), RegistryError> {
    let header = Header {
        exported: exported.to_owned(),
        region: region.to_string(),
        key: record.tenant.key.to_string(),
        migrations: versions(tx)?,
    };
    let mut writer = FileWriter::begin(out, &header).map_err(unwritten)?;
    for (kind, line) in record.lines().map_err(io::Error::from).map_err(unwritten)? {
        writer.record(kind, &line).map_err(unwritten)?;
    }
    dump(tx, |batch| writer.rows(&batch).map_err(unwritten))?;
    writer.end().map_err(unwritten)?;
    Ok(())
}

fn unwritten(error: io::Error) -> RegistryError {
    StoreError::of_file("the export cannot be written", &error).into()
}
