//! The URNs of schemas and messages (RFC 7643 §8, RFC 7644 §8.2), Usher's own and the two of Okta's entitlement discovery.

/// RFC 7643 §4.1.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// RFC 7643 §4.2.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// RFC 7643 §4.3.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// RFC 7643 §5.
pub const SERVICE_PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// RFC 7643 §6.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// RFC 7643 §7.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// Usher's read-only extension: the license that was asked for and the one that was given.
pub const SEAT: &str = "urn:usher:params:scim:schemas:extension:seat:2.0:User";
/// Usher's read-only extension: who a user is of, an identity provider or staff.
pub const USER_ORIGIN: &str = "urn:usher:params:scim:schemas:extension:origin:2.0:User";
/// The same of a group.
pub const GROUP_ORIGIN: &str = "urn:usher:params:scim:schemas:extension:origin:2.0:Group";
/// Okta's entitlement discovery: what a person can be given.
pub const ENTITLEMENT: &str = "urn:okta:scim:schemas:core:1.0:Entitlement";
/// Okta's entitlement discovery: a role that a person can have.
pub const ROLE: &str = "urn:okta:scim:schemas:core:1.0:Role";

/// RFC 7644 §3.4.2.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// RFC 7644 §3.4.3.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// RFC 7644 §3.5.2.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// RFC 7644 §3.7.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// RFC 7644 §3.7.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// RFC 7644 §3.12.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Usher's addition to the answer of a dry run: the seats before and after.
pub const PREVIEW: &str = "urn:usher:params:scim:api:messages:2.0:Preview";
/// Usher's addition to an error body when no seat is left.
pub const SEAT_ERROR: &str = "urn:usher:params:scim:api:messages:2.0:SeatError";
