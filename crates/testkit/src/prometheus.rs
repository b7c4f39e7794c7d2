//! A real Prometheus of a test's own, with the project's rules in a hurry: a minute of the rules is a second of the test.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    gateway::{Gateway, Signal, signal},
    http::Request,
    ports,
};

/// How long it may take to start, to fire and to end.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// A running Prometheus; it ends with this value.
pub struct Prometheus {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Prometheus {
    /// One that scrapes these processes four times a second and evaluates the rules of this file twice.
    pub fn watching(processes: &[&Gateway], rules: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = std::fs::read_to_string(rules).unwrap_or_else(|e| panic!("{}: {e}", rules.display()));
        std::fs::write(folder.path().join("rules.yml"), in_a_hurry(&rules)).unwrap();
        let targets: Vec<String> =
            processes.iter().map(|process| format!("{:?}", process.metrics_address())).collect();
        let targets = targets.join(", ");
        let mut settings =
            "global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 500ms}\nrule_files: [rules.yml]\nscrape_configs:\n"
                .to_owned();
        for (job, path) in [("usher", "/metrics"), ("usher-tenants", "/metrics/tenants")] {
            writeln!(
                settings,
                "- {{job_name: {job}, metrics_path: {path}, static_configs: [{{targets: [{targets}]}}]}}"
            )
            .unwrap();
        }
        std::fs::write(folder.path().join("prometheus.yml"), settings).unwrap();
        let port = ports::claim();
        let process = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|e| panic!("this test needs Debian's package prometheus: {e}"));
        let prometheus = Self { process, port, _folder: folder };
        prometheus.wait("every process is scraped", || {
            let up = prometheus.query("sum(up)");
            up == Some(2.0 * f64::from(u32::try_from(processes.len()).unwrap()))
        });
        prometheus
    }

    /// The one value of an expression now.
    pub fn query(&self, expression: &str) -> Option<f64> {
        let found = self.ask(&format!("/api/v1/query?query={}", encoded(expression)))?;
        found["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// Whether an alert of this name and with these labels fires.
    pub fn fires(&self, alert: &str, labels: &[(&str, &str)]) -> bool {
        let Some(alerts) = self.ask("/api/v1/alerts") else { return false };
        let is_it = |found: &Value| {
            let of = &found["labels"];
            found["state"] == "firing"
                && of["alertname"] == alert
                && labels.iter().all(|(name, value)| of[*name] == *value)
        };
        alerts["data"]["alerts"].as_array().is_some_and(|alerts| alerts.iter().any(is_it))
    }

    /// Waits until it fires, while `meanwhile` goes on; the time that it took.
    #[track_caller]
    pub fn wait_until_fires(
        &self,
        alert: &str,
        labels: &[(&str, &str)],
        mut meanwhile: impl FnMut(),
    ) -> Duration {
        self.wait(&format!("{alert} fires"), || {
            meanwhile();
            self.fires(alert, labels)
        })
    }

    /// Waits until it does not fire any more.
    #[track_caller]
    pub fn wait_until_ends(&self, alert: &str, mut meanwhile: impl FnMut()) -> Duration {
        self.wait(&format!("{alert} ends"), || {
            meanwhile();
            !self.fires(alert, &[])
        })
    }

    #[track_caller]
    fn wait(&self, what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
        let began = Instant::now();
        while !is_so() {
            let told = || self.ask("/api/v1/alerts").unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "{what}: never; alerts: {}", told());
            sleep(PAUSE);
        }
        began.elapsed()
    }

    fn ask(&self, path: &str) -> Option<Value> {
        let answer = Request::new("GET", &format!("http://127.0.0.1:{}{path}", self.port)).try_send().ok()?;
        (answer.status == 200).then_some(answer.body)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        signal(self.process.id(), Signal::KILL);
        let _ = self.process.wait();
    }
}

fn encoded(expression: &str) -> String {
    form_urlencoded::byte_serialize(expression.as_bytes()).collect()
}

/// The rules with a sixtieth of each time: of ranges, `for`, intervals and offsets, and of numbers of seconds that are written as
/// products of 3600 or 86400.
fn in_a_hurry(rules: &str) -> String {
    let mut hurried = String::new();
    let mut rest = rules;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        hurried.push_str(before);
        let digits = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (number, after) = from.split_at(digits);
        // A digit in a name is no time.
        let is_in_name =
            before.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric() || "_.".contains(c));
        let unit = after.chars().next().and_then(milliseconds);
        let ends = !after.chars().nth(1).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        match (number, unit) {
            _ if is_in_name => hurried.push_str(number),
            ("3600", _) => hurried.push_str("60"),
            ("86400", _) => hurried.push_str("1440"),
            (_, Some(unit)) if ends => {
                write!(hurried, "{}ms", number.parse::<u64>().unwrap() * unit / 60).unwrap();
                rest = &after[1..];
                continue;
            }
            _ => hurried.push_str(number),
        }
        rest = after;
    }
    hurried + rest
}

/// Milliseconds of a unit of Prometheus' durations.
fn milliseconds(unit: char) -> Option<u64> {
    match unit {
        's' => Some(1_000),
        'm' => Some(60_000),
        'h' => Some(3_600_000),
        'd' => Some(86_400_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::in_a_hurry;

    #[test]
    fn every_time_of_the_rules_is_a_sixtieth_and_no_name_or_number_changes() {
        for (rules, hurried) in [
            ("rate(x[5m])", "rate(x[5000ms])"),
            ("for: 2m", "for: 2000ms"),
            ("interval: 30s", "interval: 500ms"),
            ("x offset 1d > 14.4 * 0.001", "x offset 1440000ms > 14.4 * 0.001"),
            (
                "region:usher_scim_errors:ratio_rate5m > 6 * 3600",
                "region:usher_scim_errors:ratio_rate5m > 6 * 60",
            ),
            ("p99_5m and predict14d < 14 * 86400", "p99_5m and predict14d < 14 * 1440"),
            ("code=~\"5..\",code!=\"501\"", "code=~\"5..\",code!=\"501\""),
            ("histogram_quantile(0.99, x)", "histogram_quantile(0.99, x)"),
        ] {
            assert_eq!(in_a_hurry(rules), hurried);
        }
    }
}
