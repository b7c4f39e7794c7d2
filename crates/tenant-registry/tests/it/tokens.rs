//! Which tokens open which tenant: several live ones, and everything that is no live token is one answer.

use std::{collections::BTreeSet, time::Duration};

use tenant_registry::{CredentialKind, NewCredential, RegistryError, Scope, Scopes, Token};

use crate::support::{Region, by, issue, key};

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
    let old = issue(&region.registry, &acme, None).await.token;
    let new = issue(&region.registry, &acme, None).await.token;
    for token in [&old, &new] {
        assert_eq!(opens(&region, token, NOW).await.as_deref(), Some("acme"));
    }
    region.registry.revoke_credential(&acme, old.key_id(), by()).await.unwrap();
    assert_eq!(opens(&region, &old, NOW).await, None);
    assert_eq!(opens(&region, &new, NOW).await.as_deref(), Some("acme"));
    let again = region.registry.revoke_credential(&acme, old.key_id(), by()).await;
    assert!(matches!(again, Err(RegistryError::NoCredential(id)) if id == old.key_id()));
    let shown = region.registry.credentials(&acme, None, None, 100).await.unwrap();
    let shown: BTreeSet<_> =
        shown.iter().map(|info| (info.key_id.as_str(), info.revoked_ms.is_some())).collect();
    assert_eq!(shown, BTreeSet::from([(old.key_id(), true), (new.key_id(), false)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn cx17_a_key_with_its_secret_opens_its_tenant_and_says_what_it_may_do() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let scopes = Scopes::new([Scope::Read, Scope::Groups]).unwrap();
    let new = NewCredential {
        kind: CredentialKind::Basic,
        scopes,
        note: "for the nightly job".into(),
        made_by: "ada".into(),
        ..NewCredential::bearer()
    };
    let pair = region.registry.add_credential(&key("acme"), new, by()).await.unwrap().token;
    let sent = Token::parse_pair(pair.reveal()).unwrap();
    let grant = region.registry.verify(&sent, NOW).await.unwrap().unwrap();
    assert_eq!((grant.kind, grant.scopes), (CredentialKind::Basic, scopes));
    assert_eq!(grant.tenant().makers[0].user_name, "ada");
    let (public, secret) = pair.pair().unwrap();
    let other = Token::generate(CredentialKind::Basic, region.registry.region());
    let (other_public, other_secret) = other.pair().unwrap();
    for (public, secret) in [(public, other_secret), (other_public, secret)] {
        let forged = Token::parse_pair(&format!("{public}:{secret}")).unwrap();
        assert_eq!(opens(&region, &forged, NOW).await, None);
    }
    let listed = region.registry.credentials(&key("acme"), None, None, 100).await.unwrap();
    assert_eq!((listed[0].made_by.as_str(), listed[0].note.as_str()), ("ada", "for the nightly job"));
    let of_kind = async |kind| region.registry.credentials(&key("acme"), Some(kind), None, 9).await.unwrap();
    assert_eq!(of_kind(CredentialKind::Basic).await, listed);
    assert_eq!(of_kind(CredentialKind::Bearer).await, []);
    let kinds = async || region.registry.kinds_of_credentials(&grant.tenant().id).await.unwrap();
    assert_eq!(kinds().await, [CredentialKind::Basic]);
    region.registry.revoke_credential(&key("acme"), pair.key_id(), by()).await.unwrap();
    assert_eq!(kinds().await, []);
    assert_eq!(region.registry.tenant(&key("acme")).await.unwrap().makers, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_13_unknown_wrong_and_foreign_tokens_open_nothing() {
    let region = Region::new().await;
    for name in ["acme", "globex"] {
        region.create(name).await.unwrap();
    }
    let acme = issue(&region.registry, &key("acme"), None).await.token;
    let globex = issue(&region.registry, &key("globex"), None).await.token;
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
    let unknown = Token::generate(CredentialKind::Bearer, region.registry.region());
    assert_eq!(opens(&region, &unknown, NOW).await, None);
    assert_eq!(opens(&region, &unknown, NOW).await, None, "nor when it is remembered as unknown");
    // One tenant's staff act does not reach another's token.
    let foreign = region.registry.revoke_credential(&key("acme"), globex.key_id(), by()).await;
    assert!(matches!(foreign, Err(RegistryError::NoCredential(_))));
    assert_eq!(opens(&region, &globex, NOW).await.as_deref(), Some("globex"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_at_its_expiry_though_it_is_cached() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let issued = issue(&region.registry, &key("acme"), Some(NOW)).await;
    assert_eq!(issued.expires_ms, Some(NOW));
    assert!(opens(&region, &issued.token, NOW - 1).await.is_some());
    assert!(opens(&region, &issued.token, NOW).await.is_none());
    assert!(opens(&region, &issued.token, NOW - 1).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_22_no_token_rests_in_any_file() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let token = issue(&region.registry, &key("acme"), None).await.token;
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
    let token = issue(&region.registry, &key("acme"), None).await.token;
    let last_used =
        async || region.registry.credentials(&key("acme"), None, None, 100).await.unwrap()[0].last_used_ms;
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
    let before = region.registry.credentials(&key("acme"), None, None, 100).await.unwrap()[0].last_used_ms;
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
        issued.insert(issue(&region.registry, &key("acme"), None).await.token.key_id().to_owned());
    }
    let foreign = issue(&region.registry, &key("globex"), None).await.token.key_id().to_owned();
    region.execute(&["UPDATE credentials SET created_ms = 5"]).await;
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = region.registry.credentials(&key("acme"), None, after.clone(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key_id.clone());
        met.extend(page.into_iter().map(|token| token.key_id));
    }
    assert_eq!((met.len(), met.into_iter().collect::<BTreeSet<_>>()), (7, issued));
    for unknown in [foreign, "nobody".to_owned()] {
        let refused = region.registry.credentials(&key("acme"), None, Some(unknown.clone()), 3).await;
        assert!(matches!(refused, Err(RegistryError::NoCredential(id)) if id == unknown));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_credentials_that_end_soon_the_next_are_told_of_once_as_many_as_are_asked_for() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let (registry, acme) = (&region.registry, key("acme"));
    let now = registry.now_ms();
    let mut ids = Vec::new();
    for days in [5, 3, 20] {
        ids.push(issue(registry, &acme, Some(now + days * 86_400_000)).await.token.key_id().to_owned());
    }
    issue(registry, &acme, Some(now + 40 * 86_400_000)).await;
    issue(registry, &acme, None).await;
    let told = async |most: i64| {
        // Times are milliseconds: what comes after a look is later than it.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let ending = registry.ending_credentials(most).await.unwrap();
        let told = registry.note_told(&ending).await.unwrap();
        let untold = ending.credentials.iter().filter(|ending| ending.is_untold).count();
        let found: Vec<String> = ending.credentials.iter().map(|ending| ending.key_id.clone()).collect();
        (found, [ending.within(7), ending.within(30)], untold, told)
    };
    assert_eq!(told(2).await, (vec![ids[1].clone(), ids[0].clone()], [2, 2], 2, true));
    let all = vec![ids[1].clone(), ids[0].clone(), ids[2].clone()];
    assert_eq!(told(100).await, (all, [2, 3], 0, true));
    tokio::time::sleep(Duration::from_millis(5)).await;
    let stale = registry.ending_credentials(100).await.unwrap();
    issue(registry, &acme, Some(now + 86_400_000)).await;
    assert_eq!(told(100).await.2, 1);
    assert!(!registry.note_told(&stale).await.unwrap(), "another one was faster");
}
