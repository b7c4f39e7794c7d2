//! The goals of `make bench` as data, and the verdict on each.

/// The value that a figure has to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// At least this share of a raw limit.
    ShareOfLimit(f64),
    /// At least this many times another server's rate.
    TimesPeer(f64),
    /// At most this many times the cost of the small case.
    Growth(f64),
    /// A median of at most so many milliseconds.
    Milliseconds(f64),
    /// At most so much memory.
    Mebibytes(f64),
}

/// User creation, as a share of SQLite's raw one-row commits.
pub const CREATION: Goal = Goal::ShareOfLimit(0.80);
/// Probe and `GET` by id, as a share of an empty handler's answers.
pub const READING: Goal = Goal::ShareOfLimit(0.25);
/// What an authenticated probe costs the gateway, against the probe by an opaque bearer token.
pub const CREDENTIALS: Goal = Goal::Growth(1.1);
/// The steady mix against the fastest persistent peer.
pub const MIX: Goal = Goal::TimesPeer(6.0);
/// A page of 100 users.
pub const PAGE: Goal = Goal::Milliseconds(5.0);
/// A scrape of `/metrics/tenants` with as many tenants as it shows by default.
pub const SCRAPE: Goal = Goal::Milliseconds(50.0);
/// The last page by cursor, against the first.
pub const CURSOR_DEPTH: Goal = Goal::Growth(1.5);
/// One member in or out of a large group, against a small one.
pub const GROUP_GROWTH: Goal = Goal::Growth(1.5);
/// The median of every operation in a large directory, against a small one.
pub const DIRECTORY_GROWTH: Goal = Goal::Growth(1.5);

/// The probe on ten thousand tenants in turn, as a share of the probe on one: 10,000 a second on the machine of decision 0048.
pub const MANY_TENANTS: Goal = Goal::ShareOfLimit(0.23);
/// The gateway's memory then.
pub const MANY_TENANTS_MEMORY: Goal = Goal::Mebibytes(128.0);
/// A page in the middle of a walk through a million users, against the first.
pub const WALK: Goal = Goal::Growth(2.0);

/// Creates while the same tenant is refused 200 times a second, as a share of creates alone.
pub const BESIDE_REFUSALS: Goal = Goal::ShareOfLimit(0.90);
/// A release, as a share of another one's rate for the same CPU time.
pub const AGAINST_PARENT: Goal = Goal::ShareOfLimit(0.95);

/// The slowest hundredth of a tenant's probes while another tenant abuses the server, against those of a quiet one.
pub const NEIGHBOUR: Goal = Goal::Growth(2.0);

/// User creation in a cell, as a share of `pgbench`'s one-row commits.
pub const CELL_CREATION: Goal = Goal::ShareOfLimit(0.50);
/// Probe and `GET` by id in a cell, as a share of `pgbench`'s point selects.
pub const CELL_READING: Goal = Goal::ShareOfLimit(0.40);

/// The steady mix of the fastest persistent peer, operations a second: Jackson on PostgreSQL, 10,000 users,
/// 8 workers, measured on 2 cores with the peers' table. It is the one figure that is not of the same run.
pub const PEER_MIX: f64 = 815.0;

impl Goal {
    /// Whether the figure (a ratio, or milliseconds) reaches the goal.
    pub fn is_met(self, figure: f64) -> bool {
        match self {
            Self::ShareOfLimit(least) | Self::TimesPeer(least) => figure >= least,
            Self::Growth(most) | Self::Milliseconds(most) | Self::Mebibytes(most) => figure <= most,
        }
    }

    /// The goal in words.
    pub fn text(self) -> String {
        match self {
            Self::ShareOfLimit(least) => format!("≥ {:.0} %", least * 100.0),
            Self::TimesPeer(least) => format!("≥ {least} ×"),
            Self::Growth(most) => format!("≤ {most} ×"),
            Self::Milliseconds(most) => format!("p50 ≤ {most} ms"),
            Self::Mebibytes(most) => format!("≤ {most} MiB"),
        }
    }

    /// The figure in the goal's unit.
    pub fn figure(self, figure: f64) -> String {
        match self {
            Self::ShareOfLimit(_) => format!("{:.0} %", figure * 100.0),
            Self::TimesPeer(_) | Self::Growth(_) => format!("{figure:.2} ×"),
            Self::Milliseconds(_) => format!("{figure:.2} ms"),
            Self::Mebibytes(_) => format!("{figure:.1} MiB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_at_its_edge() {
        assert!(CREATION.is_met(0.80) && !CREATION.is_met(0.799));
        assert!(PAGE.is_met(5.0) && !PAGE.is_met(5.01));
        assert!(GROUP_GROWTH.is_met(0.9) && !GROUP_GROWTH.is_met(1.51));
    }

    #[test]
    fn figures_are_told_in_the_goals_unit() {
        assert_eq!((CREATION.text(), CREATION.figure(0.876)), ("≥ 80 %".into(), "88 %".into()));
        assert_eq!((MIX.text(), MIX.figure(6.125)), ("≥ 6 ×".into(), "6.12 ×".into()));
        assert_eq!((PAGE.text(), PAGE.figure(3.456)), ("p50 ≤ 5 ms".into(), "3.46 ms".into()));
    }
}
