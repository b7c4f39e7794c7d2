//! A profile in the registry that a version cannot read, because a newer one has written it.

use std::{fs, process::Command};

use crate::{
    profiles::files::{ATLAS, add},
    running::{BINARY, gateway, sql},
};

#[test]
fn a_profile_that_this_version_cannot_read_stops_the_start_and_is_named() {
    let (mut gateway, folder) = (gateway(), tempfile::tempdir().unwrap());
    let file = folder.path().join("atlas.toml");
    fs::write(&file, ATLAS).unwrap();
    add(&gateway, file.to_str().unwrap());
    gateway.stop();
    let newer = "UPDATE profiles SET text = replace(text, 'format = 1', 'format = 2')";
    sql(&gateway.data_dir().join("ire/registry.db"), newer);
    let mut start = Command::new(BINARY);
    start.arg("serve").env("USHER__DATA_DIR", gateway.data_dir()).env("USHER__SERVER__LISTEN", "127.0.0.1:0");
    start.env("USHER__METRICS__LISTEN", "");
    let ended = start.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot read the profile atlas (version 1) of region ire"), "{said}");
    // The registry is as it was: the version that wrote it goes on.
    let older = "UPDATE profiles SET text = replace(text, 'format = 2', 'format = 1')";
    sql(&gateway.data_dir().join("ire/registry.db"), older);
    gateway.start_again();
    assert_eq!(add(&gateway, file.to_str().unwrap())["version"], 1);
}
