//! Makes many of one, within seconds: ten thousand tenants of a tenant that the gateway has made, and a million users of some that
//! it has made. The rows are the product's own; only names, ids and secrets differ from copy to copy.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Result;
use super::closed_loop::Target;

/// Users that are added in one transaction.
const BATCH: usize = 20_000;

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// Opens a file that a gateway may have open as well.
fn open(file: &Path) -> Result<SqliteConnection> {
    let mut connection = SqliteConnection::establish(&file.display().to_string())?;
    let patience = Duration::from_secs(30).as_millis();
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout={patience}; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF"
    ))?;
    Ok(connection)
}

/// The id of a tenant.
fn tenant_id(region: &Path, key: &str) -> Result<String> {
    let found = sql_query("SELECT id AS word FROM tenants WHERE company_key = ?").bind::<Text, _>(key);
    Ok(found.get_result::<Word>(&mut open(&region.join("registry.db"))?)?.word)
}

/// Has every tenant of a region need a hand as of now: none of its two licenses has a seat left.
pub fn put_at_risk(region: &Path) -> Result<()> {
    open(&region.join("registry.db"))?.batch_execute(
        "DELETE FROM verdicts; DELETE FROM seat_figures; \
         INSERT INTO verdicts (tenant_id, codes, was_called, written_ms, figures, at_risk_ms) \
         SELECT id, json_object('seats_full', unixepoch() * 1000), 1, unixepoch() * 1000, \
         json_object('last_calls_ms', json_object('okta', unixepoch() * 1000), 'gap_ms', 2400000, 'quarantine_risk', 0.1), \
         unixepoch() * 1000 FROM tenants; \
         INSERT INTO seat_figures (tenant_id, license, used, quota, waiting, refused, days_left) \
         SELECT id, license, 10, 10, 1, 3, 0 FROM tenants, (SELECT 'member' AS license UNION SELECT 'member_lite')",
    )?;
    Ok(())
}

/// So many tenants in a region's folder, each a copy of the tenant `key` and reached as `first` is, with a token of its own.
pub fn tenants(region: &Path, key: &str, first: &Target, many: usize) -> Result<Vec<Target>> {
    let original = tenant_id(region, key)?;
    let folder = region.join("tenants");
    let copy = region.join("copy.db");
    let from = folder.join(format!("{original}.db"));
    sql_query("VACUUM INTO ?").bind::<Text, _>(copy.display().to_string()).execute(&mut open(&from)?)?;
    open(&copy)?.batch_execute("PRAGMA journal_mode=WAL")?;
    let mut registry = open(&region.join("registry.db"))?;
    registry.batch_execute(
        "CREATE TEMP TABLE one_tenant AS SELECT * FROM tenants LIMIT 0; \
         CREATE TEMP TABLE one_credential AS SELECT * FROM credentials LIMIT 0; BEGIN IMMEDIATE",
    )?;
    let region_code = region.file_name().unwrap_or_default().to_string_lossy();
    let mut made = Vec::with_capacity(many);
    for number in 0..many {
        let (id, name) = (Uuid::now_v7().to_string(), format!("{key}-{number}"));
        let key_id = format!("{number:012}");
        let token = format!("ush_{region_code}_{key_id}{number:032}");
        let salt = format!("{number:022}");
        registry.batch_execute(&format!(
            "DELETE FROM one_tenant; INSERT INTO one_tenant SELECT * FROM tenants WHERE id = '{original}'; \
             UPDATE one_tenant SET id = '{id}', company_key = '{name}'; \
             INSERT INTO tenants SELECT * FROM one_tenant; DELETE FROM one_credential; \
             INSERT INTO one_credential SELECT * FROM credentials WHERE tenant_id = '{original}' LIMIT 1; \
             UPDATE one_credential SET key_id = '{key_id}', tenant_id = '{id}', salt = '{salt}', hash = '{}'; \
             INSERT INTO credentials SELECT * FROM one_credential",
            hash(&salt, &token)
        ))?;
        let file = folder.join(format!("{id}.db"));
        fs::copy(&copy, &file)?;
        mark(&file)?;
        let base_path = first.base_path.replace(&format!("/{key}/"), &format!("/{name}/"));
        made.push(Target { base_path, authorization: Some(format!("Bearer {token}")), ..first.clone() });
    }
    registry.batch_execute("COMMIT")?;
    fs::remove_file(&copy)?;
    Ok(made)
}

/// As `tenant_registry` stores a token.
fn hash(salt: &str, token: &str) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(token).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Marks a copy as the store of its own name, as `store` does: FNV-1a of the name in `user_version`, at byte 60 of the header.
fn mark(file: &Path) -> Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let of_name =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    Ok(File::options().write(true).open(file)?.write_all_at(&of_name.to_be_bytes(), 60)?)
}

/// Adds copies of a tenant's users until there are `total`, as much of them as a list shows. Their ids are behind all others.
pub fn users(region: &Path, key: &str, there: usize, total: usize) -> Result<()> {
    let mut store = open(&region.join("tenants").join(format!("{}.db", tenant_id(region, key)?)))?;
    store.batch_execute(
        "PRAGMA cache_size=-65536; \
         CREATE TEMP TABLE first_users AS SELECT * FROM users; CREATE TEMP TABLE first_seats AS SELECT * FROM seats; \
         CREATE TEMP TABLE more_users AS SELECT * FROM users LIMIT 0; \
         CREATE TEMP TABLE more_seats AS SELECT * FROM seats LIMIT 0",
    )?;
    let last = sql_query("SELECT MAX(id) AS word FROM users").get_result::<Word>(&mut store)?.word;
    let (before, _) = last.split_at_checked(24).ok_or("a user's id is a UUID")?;
    let mut number = there;
    while number < total {
        store.batch_execute("BEGIN IMMEDIATE")?;
        let batch_end = (number + BATCH).min(total);
        while number < batch_end {
            let some = there.min(batch_end - number);
            // Behind the last id there is: the first twelve digits of copies count from here.
            store.batch_execute(&format!(
                "DELETE FROM more_users; INSERT INTO more_users SELECT * FROM first_users ORDER BY id LIMIT {some}; \
                 DELETE FROM more_seats; INSERT INTO more_seats SELECT * FROM first_seats ORDER BY user_id LIMIT {some}; \
                 UPDATE more_users SET id = '{before}' || printf('f%011x', {number} + rowid), \
                 user_name_key = user_name_key || '.{number}', user_name_folded = user_name_folded || '.{number}', \
                 external_id_key = external_id_key || '.{number}', \
                 document = json_set(document, '$.userName', json_extract(document, '$.userName') || '.{number}'); \
                 UPDATE more_seats SET user_id = '{before}' || printf('f%011x', {number} + rowid); \
                 INSERT INTO users SELECT * FROM more_users; INSERT INTO seats SELECT * FROM more_seats"
            ))?;
            number += some;
        }
        store.batch_execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
    }
    store.batch_execute(&format!(
        "UPDATE directory_totals SET total = {total} WHERE resource_type = 'User'; PRAGMA wal_checkpoint(TRUNCATE)"
    ))?;
    Ok(())
}
