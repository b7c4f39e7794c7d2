//! What the store tells of how a tenant is, where no request can provoke it in time.

use directory::log;
use provisioning::{
    explain::Asked,
    health::{self, Code, OfStore},
};

use crate::support::{Tenant, for_each_tenant};

async fn found(tenant: &Tenant) -> Vec<(Code, String)> {
    let rules = tenant.rules.clone();
    let read = move |tx: &mut store::ReadTx<'_>| {
        health::read(tx, &rules, 0, Asked { user: "", contact: "us", target: "--region ire --key acme" })
    };
    let OfStore { findings, .. } = tenant.read(read).await;
    findings.into_iter().map(|finding| (finding.code, finding.sentence)).collect()
}

#[tokio::test]
async fn log_lost_is_told_from_the_first_row_on() {
    for_each_tenant(async |tenant| {
        assert_eq!(found(&tenant).await, []);
        tenant.write(|tx, _| Ok(log::note_lost(tx, 0)?)).await.unwrap();
        assert_eq!(found(&tenant).await, []);
        tenant.write(|tx, _| Ok(log::note_lost(tx, 3)?)).await.unwrap();
        let told =
            "3 rows of refused writes are not in the log: more came at once than could wait to be written.";
        assert_eq!(found(&tenant).await, [(Code::LogLost, told.to_owned())]);
    })
    .await;
}
