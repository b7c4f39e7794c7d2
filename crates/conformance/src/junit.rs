//! The report as JUnit XML, which build servers read: a suite for each group, a case for each check.

use std::fmt::Write as _;

use crate::report::{Outcome, Report, Verdict};

/// The whole document.
#[must_use]
pub fn junit(report: &Report) -> String {
    let count = |of: &[&Outcome], wanted: fn(&Outcome) -> bool| of.iter().filter(|one| wanted(one)).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Outcome> = report.checks.iter().collect();
    let _written = writeln!(
        text,
        "<testsuites name=\"usher conformance\" tests=\"{}\" failures=\"{}\">",
        all.len(),
        report.failed
    );
    for suite in all.chunk_by(|one, next| one.group == next.group) {
        let name = suite.first().map_or("", |one| one.group.as_str());
        let _written = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            escaped(name),
            suite.len(),
            count(suite, |one| one.counts() && one.verdict == Verdict::Failed),
            count(suite, |one| !one.counts()),
        );
        suite.iter().for_each(|one| case(&mut text, one));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(text: &mut String, one: &Outcome) {
    let (class, name) = (escaped(&one.source), escaped(&format!("{}: {}", one.id, one.title)));
    let _written = write!(text, "    <testcase classname=\"{class}\" name=\"{name}\"");
    match (&one.not_claimed, &one.failure) {
        (Some(why), _) => {
            let _written = write!(text, "><skipped message=\"{}\"/></testcase>", escaped(why));
        }
        (None, Some(failure)) => {
            let (message, body) = (
                escaped(&failure.difference),
                escaped(&format!("{}\n\n{}", failure.request, failure.answer)),
            );
            let _written = write!(text, "><failure message=\"{message}\">{body}</failure></testcase>");
        }
        (None, None) => text.push_str("/>"),
    }
    text.push('\n');
}

/// Text for XML 1.0, which has no control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use crate::{claims::Profile, play::Failure};

    use super::*;

    fn outcome(id: &str, verdict: Verdict, not_claimed: Option<&str>) -> Outcome {
        let failure = Failure {
            step: 1,
            difference: "want <1> & got \"2\"\u{7}".into(),
            request: "GET /".into(),
            answer: "200".into(),
        };
        Outcome {
            id: id.into(),
            group: "G".into(),
            title: "it holds".into(),
            source: "RFC".into(),
            verdict,
            not_claimed: not_claimed.map(str::to_owned),
            failure: (verdict == Verdict::Failed).then_some(failure),
        }
    }

    #[test]
    fn failures_count_what_is_not_claimed_is_skipped_and_texts_are_escaped() {
        let checks = vec![
            outcome("a", Verdict::Passed, None),
            outcome("b", Verdict::Failed, None),
            outcome("c", Verdict::Failed, Some("not said")),
            outcome("d", Verdict::NotMade, Some("no bulk")),
        ];
        let report = Report::new("http://h", &[Profile::Okta], checks, vec![], false);
        assert_eq!([report.passed, report.failed, report.not_claimed], [1, 1, 2]);
        assert!(!report.holds());
        let xml = junit(&report);
        assert!(xml.contains("<testsuite name=\"G\" tests=\"4\" failures=\"1\" skipped=\"2\">"), "{xml}");
        assert!(xml.contains("message=\"want &lt;1&gt; &amp; got &quot;2&quot;?\""), "{xml}");
        let text = report.text();
        assert!(text.contains("1 passed, 1 failed; 2 are not claimed"), "{text}");
        assert!(text.contains("differs c") && text.contains("-       d"), "{text}");
        assert!(text.contains("> GET /") && !text.contains('\u{7}'), "{text}");
    }
}
