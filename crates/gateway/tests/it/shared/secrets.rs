//! The URL of Redis is a secret.

use std::process::Command;

use testkit::{gateway::Gateway, redis::Redis};

use super::wait_for_metric;
use crate::running::{BINARY, gateway_with, wait_for};

#[test]
fn attack_23_a_password_of_redis_is_read_from_a_file_and_never_shown() {
    let (redis, file) = (Redis::start_with_password("s3cret-word"), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(file.path(), redis.url() + "\n").unwrap();
    let settings =
        [("USHER__REDIS__URL_FILE", file.path().to_str().unwrap()), ("USHER__LOG__LEVEL", "trace")];
    let gateway = gateway_with(&settings);
    wait_for_metric(&gateway, "usher_redis_up 1");

    let wrong = redis.url().replace("s3cret-word", "other-word");
    let refused =
        Gateway::start_with(BINARY, &[("USHER__REDIS__URL", &wrong), ("USHER__LOG__LEVEL", "trace")]);
    wait_for("it is said", || refused.log().contains("redis is not reached"));
    wait_for_metric(&refused, "usher_redis_up 0");
    for log in [gateway.log(), refused.log()] {
        assert!(!log.contains("s3cret-word") && !log.contains("other-word"), "{log}");
    }
}

#[test]
fn a_url_that_is_none_ends_the_start_and_is_not_repeated() {
    let output = Command::new(BINARY)
        .arg("serve")
        .env("USHER__DATA_DIR", tempfile::tempdir().unwrap().path().join("data"))
        .env("USHER__REDIS__URL", "http://:s3cret-word@localhost")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("redis.url") && !said.contains("s3cret-word"), "{said}");
}
