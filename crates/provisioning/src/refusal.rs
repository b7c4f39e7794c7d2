//! The words of a seat refusal (`behaviours`, "the one refusal body"): the full license, its numbers, the remedy, the contact.
//! The first words say that it is about seats, because a 403 is easily taken for a fault of the credential.

use scim_core::{ScimError, ScimType, urn};
use seat_ledger::Shortage;
use serde_json::json;

/// A refusal for want of a seat.
#[derive(Clone, Debug)]
pub struct Refusal<'a> {
    /// The license that is full.
    pub shortage: &'a Shortage,
    /// The tenant's name.
    pub tenant: &'a str,
    /// Its form, as the profile has it.
    pub form: &'a profiles::Refusal,
    /// The way to a lesser license of which a seat is free: `send userType member_lite`.
    pub advice: Option<&'a str>,
    /// Whom to ask.
    pub contact: &'a str,
    /// `created` or `changed`.
    pub not_done: &'a str,
    /// The request's id, to be found again.
    pub reference: &'a str,
    /// Where this is explained.
    pub help: &'a str,
}

impl Refusal<'_> {
    /// The response: 403 `seatLimitReached`, or what the profile has instead.
    #[must_use]
    pub fn to_error(&self) -> ScimError {
        let status = u16::try_from(self.form.status).unwrap_or(403);
        let mut error = ScimError::new(status, Some(ScimType::SeatLimitReached), self.detail());
        error.own_type = Some(self.form.scim_type.as_str().into());
        error.extension = Some(Box::new((
            urn::SEAT_ERROR,
            json!({
                "license": self.shortage.license.key(),
                "used": self.shortage.used,
                "limit": self.shortage.limit,
                "waiting": self.shortage.waiting,
                "ref": self.reference,
                "help": self.help,
            }),
        )));
        error
    }

    fn detail(&self) -> String {
        let (license, tenant) = (self.shortage.license.title(), short(self.tenant));
        let cause = if self.shortage.limit == 0 {
            // MO8: the plan lacks the license; the value is right.
            format!("the plan of {tenant} has no {license} seats")
        } else {
            format!(
                "all {} {license} seats of {tenant} are in use ({} of {})",
                self.shortage.limit, self.shortage.used, self.shortage.limit
            )
        };
        let also = match &self.shortage.fallback_full {
            Some(lesser) => format!(", and no {} seat is free either", lesser.title()),
            None => String::new(),
        };
        format!(
            "Seat limit reached: {cause}{also}. The user was not {}. {}ask {} for more; then retry. Ref {}.",
            self.not_done,
            self.remedy(),
            short(self.contact),
            self.reference
        )
    }

    fn remedy(&self) -> String {
        let free = if self.shortage.limit == 0 { "" } else { "Free a seat, " };
        match (free, self.advice) {
            ("", None) => "Please ".to_owned(),
            ("", Some(advice)) => format!("S{}, or ", advice.trim_start_matches('s')),
            (free, Some(advice)) => format!("{free}{advice}, or "),
            (free, None) => format!("{free}or "),
        }
    }
}

/// A name can be long; the sentence around it must still fit (S12).
fn short(name: &str) -> String {
    name.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use seat_ledger::License;

    use super::*;
    use crate::Product;

    static FORM: LazyLock<profiles::Refusal> =
        LazyLock::new(|| Product::built_in("default").unwrap().profile.refusal);

    fn license(key: &str) -> License {
        Product::built_in("default").unwrap().licenses().get(key).unwrap()
    }

    fn full() -> Shortage {
        Shortage {
            license: license("member"),
            used: 50,
            limit: 50,
            waiting: 3,
            fallback_full: None,
            lesser_free: Some(license("member_lite")),
        }
    }

    fn refusal(shortage: &Shortage) -> Refusal<'_> {
        Refusal {
            shortage,
            tenant: "Acme",
            form: &FORM,
            advice: shortage.lesser_free.as_ref().map(|_| "send userType member_lite"),
            contact: "support@example.com",
            not_done: "created",
            reference: "01J8Z3",
            help: "https://scim.example.com/s/01J8Z3",
        }
    }

    #[test]
    fn s12_the_refusal_says_what_is_full_and_what_to_do_in_one_plain_line() {
        let error = refusal(&full()).to_error();
        assert_eq!(
            error.detail,
            "Seat limit reached: all 50 Member seats of Acme are in use (50 of 50). The user was not created. \
             Free a seat, send userType member_lite, or ask support@example.com for more; then retry. Ref 01J8Z3."
        );
        let body = error.to_json();
        assert_eq!(
            (body["status"].as_str(), body["scimType"].as_str()),
            (Some("403"), Some("seatLimitReached"))
        );
        assert_eq!(body[urn::SEAT_ERROR]["waiting"], 3);
    }

    #[test]
    fn a_profile_has_its_own_status_and_keyword_for_a_refusal() {
        let form = profiles::Refusal { status: 402, scim_type: "planExceeded".to_owned() };
        let shortage = full();
        let body = Refusal { form: &form, ..refusal(&shortage) }.to_error().to_json();
        assert_eq!((body["status"].as_str(), body["scimType"].as_str()), (Some("402"), Some("planExceeded")));
    }

    #[test]
    fn mo8_a_license_that_the_plan_does_not_have_is_named_as_that() {
        let shortage =
            Shortage { license: license("member_lite"), used: 0, limit: 0, lesser_free: None, ..full() };
        let detail = refusal(&shortage).to_error().detail;
        assert!(
            detail.starts_with("Seat limit reached: the plan of Acme has no Member Lite seats."),
            "{detail}"
        );
        assert!(detail.contains("ask support@example.com"));
    }

    #[test]
    fn s12_a_license_that_is_full_as_well_is_not_recommended() {
        let detail = refusal(&Shortage { lesser_free: None, ..full() }).to_error().detail;
        assert!(
            detail.contains("Free a seat, or ask support@example.com") && !detail.contains("userType"),
            "{detail}"
        );
    }

    #[test]
    fn s12_long_names_do_not_push_the_remedy_out() {
        let long = "x".repeat(2000);
        let detail = Refusal { tenant: &long, contact: &long, ..refusal(&full()) }.to_error().detail;
        assert!(detail.len() < 500 && detail.ends_with("Ref 01J8Z3."), "{detail}");
    }
}
