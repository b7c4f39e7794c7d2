//! `usher backup`: what a run copies, who may read it, and that a killed one leaves the last complete one as it was.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use testkit::gateway::Gateway;

use super::{at, back_up, files_below, furnished, restored, rows_of, stderr, touch};
use crate::running::{BINARY, gateway};

#[test]
fn a_run_copies_what_changed_and_each_run_stays_what_it_was() {
    let mut gateway = gateway();
    let tenants: Vec<_> =
        ["a", "b", "c", "d"].iter().map(|key| gateway.tenant("ire", key, None, None)).collect();
    assert_eq!(gateway.stop(), Some(0));
    gateway.age_stores();
    let folder = gateway.data_dir().with_file_name("backup");
    let first = back_up(&gateway, &folder);
    // Four tenants and the registries of five regions.
    assert_eq!((first["stores"].as_u64(), first["copied"].as_u64()), (Some(9), Some(9)), "{first}");
    let second = back_up(&gateway, &folder);
    assert_eq!((second["stores"].as_u64(), second["unchanged"].as_u64()), (Some(9), Some(4)), "{second}");

    gateway.start_again();
    tenants[1].create_user("new", "").expect(201);
    let third = back_up(&gateway, &folder);
    assert_eq!(third["unchanged"].as_u64(), Some(3), "{third}");
    // What did not change is stored once.
    let objects = files_below(&folder.join("objects")).len();
    assert!(objects < 9 + 3 * 5, "{objects} copies");

    let times = [first["at"].as_str().unwrap(), third["at"].as_str().unwrap()];
    for (time, users) in times.iter().zip([0, 1]) {
        let other = restored(&gateway, &folder, &format!("at-{users}"), &["--at", time]);
        assert_eq!(at(&other, &tenants[1]).get("/Users").expect(200).body["totalResults"], users);
    }
    let before = stderr(
        &gateway,
        &["restore", "--from", folder.to_str().unwrap(), "--data-dir", "x", "--at", "2001-01-01T00:00:00Z"],
    );
    assert!(before.contains("the oldest run") && before.contains(times[0]), "{before}");

    let words = ["backup", "--to", folder.to_str().unwrap(), "--keep", "1", "--json"];
    assert!(gateway.cli_ok(&words).contains("\"removed_runs\":3"));
    assert_eq!(fs::read_dir(folder.join("runs")).unwrap().count(), 1);
    assert_eq!(files_below(&folder.join("objects")).len(), 9);
    let last = restored(&gateway, &folder, "last", &[]);
    assert_eq!(at(&last, &tenants[1]).get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn a_backup_is_for_its_user_only_and_has_no_admin_token() {
    let gateway = gateway();
    furnished(&gateway, "ire", "acme");
    let folder = gateway.data_dir().with_file_name("backup");
    back_up(&gateway, &folder);
    let token = fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    for file in files_below(&folder) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        assert_eq!(file.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let content = fs::read(&file).unwrap();
        assert!(!content.windows(token.trim().len()).any(|part| part == token.trim().as_bytes()));
    }
    let other = restored(&gateway, &folder, "other", &[]);
    assert_ne!(fs::read_to_string(other.data_dir().join("admin-token")).unwrap(), token);
    let registry = other.data_dir().join("ire/registry.db");
    assert_eq!(registry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn after_kill_9_at_any_moment_the_last_complete_run_can_be_restored() {
    let gateway = gateway();
    let acme = furnished(&gateway, "ire", "acme");
    for n in 0..20 {
        furnish_a_little(&gateway, &format!("t{n}"));
    }
    let folder = gateway.data_dir().with_file_name("backup");
    back_up(&gateway, &folder);
    let mut killed = 0;
    for round in 0..30_u64 {
        assert_eq!(touch(&acme, &format!("g{round}")), 201);
        let mut run = Command::new(BINARY)
            .args([
                "backup",
                "--to",
                folder.to_str().unwrap(),
                "--data-dir",
                gateway.data_dir().to_str().unwrap(),
            ])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(round * 4));
        killed += u32::from(run.try_wait().unwrap().is_none());
        let _ = run.kill();
        run.wait().unwrap();
        if round % 10 == 9 {
            let other = restored(&gateway, &folder, &format!("after-{round}"), &[]);
            other.audit(&acme);
            at(&other, &acme).get("/Groups").expect(200);
        }
    }
    assert!(killed > 3, "only {killed} runs were killed before their end");
    back_up(&gateway, &folder);
    let other = restored(&gateway, &folder, "complete", &[]);
    assert_eq!(rows_of(&other, &acme), rows_of(&gateway, &acme));
    assert!(files_below(&folder.join("staging")).is_empty());
}

fn furnish_a_little(gateway: &Gateway, key: &str) {
    gateway.tenant("us", key, None, None).create_user("one", "").expect(201);
}

fn objects(folder: &std::path::Path) -> Vec<PathBuf> {
    files_below(&folder.join("objects"))
}

#[test]
fn damage_is_named_and_nothing_is_restored() {
    let gateway = gateway();
    furnished(&gateway, "ire", "acme");
    let folder = gateway.data_dir().with_file_name("backup");
    back_up(&gateway, &folder);
    let target = gateway.data_dir().with_file_name("target");
    let words = ["restore", "--from", folder.to_str().unwrap(), "--data-dir", target.to_str().unwrap()];
    let largest = objects(&folder).into_iter().max_by_key(|file| file.metadata().unwrap().len()).unwrap();
    let whole = fs::read(&largest).unwrap();

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    fs::write(&largest, &flipped).unwrap();
    let told = stderr(&gateway, &words);
    assert!(told.contains("nothing was restored") && told.contains("is damaged"), "{told}");
    fs::remove_file(&largest).unwrap();
    assert!(stderr(&gateway, &words).contains("nothing was restored"));
    fs::write(&largest, &whole).unwrap();

    let list = files_below(&folder.join("runs")).pop().unwrap();
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, text.replacen("registry.db", "registrx.db", 1)).unwrap();
    let told = stderr(&gateway, &words);
    assert!(told.contains("damaged") && told.contains(list.file_name().unwrap().to_str().unwrap()), "{told}");
    fs::write(&list, &text).unwrap();
    assert!(!target.exists() || files_below(&target).is_empty());
    gateway.cli_ok(&words);

    // Neither a directory with anything in it nor a served one.
    let data_dir = gateway.data_dir();
    assert!(stderr(&gateway, &words).contains("is not empty"));
    let served = ["restore", "--from", folder.to_str().unwrap(), "--data-dir", data_dir.to_str().unwrap()];
    assert!(stderr(&gateway, &served).contains("is served by another usher process"));
    let foreign = ["restore", "--from", "/tmp", "--data-dir", target.to_str().unwrap()];
    assert!(stderr(&gateway, &foreign).contains("is no backup"));
    let onto = ["backup", "--to", data_dir.to_str().unwrap()];
    stderr(&gateway, &onto);
}

#[test]
fn a_store_that_cannot_be_read_is_told_and_the_others_are_copied() {
    let mut gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let damaged = gateway.only_store("ire");
    let other = gateway.tenant("ire", "other", None, None);
    acme.create_user("before", "").expect(201);
    let folder = gateway.data_dir().with_file_name("backup");
    assert_eq!(gateway.stop(), Some(0));
    back_up(&gateway, &folder);
    fs::write(&damaged, b"no database").unwrap();
    gateway.start_again();
    other.create_user("after", "").expect(201);

    let told = stderr(&gateway, &["backup", "--to", folder.to_str().unwrap()]);
    assert!(told.contains("could not be copied") && told.contains("an earlier copy"), "{told}");
    let again = restored(&gateway, &folder, "again", &[]);
    assert_eq!(at(&again, &acme).get("/Users").expect(200).body["totalResults"], 1);
    assert_eq!(at(&again, &other).get("/Users").expect(200).body["totalResults"], 1);
}
