//! Request ids: what an answer, a log line and a change record have in common.

use actix_web::HttpRequest;
use uuid::Uuid;

/// A new id, time-ordered.
pub(crate) fn new() -> String {
    Uuid::now_v7().simple().to_string()
}

/// Characters of a client's own id that are kept.
const LONGEST: usize = 128;

/// The id that a client gave to its request, by which its own log has it (ME20): printable ASCII, the rest is dropped.
pub(crate) fn of_client(request: &HttpRequest) -> Option<String> {
    let headers = request.headers();
    let value = headers.get("client-request-id").or_else(|| headers.get("x-request-id"))?;
    let printable = value.as_bytes().iter().filter(|byte| (0x20..0x7f).contains(*byte));
    let id: String = printable.take(LONGEST).map(|byte| char::from(*byte)).collect();
    (!id.is_empty()).then_some(id)
}
