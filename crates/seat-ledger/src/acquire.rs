//! How a user comes to a seat of the license that was asked for, or to another one, or to a place in the queue, or to none at all.

use store::WriteTx;

use crate::{
    License, Policy, SeatError, Shortage, State, exchange, movements,
    pools::{self, Row},
    queue,
    seat::{Seat, SeatRequest},
};

/// How a request ends.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The license that the user holds now; the one held before is to be given back, unless it was exchanged.
    pub(crate) granted: Option<License>,
    /// The mark of the seat, if it is one beyond the quota.
    pub(crate) beyond_place: Option<i64>,
    /// Until when it is borrowed.
    pub(crate) borrowed_until_ms: Option<i64>,
    /// The others in a ring of exchanges.
    pub(crate) exchanged: Vec<Seat>,
    /// Whether the seat that was held went to one of those.
    pub(crate) gave_seat: bool,
}

impl Standing {
    fn of(granted: License) -> Self {
        Self { granted: Some(granted), ..Self::default() }
    }

    /// The seat that is held stays as it is.
    pub(crate) fn kept(seat: &Seat) -> Self {
        Self {
            granted: seat.granted.clone(),
            beyond_place: seat.beyond_place,
            borrowed_until_ms: seat.borrowed_until_ms,
            ..Self::default()
        }
    }

    /// The state that goes with it for a user who asked for this license.
    pub(crate) fn state(&self, asked: &License) -> State {
        match &self.granted {
            Some(held) if held == asked => State::Granted,
            Some(_) => State::Fallback,
            None => State::Waitlisted,
        }
    }
}

/// Who asks, for what, and what the pools are. The turn is taken, so nothing of it changes meanwhile.
pub(crate) struct Claim<'a> {
    pub(crate) user_id: &'a str,
    /// The seat before, if there is one.
    pub(crate) before: Option<&'a Seat>,
    pub(crate) request: &'a SeatRequest,
    /// Whether a seat may be borrowed.
    pub(crate) may_borrow: bool,
    /// Of all licenses, dearest first.
    pub(crate) pools: &'a [Row],
}

impl Claim<'_> {
    fn pool(&self, license: &License) -> Result<&Row, SeatError> {
        self.pools.get(license.rank()).ok_or_else(|| SeatError::Damaged(format!("{license} has no pool")))
    }

    /// The seat that is held, with its license.
    fn held(&self) -> Option<(&Seat, &License)> {
        let seat = self.before?;
        Some((seat, seat.granted.as_ref()?))
    }

    /// What becomes of the request when no seat of the license is free within its quota.
    ///
    /// # Errors
    /// [`SeatError::LimitReached`] when nothing else will do.
    pub(crate) fn without_a_free_seat(&self, tx: &mut WriteTx<'_>) -> Result<Standing, SeatError> {
        let wanted = &self.request.license;
        let (pool, held) = (self.pool(wanted)?, self.held());
        let waits = self.request.waits || pool.holds()?;
        let lowered = held.is_some_and(|(_, held)| held < wanted);
        // A license that the plan does not have at all is neither waited for nor exchanged for a dearer one (MO8).
        let is_offered = !lowered || waits || pool.capacity() != Some(0);
        if let Some((seat, held)) = held.filter(|(seat, _)| is_offered && seat.borrowed_until_ms.is_none())
            && let Some(ring) = exchange::ring(tx, seat, held, wanted)?
        {
            let exchanged = ring.moved;
            return Ok(Standing {
                beyond_place: ring.beyond_place,
                exchanged,
                gave_seat: true,
                ..Standing::of(wanted.clone())
            });
        }
        if let Some(standing) = self.beyond(tx, wanted, "overage")? {
            return Ok(standing);
        }
        if let Some(standing) = self.borrow(tx, lowered)? {
            return Ok(standing);
        }
        // To lower always passes (S1), and yet no seat is sold twice: the dearer seat is kept until one of the requested license
        // is free.
        if let Some((seat, _)) = held.filter(|_| lowered && is_offered) {
            return Ok(Standing::kept(seat));
        }
        let mut last = None;
        if self.request.may_fall_back && pool.policy()? == Policy::Fallback {
            let lesser = self.lesser(tx, wanted)?;
            if let Lesser::Got(standing) = lesser {
                return Ok(standing);
            }
            last = lesser.full();
        }
        let chain_holds = match &last {
            Some(full) => self.pool(full)?.holds()?,
            None => false,
        };
        if waits || chain_holds {
            return Ok(held.map_or_else(Standing::default, |(seat, _)| Standing::kept(seat)));
        }
        self.refusal(tx)
    }

    /// A seat beyond the quota, while there is overage.
    fn beyond(
        &self,
        tx: &mut WriteTx<'_>,
        license: &License,
        cause: &str,
    ) -> Result<Option<Standing>, SeatError> {
        let pool = self.pool(license)?;
        if pool.overage_in_force == 0 || pool.left_at_all() <= 0 {
            return Ok(None);
        }
        movements::take(tx, license, self.user_id, cause)?;
        let beyond_place = Some(pools::give_place(tx, license)?);
        Ok(Some(Standing { beyond_place, ..Standing::of(license.clone()) }))
    }

    /// A borrowed seat: for who joins at full seats, because another may be about to leave; never while anybody waits. Who can keep
    /// a dearer seat instead does.
    fn borrow(&self, tx: &mut WriteTx<'_>, lowered: bool) -> Result<Option<Standing>, SeatError> {
        let license = &self.request.license;
        let Some(grace) = self.pool(license)?.grace().filter(|_| self.may_borrow && !lowered) else {
            return Ok(None);
        };
        if pools::beyond(tx, license)?.borrowed >= i64::from(grace.seats) || !queue::is_empty(tx, license)? {
            return Ok(None);
        }
        movements::take(tx, license, self.user_id, "borrowed")?;
        let until_ms = tx.now_ms().saturating_add(grace.ms());
        pools::note_due(tx, license, until_ms)?;
        let beyond_place = Some(pools::give_place(tx, license)?);
        Ok(Some(Standing {
            beyond_place,
            borrowed_until_ms: Some(until_ms),
            ..Standing::of(license.clone())
        }))
    }

    /// The first license down the chain of fallbacks of which the user holds a seat or finds one.
    fn lesser(&self, tx: &mut WriteTx<'_>, license: &License) -> Result<Lesser, SeatError> {
        let mut above = license.clone();
        while let Some(lesser) = above.fallback() {
            // A seat that is as dear as this one is kept.
            let kept = self.held().filter(|(_, held)| **held > *license && **held <= lesser);
            if let Some((seat, _)) = kept {
                return Ok(Lesser::Got(Standing::kept(seat)));
            }
            if movements::claim(tx, &lesser, self.user_id, "fallback")? {
                return Ok(Lesser::Got(Standing::of(lesser)));
            }
            if let Some(standing) = self.beyond(tx, &lesser, "fallback")? {
                return Ok(Lesser::Got(standing));
            }
            if self.pool(&lesser)?.policy()? != Policy::Fallback {
                return Ok(Lesser::Full(lesser));
            }
            above = lesser;
        }
        Ok(Lesser::Full(above))
    }

    fn refusal(&self, tx: &mut WriteTx<'_>) -> Result<Standing, SeatError> {
        let wanted = &self.request.license;
        let pool = self.pool(wanted)?;
        let falls_back = self.request.may_fall_back && pool.policy()? == Policy::Fallback;
        let lesser = wanted.fallback();
        let lesser_free = match &lesser {
            Some(lesser) if self.held().is_none_or(|(_, held)| held != lesser) => {
                (self.pool(lesser)?.left() > 0).then(|| lesser.clone())
            }
            _ => None,
        };
        Err(SeatError::LimitReached(Shortage {
            license: wanted.clone(),
            used: pool.used,
            limit: pool.quota.unwrap_or(i64::MAX),
            waiting: pools::waiting(tx, wanted)?,
            fallback_full: lesser.filter(|_| falls_back),
            lesser_free,
        }))
    }
}

/// What the chain of fallbacks gives.
enum Lesser {
    Got(Standing),
    /// The last license of it, which is full.
    Full(License),
}

impl Lesser {
    fn full(self) -> Option<License> {
        match self {
            Self::Got(_) => None,
            Self::Full(license) => Some(license),
        }
    }
}
