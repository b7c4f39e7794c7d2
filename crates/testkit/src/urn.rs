//! The URNs of schemas and messages (RFC 7643 §10, RFC 7644 §8.2, and our own), as a client writes them.

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const SEAT: &str = "urn:usher:params:scim:schemas:extension:seat:2.0:User";
/// The extension that says who a user is of.
pub const USER_ORIGIN: &str = "urn:usher:params:scim:schemas:extension:origin:2.0:User";
/// The same of a group.
pub const GROUP_ORIGIN: &str = "urn:usher:params:scim:schemas:extension:origin:2.0:Group";
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
