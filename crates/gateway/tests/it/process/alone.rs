//! One process a data directory: caches and group commit rest on it.

use super::{refused, serve};
use crate::running::roomy;

#[test]
fn a_second_process_on_a_data_directory_is_refused_whatever_was_removed_from_it() {
    let (mut gateway, acme) = roomy();
    let data_dir = gateway.data_dir();
    let second = || {
        let said = refused(serve(&data_dir));
        assert!(said.contains("is served by another usher process"), "{said}");
    };
    second();
    // Whatever lies in it can be removed; the directory itself is what is held.
    for entry in std::fs::read_dir(&data_dir).unwrap().map(|entry| entry.unwrap().path()) {
        let keep = entry.is_dir() || entry.ends_with("admin-token");
        if !keep {
            std::fs::remove_file(entry).unwrap();
        }
    }
    second();
    acme.create_user("ada", "").expect(201);
    // The hold goes with its process, however that ends.
    gateway.kill();
    gateway.start_again();
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
}
