//! `usher doctor`: every finding that it has, provoked; and nothing to do where all is well, beside a gateway and without one.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use serde_json::Value;
use testkit::{
    clocks::MachineClock,
    database::Database,
    gateway::{Gateway, Setup, Tenant},
    ports,
    proxy::Proxy,
    redis::Redis,
};

use crate::running::{BINARY, gateway_with, roomy, sql};

/// What the doctor says, as JSON.
struct Seen {
    code: Option<i32>,
    looked: Vec<Value>,
}

impl Seen {
    #[track_caller]
    fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let said: Value = serde_json::from_str(&text).unwrap_or_else(|e| {
            panic!("{e}: {text}{}", String::from_utf8_lossy(&output.stderr));
        });
        Self { code: output.status.code(), looked: said["looked"].as_array().unwrap().clone() }
    }

    fn findings(&self) -> Vec<&Value> {
        self.looked.iter().filter(|looked| looked["do"].is_string()).collect()
    }

    /// Nothing is to be done; what is said of a part.
    #[track_caller]
    fn is_well(&self) {
        assert_eq!((self.code, self.findings()), (Some(0), Vec::new()));
    }

    /// There is one finding: of this part, and its sentence and what to do contain these words.
    #[track_caller]
    fn has_one(&self, part: &str, told: &[&str]) {
        let findings = self.findings();
        let &[finding] = findings.as_slice() else { panic!("not one: {findings:?}") };
        assert_eq!((self.code, finding["part"].as_str()), (Some(3), Some(part)), "{finding}");
        let said = format!("{} {}", finding["sentence"], finding["do"]);
        assert!(told.iter().all(|word| said.contains(word)), "{told:?}: {said}");
        assert!(!said.contains("\\n"), "one sentence: {said}");
    }

    #[track_caller]
    fn says(&self, part: &str, words: &str) {
        let said =
            |looked: &&Value| looked["part"] == part && looked["sentence"].as_str().unwrap().contains(words);
        assert!(self.looked.iter().any(|looked| said(&looked)), "{part} {words}: {:?}", self.looked);
    }
}

/// Beside the gateway, or where it was.
#[track_caller]
fn look(gateway: &Gateway) -> Seen {
    Seen::of(&gateway.cli(&["doctor", "--json"]))
}

/// With these settings, and a file of settings, where no gateway ever was.
fn look_with(folder: &Path, settings: &[(&str, &str)], config: Option<&str>) -> Output {
    let mut command = Command::new(BINARY);
    command.args(["doctor", "--json"]);
    if let Some(text) = config {
        let file = folder.join("usher.toml");
        fs::write(&file, text).unwrap();
        command.arg("--config").arg(file);
    }
    command.env("USHER__DATA_DIR", folder.join("data"));
    command.env("USHER__SERVER__LISTEN", format!("127.0.0.1:{}", ports::claim()));
    command.env("USHER__METRICS__LISTEN", "");
    command.envs(settings.iter().copied()).output().unwrap()
}

/// A gateway that was stopped in order, with one tenant and its store.
fn stopped() -> (Gateway, Tenant, PathBuf) {
    let gateway = gateway_with(&[("USHER__SERVE_REGIONS", "ire")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    acme.create_user("ada", "").expect(201);
    let store = gateway.only_store("ire");
    let mut gateway = gateway;
    assert_eq!(gateway.stop(), Some(0));
    (gateway, acme, store)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names_in(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}

#[test]
fn where_no_gateway_ever_was_there_is_nothing_to_do_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen::of(&look_with(folder.path(), &[], None));
    seen.is_well();
    seen.says("data directory", "is not there yet");
    seen.says("registry", "Region ire is new");
    assert_eq!(names_in(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn beside_a_busy_gateway_and_after_it_there_is_nothing_to_do_and_nothing_is_left() {
    let health = format!("127.0.0.1:{}", ports::claim());
    let admin = format!("127.0.0.1:{}", ports::claim());
    let settings = [
        ("USHER__HEALTH__LISTEN", health.as_str()),
        ("USHER__ADMIN__LISTEN", &admin),
        ("USHER__SERVE_REGIONS", "ire"),
    ];
    let mut gateway = gateway_with(&settings);
    gateway.url = format!("http://{admin}");
    let acme = gateway.tenant("ire", "acme", None, None);
    acme.create_user("first", "").expect(201);
    thread::scope(|scope| {
        let writing =
            scope.spawn(|| (0..300).for_each(|n| drop(acme.create_user(&format!("u{n}"), "").expect(201))));
        while !writing.is_finished() {
            let seen = look(&gateway);
            seen.is_well();
            seen.says("data directory", "served now");
            for key in ["server.listen", "admin.listen", "metrics.listen", "health.listen"] {
                assert!(
                    seen.looked.iter().any(|looked| {
                        let said = looked["sentence"].as_str().unwrap();
                        said.starts_with(key) && said.contains("is served by a gateway")
                    }),
                    "{key}: {:?}",
                    seen.looked
                );
            }
        }
    });
    assert!(!gateway.log().contains("an admin request was refused"), "{}", gateway.log());
    assert_eq!(gateway.stop(), Some(0));
    let tenants = gateway.data_dir().join("ire/tenants");
    let before = names_in(&tenants);
    let seen = look(&gateway);
    seen.is_well();
    seen.says("store", "All 1 stores of region ire are sound");
    seen.says("port", "is free");
    assert_eq!(names_in(&tenants), before);
    let words = gateway.cli(&["doctor"]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(
        words.ends_with("Nothing to do.\n") && words.lines().all(|line| !line.starts_with("finding")),
        "{words}"
    );
}

#[test]
fn after_kill_9_stores_are_read_with_their_logs_and_stay_as_they_are() {
    let (mut gateway, acme) = roomy();
    acme.create_user("ada", "").expect(201);
    let store = gateway.only_store("ire");
    gateway.kill();
    let log = store.with_extension("db-wal");
    let before = (fs::read(&store).unwrap(), fs::read(&log).unwrap());
    assert!(!before.1.is_empty(), "the log has the newest commits");
    look(&gateway).is_well();
    assert_eq!((fs::read(&store).unwrap(), fs::read(&log).unwrap()), before);
}

#[test]
fn settings_that_the_gateway_would_refuse_are_the_one_finding() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen::of(&look_with(folder.path(), &[("USHER__LOG__FORMAT", "xml")], None));
    seen.has_one("settings", &["log.format", "json or text"]);
}

#[test]
fn a_data_directory_that_others_can_enter_is_told() {
    let (gateway, ..) = stopped();
    set_mode(&gateway.data_dir(), 0o755);
    look(&gateway).has_one("data directory", &["open to other users", "755", "chmod 700"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let output = gateway.cli(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen::of(&look_with(folder.path(), &[("USHER__DATA_DIR", &path)], None));
    assert!(
        seen.findings().iter().any(|f| f["sentence"].as_str().unwrap().contains("is no directory")),
        "{:?}",
        seen.looked
    );
}

#[test]
fn a_damaged_registry_and_one_of_another_region_are_told() {
    let (gateway, ..) = stopped();
    let registry = gateway.data_dir().join("ire/registry.db");
    let sound = fs::read(&registry).unwrap();
    sql(&registry, "UPDATE region SET code = 'uk'");
    look(&gateway).has_one("registry", &["region uk", "put the one of region ire back"]);
    fs::write(&registry, "").unwrap();
    look(&gateway).has_one("registry", &["damaged", "restore it from its backup"]);
    fs::remove_file(&registry).unwrap();
    look(&gateway).has_one("registry", &["missing", "restore registry.db from its backup"]);
    fs::write(&registry, sound).unwrap();
    set_mode(&registry, 0o600);
    look(&gateway).is_well();
}

#[test]
fn files_that_the_registry_does_not_know_are_told() {
    let (gateway, _, store) = stopped();
    fs::copy(&store, store.with_file_name("0199c7a0-0000-7000-8000-000000000000.db")).unwrap();
    look(&gateway).has_one("registry", &["1 files lie among those of tenants", "newer backup"]);
}

#[test]
fn a_damaged_store_one_of_another_tenant_and_a_missing_one_are_told() {
    let (gateway, _, store) = stopped();
    let sound = fs::read(&store).unwrap();
    let name = store.file_name().unwrap().to_str().unwrap();
    // The second page and some behind it: tables and indexes.
    let file = fs::OpenOptions::new().write(true).open(&store).unwrap();
    file.write_all_at(&[0xaa; 40_960], 4_096).unwrap();
    look(&gateway).has_one("store", &[name, "restore it from its backup"]);
    fs::write(&store, &sound).unwrap();
    sql(&store, "PRAGMA user_version = 7");
    look(&gateway).has_one("store", &[name, "the file of another store"]);
    fs::remove_file(&store).unwrap();
    look(&gateway).has_one("store", &[name, "restore it from its backup"]);
}

#[test]
fn a_store_that_lacks_a_migration_is_told() {
    let (gateway, _, store) = stopped();
    sql(&store, "DELETE FROM schema_migrations WHERE version = (SELECT MAX(version) FROM schema_migrations)");
    look(&gateway).has_one("store", &["1 stores of region ire lack a migration", "usher migrate"]);
}

#[test]
fn a_clock_that_was_set_back_or_far_ahead_is_told() {
    const HOUR_MS: i64 = 3_600_000;
    let (gateway, ..) = stopped();
    let registry = gateway.data_dir().join("ire/registry.db");
    let shift = |ms: i64| {
        sql(
            &registry,
            &format!(
                "UPDATE staff_acts SET at_ms = at_ms + {ms}; UPDATE credentials SET last_used_ms = last_used_ms + {ms}"
            ),
        );
    };
    shift(2 * HOUR_MS);
    look(&gateway).has_one("clock", &["behind the newest time that is known", "set the clock"]);
    shift(-2 * HOUR_MS - 400 * 24 * HOUR_MS);
    look(&gateway).has_one("clock", &["days ahead of the newest time", "store.clock_ahead_days"]);
}

#[test]
fn a_disk_without_room_and_a_reserve_that_is_not_whole_are_told() {
    let setup =
        Setup { disk_mib: Some(100), settings: &[("USHER__SERVE_REGIONS", "ire")], ..Setup::default() };
    let mut gateway = Gateway::set_up(BINARY, setup);
    gateway.tenant("ire", "acme", None, None);
    look(&gateway).has_one("disk", &["MiB left, less than the 128 MiB", "make room"]);
    gateway.stop();
    let (gateway, ..) = stopped();
    fs::remove_file(gateway.data_dir().join("ire/reserve")).unwrap();
    look(&gateway).has_one("disk", &["The reserve of", "start the gateway"]);
}

#[test]
fn a_low_limit_of_open_files_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let script = "ulimit -Sn 40 && ulimit -Hn 40 && exec \"$0\" doctor --json";
    let mut command = Command::new("sh");
    command.args(["-c", script, BINARY]).env("USHER__DATA_DIR", folder.path().join("data"));
    command
        .env("USHER__METRICS__LISTEN", "")
        .env("USHER__SERVER__LISTEN", format!("127.0.0.1:{}", ports::claim()));
    Seen::of(&command.output().unwrap())
        .has_one("open files", &["the limit of open files is 40", "LimitNOFILE"]);
}

#[test]
fn a_port_of_another_program_one_of_nobody_and_one_that_cannot_be_are_told() {
    let (mut gateway, _) = roomy();
    let served = gateway.cli_ok(&["doctor"]);
    assert!(served.contains("Nothing to do."), "{served}");
    gateway.stop();
    let other = TcpListener::bind(gateway.host()).unwrap();
    look(&gateway).has_one("port", &["server.listen", "used by another program", "ss -ltnp"]);
    drop(other);
    gateway.start_again();
    let elsewhere = format!("127.0.0.1:{}", ports::claim());
    let mut command = Command::new(BINARY);
    command.args(["doctor", "--json"]).env("USHER__DATA_DIR", gateway.data_dir());
    command.env("USHER__SERVER__LISTEN", elsewhere).env("USHER__METRICS__LISTEN", "");
    Seen::of(&command.output().unwrap()).has_one("port", &["nobody listens at server.listen", "--config"]);
    let folder = tempfile::tempdir().unwrap();
    let not_ours = [("USHER__HEALTH__LISTEN", "192.0.2.1:8081")];
    Seen::of(&look_with(folder.path(), &not_ours, None))
        .has_one("port", &["health.listen 192.0.2.1:8081", "address of this machine"]);
}

#[test]
fn a_redis_that_is_away_refuses_or_is_silent_is_told_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let with = |url: &str| {
        let output = look_with(folder.path(), &[("USHER__REDIS__URL", url)], None);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!said.contains("s3cret") && !said.contains("r1ght"), "{said}");
        Seen::of(&output)
    };
    let redis = Redis::start_with_password("r1ght");
    let well = with(&redis.url());
    well.is_well();
    well.says("redis", "Redis answers within");
    let wrong = redis.url().replace("r1ght", "s3cret");
    with(&wrong).has_one("redis", &["Redis", "redis.url"]);
    redis.freeze();
    with(&redis.url()).has_one("redis", &["does not answer in time", "redis.url"]);
    redis.thaw();
    let nobody = format!("redis://usher:s3cret@127.0.0.1:{}/0", ports::claim());
    with(&nobody).has_one("redis", &["cannot be reached", "start Redis"]);
}

#[test]
fn a_redis_that_is_slow_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::start();
    let address = redis.url().trim_start_matches("redis://").parse().unwrap();
    let proxy = Proxy::start(address);
    let with_proxy = || {
        let url = format!("redis://{}", proxy.address());
        Seen::of(&look_with(folder.path(), &[("USHER__REDIS__URL", &url)], None))
    };
    with_proxy().is_well();
    proxy.delay_answers(Duration::from_millis(200));
    with_proxy().has_one("redis", &["answers within", "look at its load"]);
}

#[test]
fn a_database_whose_clock_is_apart_is_told() {
    let (database, folder) = (Database::create(), tempfile::tempdir().unwrap());
    let settings = fs::read_to_string(database.write_settings(folder.path())).unwrap();
    let clock = MachineClock::new();
    let look = || {
        let environment = clock.environment();
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Seen::of(&look_with(folder.path(), &environment, Some(&settings)))
    };
    let of_clocks = |seen: &Seen| {
        let told = seen.findings().into_iter().filter(|finding| finding["do"] == "set both by NTP");
        told.map(|finding| finding["sentence"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of_clocks(&look()), Vec::<String>::new());
    clock.set("+61m");
    let seen = look();
    let told = of_clocks(&seen);
    assert!(seen.code == Some(3) && !told.is_empty(), "{:?}", seen.looked);
    assert!(
        told.iter().all(|told| told.contains("and of this machine are 36") && told.contains(" s apart")),
        "{told:?}"
    );
}

#[test]
fn secrets_that_others_can_read_and_files_that_are_missing_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        set_mode(&path, mode);
        path.to_str().unwrap().to_owned()
    };
    let secret = "x".repeat(50);
    let (token, open) = (file("token", &secret, 0o640), file("open", &secret, 0o644));
    let with = |name: &str, path: &str| Seen::of(&look_with(folder.path(), &[(name, path)], None));
    with("USHER__ADMIN__TOKEN_FILE", &token).is_well();
    let told = ["admin.token_file", "Other users can read", "chmod o=", "change the secret"];
    with("USHER__ADMIN__TOKEN_FILE", &open).has_one("files", &told);
    with("USHER__AUTH__KEY_FILE", &open).has_one("files", &["auth.key_file"]);
    with("USHER__AUTH__KEY_FILE", "/nowhere/key")
        .has_one("files", &["auth.key_file", "/nowhere/key", "put the file there"]);
    let garbage = file("ca.pem", "no certificate", 0o644);
    with("USHER__AUTH__JWKS_CA_FILE", &garbage).has_one("files", &["auth.jwks_ca_file", "CERTIFICATE"]);
    let (gateway, ..) = stopped();
    set_mode(&gateway.data_dir().join("admin-token"), 0o640);
    look(&gateway).has_one("files", &["admin-token", "640", "chmod 600"]);
}

#[test]
fn a_database_that_is_away_unfit_or_has_another_time_is_told_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "x".repeat(50)).unwrap();
    set_mode(&token, 0o600);
    let with = |url: &str| {
        let region = format!(
            "[regions.ire]\nregistry_url = {url:?}\n[[regions.ire.cells]]\nname = \"c1\"\nurl = {url:?}\n"
        );
        let settings =
            [("USHER__SERVE_REGIONS", "ire"), ("USHER__ADMIN__TOKEN_FILE", token.to_str().unwrap())];
        let output = look_with(folder.path(), &settings, Some(&region));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!said.contains("s3cret"), "{said}");
        Seen::of(&output)
    };
    let database = Database::create();
    let well = with(&database.url());
    well.is_well();
    well.says("database", "Cell c1 of region ire can be reached");
    well.says("data directory", "none is used");
    let both = |seen: &Seen, told: &[&str]| {
        let findings = seen.findings();
        assert_eq!((seen.code, findings.len()), (Some(3), 2), "{findings:?}");
        for finding in findings {
            let said = format!("{} {}", finding["sentence"], finding["do"]);
            assert!(told.iter().all(|word| said.contains(word)), "{told:?}: {said}");
        }
    };
    let nobody = format!("postgres://usher:s3cret@127.0.0.1:{}/cell1", ports::claim());
    both(&with(&nobody), &["cannot be reached", "start it, or correct its URL"]);
    let name = database.url().rsplit_once('/').unwrap().1.to_owned();
    let no_rights = "usher_no_rights";
    database.execute(&format!(
        "DROP ROLE IF EXISTS {no_rights}_{name}; CREATE ROLE {no_rights}_{name} LOGIN PASSWORD 's3cret'; \
         REVOKE CREATE ON DATABASE {name} FROM PUBLIC"
    ));
    let (scheme, host) = database.url().split_once("://").map(|(s, h)| (s.to_owned(), h.to_owned())).unwrap();
    let host = host.rsplit_once('@').map_or(host.clone(), |(_, host)| host.to_owned());
    both(
        &with(&format!("{scheme}://{no_rights}_{name}:s3cret@{host}")),
        &["may not create schemas", "GRANT CREATE ON DATABASE"],
    );
    database.execute(&format!("DROP ROLE {no_rights}_{name}"));
}
