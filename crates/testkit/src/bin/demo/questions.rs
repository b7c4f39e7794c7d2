//! Three questions about people of the stories, as their colleagues ask them, with the command that answers each.

use serde_json::Value;
use testkit::gateway::Gateway;

use crate::told::Told;

/// A question, the tenant and the person that it is about, and the answer that the story leads to.
struct Question {
    asked: &'static str,
    tenant: [&'static str; 2],
    user: &'static str,
    answer: &'static str,
}

const QUESTIONS: [Question; 3] = [
    Question {
        asked: "Judith Kelly is assigned in Entra, and she cannot sign in. Why?",
        tenant: ["ire", "acme"],
        user: "judith@acme.example",
        answer: "refused",
    },
    Question {
        asked: "Ian Joyce asked for Member. Why has he Member Lite?",
        tenant: ["ire", "acme"],
        user: "ian@acme.example",
        answer: "waiting",
    },
    Question {
        asked: "Kurt Larsen could sign in yesterday. Why not today?",
        tenant: ["us", "globex"],
        user: "kurt@globex.example",
        answer: "suspended",
    },
];

/// Asks them.
pub(crate) fn ask(gateway: &Gateway, told: &Told) {
    told.heading("Three questions, answered");
    for Question { asked, tenant: [region, key], user, answer } in QUESTIONS {
        let words = ["explain", "--region", region, "--key", key, "--user", user];
        let found: Value =
            serde_json::from_str(&gateway.cli_ok(&[&words[..], &["--json"]].concat())).unwrap();
        assert_eq!(found["answer"], answer, "{found}");
        told.line(&format!("\n{asked}\n$ usher {}", words.join(" ")));
        told.line(gateway.cli_ok(&words).trim_end());
    }
}
