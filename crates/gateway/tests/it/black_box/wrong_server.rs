//! A server that is wrong in one thing: a proxy before the gateway, which changes requests or answers.

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use testkit::{gateway::Tenant, http::Request};

use super::faults::Fault;

/// A request on its way to the gateway.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    /// Below the base URL.
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// An answer on its way back.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: String,
}

/// Ends with the process.
pub(super) struct WrongServer {
    base_url: String,
}

impl WrongServer {
    /// One on a free port, before a tenant of the gateway.
    pub(super) fn before(tenant: &Tenant, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/scim", listener.local_addr().unwrap());
        let both = Arc::new((base_url.clone(), tenant.clone()));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), both) = (client, Arc::clone(&both)) else { return };
                thread::spawn(move || serve(&client, &both.0, &both.1, fault));
            }
        });
        Self { base_url }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }
}

/// One request of a connection, which ends with its answer.
fn serve(client: &TcpStream, base_url: &str, tenant: &Tenant, fault: Fault) -> Option<()> {
    let mut asked = read(client)?;
    let as_sent = asked.clone();
    (fault.request)(&mut asked, &tenant.token);
    let to_gateway = |text: &str| text.replace(base_url, &tenant.base_url);
    let mut request = Request::new(&asked.method, &format!("{}{}", tenant.base_url, asked.path));
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let answer = request.bytes(to_gateway(&asked.body).as_bytes()).try_send().ok()?;
    let back = |text: &str| text.replace(&tenant.base_url, base_url);
    let kept = ["content-type", "location", "etag", "www-authenticate", "retry-after"];
    let headers = answer.headers.iter().filter(|(name, _)| kept.contains(&name.as_str()));
    let mut told = Told {
        status: answer.status,
        headers: headers.map(|(name, value)| (name.clone(), back(value))).collect(),
        text: back(&answer.text),
    };
    (fault.answer)(&as_sent, &mut told);
    write(client, &told)
}

fn read(client: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(client);
    let first = line(&mut reader)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let path = target.strip_prefix("/scim")?.to_owned();
    let (mut headers, mut length) = (Vec::new(), 0);
    while let Some((name, value)) = line(&mut reader)?.split_once(':') {
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        match name.as_str() {
            "content-length" => length = value.parse().ok()?,
            "host" | "connection" => {}
            _ => headers.push((name, value)),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body: String::from_utf8(body).ok()? })
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    Some(line.trim_end().to_owned())
}

fn write(mut client: &TcpStream, told: &Told) -> Option<()> {
    let mut text = format!("HTTP/1.1 {} Told\r\nconnection: close\r\n", told.status);
    for (name, value) in &told.headers {
        text += &format!("{name}: {value}\r\n");
    }
    if told.status != 204 && told.status != 304 {
        text += &format!("content-length: {}\r\n", told.text.len());
    }
    client.write_all(format!("{text}\r\n{}", told.text).as_bytes()).ok()
}
