//! The one table from a failure to its answer: status, scimType, detail, Retry-After. A SCIM client gets it as a SCIM error, staff
//! as problem details. No catch-all arm: a new error does not compile until it has an answer here. A 5xx has a public sentence
//! and a private cause; the cause goes to the log only (attack 66).

use std::fmt;

use directory::{DirectoryError, nesting, resources::is_id};
use provisioning::{Feature, FeatureDisabled, ProvisioningError, schemas::SchemaError};
use scim_core::{ResourceKind, ScimError, ScimType};
use seat_ledger::{License, Policy, SeatError, Shortage};
use staff::StaffError;
use store::StoreError;
use tenant_registry::{BadName, RegistryError, Scope};

use crate::{rate_limit::TooManyRequests, regions::RegionDown, shares::TooMuchUnderWay};

/// What whoever asked is answered.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) scim_type: Option<ScimType>,
    /// One or more sentences that say what to change.
    pub(crate) detail: String,
    /// All faults one by one, where there can be several.
    pub(crate) errors: Vec<Fault>,
    /// Seconds that a client should wait; few, because Okta doubles them by itself and gives up after ten.
    pub(crate) retry_after: Option<u64>,
    /// For the log alone, where it is found by the request's id.
    pub(crate) cause: Option<String>,
}

/// One of several faults.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// For people.
    Sentence(String),
    /// Of a profile: with its line and key.
    OfProfile(staff::Fault),
}

impl Failure {
    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        let retry_after = (status == 503).then_some(1);
        Self { status, scim_type: None, detail: detail.into(), errors: Vec::new(), retry_after, cause: None }
    }

    fn with_type(self, scim_type: ScimType) -> Self {
        Self { scim_type: Some(scim_type), ..self }
    }

    fn with_cause(self, cause: &impl fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    pub(crate) fn too_many_attempts(seconds: u64) -> Self {
        let detail = "Too many wrong credentials from here; wait before the next try.";
        Self { retry_after: Some(seconds), ..Self::new(429, detail) }
    }

    fn invalid_value(detail: String) -> Self {
        Self::new(400, detail).with_type(ScimType::InvalidValue)
    }

    /// 400 with every fault, for people in one sentence and for programs as a list.
    fn faulty(faults: &[String]) -> Self {
        /// More of them would not be read in a terminal; the list has all.
        const SHOWN: usize = 10;
        let shown = faults.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(" ");
        let detail = match faults.len() {
            0..=SHOWN => shown,
            many => format!("{shown} And {} more; \"errors\" has them all.", many - SHOWN),
        };
        Self { errors: faults.iter().cloned().map(Fault::Sentence).collect(), ..Self::new(400, detail) }
    }

    fn internal(cause: &impl fmt::Display) -> Self {
        Self::new(500, "Something went wrong here; it was logged.").with_cause(cause)
    }
}

/// Everything that a SCIM request can end in but success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// The uniform answer.
    #[error("the credential does not open this path")]
    Unauthorized,
    /// A genuine token that belongs elsewhere: its holder may be told where (MC5).
    #[error("the credential does not open this path")]
    WrongRegion {
        /// The token's own base URL.
        base_url: String,
    },
    #[error("too many wrong secrets")]
    TooManyAttempts { seconds: u64 },
    #[error(transparent)]
    TooManyRequests(#[from] TooManyRequests),
    #[error("the tenant is suspended")]
    TenantSuspended { contact: String },
    #[error("provisioning is not activated")]
    NotActivated { contact: String },
    #[error("provisioning is not in the plan")]
    NotInPlan { contact: String },
    /// The credential lacks this scope (RFC 6750 §3.1).
    #[error("the credential lacks the scope {0}")]
    OutOfScope(Scope),
    #[error("{feature} is off")]
    FeatureDisabled { feature: Feature, contact: String },
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
    /// Whether the token is right cannot be known now; a 401 would end the sync of an identity provider.
    #[error("the keys of the token's issuer cannot be had for {seconds} s")]
    IssuerDown { seconds: u64 },
    #[error(transparent)]
    TooMuchUnderWay(#[from] TooMuchUnderWay),
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    #[error(transparent)]
    RegionDown(RegionDown),
    #[error("the store has reached its limit of {limit} bytes")]
    TenantFull { limit: u64, contact: String },
    /// In the tenant's own words.
    #[error("{error}")]
    NoSeat { license: License, policy: Policy, error: Box<ScimError> },
    /// Of an operation that was not done because of another failure, which the log has already.
    #[error("{0}")]
    NotDone(ScimError),
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

    /// Whether only the holder of a genuine token gets this answer.
    pub(crate) fn is_about_a_tenant(&self) -> bool {
        matches!(
            self,
            Self::WrongRegion { .. }
                | Self::TenantSuspended { .. }
                | Self::NotActivated { .. }
                | Self::NotInPlan { .. }
                | Self::NoSuchPath { base_url: Some(_) }
        )
    }

    /// Whether no seat was left.
    pub(crate) fn is_for_want_of_a_seat(&self) -> bool {
        matches!(self, Self::Provisioning(error) if error.is_for_want_of_a_seat())
    }

    /// Whether the request was judged by schemas that staff have changed meanwhile.
    pub(crate) fn met_newer_schemas(&self) -> bool {
        matches!(self, Self::Provisioning(ProvisioningError::Directory(DirectoryError::SchemasChanged)))
    }

    /// Whether the tenant's store is not where it was, as after a move by another process, or is damaged.
    pub(crate) fn met_no_store(&self) -> bool {
        let error = match self {
            Self::Store(error) | Self::Registry(RegistryError::Store(error)) => error,
            Self::Provisioning(
                ProvisioningError::Store(error)
                | ProvisioningError::Directory(DirectoryError::Store(error))
                | ProvisioningError::Seats(SeatError::Store(error)),
            ) => error,
            _ => return false,
        };
        matches!(error, StoreError::Missing | StoreError::Corrupt(_))
    }

    /// Whether a read that was to stay small met more than a few rows.
    pub(crate) fn is_large_read(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::LargeRead)
                | Self::Provisioning(ProvisioningError::Store(StoreError::LargeRead))
        )
    }

    /// Whether the log has it already, once for all the requests that meet it.
    pub(crate) fn is_logged(&self) -> bool {
        matches!(self, Self::RegionDown(_) | Self::NotDone(_))
    }

    /// Whether the request may be answered before its body was read, so that the connection cannot be used again.
    pub(crate) fn leaves_body_unread(&self) -> bool {
        matches!(
            self,
            Self::BodyTooLarge { read: false, .. }
                | Self::BodyTooSlow { .. }
                | Self::TooMuchUnderWay(TooMuchUnderWay { read: false })
                | Self::BodyBroken
                | Self::OddHost
        )
    }

    /// The error of a SCIM response.
    pub(crate) fn to_scim(&self, request_id: &str) -> ScimError {
        if let Self::NoSeat { error, .. } = self {
            return ScimError::clone(error);
        }
        if let Self::Scim(error) | Self::NotDone(error) | Self::Provisioning(ProvisioningError::Scim(error)) =
            self
        {
            return error.clone();
        }
        let Failure { status, scim_type, mut detail, cause, .. } = self.failure();
        if cause.is_some() {
            detail.push_str(&format!(" Ref {request_id}."));
        }
        ScimError::new(status, scim_type, detail)
    }

    /// The error of the response to a refused write: it ends with what support finds the write by.
    pub(crate) fn to_refusal(&self, request_id: &str) -> ScimError {
        self.to_scim(request_id).with_reference(request_id)
    }

    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Scim(error) | Self::NotDone(error) => error.into(),
            Self::NoSeat { error, .. } => Failure {
                retry_after: (error.status == 429).then_some(SEAT_RETRY_SECONDS),
                ..error.as_ref().into()
            },
            Self::Unauthorized => {
                Failure::new(401, "Invalid credentials: check the token, the region and the company key.")
            }
            Self::WrongRegion { base_url } => Failure::new(
                401,
                format!("Invalid credentials: this token belongs to another base URL, {base_url} ."),
            ),
            Self::TooManyAttempts { seconds } => Failure::too_many_attempts(*seconds),
            Self::TooManyRequests(TooManyRequests { per_second, seconds, .. }) => Failure {
                retry_after: Some(*seconds),
                ..Failure::new(
                    429,
                    format!("This tenant may send {per_second} requests a second; retry after {seconds} s."),
                )
            },
            Self::TenantSuspended { contact } => Failure::new(
                403,
                format!(
                    "Provisioning is suspended for this tenant; nothing was read or stored. Ask {contact}."
                ),
            ),
            Self::NotActivated { contact } => Failure::new(
                403,
                format!(
                    "Provisioning is not activated for this tenant; nothing was read or stored. Ask {contact} to activate it."
                ),
            )
            .with_type(ScimType::ProvisioningNotActivated),
            Self::NotInPlan { contact } => Failure::new(
                403,
                format!(
                    "Provisioning is not in the plan of this tenant; nothing was read or stored. Ask {contact} for it."
                ),
            )
            .with_type(ScimType::ProvisioningNotInPlan),
            Self::OutOfScope(scope) => out_of_scope(*scope),
            Self::FeatureDisabled { feature, contact } => feature_disabled(*feature, contact),
            Self::NoSuchPath { base_url: Some(url) } => Failure::new(
                404,
                format!("There is nothing at this path. Resources are at {url}/Users and {url}/Groups."),
            ),
            Self::NoSuchPath { base_url: None } => Failure::new(404, "There is nothing at this path."),
            Self::OddHost => Failure::new(400, "Send exactly one Host header."),
            Self::MethodNotAllowed { allow } => Failure::new(405, format!("This path takes {allow} only.")),
            Self::NotImplemented(what) => {
                Failure::new(501, format!("{what} is not supported; see /ServiceProviderConfig."))
            }
            Self::DiscoveryFilter => {
                Failure::new(403, "Discovery endpoints cannot be filtered (RFC 7644 section 4).")
            }
            Self::BodyTooLarge { limit, .. } => Failure::new(
                413,
                format!("The size of the body exceeds maxPayloadSize ({limit}); send less at once."),
            ),
            Self::BodyTooSlow { seconds } => {
                Failure::new(408, format!("The body did not arrive within {seconds} seconds."))
            }
            Self::BodyBroken => Failure::new(400, "The body broke off or was not framed as its headers say."),
            Self::TooMuchUnderWay(_) => Failure::new(
                503,
                "Too many large requests or answers of this tenant are under way; retry after a moment.",
            ),
            Self::UnsupportedMediaType(detail) => Failure::new(415, *detail),
            Self::TenantFull { limit, contact } => tenant_full(*limit, contact),
            Self::IssuerDown { seconds } => Failure {
                retry_after: Some(*seconds),
                ..Failure::new(503, "The keys of the token's issuer cannot be fetched now; retry later.")
            },
            Self::RegionDown(down) => {
                Failure::new(503, "The data of this region cannot be reached now; retry later.")
                    .with_cause(down)
            }
            Self::Misconfigured(_) | Self::Panicked => Failure::internal(self),
            Self::Provisioning(error) => error.into(),
            // The others are about what staff ask for.
            Self::Registry(RegistryError::Store(error)) | Self::Store(error) => error.into(),
            Self::Registry(error) => Failure::internal(error),
        }
    }
}

/// How long a client is told to wait where a profile says 429 for a full license: short enough that changes of other people are
/// not held up for long.
const SEAT_RETRY_SECONDS: u64 = 60;

impl From<&ScimError> for Failure {
    fn from(error: &ScimError) -> Self {
        Self { scim_type: error.scim_type, ..Self::new(error.status, &error.detail) }
    }
}

impl From<&ProvisioningError> for Failure {
    fn from(error: &ProvisioningError) -> Self {
        match error {
            ProvisioningError::Scim(error) => error.into(),
            ProvisioningError::NotFound(kind) => (&ScimError::not_found(kind)).into(),
            ProvisioningError::PreconditionFailed { current } => Self::new(
                412,
                format!("The resource has another version now, {current}; read it again and retry."),
            ),
            ProvisioningError::NoSuchRole { .. } => Self::new(400, format!("{error}.")),
            ProvisioningError::BreakerLimits(_) => Self::new(400, format!("{error}.")),
            ProvisioningError::HeldDeletion => Self::new(
                409,
                "The identity provider has deleted this user, and the breaker holds the deletion: delete the user here to carry it \
                 out, or roll the breaker back.",
            ),
            ProvisioningError::OutOfScope(kind) => out_of_scope(match kind {
                ResourceKind::Group => Scope::Groups,
                ResourceKind::User
                | ResourceKind::License
                | ResourceKind::Role
                | ResourceKind::Entitlement => Scope::Users,
            }),
            ProvisioningError::FeatureDisabled(FeatureDisabled(feature)) => {
                feature_disabled(*feature, "your administrator")
            }
            ProvisioningError::Directory(error) => error.into(),
            ProvisioningError::Seats(error) => error.into(),
            ProvisioningError::Store(error) => error.into(),
        }
    }
}

impl From<&DirectoryError> for Failure {
    fn from(error: &DirectoryError) -> Self {
        let taken = |attribute: &str, existing: &str| {
            let resource = match existing {
                "" => "another resource".to_owned(),
                id => format!("the resource {id}"),
            };
            let detail = format!(
                "{attribute} is taken by {resource} of this tenant; look it up with a filter and update it instead."
            );
            Self::new(409, detail).with_type(ScimType::Uniqueness)
        };
        match error {
            DirectoryError::UserNameTaken { existing } => taken("userName", existing),
            DirectoryError::ValueTaken { attribute, existing } => taken(attribute, existing),
            DirectoryError::GroupCycle(ids) => Self::invalid_value(format!(
                "Nothing was changed: a group cannot be in itself, and the group is in these members, directly or through \
                 others, or is one of them: {}.",
                shown(ids)
            )),
            DirectoryError::NestingTooDeep => Self::invalid_value(format!(
                "Nothing was changed: more than {} groups would stand one in the other.",
                nesting::MAX_LEVELS
            )),
            DirectoryError::TooManyNestings => Self::invalid_value(format!(
                "Nothing was changed: this tenant would have more than {} groups in groups.",
                nesting::MAX_NESTINGS
            )),
            DirectoryError::UnknownMembers(ids) => Self::invalid_value(format!(
                "Nothing was changed: {} member(s) are neither users nor groups of this tenant: {}.",
                ids.len(),
                shown(ids)
            )),
            DirectoryError::NoSuchMember => Self::new(
                400,
                "Nothing was changed: no member of the group matches the path; add one by the path members.",
            )
            .with_type(ScimType::NoTarget),
            DirectoryError::SearchTooLong => Self::new(
                400,
                "The filter or the sort has to look into more resources than there is time for; narrow it by an attribute \
                 that is indexed, such as userName, externalId or meta.lastModified, or leave sortBy out.",
            )
            .with_type(ScimType::TooMany),
            DirectoryError::SchemasChanged => {
                Self::new(503, "The schemas, the profile or the breaker of this tenant were changed just now; retry after a moment.")
            }
            DirectoryError::BadDocument { .. } | DirectoryError::NotStored(_) => Self::internal(error),
            DirectoryError::Store(error) => error.into(),
        }
    }
}

/// The first of these ids, on one line. A word that is no id stands in quotation marks, because it may name a person: the log leaves such
/// words out.
fn shown(ids: &[String]) -> String {
    let word = |id: &String| if is_id(id) { id.clone() } else { format!("\"{id}\"") };
    let shown: Vec<String> = ids.iter().take(8).map(word).collect();
    format!("{}{}", shown.join(", "), if ids.len() > shown.len() { ", ..." } else { "" })
}

impl From<&SeatError> for Failure {
    fn from(error: &SeatError) -> Self {
        match error {
            // The tenant's own words are put in its place; this is what is left without them.
            SeatError::LimitReached(Shortage { license, .. }) => {
                Self::new(403, format!("Seat limit reached: no {} seat is left.", license.title()))
                    .with_type(ScimType::SeatLimitReached)
                    .with_cause(error)
            }
            SeatError::NoFallback(license) => {
                Self::new(400, format!("{license} has no license to fall back to; give it another policy."))
            }
            SeatError::Line(fault) => Self::new(400, format!("The line was not added: {fault}.")),
            SeatError::Damaged(_) => Self::internal(error),
            SeatError::Store(error) => error.into(),
        }
    }
}

/// Staff get the registry's own sentence.
impl From<&RegistryError> for Failure {
    fn from(error: &RegistryError) -> Self {
        let status = match error {
            RegistryError::BadName(_) | RegistryError::Initialise(_) | RegistryError::Placement(_) => 400,
            RegistryError::Unfit(_) => {
                return Self::new(409, format!("The export cannot be used: {error}."));
            }
            RegistryError::NoTenant { .. }
            | RegistryError::NoCredential(_)
            | RegistryError::NoClient(_)
            | RegistryError::NoAdminToken(_)
            | RegistryError::NoProfile { .. } => 404,
            RegistryError::KeyTaken(_)
            | RegistryError::BeingDeleted(_)
            | RegistryError::Occupied(_)
            | RegistryError::TokenNameTaken(_)
            | RegistryError::TooManyTokens(_)
            | RegistryError::Profile(_)
            | RegistryError::ProfileInUse(_) => 409,
            RegistryError::NotRemoved { .. } => {
                return Self::new(503, format!("{error}.")).with_cause(error);
            }
            RegistryError::Damaged(_) | RegistryError::UnreadableProfile(_) => return Self::internal(error),
            RegistryError::Store(error) => return error.into(),
        };
        Self::new(status, format!("{error}."))
    }
}

impl From<&SchemaError> for Failure {
    fn from(error: &SchemaError) -> Self {
        match error {
            SchemaError::NotFound(_) => Self::new(404, format!("{error}.")),
            SchemaError::Conflict(_) => Self::new(409, format!("{error}.")),
            SchemaError::Faults(faults) => Self::faulty(faults),
            SchemaError::Failed(error) => error.into(),
        }
    }
}

impl From<StaffError> for ApiError {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::Registry(error) => error.into(),
            StaffError::Provisioning(error) => error.into(),
            StaffError::Store(error) => error.into(),
            error => Self::Misconfigured(error.to_string()),
        }
    }
}

impl From<&StaffError> for Failure {
    fn from(error: &StaffError) -> Self {
        match error {
            StaffError::BadRequest(_) => Self::new(400, format!("{error}.")),
            StaffError::Conflict(_) => Self::new(409, format!("{error}.")),
            StaffError::NotFound(_) => Self::new(404, format!("{error}.")),
            StaffError::Faults(faults) => {
                let sentences: Vec<String> = faults.iter().map(|fault| format!("{fault}.")).collect();
                let errors = faults.iter().cloned().map(Fault::OfProfile).collect();
                Self { errors, ..Self::faulty(&sentences) }
            }
            StaffError::Registry(error) => error.into(),
            StaffError::Schema(error) => error.into(),
            StaffError::Provisioning(error) => error.into(),
            StaffError::Store(error) => error.into(),
        }
    }
}

impl From<&BadName> for Failure {
    fn from(error: &BadName) -> Self {
        Self::new(400, format!("{error}."))
    }
}

/// Staff read why.
impl From<&RegionDown> for Failure {
    fn from(down: &RegionDown) -> Self {
        Self::new(503, format!("The {down}. It is tried again every few seconds."))
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Busy => Self::new(503, "The service is busy; retry after a moment."),
            StoreError::Full => {
                Self::new(507, "The service has no room left; nothing was stored. Retry later.")
            }
            StoreError::OverLimit { limit } => tenant_full(*limit, "your administrator"),
            StoreError::Unavailable(_)
            | StoreError::Missing
            | StoreError::Corrupt(_)
            | StoreError::Unfit(_)
            | StoreError::Migration(_) => {
                Self::new(503, "The data of this tenant cannot be reached now; retry later.")
                    .with_cause(error)
            }
            StoreError::Panicked | StoreError::LargeRead | StoreError::Unique(_) | StoreError::Query(_) => {
                Self::internal(error)
            }
        }
    }
}

fn out_of_scope(scope: Scope) -> Failure {
    Failure::new(
        403,
        format!(
            "insufficient_scope: this credential lacks the scope {scope}; nothing was stored. Use one that has it."
        ),
    )
}

fn feature_disabled(feature: Feature, contact: &str) -> Failure {
    Failure::new(403, feature.refusal(contact)).with_type(ScimType::FeatureDisabled)
}

fn tenant_full(limit: u64, contact: &str) -> Failure {
    let detail = format!(
        "The data of this tenant has reached its limit of {limit} bytes; nothing was stored. Delete what is no longer needed, \
         or ask {contact} for more room. Deletions and deactivations go on."
    );
    Failure::new(507, detail)
}
