//! A collector of traces on loopback: it takes what is sent by OTLP over HTTP and keeps the spans.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value as Any},
    trace::v1::{Span as Sent, span::SpanKind, status::StatusCode},
};
use prost::Message as _;
use serde_json::{Value, json};

/// A span as it came.
#[derive(Clone, Debug)]
pub struct Span {
    /// 32 hexadecimal digits.
    pub trace: String,
    /// 16 hexadecimal digits.
    pub id: String,
    /// That of the parent; empty where it has none.
    pub parent: String,
    /// Such as `GET /Users/{id}`.
    pub name: String,
    /// Whether it says that the server failed.
    pub is_error: bool,
    /// `Server`, `Client` or `Internal`.
    pub kind: SpanKind,
    /// Milliseconds from its beginning to its end.
    pub took_ms: f64,
    /// Its own attributes.
    pub attributes: BTreeMap<String, Value>,
    /// The attributes of the process.
    pub resource: BTreeMap<String, Value>,
}

/// A collector of traces.
pub struct Collector {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    received: Arc<Mutex<Received>>,
}

/// All that was sent.
#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    /// The heads of requests, in lower case.
    heads: Vec<String>,
    bytes: Vec<u8>,
}

impl Collector {
    /// One on a port of its own.
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// One on this port.
    pub fn start_at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Received>>::default();
        let receiving = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let received = Arc::clone(&receiving);
                thread::spawn(move || take(&stream, |head, body| received.lock().unwrap().add(head, &body)));
            }
        });
        Self { url, received }
    }

    /// The spans that have come so far.
    pub fn spans(&self) -> Vec<Span> {
        self.received.lock().unwrap().spans.clone()
    }

    /// Those of requests.
    pub fn requests(&self) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.kind == SpanKind::Server).collect()
    }

    /// The heads of the batches, in lower case.
    pub fn heads(&self) -> Vec<String> {
        self.received.lock().unwrap().heads.clone()
    }

    /// Whether this text is in anything that came.
    pub fn has_heard(&self, text: &str) -> bool {
        let received = self.received.lock().unwrap();
        received.bytes.windows(text.len()).any(|part| part == text.as_bytes())
    }
}

impl Received {
    fn add(&mut self, head: String, body: &[u8]) {
        self.spans.extend(read(body));
        self.heads.push(head);
        self.bytes.extend_from_slice(body);
    }
}

/// Answers the requests of a connection.
fn take(stream: &TcpStream, mut each: impl FnMut(String, Vec<u8>)) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut line) = (String::new(), String::new());
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            head.push_str(&line.to_lowercase());
            line.clear();
        }
        if head.is_empty() {
            return;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        each(head, body);
        let mut writer = stream;
        let _is_gone = writer.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
        );
    }
}

fn read(body: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = Vec::new();
    for of_process in request.resource_spans {
        let resource = of_process.resource.map(|resource| named(resource.attributes)).unwrap_or_default();
        for scope in of_process.scope_spans {
            spans.extend(scope.spans.into_iter().map(|sent| span(sent, &resource)));
        }
    }
    spans
}

fn span(sent: Sent, resource: &BTreeMap<String, Value>) -> Span {
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let nanoseconds = sent.end_time_unix_nano - sent.start_time_unix_nano;
    Span {
        trace: hexadecimal(&sent.trace_id),
        id: hexadecimal(&sent.span_id),
        parent: hexadecimal(&sent.parent_span_id),
        kind: sent.kind(),
        is_error: sent.status.is_some_and(|status| status.code() == StatusCode::Error),
        name: sent.name,
        took_ms: std::time::Duration::from_nanos(nanoseconds).as_secs_f64() * 1_000.0,
        attributes: named(sent.attributes),
        resource: resource.clone(),
    }
}

fn named(attributes: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let value = |value: Any| match value {
        Any::StringValue(text) => json!(text),
        Any::BoolValue(is) => json!(is),
        Any::IntValue(number) => json!(number),
        Any::DoubleValue(number) => json!(number),
        other => json!(format!("{other:?}")),
    };
    let each = attributes.into_iter().filter_map(|KeyValue { key, value: any, .. }| Some((key, any?.value?)));
    each.map(|(key, any)| (key, value(any))).collect()
}
