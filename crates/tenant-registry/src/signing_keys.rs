//! The keys of a region that sign access tokens, as they rest: sealed by a key that the registry does not have.

use diesel::prelude::*;
use serde_json::json;
use store::{ReadTx, WriteTx};

use crate::{by::By, error::RegistryError, registry::Registry, schema::signing_keys, tenant::record_of};

/// How long a key rests after another one signs: longer than any access token lives.
const KEPT_MS: i64 = 86_400_000;

/// A key as it rests.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = signing_keys)]
pub struct SealedKey {
    /// Its name, which each token that it signs bears.
    pub kid: String,
    /// When it was made, in milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// The key, sealed.
    pub sealed: String,
}

impl Registry {
    /// The keys that rest here, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signing_keys(&self) -> Result<Vec<SealedKey>, RegistryError> {
        let read = |tx: &mut ReadTx<'_>| {
            let rows = signing_keys::table.select(SealedKey::as_select());
            let rows = rows.order((signing_keys::created_ms.desc(), signing_keys::kid.desc()));
            Ok(rows.load(tx.connection())?)
        };
        self.store.read(read).await
    }

    /// Adds a key, which signs from now on, and forgets those that no living token needs. `by` is `None` where the key before has come
    /// of age.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn add_signing_key(
        &self,
        kid: String,
        sealed: String,
        by: Option<By>,
    ) -> Result<SealedKey, RegistryError> {
        let work = move |tx: &mut WriteTx<'_>| {
            let created_ms = tx.now_ms();
            // A key is needed until its successor is old enough, so the newest of the old ones stays.
            let old = signing_keys::created_ms.lt(created_ms - KEPT_MS);
            let newest: Option<i64> = signing_keys::table
                .filter(old)
                .select(diesel::dsl::max(signing_keys::created_ms))
                .get_result(tx.connection())?;
            let needless = signing_keys::created_ms.lt(newest.unwrap_or_default());
            diesel::delete(signing_keys::table.filter(needless)).execute(tx.connection())?;
            let row = (
                signing_keys::kid.eq(&kid),
                signing_keys::created_ms.eq(created_ms),
                signing_keys::sealed.eq(&sealed),
            );
            diesel::insert_into(signing_keys::table).values(row).execute(tx.connection())?;
            let by = by.unwrap_or_else(By::the_program);
            record_of(tx, "", &by, "signing_key.added", &json!({ "kid": kid }))?;
            Ok(SealedKey { kid, created_ms, sealed })
        };
        self.write_registry(work).await
    }
}
