//! Profiles: one product, one file. A profile says which licenses and roles there are, where the role is read, and what may and
//! must be provisioned. Here they are data and pure functions: no SQL, no HTTP, no clock, no seats.
//!
//! [`Profile::parse`] reads a file and tells every fault at once; [`Profile::with`] adds the overrides of a tenant;
//! [`Profile::role`] is the role of a person; [`Profile::shape_user`] is the `User` type that identity providers see.

mod advice;
mod built_in;
pub mod choice;
mod command_line;
pub mod discovery;
mod facts;
mod fault;
mod field;
mod load;
mod lookup;
mod overrides;
mod profile;
mod role;
mod shape;
mod tree;

pub use advice::Advice;
pub use built_in::{built_in_names, built_in_text};
pub use command_line::patch_of_words;
pub use facts::{Binding, Bindings, Carried, Facts, Group};
pub use fault::Fault;
pub use load::MAX_BYTES;
pub use overrides::{Overrides, Row, merge_patch};
pub use profile::{
    AttributeSource, Discovery, Features, GroupKey, GroupRule, GroupSource, Leaving, Leniencies, License,
    Local, Log, Matching, Members, OwnAttribute, Profile, Protect, Quota, Refusal, Role, Source, ValueRule,
    Words,
};
pub use role::{Reading, Received, RoleFrom};
pub use shape::KeptAttribute;
