//! What the process asks of the system for itself: no dumps of its memory, and files that are its user's alone.

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, setrlimit, umask},
};

/// A dump of the memory would hold tokens and people (attack 23), so there is none. A program that takes dumps over a pipe sees
/// this limit and obeys it.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn leave_no_dumps() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|e| format!("core dumps cannot be switched off: {e}"))
}

/// Whatever is made from here on is closed to other users, whoever makes it.
pub(crate) fn make_files_for_this_user_only() {
    umask(Mode::RWXG | Mode::RWXO);
}
