//! Users, groups, memberships, search and the change log of one tenant.
