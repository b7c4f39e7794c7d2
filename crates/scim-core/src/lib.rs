//! SCIM 2.0 (RFC 7643, RFC 7644) as values. Deliberately absent: HTTP, SQL, tokio, a clock, randomness.
//!
//! One request goes through this crate so: bytes → [`json::parse`] → [`resource`] (a document that has passed its schema)
//! or [`patch`] → stored by other crates → [`projection`] → response. [`bulk`] is many such requests in one. [`search`],
//! [`filter`], [`sort`] and [`path`] read what a client asks for; [`schema`] is the RFC's tables as data; [`discovery`]
//! describes them to clients, [`json_schema`] to readers of the API's document.

mod attribute_name;
pub mod bulk;
pub mod column;
pub mod discovery;
pub mod equality;
pub mod error;
pub mod filter;
pub mod fold;
pub mod json;
pub mod json_schema;
pub mod leniency;
pub mod list;
mod message;
pub mod object_text;
pub mod patch;
pub mod path;
pub mod projection;
pub mod resource;
mod resource_kind;
pub mod schema;
pub mod search;
pub mod sort;
pub mod urn;
mod value;

pub use attribute_name::{AttributeName, Field};
pub use error::{ScimError, ScimType};
pub use resource::Document;
pub use resource_kind::ResourceKind;
pub use schema::ResourceType;
