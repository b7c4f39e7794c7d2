//! TLS to PostgreSQL: with `sslmode=verify-full` a connection is made only to the server that was meant.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use store::{PostgresUrl, Store, StoreError, StoreLocation, StoreSettings, Stores};
use testkit::stores::{PostgresServer, postgres_location};

use crate::support::{MIGRATIONS, Word, add_one};

/// A new authority, as the file that clients trust.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // A certificate of the same name would seem to have signed itself.
    params.distinguished_name.push(DnType::CommonName, name);
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

/// Lets the server write a file of its own, which nobody else can read, into its data directory.
fn give(outside: &mut PgConnection, name: &str, pem: &str) {
    outside.batch_execute("CREATE TEMP TABLE pem (line TEXT)").unwrap();
    sql_query("INSERT INTO pem SELECT unnest($1)")
        .bind::<Array<Text>, _>(pem.lines().collect::<Vec<_>>())
        .execute(outside)
        .unwrap();
    outside.batch_execute(&format!("COPY pem TO PROGRAM 'umask 077; cat > server.{name}'")).unwrap();
    outside.batch_execute("DROP TABLE pem").unwrap();
}

/// A server with a certificate for `localhost`.
fn server_with_tls() -> (PostgresServer, String) {
    let server = PostgresServer::start();
    let (issuer, pem) = authority("the server's authority");
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let mut outside = PgConnection::establish(server.url()).unwrap();
    give(&mut outside, "crt", &certificate.pem());
    give(&mut outside, "key", &key.serialize_pem());
    for sql in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
        outside.batch_execute(sql).unwrap();
    }
    (server, pem)
}

fn location(server: &PostgresServer, host: &str, roots: &Path) -> StoreLocation {
    let url = server.url().replace("127.0.0.1", host);
    let cell = format!("{url}?sslmode=verify-full&sslrootcert={}", roots.display());
    let StoreLocation::Postgres { schema, .. } = postgres_location() else { unreachable!() };
    StoreLocation::Postgres { cell: PostgresUrl::new(&cell).unwrap(), schema }
}

async fn create(location: &StoreLocation) -> Result<Store, StoreError> {
    Stores::new(StoreSettings::default()).unwrap().create(location, MIGRATIONS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_server_that_was_meant_is_talked_to() {
    let (server, trusted) = server_with_tls();
    let (_, other) = authority("another authority");
    let directory = tempfile::tempdir().unwrap();
    let (right, wrong) = (directory.path().join("right.pem"), directory.path().join("wrong.pem"));
    std::fs::write(&right, trusted).unwrap();
    std::fs::write(&wrong, other).unwrap();

    let store = create(&location(&server, "localhost", &right)).await.unwrap();
    store.write(add_one).await.unwrap();
    let version = store
        .read(|tx| {
            let query = "SELECT version AS word FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
            Ok::<_, StoreError>(sql_query(query).get_result::<Word>(tx.connection())?.word)
        })
        .await
        .unwrap();
    assert!(version.starts_with("TLSv1."), "{version}");

    let missing = directory.path().join("none.pem");
    for (host, roots, said) in [
        ("localhost", &wrong, "certificate verify failed"),
        ("127.0.0.1", &right, "does not match host name \"127.0.0.1\""),
        ("localhost", &missing, "does not exist"),
    ] {
        let refused = create(&location(&server, host, roots)).await.err().unwrap();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        let sentence = refused.to_string();
        assert!(sentence.contains(said) && !sentence.contains('\n'), "{sentence}");
    }
}
