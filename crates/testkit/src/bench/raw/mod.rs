//! The limits of the machine without a gateway: the disk's flushes, SQLite's commits, PostgreSQL's transactions, actix's answers.

pub mod disk;
pub mod empty_handler;
pub mod pgbench;
pub mod sqlite_commits;

/// The body of the raw rows and of the raw answers, in bytes: a user as it rests.
pub const BODY: usize = 1_377;
