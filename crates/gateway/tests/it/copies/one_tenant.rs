//! One tenant of a backup is restored through the running gateway, while the others are served.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use testkit::gateway::Tenant;

use super::{Ending, back_up, furnished, rows_of, stderr, touch};
use crate::running::gateway;

#[test]
fn a_tenant_is_put_back_while_others_are_served_without_an_error() {
    let gateway = gateway();
    let (acme, other) = (furnished(&gateway, "ire", "acme"), furnished(&gateway, "ire", "other"));
    let folder = gateway.data_dir().with_file_name("backup");
    let then = rows_of(&gateway, &acme);
    let first = back_up(&gateway, &folder);
    for n in 0..50 {
        acme.create_user(&format!("mistake{n}"), "").expect(201);
    }
    let issued = gateway.admin("POST", &format!("{}/tokens", acme.admin_path()), None).expect(201);
    let later = Tenant { token: issued.body["token"].as_str().unwrap().to_owned(), ..acme.clone() };
    back_up(&gateway, &folder);

    let (ended, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let _ending = Ending(&ended);
        scope.spawn(|| {
            for n in 0..20_000 {
                assert_eq!(touch(&other, &format!("meanwhile{n}")), 201);
                answers.fetch_add(1, Ordering::Relaxed);
                if ended.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let answer = acme.get("/Users?count=1");
                match answer.status {
                    200 => {}
                    503 => assert!(answer.header("retry-after").is_some()),
                    status => panic!("{status} {}", answer.text),
                }
            }
        });
        let words = ["restore", "--from", folder.to_str().unwrap(), "--region", "ire", "--tenant", "acme"];
        let time = first["at"].as_str().unwrap();
        let done = gateway.cli(&words.into_iter().chain(["--at", time]).collect::<Vec<_>>());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    });
    assert!(answers.load(Ordering::Relaxed) > 0);
    assert_eq!(rows_of(&gateway, &acme), then);
    gateway.audit(&acme);
    // The tokens of now stay: those that identity providers use.
    for tenant in [&acme, &later] {
        tenant.get("/Users").expect(200);
    }
    acme.create_user("goes on", "").expect(201);
    gateway.audit(&acme);
    assert!(!gateway.data_dir().join("ire/restoring").join("x").exists());
}

#[test]
fn a_deleted_tenant_is_made_again_and_a_revoked_token_stays_revoked() {
    let gateway = gateway();
    let acme = furnished(&gateway, "ire", "acme");
    let issued = gateway.admin("POST", &format!("{}/tokens", acme.admin_path()), None).expect(201);
    let revoked = Tenant { token: issued.body["token"].as_str().unwrap().to_owned(), ..acme.clone() };
    let key_id = issued.body["key_id"].as_str().unwrap();
    let folder = gateway.data_dir().with_file_name("backup");
    let then = rows_of(&gateway, &acme);
    back_up(&gateway, &folder);
    let restore = ["restore", "--from", folder.to_str().unwrap(), "--region", "ire", "--tenant", "acme"];

    gateway.cli_ok(&["token", "revoke", "--region", "ire", "--key", "acme", key_id]);
    gateway.cli_ok(&restore);
    revoked.get("/Users").expect_error(401, "");
    acme.get("/Users").expect(200);

    gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    gateway.cli_ok(&restore);
    assert_eq!(rows_of(&gateway, &acme), then);
    acme.get("/Users").expect(200);
    revoked.get("/Users").expect_error(401, "");

    // A tenant that staff have suspended stays suspended.
    gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
    gateway.cli_ok(&restore);
    acme.get("/Users").expect_error(403, "");

    gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    gateway.tenant("ire", "acme", None, None);
    assert!(stderr(&gateway, &restore).contains("belongs to another tenant now"));
    let unknown = ["restore", "--from", folder.to_str().unwrap(), "--region", "ire", "--tenant", "nobody"];
    assert!(stderr(&gateway, &unknown).contains("has no tenant nobody"));
}
