//! What refusing hostile input costs: `cargo bench -p scim-core --bench hostile`. Each row is one request's worth of text, as
//! large as the gateway lets in; the aim is 50 ms of CPU for each. That each of them is refused, and how, is asserted by the
//! tests; here only the cost is shown, because a test that measures time fails on a busy machine.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark that cannot run should say so and stop"
)]

use std::hint::black_box;
use std::time::Duration;

use scim_core::bulk::BulkRequest;
use scim_core::filter::Filter;
use scim_core::leniency::Tolerance;
use scim_core::patch::PatchRequest;
use scim_core::path::Path;
use scim_core::resource::{self, Document};
use scim_core::{ResourceType, ScimError, json, schema};

/// As the gateway allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one hostile request may cost.
const AIM: Duration = Duration::from_millis(50);

/// The mean of so many runs is shown, because the kernel tells the time of a running thread in ticks of some milliseconds.
const RUNS: u32 = 20;

fn main() {
    let (rt, user) = (schema::user(), laden());
    let lenient = Tolerance::lenient;
    show("json", bodies(), |text| json::parse(text.as_bytes(), &json::Limits::SCIM).is_err());
    show("filter", filters(), |text| Filter::parse(text, &rt, &mut lenient()).is_err());
    show("path", paths(), |text| Path::parse(&rt, text, &mut lenient()).is_err());
    show("user", users(), |text| created(&rt, text).is_err());
    show("bulk", bulks(), |text| planned(text).is_err());
    show("patch", patches(), |text| patched(&rt, text, &user).is_err());
}

/// One line for each case: the CPU time of this thread, how large the text is, and whether it was refused.
fn show(what: &str, cases: Vec<Case>, is_refused: impl Fn(&str) -> bool) {
    for Case(name, text) in cases {
        let mut refused = false;
        let before = on_cpu();
        for _ in 0..RUNS {
            refused = is_refused(black_box(&text));
        }
        let each = on_cpu().saturating_sub(before) / RUNS;
        let (millis, kib) = (each.as_secs_f64() * 1000.0, text.len() / 1024);
        let outcome = if refused { "refused" } else { "taken" };
        let note = if each > AIM { "  above the aim of 50 ms" } else { "" };
        println!("{what:7} {name:46} {kib:6} KiB {millis:7.1} ms CPU  {outcome}{note}");
    }
}

/// How long this thread has been on a CPU (Linux; the first field, in nanoseconds).
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// The gateway's default for a whole body.
const BODY: usize = 8 << 20;

/// A named input.
struct Case(&'static str, String);

fn filled(head: &str, part: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for index in 0.. {
        let part = part(index);
        if text.len() + part.len() + tail.len() > BODY {
            break;
        }
        text.push_str(&part);
    }
    text.push_str(tail);
    text
}

fn bodies() -> Vec<Case> {
    let long = "x".repeat(BODY - 20);
    vec![
        Case("1 MB of (", "(".repeat(1 << 20)),
        Case("100 deep", format!("{}{}", "[".repeat(100), "]".repeat(100))),
        Case("8 MiB of [", "[".repeat(BODY)),
        Case("8 MiB of {\"a\":", "{\"a\":".repeat(BODY / 5)),
        Case("8 MiB of 0,", filled("[", |_| "0,".into(), "0]")),
        Case("8 MiB of {},", filled("[", |_| "{},".into(), "0]")),
        Case("8 MiB of [0],", filled("[", |_| "[0],".into(), "0]")),
        Case("8 MiB of {\"a\":0},", filled("[", |_| "{\"a\":0},".into(), "0]")),
        Case("8 MiB of \"\",", filled("[", |_| "\"\",".into(), "0]")),
        Case("8 MiB of keys, one twice", filled("{", |i| format!("\"{i:x}\":0,"), "\"0\":0}")),
        Case("few keys, one twice", "{\"userName\":0,\"USERNAME\":0}".into()),
        Case("lone surrogate at the end", format!("[\"{long}\\ud800\"]")),
        Case("8 MiB of lone surrogates", filled("[\"", |_| "\\ud800".into(), "\"]")),
        Case("8 MiB of escapes", filled("[\"", |_| "\\u00e9".into(), "\\u0000\"]")),
        Case("NUL at the end", format!("[\"{long}\0\"]")),
        Case("escaped NUL at the end", format!("[\"{long}\\u0000\"]")),
        Case("8 MiB of two-byte letters, then NUL", filled("[\"", |_| "é".into(), "\\u0000\"]")),
        Case("8 MiB of digits", format!("[{}]", "1".repeat(BODY - 2))),
        Case("8 MiB of numbers beyond a u64", filled("[", |i| format!("9007199254740993{i:08}e-200,"), "0]")),
        Case(
            "8 MiB of numbers halfway between two",
            filled("[", |_| "9007199254740993.00000e-300,".into(), "0]"),
        ),
        Case(
            "8 MiB of long numbers",
            filled("[", |_| format!("9007199254740993.{}1,", "0".repeat(750)), "0]"),
        ),
        Case(
            "8 MiB of long numbers, smallest",
            filled("[", |_| format!("2.4703282292062327208299439634110{}1e-324,", "7".repeat(700)), "0]"),
        ),
        Case("8 MiB of blanks", " ".repeat(BODY)),
    ]
}

fn filters() -> Vec<Case> {
    vec![
        Case("1 MB of (", "(".repeat(1 << 20)),
        Case("16 KiB of (", "(".repeat(16_000)),
        Case("10,000 terms", vec!["title pr"; 10_000].join(" or ")),
        Case("1,200 terms in 16 KiB", vec!["title pr"; 1_200].join(" or ")),
        Case("16 KiB of not (", "not (".repeat(3_200)),
        Case("16 KiB of one string", format!("title eq \"{}", "x".repeat(16_000))),
        Case("16 KiB of escapes", format!("title eq \"{}\\u0000\"", "\\u00e9".repeat(2_600))),
    ]
}

fn paths() -> Vec<Case> {
    vec![
        Case("1 MB of (", format!("emails[{}", "(".repeat(1 << 20))),
        Case("4 KiB of (", format!("emails[{}", "(".repeat(4_000))),
        Case("4 KiB of dots", ".".repeat(4_000)),
        Case("300 terms in 4 KiB", format!("emails[{}]", vec!["type pr"; 300].join(" or "))),
    ]
}

/// A body of a PATCH that is 8 MiB long.
fn patch(part: impl Fn(usize) -> String) -> String {
    let head = "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[";
    filled(head, |i| part(i) + ",", "{\"op\":\"remove\",\"path\":\"title\"}]}")
}

fn patches() -> Vec<Case> {
    let head = "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[";
    let one = "{\"op\":\"remove\",\"path\":\"title\"}";
    let element = "{\"primary\":true,\"value\":\"a\"}";
    let elements = filled("", |_| format!("{element},"), "");
    let elements = elements.trim_end_matches(',');
    let batch = vec![element; 1_999].join(",");
    vec![
        Case("1,001 operations", format!("{head}{}]}}", vec![one; 1_001].join(","))),
        Case("8 MiB of operations", patch(|_| "{\"op\":\"\"}".into())),
        Case("8 MiB of operations with a value", patch(|_| "{\"op\":\"\",\"value\":{}}".into())),
        Case("8 MiB of broken operations", patch(|_| "0".into())),
        Case(
            "one add of 8 MiB of primary elements",
            format!("{head}{{\"op\":\"add\",\"path\":\"roles\",\"value\":[{}]}}]}}", cut(elements, BODY - 200)),
        ),
        Case(
            "adds of 2,000 primary elements and removes",
            format!(
                "{head}{}]}}",
                vec![
                    format!(
                        "{{\"op\":\"add\",\"path\":\"roles\",\"value\":[{batch}]}},{{\"op\":\"remove\",\"path\":\"roles\"}}"
                    );
                    80
                ]
                .join(",")
            ),
        ),
        Case(
            "a remove of 4,000 listed elements",
            format!(
                "{head}{{\"op\":\"remove\",\"path\":\"emails\",\"value\":[{}]}}]}}",
                (0..4_000).map(|n| format!("{{\"value\":\"{n}\"}}")).collect::<Vec<_>>().join(",")
            ),
        ),
        Case(
            "4,000 comparisons",
            format!(
                "{head}{}]}}",
                vec![
                    format!(
                        "{{\"op\":\"remove\",\"path\":\"emails[{}]\"}}",
                        vec!["value co \\\"y\\\""; 200].join(" or ")
                    );
                    20
                ]
                .join(",")
            ),
        ),
    ]
}

/// Whole elements up to a length.
fn cut(elements: &str, length: usize) -> &str {
    let cut = elements.get(..length.min(elements.len())).unwrap();
    cut.get(..cut.rfind("},").unwrap() + 1).unwrap()
}

/// A user who holds as much as one may.
fn laden() -> Document {
    let emails = (0..1_999).map(|n| format!("{{\"value\":\"{n:x>500}\"}}")).collect::<Vec<_>>().join(",");
    let body = format!(
        "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"ada\",\"emails\":[{emails}]}}"
    );
    resource::create(
        &schema::user(),
        &json::parse(body.as_bytes(), &json::Limits::SCIM).unwrap(),
        &mut Tolerance::lenient(),
    )
    .unwrap()
}

fn bulks() -> Vec<Case> {
    let bulk = |operations: &str| {
        format!(
            "{{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"],\"Operations\":[{operations}]}}"
        )
    };
    let patch = |path: &str| {
        format!(
            "{{\"method\":\"PATCH\",\"path\":\"/Groups/1\",\"data\":{{\"Operations\":[{{\"op\":\"remove\",\"path\":\"{path}\"}}]}}}}"
        )
    };
    let post = |index: usize, references: &str| {
        format!(
            "{{\"method\":\"POST\",\"path\":\"/Groups\",\"bulkId\":\"{index}\",\"data\":{{\"members\":[{references}]}}}}"
        )
    };
    // Each refers to all: a circle of 1,000 with a million edges.
    let all = (0..1_000).map(|n| format!("\"bulkId:{n}\"")).collect::<Vec<_>>().join(",");
    let some = all.get(..7_000).unwrap().rsplit_once(',').unwrap().0;
    vec![
        Case("1,001 operations", bulk(&vec!["{\"method\":\"DELETE\"}"; 1_001].join(","))),
        Case("8 MiB of operations", bulk(&filled("", |_| "{},".into(), "0"))),
        Case(
            "8 MiB of string literals in a path",
            bulk(&patch(&filled("\\\"bulkId:x\\\"", |_| "\\\"\\\"".into(), ""))),
        ),
        Case(
            "8 MiB of unclosed literals in a path",
            bulk(&patch(&filled("\\\"bulkId:x", |_| "\\\\".into(), ""))),
        ),
        Case(
            "1,000 operations that each need the next",
            bulk(
                &(0..1_000)
                    .map(|n| post(n, &format!("\"bulkId:{}\"", (n + 1) % 1_000)))
                    .collect::<Vec<_>>()
                    .join(","),
            ),
        ),
        Case(
            "1,000 operations that need 500 each",
            bulk(&(0..1_000).map(|index| post(index, some)).collect::<Vec<_>>().join(",")),
        ),
    ]
}

fn planned(body: &str) -> Result<usize, ScimError> {
    let request =
        BulkRequest::parse(json::parse(body.as_bytes(), &json::Limits::SCIM)?, &mut Tolerance::lenient())?;
    Ok(request.plan.units.len())
}

fn patched(rt: &ResourceType, body: &str, current: &Document) -> Result<Document, ScimError> {
    let t = &mut Tolerance::lenient();
    PatchRequest::parse(rt, &json::parse(body.as_bytes(), &json::Limits::SCIM)?, t)?.apply(rt, current, t)
}

fn created(rt: &ResourceType, body: &str) -> Result<Document, ScimError> {
    resource::create(rt, &json::parse(body.as_bytes(), &json::Limits::SCIM)?, &mut Tolerance::lenient())
}

fn users() -> Vec<Case> {
    let head = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"ada\",";
    vec![
        Case("8 MiB of unknown attributes", filled(head, |i| format!("\"{i:x}\":0,"), "\"z\":0}")),
        Case(
            "8 MiB of e-mails",
            filled(&format!("{head}\"emails\":["), |i| format!("{{\"value\":\"{i}\"}},"), "{}]}"),
        ),
        Case("8 MiB of bad e-mails", filled(&format!("{head}\"emails\":["), |_| "0,".into(), "0]}")),
        Case(
            "2,000 e-mails with unknown parts",
            filled(
                &format!("{head}\"emails\":["),
                |i| format!("{{\"{i:x}\":0,\"a\":0,\"b\":0,\"c\":0,\"d\":0}},"),
                "{}]}",
            ),
        ),
    ]
}
