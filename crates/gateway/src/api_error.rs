//! The one table: error → status, scimType, detail, Retry-After. No catch-all arm: a new error does not compile until it has
//! an answer here. A 5xx has a public sentence and a private cause; the cause goes to the log only (attack 66).

use directory::{DirectoryError, nesting};
use provisioning::{ProvisioningError, refusal::Refusal};
use scim_core::{ScimError, ScimType};
use seat_ledger::SeatError;
use store::StoreError;
use tenant_registry::RegistryError;

use crate::{app::App, regions::RegionDown};

/// Why a credential does not open what the path names.
#[derive(Debug)]
pub(crate) enum Unauthorized {
    /// The uniform answer.
    Unknown,
    /// A genuine token that belongs elsewhere: its holder may be told where (MC5).
    WrongRegion {
        /// The token's own base URL.
        base_url: String,
    },
}

/// Everything that a SCIM request can end in but success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Scim(#[from] ScimError),
    #[error("the credential does not open this path")]
    Unauthorized(Unauthorized),
    #[error("too many wrong secrets")]
    TooManyAttempts { seconds: u64 },
    #[error("the tenant is suspended")]
    TenantSuspended { contact: String },
    #[error("no such path")]
    NoSuchPath {
        /// Told to the holder of a genuine token (MO15).
        base_url: Option<String>,
    },
    #[error("not one Host header")]
    OddHost,
    #[error("the method is not allowed; allowed are {allow}")]
    MethodNotAllowed { allow: String },
    #[error("{0} is not built")]
    NotImplemented(&'static str),
    #[error("a filter on a discovery endpoint")]
    DiscoveryFilter,
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge {
        limit: usize,
        /// Whether it was read to its end all the same.
        read: bool,
    },
    #[error("the body took longer than {seconds} s")]
    BodyTooSlow { seconds: u64 },
    #[error("the body broke off")]
    BodyBroken,
    #[error("too many large requests or answers of the tenant are under way")]
    TooMuchUnderWay {
        /// Whether the body was read to its end, if there is one.
        read: bool,
    },
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    #[error(transparent)]
    RegionDown(RegionDown),
    #[error("the store has reached its limit of {limit} bytes")]
    TenantFull { limit: u64, contact: String },
    #[error("misconfigured: {0}")]
    Misconfigured(String),
    #[error("a handler panicked")]
    Panicked,
    #[error(transparent)]
    Provisioning(#[from] ProvisioningError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DirectoryError> for ApiError {
    fn from(error: DirectoryError) -> Self {
        Self::Provisioning(error.into())
    }
}

impl ApiError {
    pub(crate) fn not_found(kind: &str) -> Self {
        Self::Scim(ScimError::not_found(kind))
    }

    /// Seconds that a client should wait; small, because Okta doubles it by itself and gives up after ten.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts { seconds } => Some(*seconds),
            _ if self.to_scim("").status == 503 => Some(1),
            _ => None,
        }
    }

    /// Whether only the holder of a genuine token is told so.
    pub(crate) fn tells_of_a_tenant(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized(Unauthorized::WrongRegion { .. })
                | Self::TenantSuspended { .. }
                | Self::NoSuchPath { base_url: Some(_) }
        )
    }

    /// Whether the request was judged by schemas that staff have changed meanwhile.
    pub(crate) fn met_newer_schemas(&self) -> bool {
        matches!(self, Self::Provisioning(ProvisioningError::Directory(DirectoryError::SchemasChanged)))
    }

    /// Whether the log has it already, once for all the requests that meet it.
    pub(crate) fn is_logged(&self) -> bool {
        matches!(self, Self::RegionDown(_))
    }

    /// Whether the request may be answered before its body was read, so that the connection cannot be used again.
    pub(crate) fn leaves_body_unread(&self) -> bool {
        matches!(
            self,
            Self::BodyTooLarge { read: false, .. }
                | Self::BodyTooSlow { .. }
                | Self::TooMuchUnderWay { read: false }
                | Self::BodyBroken
                | Self::OddHost
        )
    }

    /// What a SCIM client is told.
    pub(crate) fn to_scim(&self, request_id: &str) -> ScimError {
        let plain = |status, detail: &str| ScimError::new(status, None, detail);
        match self {
            Self::Scim(error) | Self::Provisioning(ProvisioningError::Scim(error)) => error.clone(),
            Self::Unauthorized(Unauthorized::Unknown) => {
                plain(401, "Invalid credentials: check the token, the region and the company key.")
            }
            Self::Unauthorized(Unauthorized::WrongRegion { base_url }) => plain(
                401,
                &format!("Invalid credentials: this token belongs to another base URL, {base_url} ."),
            ),
            Self::TooManyAttempts { .. } => {
                plain(429, "Too many wrong credentials from here; wait before the next try.")
            }
            Self::TenantSuspended { contact } => plain(
                403,
                &format!(
                    "Provisioning is suspended for this tenant; nothing was read or stored. Ask {contact}."
                ),
            ),
            Self::NoSuchPath { base_url: Some(url) } => plain(
                404,
                &format!("There is nothing at this path. Resources are at {url}/Users and {url}/Groups."),
            ),
            Self::NoSuchPath { base_url: None } => plain(404, "There is nothing at this path."),
            Self::OddHost => plain(400, "Send exactly one Host header."),
            Self::MethodNotAllowed { allow } => plain(405, &format!("This path takes {allow} only.")),
            Self::NotImplemented(what) => {
                plain(501, &format!("{what} is not supported; see /ServiceProviderConfig."))
            }
            Self::DiscoveryFilter => {
                plain(403, "Discovery endpoints cannot be filtered (RFC 7644 section 4).")
            }
            Self::BodyTooLarge { limit, .. } => plain(
                413,
                &format!("The size of the body exceeds maxPayloadSize ({limit}); send less at once."),
            ),
            Self::BodyTooSlow { seconds } => {
                plain(408, &format!("The body did not arrive within {seconds} seconds."))
            }
            Self::BodyBroken => plain(400, "The body broke off or was not framed as its headers say."),
            Self::TooMuchUnderWay { .. } => plain(
                503,
                "Too many large requests or answers of this tenant are under way; retry after a moment.",
            ),
            Self::UnsupportedMediaType(detail) => plain(415, detail),
            Self::TenantFull { limit, contact } => plain(507, &tenant_full(*limit, contact)),
            Self::RegionDown(_) => plain(
                503,
                &format!("The data of this region cannot be reached now; retry later. Ref {request_id}."),
            ),
            Self::Misconfigured(_) | Self::Panicked => internal(request_id),
            Self::Provisioning(error) => provisioning(error, request_id),
            Self::Registry(error) => registry(error, request_id),
            Self::Store(error) => store(error, request_id),
        }
    }
}

fn provisioning(error: &ProvisioningError, request_id: &str) -> ScimError {
    match error {
        ProvisioningError::Scim(error) => error.clone(),
        ProvisioningError::NotFound(kind) => ScimError::not_found(kind),
        ProvisioningError::PreconditionFailed { current } => ScimError::new(
            412,
            None,
            format!("The resource has another version now, {current}; read it again and retry."),
        ),
        ProvisioningError::Directory(error) => directory(error, request_id),
        ProvisioningError::Seats(error) => seats(error, request_id),
        ProvisioningError::Store(error) => store(error, request_id),
    }
}

fn directory(error: &DirectoryError, request_id: &str) -> ScimError {
    let taken = |attribute: &str, existing: &str| {
        let who = if existing.is_empty() {
            "another resource".to_owned()
        } else {
            format!("the resource {existing}")
        };
        ScimError::new(
            409,
            Some(ScimType::Uniqueness),
            format!(
                "{attribute} is taken by {who} of this tenant; look it up with a filter and update it instead."
            ),
        )
    };
    match error {
        DirectoryError::UserNameTaken { existing } => taken("userName", existing),
        DirectoryError::ValueTaken { attribute, existing } => taken(attribute, existing),
        DirectoryError::GroupCycle(ids) => ScimError::invalid_value(format!(
            "Nothing was changed: a group cannot be in itself, and the group is in these members, directly or through \
             others, or is one of them: {}.",
            shown(ids)
        )),
        DirectoryError::NestingTooDeep => ScimError::invalid_value(format!(
            "Nothing was changed: more than {} groups would stand one in the other.",
            nesting::MAX_LEVELS
        )),
        DirectoryError::TooManyNestings => ScimError::invalid_value(format!(
            "Nothing was changed: this tenant would have more than {} groups in groups.",
            nesting::MAX_NESTINGS
        )),
        DirectoryError::UnknownMembers(ids) => ScimError::invalid_value(format!(
            "Nothing was changed: {} member(s) are neither users nor groups of this tenant: {}.",
            ids.len(),
            shown(ids)
        )),
        DirectoryError::NoSuchMember => ScimError::bad_request(
            ScimType::NoTarget,
            "Nothing was changed: no member of the group matches the path; add one by the path members.",
        ),
        DirectoryError::SearchTooLong => ScimError::bad_request(
            ScimType::TooMany,
            "The filter or the sort has to look into more resources than there is time for; narrow it by an attribute \
             that is indexed, such as userName, externalId or meta.lastModified, or leave sortBy out.",
        ),
        DirectoryError::SchemasChanged => ScimError::new(
            503,
            None,
            "The schemas of this tenant were changed just now; retry after a moment.",
        ),
        DirectoryError::BadDocument { .. } => internal(request_id),
        DirectoryError::Store(error) => store(error, request_id),
    }
}

/// The first few of many ids: a detail is a line.
fn shown(ids: &[String]) -> String {
    let shown: Vec<&str> = ids.iter().take(8).map(String::as_str).collect();
    format!("{}{}", shown.join(", "), if ids.len() > shown.len() { ", ..." } else { "" })
}

fn seats(error: &SeatError, request_id: &str) -> ScimError {
    match error {
        // Refused::explain puts the tenant's words in its place; this is what is left without them.
        SeatError::LimitReached { license, .. } => ScimError::new(
            403,
            Some(ScimType::SeatLimitReached),
            format!("Seat limit reached: no {} seat is left. Ref {request_id}.", license.title()),
        ),
        SeatError::NoFallback(_) | SeatError::Damaged(_) => internal(request_id),
        SeatError::Store(error) => store(error, request_id),
    }
}

fn registry(error: &RegistryError, request_id: &str) -> ScimError {
    match error {
        RegistryError::Store(error) => store(error, request_id),
        RegistryError::BadName(_)
        | RegistryError::KeyTaken { .. }
        | RegistryError::NoTenant { .. }
        | RegistryError::BeingDeleted { .. }
        | RegistryError::NotRemoved { .. }
        | RegistryError::NoToken(_)
        | RegistryError::Initialise(_)
        | RegistryError::Damaged(_) => internal(request_id),
    }
}

fn store(error: &StoreError, request_id: &str) -> ScimError {
    match error {
        StoreError::Busy => ScimError::new(503, None, "The service is busy; retry after a moment."),
        StoreError::Full => {
            ScimError::new(507, None, "The service has no room left; nothing was stored. Retry later.")
        }
        StoreError::OverLimit { limit } => {
            ScimError::new(507, None, tenant_full(*limit, "your administrator"))
        }
        StoreError::Unavailable(_)
        | StoreError::Missing
        | StoreError::Corrupt(_)
        | StoreError::Migration(_) => ScimError::new(
            503,
            None,
            format!("The data of this tenant cannot be reached now; retry later. Ref {request_id}."),
        ),
        StoreError::Panicked | StoreError::Unique(_) | StoreError::Query(_) => internal(request_id),
    }
}

fn tenant_full(limit: u64, contact: &str) -> String {
    format!(
        "The data of this tenant has reached its limit of {limit} bytes; nothing was stored. Delete what is no longer needed, \
         or ask {contact} for more room. Deletions and deactivations go on."
    )
}

fn internal(request_id: &str) -> ScimError {
    ScimError::new(500, None, format!("Something went wrong here; it was logged. Ref {request_id}."))
}

/// What a seat refusal says beside the numbers, taken down before the transaction takes the caller away.
pub(crate) struct Refused {
    tenant: String,
    contact: String,
    reference: String,
    not_done: &'static str,
}

impl Refused {
    pub(crate) fn of(app: &App, caller: &crate::scim::Caller, not_done: &'static str) -> Self {
        Self {
            tenant: caller.tenant.name.clone(),
            contact: app.contact(&caller.tenant).to_owned(),
            reference: caller.act.request_id.clone(),
            not_done,
        }
    }

    /// Gives a refusal for want of room its words, and one for want of a seat, which is counted; any other error passes.
    pub(crate) fn explain(&self, app: &App, error: ApiError) -> ApiError {
        if let ApiError::Store(StoreError::OverLimit { limit })
        | ApiError::Provisioning(ProvisioningError::Store(StoreError::OverLimit { limit })) = error
        {
            return ApiError::TenantFull { limit, contact: self.contact.clone() };
        }
        let ApiError::Provisioning(ProvisioningError::Seats(SeatError::LimitReached {
            license,
            used,
            limit,
            waiting,
            fallback_full,
            lesser_free,
        })) = error
        else {
            return error;
        };
        app.metrics.seat_refusals.with_label_values(&[license.key()]).inc();
        let refusal = Refusal {
            license,
            used,
            limit,
            waiting,
            fallback_full,
            lesser_free,
            tenant: &self.tenant,
            contact: &self.contact,
            not_done: self.not_done,
            reference: &self.reference,
            help: &format!("{}/s/{}", app.public_url, self.reference),
        };
        ApiError::Scim(refusal.to_error())
    }
}
