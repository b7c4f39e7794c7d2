//! The rules that follow from a tenant's settings and profile, made once and read by every request. What is large in them is
//! shared by all tenants of a profile that have no schemas of their own.

use std::sync::Arc;

use directory::{
    DirectoryError, extensions,
    memberships::{MemberRules, UnknownMembers},
};
use profiles::{
    Profile,
    choice::{self, ForeignOrigin, Groupless},
};
use scim_core::{
    ResourceKind, ResourceType,
    leniency::{Mode, Tolerance},
    schema::{self, Uniqueness},
};
use store::WriteTx;

use crate::{Act, Features, Product, facts::Cause, maker::Maker, schemas::OwnSchemas};

const MINUTE_MS: i64 = 60_000;

/// One tenant's rules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How provisioning is read.
    pub product: Arc<Product>,
    /// The `User` type of this tenant.
    pub user: Arc<ResourceType>,
    /// The `Group` type of this tenant.
    pub group: Arc<ResourceType>,
    /// Read-only: the licenses, as Okta's entitlement discovery asks for them.
    pub license: Arc<ResourceType>,
    /// Read-only: the roles, for Okta or as the draft has them.
    pub role: Arc<ResourceType>,
    /// Read-only: the licenses, as the draft has them.
    pub entitlement: Arc<ResourceType>,
    /// How often the tenant's own schemas had changed when these rules were made.
    schemas_version: i64,
    /// The tenant's base URL.
    pub base: Base,
    /// Whether unknown members are refused or skipped.
    pub unknown_members: UnknownMembers,
    /// How requests are read.
    pub mode: Mode,
    /// What the tenant's identity provider may do.
    pub features: Features,
    /// The people for whom its credentials were made (MO10).
    pub makers: Vec<Maker>,
    /// Whether the breaker on mass loss is on, or a loss waits.
    pub breaker: bool,
}

impl Rules {
    /// The rules of a product with every setting at its default, and no schema of the tenant's own.
    #[must_use]
    pub fn new(product: Product) -> Self {
        Self::with_schemas(product, &OwnSchemas::default())
    }

    /// The rules of a product and of the tenant's own schemas, with every setting at its default.
    #[must_use]
    pub fn with_schemas(product: impl Into<Arc<Product>>, own: &OwnSchemas) -> Self {
        let product = product.into();
        let (mut user, mut group) = (schema::user(), schema::group());
        for own in &own.schemas {
            let rt = if own.of == ResourceKind::Group { &mut group } else { &mut user };
            rt.add_extension(own.extension());
        }
        product.profile.shape_user(&mut user);
        group.set_uniqueness("displayName", Uniqueness::Server);
        let unknown_members = match product.profile.members.unknown {
            choice::UnknownMembers::Refuse => UnknownMembers::Refuse,
            choice::UnknownMembers::Skip => UnknownMembers::Skip,
        };
        Self {
            user: Arc::new(user),
            group: Arc::new(group),
            license: Arc::new(ResourceKind::License.resource_type()),
            // Both have one path; where both are on, it is the draft's.
            role: Arc::new(match product.profile.discovery.roles_and_entitlements {
                true => schema::role_of_the_draft(),
                false => ResourceKind::Role.resource_type(),
            }),
            entitlement: Arc::new(ResourceKind::Entitlement.resource_type()),
            schemas_version: own.version,
            product,
            base: Base::default(),
            unknown_members,
            mode: Mode::default(),
            features: Features::default(),
            makers: Vec::new(),
            breaker: false,
        }
    }

    /// Sets how requests are read; the types follow.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        if mode.is_interop() {
            Arc::make_mut(&mut self.user).narrow_for_interop();
            Arc::make_mut(&mut self.group).narrow_for_interop();
        }
    }

    /// The same rules for a tenant at this base URL, whose own schemas have changed so often.
    #[must_use]
    pub fn for_tenant(&self, schemas_version: i64, base: &Base) -> Self {
        Self { schemas_version, base: base.clone(), ..self.clone() }
    }

    /// An act of staff on a person.
    pub(crate) fn cause_of_act<'a>(&'a self, act: &'a Act, operation: &'a str) -> Cause<'a> {
        Cause { makers: &self.makers, ..Cause::of_act(act, &self.product, operation) }
    }

    /// What falls due by itself.
    pub(crate) fn cause_of_clock<'a>(&'a self, request_id: &'a str, operation: &'a str) -> Cause<'a> {
        Cause { makers: &self.makers, ..Cause::of_clock(request_id, &self.product, operation) }
    }

    /// What the profile says.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.product.profile
    }

    /// The tenant's resource type of a kind.
    #[must_use]
    pub fn resource_type(&self, kind: ResourceKind) -> &ResourceType {
        match kind {
            ResourceKind::User => &self.user,
            ResourceKind::Group => &self.group,
            ResourceKind::License => &self.license,
            ResourceKind::Role => &self.role,
            ResourceKind::Entitlement => &self.entitlement,
        }
    }

    /// Whether the tenant has resources of a kind: a tenant shows just what its identity provider needs.
    #[must_use]
    pub fn has(&self, kind: ResourceKind) -> bool {
        let discovery = &self.profile().discovery;
        match kind {
            ResourceKind::User | ResourceKind::Group => true,
            ResourceKind::License => discovery.okta_entitlements,
            ResourceKind::Role => discovery.okta_entitlements || discovery.roles_and_entitlements,
            ResourceKind::Entitlement => discovery.roles_and_entitlements,
        }
    }

    /// The tenant's resource types, in the order in which `/ResourceTypes` lists them.
    pub fn types(&self) -> impl Iterator<Item = &ResourceType> {
        ResourceKind::ALL.iter().filter(|kind| self.has(**kind)).map(|kind| self.resource_type(*kind))
    }

    /// How often the tenant's own schemas had changed when these rules were made.
    #[must_use]
    pub fn schemas_version(&self) -> i64 {
        self.schemas_version
    }

    /// Holds the tenant's own schemas as these rules know them until the transaction ends, so that no data is written of a
    /// schema that staff have changed or taken away since, and no unique value is forgotten of one that they have added.
    ///
    /// # Errors
    /// [`DirectoryError::SchemasChanged`]: the request is to be sent again. Or the store's.
    pub(crate) fn hold_schemas(&self, tx: &mut WriteTx<'_>) -> Result<(), DirectoryError> {
        extensions::hold(tx, self.schemas_version)
    }

    /// Whether something becomes of people who have left the last group.
    pub(crate) fn notes_groupless(&self) -> bool {
        self.groupless_delay_ms().is_some()
    }

    /// How long nothing becomes of them; `None`: for ever.
    pub(crate) fn groupless_delay_ms(&self) -> Option<i64> {
        let leaving = &self.profile().leaving;
        let delay_ms = || leaving.groupless_after_minutes.saturating_mul(MINUTE_MS);
        (leaving.groupless != Groupless::Keep).then(delay_ms)
    }

    /// These people have left a group: something may be due after the delay.
    pub(crate) fn note_departures(&self, tx: &mut WriteTx<'_>, people: &[String]) {
        if let Some(delay_ms) = self.groupless_delay_ms().filter(|_| !people.is_empty()) {
            tx.falls_due(tx.now_ms().saturating_add(delay_ms));
        }
    }

    /// How changes of members are read.
    pub(crate) fn members(&self) -> MemberRules {
        MemberRules {
            unknown: self.unknown_members,
            skip_local: self.profile().members.foreign_origin == ForeignOrigin::Skip,
            watch: self.notes_groupless() || self.profile().is_group_driven(),
            note_groupless: self.notes_groupless(),
        }
    }

    /// A fresh tolerance for one request.
    #[must_use]
    pub fn tolerance(&self) -> Tolerance {
        Tolerance { refused: self.product.unwanted(), ..Tolerance::new(self.mode) }
    }

    /// The attributes that a PUT keeps when it leaves them out: a lost mapping must not switch people on or off, nor move their
    /// license (table of disagreements, `PUT that leaves attributes out`).
    pub(crate) fn kept_by_put(&self) -> Vec<&str> {
        std::iter::once("active").chain(self.product.source_names()).collect()
    }
}

/// A tenant's SCIM base URL, such as `https://scim.example.com/ire/acme/scim/v2`: from the settings, never from a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base(pub String);

impl Base {
    /// `meta.location` of a resource.
    #[must_use]
    pub fn location(&self, resource_type: &ResourceType, id: &str) -> String {
        self.location_parts(resource_type, id).concat()
    }

    /// What the location is made of.
    pub(crate) fn location_parts<'a>(&'a self, resource_type: &ResourceType, id: &'a str) -> [&'a str; 4] {
        [&self.0, resource_type.kind.endpoint(), "/", id]
    }
}
