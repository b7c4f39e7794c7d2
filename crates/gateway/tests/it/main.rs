//! The gateway from outside: a real process, real stores, HTTP and the command line.

mod attacks;
mod first_contact;
