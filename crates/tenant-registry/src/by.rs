//! Who acts: what every record of an act of staff says (ME2).

/// The actor of the root token: that of the first start, or of `admin.token_file`.
pub const ROOT: &str = "root";

/// Who acts, and by which request.
#[derive(Clone, Debug)]
pub struct By {
    /// `root`, or the name of an admin token.
    pub actor: String,
    /// The request's id, which the response, the log and the change records carry too.
    pub request_id: String,
}

impl By {
    /// The program itself, which completes what a process before it began.
    pub(crate) fn the_program() -> Self {
        Self { actor: "usher".to_owned(), request_id: String::new() }
    }
}
