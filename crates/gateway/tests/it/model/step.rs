//! What can happen next.

use seat_ledger::{DAY_MS, Day, Grace, Overage, Policy};
use testkit::dice::Dice;

use super::{
    life::{Life, PEOPLE},
    world::{LICENSES, ROLES},
};

/// `userType` in a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Absent,
    Empty,
    Value(usize),
}

/// A write of one person.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Post { who: usize, user_type: Option<usize>, active: Option<bool> },
    Put { who: usize, user_type: Sent, active: bool },
    Patch { who: usize, user_type: Sent, active: Option<bool>, by_path: bool },
    Delete { who: usize },
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(Write),
    Bulk(Vec<Write>),
    Join {
        group: usize,
        people: Vec<usize>,
    },
    Leave {
        group: usize,
        people: Vec<usize>,
    },
    StaffAdd {
        who: usize,
        role: Option<usize>,
    },
    StaffSet {
        who: usize,
        role: Option<usize>,
        active: Option<bool>,
    },
    StaffRelease {
        who: usize,
    },
    StaffDelete {
        who: usize,
    },
    Quota(usize, Option<i64>),
    Policy(usize, Policy),
    Overage(usize, Option<Overage>),
    Grace(usize, Option<Grace>),
    AddLine {
        license: usize,
        seats: u32,
        from: Option<i64>,
        until: Option<i64>,
    },
    RemoveLine(i64),
    GraceDays(u32),
    /// Another reading of `userType`, reapplied.
    Reading(bool),
    Pass(i64),
    Kill,
}

fn write(dice: &mut Dice) -> Write {
    let who = dice.index(PEOPLE);
    let sent = match dice.below(6) {
        0 => Sent::Absent,
        1 => Sent::Empty,
        _ => Sent::Value(dice.index(ROLES.len())),
    };
    match dice.below(12) {
        0..=3 => Write::Post {
            who,
            user_type: match sent {
                Sent::Value(role) => Some(role),
                _ => None,
            },
            active: (!dice.one_in(3)).then(|| !dice.one_in(6)),
        },
        4..=6 => Write::Put { who, user_type: sent, active: !dice.one_in(5) },
        7..=10 => {
            let active = dice.one_in(2).then(|| !dice.one_in(3));
            Write::Patch { who, user_type: sent, active, by_path: dice.one_in(2) }
        }
        _ => Write::Delete { who },
    }
}

/// Some of those who are there, in an order of its own.
fn some(dice: &mut Dice, life: &Life) -> Vec<usize> {
    let mut people = life.present();
    let most = 1 + dice.index(4);
    let mut chosen = Vec::new();
    while chosen.len() < most && !people.is_empty() {
        chosen.push(people.swap_remove(dice.index(people.len())));
    }
    chosen
}

pub(super) fn random(dice: &mut Dice, life: &Life) -> Step {
    let (who, of) = (dice.index(PEOPLE), dice.index(LICENSES));
    let today = life.now() / DAY_MS;
    let soon = |dice: &mut Dice| today + i64::try_from(dice.below(3)).unwrap();
    match dice.below(1_000) {
        0..=419 => Step::Write(write(dice)),
        420..=469 => Step::Bulk((0..1 + dice.below(3)).map(|_| write(dice)).collect()),
        470..=559 => Step::Join { group: dice.index(2), people: some(dice, life) },
        560..=619 => Step::Leave { group: dice.index(2), people: some(dice, life) },
        620..=649 => Step::StaffAdd { who, role: dice.one_in(2).then(|| dice.index(ROLES.len())) },
        650..=709 => {
            let role = dice.one_in(2).then(|| dice.index(ROLES.len()));
            let active = (role.is_none() || dice.one_in(2)).then(|| !dice.one_in(3));
            Step::StaffSet { who, role, active }
        }
        710..=729 => Step::StaffRelease { who },
        730..=744 => Step::StaffDelete { who },
        745..=814 => Step::Quota(of, (!dice.one_in(25)).then(|| i64::try_from(dice.below(3)).unwrap())),
        815..=864 => {
            let all = [Policy::Refuse, Policy::Fallback, Policy::Hold, Policy::Overage];
            let policy = all[dice.index(4)];
            let falls = of + 1 < LICENSES || policy != Policy::Fallback;
            Step::Policy(of, if falls { policy } else { Policy::Refuse })
        }
        865..=889 => {
            let until = dice.one_in(2).then(|| Day::since_1970(soon(dice)).unwrap());
            let seats = u32::try_from(dice.below(3)).unwrap();
            Step::Overage(of, (!dice.one_in(4)).then_some(Overage { seats, until }))
        }
        890..=914 => {
            let seats = 1 + u32::try_from(dice.below(2)).unwrap();
            Step::Grace(of, (!dice.one_in(4)).then_some(Grace { seats, minutes: 45 }))
        }
        915..=929 if life.lines().len() < 3 => Step::AddLine {
            license: of,
            seats: 1 + u32::try_from(dice.below(2)).unwrap(),
            from: dice.one_in(2).then(|| soon(dice)),
            until: dice.one_in(2).then(|| soon(dice) + 3),
        },
        915..=939 => match life.lines().get(dice.index(life.lines().len().max(1))) {
            Some(line) => Step::RemoveLine(*line),
            None => Step::GraceDays(1),
        },
        940..=949 => Step::GraceDays(u32::from(dice.one_in(2))),
        950..=964 => Step::Reading(dice.one_in(2)),
        // Every other step is over within seconds, so whole hours are exact enough.
        965..=998 => Step::Pass(1 + i64::try_from(dice.below(30)).unwrap()),
        _ if dice.one_in(4) => Step::Kill,
        _ => Step::Pass(1),
    }
}
