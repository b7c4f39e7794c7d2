//! The rules of seats a second time, in the words of the change log: holders and waiters are counted anew for every question.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum License {
    Member,
    Lite,
}

impl License {
    pub(super) const ALL: [Self; 2] = [Self::Member, Self::Lite];

    pub(super) fn key(self) -> &'static str {
        ["member", "member_lite"][self.index()]
    }

    pub(super) fn of(key: &str) -> Self {
        Self::ALL.into_iter().find(|license| license.key() == key).unwrap_or_else(|| panic!("license {key}"))
    }

    fn index(self) -> usize {
        usize::from(self == Self::Lite)
    }
}

/// What is asked for on behalf of a person.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) role: String,
    pub(super) active: bool,
}

impl Wish {
    pub(super) fn license(&self) -> License {
        if self.role == "member_lite" { License::Lite } else { License::Member }
    }

    fn may_fall_back(&self) -> bool {
        self.role == "member"
    }
}

/// The state of a person; one who holds another license than the requested one has a place in the queue.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seat {
    pub(super) wish: Wish,
    pub(super) granted: Option<License>,
    place: Option<u64>,
}

impl Seat {
    pub(super) fn state(&self) -> &'static str {
        match self.granted {
            None => "suspended",
            Some(license) if license == self.wish.license() => "granted",
            Some(_) => "fallback",
        }
    }
}

/// One seat that a person gets (1) or gives up (-1).
pub(super) type Movement = (License, String, i64);

/// What a change must have come to beside itself.
pub(super) struct Outcome {
    /// The people who got a seat by it, in this order.
    pub(super) promoted: Vec<String>,
    /// In no order.
    pub(super) movements: Vec<Movement>,
}

/// One tenant.
pub(super) struct Model {
    pub(super) seats: BTreeMap<String, Seat>,
    quotas: [Option<i64>; 2],
    refuses: bool,
    places: u64,
}

/// What a wish comes to.
enum Stand {
    Holds(License),
    Waits(License),
    StaysWaiting,
    Exchanges(String),
    Suspended,
}

impl Model {
    /// As a store begins: no seats, Member falls back.
    pub(super) fn new() -> Self {
        Self { seats: BTreeMap::new(), quotas: [Some(0), Some(0)], refuses: false, places: 0 }
    }

    pub(super) fn quota(&self, license: License) -> Option<i64> {
        self.quotas[license.index()]
    }

    pub(super) fn used(&self, license: License) -> i64 {
        let holders = self.seats.values().filter(|seat| seat.granted == Some(license));
        i64::try_from(holders.count()).unwrap()
    }

    /// The people who wait, in the order of the queue.
    pub(super) fn queue(&self, license: License) -> Vec<String> {
        let waiting = self.seats.iter().filter(|(_, seat)| seat.wish.license() == license);
        let places: BTreeMap<u64, &String> =
            waiting.filter_map(|(id, seat)| Some((seat.place?, id))).collect();
        places.into_values().cloned().collect()
    }

    fn has_free(&self, license: License) -> bool {
        self.quota(license).is_none_or(|quota| self.used(license) < quota)
    }

    /// `None` is a refusal.
    fn stand(&self, id: &str, wish: &Wish) -> Option<Stand> {
        let (before, wanted) = (self.seats.get(id), wish.license());
        let held = before.and_then(|seat| seat.granted);
        if !wish.active {
            return Some(Stand::Suspended);
        }
        if held == Some(wanted) {
            return Some(Stand::Holds(wanted));
        }
        let lowered = held == Some(License::Member);
        let waits = before.is_some_and(|seat| seat.place.is_some() && seat.wish.license() == wanted);
        if waits && (wish.may_fall_back() || lowered) {
            return Some(Stand::StaysWaiting);
        }
        if self.has_free(wanted) {
            return Some(Stand::Holds(wanted));
        }
        if lowered && self.quota(wanted) == Some(0) {
            return None;
        }
        let partner = held.and_then(|held| self.queue(held).into_iter().next());
        if let Some(partner) = partner.filter(|partner| self.seats[partner].granted == Some(wanted)) {
            return Some(Stand::Exchanges(partner));
        }
        if lowered {
            return Some(Stand::Waits(License::Member));
        }
        let falls_back = wish.may_fall_back() && !self.refuses;
        (falls_back && (held.is_some() || self.has_free(License::Lite)))
            .then_some(Stand::Waits(License::Lite))
    }

    pub(super) fn refuses(&self, id: &str, wish: &Wish) -> bool {
        self.stand(id, wish).is_none()
    }

    /// `None` is a refusal, which changes nothing.
    pub(super) fn settle(&mut self, id: &str, wish: &Wish) -> Option<Outcome> {
        let stand = self.stand(id, wish)?;
        Some(self.change(|model| {
            let place = model.seats.get(id).and_then(|seat| seat.place);
            let held = model.seats.get(id).and_then(|seat| seat.granted);
            let mut set = |granted, place| {
                model.seats.insert(id.to_owned(), Seat { wish: wish.clone(), granted, place });
            };
            match stand {
                Stand::Suspended => set(None, None),
                Stand::Holds(license) => set(Some(license), None),
                Stand::StaysWaiting => set(held, place),
                Stand::Waits(license) => {
                    set(Some(license), Some(model.places));
                    model.places += 1;
                }
                Stand::Exchanges(partner) => {
                    set(Some(wish.license()), None);
                    return vec![model.grant(&partner)];
                }
            }
            model.promote()
        }))
    }

    pub(super) fn remove(&mut self, id: &str) -> Outcome {
        self.change(|model| {
            model.seats.remove(id);
            model.promote()
        })
    }

    pub(super) fn set_quota(&mut self, license: License, quota: Option<i64>) -> Outcome {
        self.change(|model| {
            model.quotas[license.index()] = quota;
            model.promote()
        })
    }

    pub(super) fn set_policy(&mut self, policy: &str) {
        self.refuses = policy == "refuse";
    }

    fn change(&mut self, act: impl FnOnce(&mut Self) -> Vec<String>) -> Outcome {
        let used = License::ALL.map(|license| self.used(license));
        let before = self.seats.clone();
        let promoted = act(self);
        let held = |seats: &BTreeMap<String, Seat>, id: &str| seats.get(id).and_then(|seat| seat.granted);
        let mut movements = Vec::new();
        for id in before.keys().chain(self.seats.keys().filter(|id| !before.contains_key(*id))) {
            let (old, new) = (held(&before, id), held(&self.seats, id));
            if old != new {
                movements.extend(old.map(|license| (license, id.clone(), -1)));
                movements.extend(new.map(|license| (license, id.clone(), 1)));
            }
        }
        for (license, used) in License::ALL.into_iter().zip(used) {
            let most = self.quota(license).map_or(i64::MAX, |quota| quota.max(used));
            assert!(self.used(license) <= most, "the model itself oversells {license:?}");
        }
        Outcome { promoted, movements }
    }

    /// S6: a free seat goes to the person who has waited longest.
    fn promote(&mut self) -> Vec<String> {
        let mut promoted = Vec::new();
        let first_of = |model: &Self, license| {
            model.queue(license).into_iter().next().filter(|_| model.has_free(license))
        };
        while let Some(first) = License::ALL.into_iter().find_map(|license| first_of(self, license)) {
            promoted.push(self.grant(&first));
        }
        promoted
    }

    fn grant(&mut self, id: &str) -> String {
        let seat = self.seats.get_mut(id).unwrap();
        (seat.granted, seat.place) = (Some(seat.wish.license()), None);
        id.to_owned()
    }
}
