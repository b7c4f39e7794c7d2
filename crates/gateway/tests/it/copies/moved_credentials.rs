//! Credentials of every kind follow their tenant to another region.

use testkit::gateway::Tenant;

use super::moves::{Cells, moved};
use crate::{
    attacks::face,
    credentials::{added, asked, exchanged, of_every_kind, text},
};

#[test]
fn mc21_every_kind_of_credential_opens_a_moved_tenant_and_mc5_is_told_at_the_old_base_url_where_it_is() {
    let cells = Cells::beside_files();
    let gateway = cells.start();
    let acme = gateway.tenant("ire", "acme", None, None);
    let held = of_every_kind(&gateway, &acme);
    let revoked = added(&gateway, &acme, "oauth", &[]);
    let ended = format!("Bearer {}", exchanged(&revoked, ""));
    let client = added(&gateway, &acme, "oauth", &[]);
    let revoke = |tenant: &Tenant, key_id: &str| {
        let path = format!("{}/credentials/{key_id}", tenant.admin_path());
        gateway.admin("DELETE", &path, None).expect(204);
    };
    revoke(&acme, text(&revoked, "key_id"));
    moved(&gateway, &acme, &["c2", "--to-region", "us"]);
    let base_url = acme.base_url.replace("/ire/", "/us/");
    let now = Tenant { base_url, region: "us".to_owned(), ..acme.clone() };
    let probe = |tenant: &Tenant, authorization: &str| asked(tenant, "GET", "/Users", authorization).send();
    let unknown = probe(&acme, "Bearer rubbish");
    for held in held.iter().filter(|held| held.opens) {
        probe(&now, &held.authorization).expect(200);
        let told = probe(&acme, &held.authorization).expect_error(401, "");
        assert!(text(&told.body, "detail").contains(&now.base_url), "{}: {}", held.kind, told.text);
    }
    // What was revoked before is as unknown as any, here and there; so is what is revoked now.
    for tenant in [&acme, &now] {
        assert_eq!(face(&probe(tenant, &ended)), face(&unknown));
    }
    for held in held.iter().filter(|held| held.opens) {
        revoke(&now, &held.key_id);
        for tenant in [&acme, &now] {
            assert_eq!(face(&probe(tenant, &held.authorization)), face(&unknown), "{}", held.kind);
        }
    }
    // The client goes on with its secret, at the token endpoint of the tenant's new region.
    let mut client = client;
    client["token_url"] = text(&client, "token_url").replace("/ire/", "/us/").into();
    probe(&now, &format!("Bearer {}", exchanged(&client, ""))).expect(200);
}
