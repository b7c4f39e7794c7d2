//! A region in a directory of its own, and its tenants by their keys.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use diesel::{RunQueryDsl, sql_query, sql_types::Text};
use store::{
    Migration, PostgresUrl, SchemaName, Store, StoreError, StoreFile, StoreLocation, StoreSettings, Stores,
};
use tempfile::TempDir;
use tenant_registry::{
    By, Cell, CellName, CompanyKey, IssuedCredential, NewCredential, NewTenant, REGISTRY_MIGRATIONS,
    RegionCode, RegionPlace, Registry, RegistryContext, RegistryError, RegistryPlace, Tenant, TenantSettings,
};
use testkit::database::Database;

pub(crate) const TENANT_MIGRATIONS: &[Migration] =
    &[Migration { version: "0001_notes", sql: "CREATE TABLE notes (word TEXT NOT NULL);\n", newest: None }];

/// One region, as one process has it open: in a directory, or in a database.
pub(crate) struct Region {
    pub(crate) registry: Registry,
    pub(crate) stores: Stores,
    pub(crate) ground: Ground,
}

/// Where a region is. Two processes may share a database.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) directory: Arc<TempDir>,
    pub(crate) database: Option<Arc<Database>>,
}

impl Ground {
    fn new(database: Option<Arc<Database>>) -> Self {
        Self { directory: Arc::new(tempfile::tempdir().unwrap()), database }
    }

    /// The region's place, with these cells; with a database `c1` is there at least.
    fn place(&self, cells: &[(&str, bool)]) -> RegionPlace {
        let directory = self.directory.path().join("ire");
        let Some(database) = &self.database else {
            return RegionPlace { registry: RegistryPlace::Directory(directory), cells: BTreeMap::new() };
        };
        let url = PostgresUrl::new(&database.url()).unwrap();
        let cells = cells
            .iter()
            .map(|(name, open)| (CellName::new(name).unwrap(), Cell { url: url.clone(), open: *open }));
        RegionPlace { registry: RegistryPlace::Database(url.clone()), cells: cells.collect() }
    }

    pub(crate) async fn open(&self, cells: &[(&str, bool)]) -> Region {
        let stores = Stores::new(StoreSettings::default()).unwrap();
        let context = RegistryContext {
            stores: &stores,
            tenant_migrations: TENANT_MIGRATIONS,
            take_all_turns: |_| Ok(()),
            on_forget: Arc::new(|_| {}),
            check_profile: |_, _, _| Ok(()),
        };
        let region = RegionCode::new("ire").unwrap();
        let registry = Registry::open(context, region, self.place(cells)).await.unwrap();
        Region { registry, stores, ground: self.clone() }
    }
}

impl Region {
    /// In a directory, or in a database where this run of the tests wants it.
    pub(crate) async fn new() -> Self {
        let database = Database::is_wanted().then(|| Arc::new(Database::create()));
        Ground::new(database).open(&[("c1", true)]).await
    }

    /// In a directory, whatever this run wants.
    pub(crate) async fn in_files() -> Self {
        Ground::new(None).open(&[]).await
    }

    /// In a database, whatever this run wants.
    pub(crate) async fn in_database(cells: &[(&str, bool)]) -> Self {
        Ground::new(Some(Arc::new(Database::create()))).open(cells).await
    }

    /// As after the process was started again.
    pub(crate) async fn reopened(self) -> Self {
        drop(self.registry);
        self.stores.shutdown().await;
        self.ground.open(&[("c1", true)]).await
    }

    /// The registry's own store, for what only an operator's hand does.
    pub(crate) async fn store(&self) -> Store {
        let location = match &self.ground.database {
            Some(database) => StoreLocation::Postgres {
                cell: PostgresUrl::new(&database.url()).unwrap(),
                schema: SchemaName::new("registry_ire").unwrap(),
            },
            None => {
                let directory = self.ground.directory.path().join("ire");
                StoreLocation::Sqlite(StoreFile::new(&directory, "registry").unwrap())
            }
        };
        self.stores.open(&location, REGISTRY_MIGRATIONS).await.unwrap()
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
        self.registry.create(new_tenant(name), by(), |_| Ok(())).await
    }

    /// The files of all tenants.
    pub(crate) fn tenant_files(&self) -> Vec<PathBuf> {
        files_below(&self.ground.directory.path().join("ire").join("tenants"))
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

/// Whoever acts here.
pub(crate) fn by() -> By {
    By { actor: "root".to_owned(), request_id: "r".to_owned() }
}

/// A bearer token of this tenant.
pub(crate) async fn issue(
    registry: &Registry,
    key: &CompanyKey,
    expires_ms: Option<i64>,
) -> IssuedCredential {
    let new = NewCredential { expires_ms, ..NewCredential::bearer() };
    registry.add_credential(key, new, by()).await.unwrap()
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
pub(crate) struct Word {
    #[diesel(sql_type = Text)]
    pub(crate) word: String,
}
