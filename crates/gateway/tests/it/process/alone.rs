//! One process a data directory: caches and group commit rest on it.

use std::process::Command;

use crate::running::roomy;

#[test]
fn a_second_process_on_a_data_directory_is_refused_and_the_first_goes_on() {
    let (mut gateway, acme) = roomy();
    let second = || {
        Command::new(env!("CARGO_BIN_EXE_usher"))
            .arg("serve")
            .env("USHER__DATA_DIR", gateway.data_dir())
            // Ports of its own choice: it is the directory that is taken.
            .env("USHER__SERVER__LISTEN", "127.0.0.1:0")
            .env("USHER__METRICS__LISTEN", "")
            .output()
            .unwrap()
    };
    for _ in 0..2 {
        let refused = second();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("is served by another usher process"), "{said}");
    }
    acme.create_user("ada", "").expect(201);
    // The lock goes with its process, however that ends.
    gateway.kill();
    gateway.start_again();
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
}
