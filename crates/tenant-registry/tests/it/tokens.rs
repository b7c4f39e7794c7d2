//! Which tokens open which tenant: several live ones, and everything that is no live token is one answer.

use std::collections::BTreeSet;

use tenant_registry::{RegistryError, Token};

use crate::support::{Region, by, key};

const NOW: i64 = 1_800_000_000_000;

async fn opens(region: &Region, token: &Token, now_ms: i64) -> Option<String> {
    let grant = region.registry.verify(token, now_ms).await.unwrap();
    grant.map(|grant| grant.tenant().company_key.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn me5_several_tokens_live_side_by_side_and_each_ends_alone() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let acme = key("acme");
    let old = region.registry.issue_token(&acme, None, by()).await.unwrap().token;
    let new = region.registry.issue_token(&acme, None, by()).await.unwrap().token;
    for token in [&old, &new] {
        assert_eq!(opens(&region, token, NOW).await.as_deref(), Some("acme"));
    }
    region.registry.revoke_token(&acme, old.key_id(), by()).await.unwrap();
    assert_eq!(opens(&region, &old, NOW).await, None);
    assert_eq!(opens(&region, &new, NOW).await.as_deref(), Some("acme"));
    let again = region.registry.revoke_token(&acme, old.key_id(), by()).await;
    assert!(matches!(again, Err(RegistryError::NoToken(id)) if id == old.key_id()));
    let shown = region.registry.tokens(&acme, None, 100).await.unwrap();
    let shown: BTreeSet<_> =
        shown.iter().map(|info| (info.key_id.as_str(), info.revoked_ms.is_some())).collect();
    assert_eq!(shown, BTreeSet::from([(old.key_id(), true), (new.key_id(), false)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_13_unknown_wrong_and_foreign_tokens_open_nothing() {
    let region = Region::new().await;
    for name in ["acme", "globex"] {
        region.create(name).await.unwrap();
    }
    let acme = region.registry.issue_token(&key("acme"), None, by()).await.unwrap().token;
    let globex = region.registry.issue_token(&key("globex"), None, by()).await.unwrap().token;
    // A live key id with another's secret, and with one wrong character.
    let (public, _) = acme.reveal().split_at("ush_ire_".len() + acme.key_id().len());
    let (_, secret) = globex.reveal().split_at(public.len());
    let last = if acme.reveal().ends_with('a') { 'b' } else { 'a' };
    let mut nearly = acme.reveal().to_owned();
    nearly.pop();
    nearly.push(last);
    for text in [format!("{public}{secret}"), nearly] {
        let forged = Token::parse(&text).unwrap();
        assert_eq!(forged.key_id(), acme.key_id());
        assert_eq!(opens(&region, &forged, NOW).await, None);
    }
    let unknown = Token::generate(region.registry.region());
    assert_eq!(opens(&region, &unknown, NOW).await, None);
    assert_eq!(opens(&region, &unknown, NOW).await, None, "nor when it is remembered as unknown");
    // One tenant's staff act does not reach another's token.
    let foreign = region.registry.revoke_token(&key("acme"), globex.key_id(), by()).await;
    assert!(matches!(foreign, Err(RegistryError::NoToken(_))));
    assert_eq!(opens(&region, &globex, NOW).await.as_deref(), Some("globex"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_at_its_expiry_though_it_is_cached() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let issued = region.registry.issue_token(&key("acme"), Some(NOW), by()).await.unwrap();
    assert_eq!(issued.expires_ms, Some(NOW));
    assert!(opens(&region, &issued.token, NOW - 1).await.is_some());
    assert!(opens(&region, &issued.token, NOW).await.is_none());
    assert!(opens(&region, &issued.token, NOW - 1).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_22_no_token_rests_in_any_file() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let token = region.registry.issue_token(&key("acme"), None, by()).await.unwrap().token;
    region.registry.verify(&token, NOW).await.unwrap().unwrap();
    let secret = &token.reveal()[token.reveal().len() - 32..];
    let files = crate::support::files_below(region.ground.directory.path());
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_token_is_written_at_most_once_a_minute() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let token = region.registry.issue_token(&key("acme"), None, by()).await.unwrap().token;
    let last_used = async || region.registry.tokens(&key("acme"), None, 100).await.unwrap()[0].last_used_ms;
    assert_eq!(last_used().await, None);
    for (at, noted) in [(NOW, NOW), (NOW + 1, NOW), (NOW + 59_999, NOW), (NOW + 60_000, NOW + 60_000)] {
        let grant = region.registry.verify(&token, at).await.unwrap().unwrap();
        if grant.note_use(at) {
            region.registry.write_use(&grant, at).await.unwrap();
        }
        assert_eq!(last_used().await, Some(noted), "at {at}");
    }
    // Of many at once one writes it down.
    let grant = region.registry.verify(&token, NOW).await.unwrap().unwrap();
    assert_eq!((0..64).filter(|n| grant.note_use(NOW + 120_000 + n)).count(), 1);
    // What is written is what a restart begins with.
    let region = region.reopened().await;
    let before = region.registry.tokens(&key("acme"), None, 100).await.unwrap()[0].last_used_ms;
    let grant = region.registry.verify(&token, NOW).await.unwrap().unwrap();
    assert!(!grant.note_use(before.unwrap() + 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_over_tokens_meets_each_once_also_those_of_one_moment() {
    let region = Region::new().await;
    for name in ["acme", "globex"] {
        region.create(name).await.unwrap();
    }
    let mut issued = BTreeSet::new();
    for _ in 0..7 {
        issued.insert(
            region.registry.issue_token(&key("acme"), None, by()).await.unwrap().token.key_id().to_owned(),
        );
    }
    let foreign =
        region.registry.issue_token(&key("globex"), None, by()).await.unwrap().token.key_id().to_owned();
    region.execute(&["UPDATE credentials SET created_ms = 5"]).await;
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = region.registry.tokens(&key("acme"), after.clone(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key_id.clone());
        met.extend(page.into_iter().map(|token| token.key_id));
    }
    assert_eq!((met.len(), met.into_iter().collect::<BTreeSet<_>>()), (7, issued));
    for unknown in [foreign, "nobody".to_owned()] {
        let refused = region.registry.tokens(&key("acme"), Some(unknown.clone()), 3).await;
        assert!(matches!(refused, Err(RegistryError::NoToken(id)) if id == unknown));
    }
}
