//! A region in a directory of its own, and its tenants by their keys.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use diesel::{RunQueryDsl, sql_query, sql_types::Text};
use store::{Migration, Store, StoreError, StoreFile, StoreLocation, StoreSettings, Stores};
use tempfile::TempDir;
use tenant_registry::{
    CompanyKey, NewTenant, REGISTRY_MIGRATIONS, RegionCode, RegionPlace, Registry, RegistryContext,
    RegistryError, RegistryPlace, Tenant, TenantSettings,
};

pub(crate) const TENANT_MIGRATIONS: &[Migration] =
    &[Migration { version: "0001_notes", sql: "CREATE TABLE notes (word TEXT NOT NULL);\n", newest: None }];

/// One region, as one process has it open.
pub(crate) struct Region {
    pub(crate) registry: Registry,
    pub(crate) stores: Stores,
    pub(crate) directory: TempDir,
}

impl Region {
    pub(crate) async fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap()).await
    }

    async fn open(directory: TempDir) -> Self {
        let stores = Stores::new(StoreSettings::default()).unwrap();
        let region = RegionCode::new("ire").unwrap();
        let place = RegionPlace {
            registry: RegistryPlace::Directory(directory.path().join("ire")),
            cells: BTreeMap::new(),
        };
        let context = RegistryContext {
            stores: &stores,
            tenant_migrations: TENANT_MIGRATIONS,
            on_forget: Arc::new(|_| {}),
        };
        let registry = Registry::open(context, region, place).await.unwrap();
        Self { registry, stores, directory }
    }

    /// As after the process was started again.
    pub(crate) async fn reopened(self) -> Self {
        drop(self.registry);
        self.stores.shutdown().await;
        Self::open(self.directory).await
    }

    /// The registry's own store, for what only an operator's hand does.
    pub(crate) async fn store(&self) -> Store {
        let file = StoreFile::new(&self.directory.path().join("ire"), "registry").unwrap();
        self.stores.open(&StoreLocation::Sqlite(file), REGISTRY_MIGRATIONS).await.unwrap()
    }

    pub(crate) async fn execute(&self, statements: &'static [&'static str]) {
        let work = move |tx: &mut store::WriteTx<'_>| {
            for statement in statements {
                sql_query(*statement).execute(tx.connection())?;
            }
            Ok::<_, StoreError>(())
        };
        self.store().await.write(work).await.unwrap();
    }

    /// The words that a query finds in the registry's store.
    pub(crate) async fn words(&self, query: &'static str) -> Vec<String> {
        let store = self.store().await;
        let found =
            store.read(move |tx| Ok::<_, StoreError>(sql_query(query).load::<Word>(tx.connection())?));
        found.await.unwrap().into_iter().map(|word| word.word).collect()
    }

    pub(crate) async fn create(&self, name: &str) -> Result<Tenant, RegistryError> {
        self.registry.create(new_tenant(name), |_| Ok(())).await
    }

    /// The files of all tenants.
    pub(crate) fn tenant_files(&self) -> Vec<PathBuf> {
        files_below(&self.directory.path().join("ire").join("tenants"))
    }
}

pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

pub(crate) fn key(name: &str) -> CompanyKey {
    CompanyKey::new(name).unwrap()
}

pub(crate) fn new_tenant(name: &str) -> NewTenant {
    NewTenant {
        company_key: key(name),
        name: name.to_uppercase(),
        profile: "default".to_owned(),
        settings: TenantSettings::default(),
        placement: None,
    }
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}
