//! Which identity provider a request is taken to come from: by its `User-Agent`, and by habits of each client that others do not have. It is
//! told in the log and in advice, and decides nothing else. A credential is one identity provider's, so what one request shows holds for
//! the later ones, until a stronger sign.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use actix_web::{HttpRequest, http::header::USER_AGENT};
use provisioning::log::Idp;
use strum::{EnumString, IntoStaticStr};
use tenant_registry::Grant;

/// Credentials that are remembered; one that is not shows its signs again.
const REMEMBERED: usize = 50_000;

/// How much a sign says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
enum Strength {
    #[default]
    None,
    /// A habit that others may have too.
    Habit,
    /// A request that only this client is known to send.
    Trait,
    /// Its name in `User-Agent`.
    Name,
}

/// What is known of one credential, or of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sign {
    idp: Idp,
    strength: Strength,
}

impl Sign {
    fn new(idp: Idp, strength: Strength) -> Self {
        Self { idp, strength }
    }

    /// The sign that [`Sign::text`] has written; none in another text.
    fn parse(text: &str) -> Self {
        let sign = || {
            let (idp, strength) = text.split_once(' ')?;
            Some(Self::new(idp.parse().ok()?, strength.parse().ok()?))
        };
        sign().unwrap_or_default()
    }

    fn text(self) -> String {
        format!("{} {}", self.idp.word(), <&'static str>::from(self.strength))
    }
}

/// What a request was recognised as.
pub(crate) struct Recognised {
    pub(crate) idp: Idp,
    /// The sign, to be stored with the credential, where it is stronger than those before.
    pub(crate) new: Option<String>,
}

/// Whether one stored sign is stronger than another.
pub(crate) fn says_more(sign: &str, other: &str) -> bool {
    Sign::parse(sign).strength > Sign::parse(other).strength
}

/// The credentials that this process has seen.
#[derive(Default)]
pub(crate) struct Recognition(Mutex<HashMap<String, Sign>>);

impl Recognition {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Sign>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The identity provider behind a request with this credential.
    pub(crate) fn of(&self, grant: &Grant, request: &HttpRequest) -> Recognised {
        self.of_credential(&grant.key_id, &grant.sender, request)
    }

    fn of_credential(&self, credential: &str, stored: &str, request: &HttpRequest) -> Recognised {
        let before = self.lock().get(credential).copied();
        // Nothing says more than a name.
        if let Some(known) = before.filter(|known| known.strength == Strength::Name) {
            return Recognised { idp: known.idp, new: None };
        }
        let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        let sign = named(agent).unwrap_or_else(|| match before {
            // No habit says more than a trait.
            Some(known) if known.strength == Strength::Trait => known,
            _ => {
                let has = |name: &str| request.headers().contains_key(name);
                habit(agent, request.path(), request.query_string(), &has)
            }
        });
        // Another process may have stored a stronger sign than this one has seen.
        let stored = Sign::parse(stored);
        let strongest = before.filter(|before| before.strength >= stored.strength).unwrap_or(stored);
        let is_new = sign.strength > strongest.strength;
        let best = if is_new { sign } else { strongest };
        if before != Some(best) {
            self.remember(credential, best);
        }
        Recognised { idp: best.idp, new: is_new.then(|| best.text()) }
    }

    /// Remembers a sign, unless a request at the same time has shown a stronger one.
    fn remember(&self, credential: &str, sign: Sign) {
        let mut known = self.lock();
        if known.get(credential).is_some_and(|known| known.strength > sign.strength) {
            return;
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(credential.to_owned(), sign);
    }
}

/// Parts of a `User-Agent`, in small letters, and whose they are.
const NAMES: &[(&str, Idp)] = &[
    ("okta", Idp::Okta),
    ("onelogin", Idp::OneLogin),
    ("jumpcloud", Idp::JumpCloud),
    ("authentik", Idp::Authentik),
    ("pingone", Idp::Ping),
    ("pingfederate", Idp::Ping),
    ("pingidentity", Idp::Ping),
    ("google", Idp::Google),
    ("microsoft", Idp::Entra),
    ("azure", Idp::Entra),
    ("entra", Idp::Entra),
];

fn named(agent: Option<&str>) -> Option<Sign> {
    let agent = agent?.to_ascii_lowercase();
    let (_, idp) = NAMES.iter().find(|(name, _)| agent.contains(name))?;
    Some(Sign::new(*idp, Strength::Name))
}

/// What the path, the query and the headers show.
fn habit(agent: Option<&str>, path: &str, query: &str, has: &impl Fn(&str) -> bool) -> Sign {
    let is_list = path.ends_with("/Users") || path.ends_with("/Groups");
    // Microsoft's flag for its newer dialect, in the base URL that is typed into its form.
    if query.contains("aadOptscim") {
        return Sign::new(Idp::Entra, Strength::Trait);
    }
    // Ping asks for a user of the id 0 to see whether the connection works.
    if path.ends_with("/Users/0") {
        return Sign::new(Idp::Ping, Strength::Trait);
    }
    // Entra tests a connection by a filter for an id that it has just made up, and asks for groups without their members.
    if is_list && (is_for_made_up_id(query) || query.contains("excludedAttributes=members&filter=")) {
        return Sign::new(Idp::Entra, Strength::Trait);
    }
    // OneLogin's filter ends with an ampersand; it says no name of its own.
    if is_list && agent.is_none() && query.ends_with('&') {
        return Sign::new(Idp::OneLogin, Strength::Trait);
    }
    // authentik walks by `startIndex` without `count`.
    if is_list && query.starts_with("startIndex=") && !query.contains('&') {
        return Sign::new(Idp::Authentik, Strength::Habit);
    }
    if has("client-request-id") {
        return Sign::new(Idp::Entra, Strength::Habit);
    }
    Sign::default()
}

/// Whether the value of the filter is a UUID.
fn is_for_made_up_id(query: &str) -> bool {
    let filter = query.split('&').find_map(|part| part.strip_prefix("filter="));
    let Some(value) = filter.and_then(|filter| filter.rsplit_once("eq").map(|(_, value)| value)) else {
        return false;
    };
    let value = value.trim_start_matches("%20").trim_start_matches('+');
    let value = value.strip_prefix("%22").or_else(|| value.strip_prefix('"')).unwrap_or_default();
    let value = value.strip_suffix("%22").or_else(|| value.strip_suffix('"')).unwrap_or_default();
    value.len() == 36 && uuid::Uuid::try_parse(value).is_ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(agent: Option<&str>, uri: &str) -> HttpRequest {
        let request = TestRequest::get().uri(uri);
        match agent {
            Some(agent) => request.insert_header((USER_AGENT, agent)),
            None => request,
        }
        .to_http_request()
    }

    fn of(known: &Recognition, credential: &str, request: &HttpRequest) -> Idp {
        known.of_credential(credential, "", request).idp
    }

    #[test]
    fn a_sign_is_told_once_and_a_later_process_begins_with_it() {
        let probe = request(None, "/ire/acme/scim/v2/Users/0");
        let known = Recognition::default();
        let told = known.of_credential("a", "", &probe).new.unwrap();
        assert_eq!(
            (told.as_str(), Sign::parse(&told)),
            ("ping trait", Sign::new(Idp::Ping, Strength::Trait))
        );
        assert_eq!(known.of_credential("a", "", &probe).new, None);
        let (later, plain) = (Recognition::default(), request(None, "/ire/acme/scim/v2/Users?count=1"));
        let recognised = later.of_credential("a", &told, &plain);
        assert_eq!((recognised.idp, recognised.new), (Idp::Ping, None));
        let named = later.of_credential("a", &told, &request(Some("Okta SCIM Client 1.0.0"), "/"));
        assert_eq!((named.idp, named.new.as_deref()), (Idp::Okta, Some("okta name")));
    }

    #[test]
    fn a_name_tells_and_holds_until_another_name() {
        let known = Recognition::default();
        let list = "/ire/acme/scim/v2/Users?count=1";
        assert_eq!(of(&known, "a", &request(Some("curl/8"), list)), Idp::Other);
        assert_eq!(of(&known, "a", &request(Some("Okta SCIM Client 1.0.0"), list)), Idp::Okta);
        assert_eq!(of(&known, "a", &request(Some("curl/8"), list)), Idp::Okta);
        assert_eq!(of(&known, "b", &request(Some("curl/8"), list)), Idp::Other);
    }

    #[test]
    fn habits_tell_what_no_name_does_and_give_way_to_a_name() {
        let base = "/ire/acme/scim/v2";
        let probe = "8f2c1a36-5b0e-4f2a-9a3c-0f8f4be1a001";
        for (uri, idp) in [
            (format!("{base}/Users?filter=externalId+eq+%22{probe}%22"), Idp::Entra),
            (format!("{base}/Users?filter=userName%20eq%20%22{probe}%22"), Idp::Entra),
            (format!("{base}/Groups?excludedAttributes=members&filter=displayName+eq+%22x%22"), Idp::Entra),
            (format!("{base}/Users?aadOptscim062020"), Idp::Entra),
            (format!("{base}/Users/0"), Idp::Ping),
            (format!("{base}/Users?filter=userName+eq+%22ann%22&"), Idp::OneLogin),
            (format!("{base}/Users?startIndex=1"), Idp::Authentik),
            (format!("{base}/Users?filter=userName+eq+%22ann%22"), Idp::Other),
            (format!("{base}/Users?startIndex=1&count=100"), Idp::Other),
        ] {
            assert_eq!(of(&Recognition::default(), "a", &request(None, &uri)), idp, "{uri}");
        }
        let known = Recognition::default();
        assert_eq!(of(&known, "a", &request(None, &format!("{base}/Users/0"))), Idp::Ping);
        assert_eq!(of(&known, "a", &request(None, &format!("{base}/Users?startIndex=1"))), Idp::Ping);
        assert_eq!(of(&known, "a", &request(Some("JumpCloud"), base)), Idp::JumpCloud);
    }
}
