//! The conditions of a request, as HTTP carries them.

use actix_web::HttpRequest;
use provisioning::Preconditions;

/// `If-Match` and `If-None-Match`, as sent.
pub(super) fn conditions(request: &HttpRequest) -> Preconditions {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    Preconditions { if_match: header("if-match"), if_none_match: header("if-none-match") }
}
