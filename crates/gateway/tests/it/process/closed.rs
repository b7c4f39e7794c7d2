//! What rests and what is in memory is for the user of the process alone.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use super::{refused, serve};
use crate::running::roomy;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn open_up(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode(path) | 0o055)).unwrap();
}

fn everything_in(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { found.extend(everything_in(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn what_other_users_could_read_is_closed_at_the_start_and_said() {
    let (mut gateway, acme) = roomy();
    acme.create_user("ada", "").expect(201);
    gateway.kill();
    let data = gateway.data_dir();
    let before = gateway.log().len();
    everything_in(&data).iter().for_each(|path| open_up(path));
    gateway.start_again();
    acme.create_user("bob", "").expect(201);
    for path in everything_in(&data) {
        let is_no_secret = path.ends_with("server-url");
        assert!(is_no_secret || mode(&path) & 0o077 == 0, "{} is {:o}", path.display(), mode(&path));
    }
    let said = gateway.log()[before..].to_owned();
    for told in
        ["could enter the data directory", "could read the admin token", "could read files of a region"]
    {
        assert!(said.contains(told), "{told}: {said}");
    }
}

#[test]
fn a_data_directory_that_holds_other_things_too_is_refused_and_left_as_it_is() {
    let shared = tempfile::tempdir().unwrap();
    fs::create_dir(shared.path().join("of-somebody-else")).unwrap();
    open_up(shared.path());
    let said = refused(serve(shared.path()));
    assert!(said.contains("open to other users") && said.contains("data_dir"), "{said}");
    assert_eq!(mode(shared.path()), 0o755);
    assert!(!shared.path().join("admin-token").exists());
}

#[test]
fn a_data_directory_or_an_admin_token_of_another_user_is_refused() {
    const SOMEBODY: u32 = 65_534;
    let (mut gateway, _acme) = roomy();
    gateway.kill();
    for path in [gateway.data_dir(), gateway.data_dir().join("admin-token")] {
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&path).unwrap());
        if chown(&path, Some(SOMEBODY), None).is_err() {
            eprintln!("only root can give a file away: not tried");
            return;
        }
        let said = refused(serve(&gateway.data_dir()));
        assert!(said.contains("belongs to user 65534") && said.contains("chown"), "{said}");
        chown(&path, Some(owner), None).unwrap();
    }
    gateway.start_again();
}

#[test]
fn attack_23_no_core_dump_shows_the_memory() {
    let (gateway, _acme) = roomy();
    let limits = fs::read_to_string(format!("/proc/{}/limits", gateway.pid())).unwrap();
    let cores = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
}
