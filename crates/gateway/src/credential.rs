//! The credential of a request: parsed once, for SCIM and for staff alike. What it opens is decided elsewhere.

use actix_web::{HttpRequest, http::header::AUTHORIZATION};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tenant_registry::{NamedToken, Token};

/// What every 401 carries in `WWW-Authenticate` (RFC 9110 §11.6.1).
pub(crate) const CHALLENGES: &str = "Bearer, Basic realm=\"usher\"";

/// What a request carries in `Authorization`.
pub(crate) enum Credential<'r> {
    /// A tenant's: a bearer token, or a key with its secret.
    Tenant(Token),
    /// What has the form of a signed token (RFC 7515 §7.1): an access token of an OAuth client.
    Signed(&'r str),
    /// A named admin token.
    Staff(NamedToken),
    /// A bearer token of another form. The root token may have any, because staff may choose it.
    Other(&'r str),
    /// Nothing, two headers, another scheme, or a pair that has no form of ours.
    Nothing,
}

impl<'r> Credential<'r> {
    pub(crate) fn of(request: &'r HttpRequest) -> Self {
        Self::parse(request).unwrap_or(Self::Nothing)
    }

    fn parse(request: &'r HttpRequest) -> Option<Self> {
        let mut headers = request.headers().get_all(AUTHORIZATION);
        let (Some(header), None) = (headers.next(), headers.next()) else { return None };
        let (scheme, sent) = header.to_str().ok()?.split_once(' ')?;
        let sent = sent.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::of_bearer(sent));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = String::from_utf8(STANDARD.decode(sent).ok()?).ok()?;
        Token::parse_pair(&pair).map(Self::Tenant)
    }

    fn of_bearer(sent: &'r str) -> Self {
        match (Token::parse(sent), NamedToken::parse(sent)) {
            (Some(token), _) => Self::Tenant(token),
            (None, Some(token)) => Self::Staff(token),
            (None, None) if sent.is_empty() => Self::Nothing,
            (None, None) if is_signed(sent) => Self::Signed(sent),
            (None, None) => Self::Other(sent),
        }
    }

    /// The text of a bearer token, for the comparison with the root token.
    pub(crate) fn bearer(&self) -> Option<&str> {
        match self {
            Self::Tenant(token) if token.pair().is_none() => Some(token.reveal()),
            Self::Staff(token) => Some(token.reveal()),
            Self::Other(sent) | Self::Signed(sent) => Some(sent),
            Self::Tenant(_) | Self::Nothing => None,
        }
    }
}

/// Three parts in base64url, of which the first begins like an object: with `{"` or a brace and a line's end or a tab.
pub(crate) fn is_signed(sent: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (sent.starts_with("ey") || sent.starts_with("ew"))
        && sent.matches('.').count() == 2
        && sent.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use tenant_registry::{CredentialKind, RegionCode};

    use super::*;

    fn shape(headers: &[&str]) -> &'static str {
        let request = headers
            .iter()
            .fold(TestRequest::default(), |request, header| request.append_header((AUTHORIZATION, *header)));
        match Credential::of(&request.to_http_request()) {
            Credential::Tenant(token) if token.pair().is_some() => "pair",
            Credential::Tenant(_) => "token",
            Credential::Signed(_) => "signed",
            Credential::Staff(_) => "staff",
            Credential::Other(_) => "other",
            Credential::Nothing => "nothing",
        }
    }

    #[test]
    fn each_kind_is_told_by_its_form_and_what_has_none_is_nothing() {
        let region = RegionCode::new("ire").unwrap();
        let token = Token::generate(CredentialKind::Bearer, &region);
        let pair = Token::generate(CredentialKind::Basic, &region);
        let named = NamedToken::generate(&region);
        let bearer = |text: &str| format!("Bearer {text}");
        let basic = |text: &str| format!("bAsIc {}", STANDARD.encode(text));
        assert_eq!(shape(&[&bearer(token.reveal())]), "token");
        assert_eq!(shape(&[&basic(pair.reveal())]), "pair");
        assert_eq!(shape(&[&bearer(named.reveal())]), "staff");
        assert_eq!(shape(&[&bearer("rubbish")]), "other");
        assert_eq!(shape(&[&bearer("eyJh.eyJz.c2ln")]), "signed");
        for text in ["eyJh.eyJz", "eyJh.eyJz.c2ln.x", "eyJh.ey Jz.c2ln", "xyJh.eyJz.c2ln"] {
            assert_eq!(shape(&[&bearer(text)]), "other");
        }
        let secret = Token::generate(CredentialKind::Oauth, &region);
        assert_eq!(shape(&[&bearer(secret.reveal())]), "other");
        // Neither is taken for the other, and a pair is base64.
        assert_eq!(shape(&[&bearer(pair.reveal())]), "other");
        let odd = [
            basic(token.reveal()),
            basic(named.reveal()),
            basic(&format!("{}:", pair.reveal())),
            basic(":"),
            format!("Basic {}", pair.reveal()),
            format!("{}=", basic(pair.reveal())),
            format!("Basic {}", STANDARD.encode(b"\xff:\xff")),
            "Basic ".into(),
            "Bearer ".into(),
            "Digest x".into(),
            String::new(),
        ];
        for header in &odd {
            assert_eq!(shape(&[header]), "nothing", "{header}");
        }
        let both = [bearer(token.reveal()), basic(pair.reveal())];
        assert_eq!(shape(&[&both[0], &both[1]]), "nothing");
        assert_eq!(shape(&[]), "nothing");
    }
}
