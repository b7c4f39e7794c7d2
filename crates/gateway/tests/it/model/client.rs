//! Requests of an identity provider and of staff on connections that stay open.

use serde_json::Value;
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
    wire::Connection,
};

pub(super) struct Client {
    url: String,
    connection: Connection,
    tenant: Tenant,
    admin_token: String,
}

impl Client {
    pub(super) fn new(gateway: &Gateway, tenant: &Tenant) -> Self {
        Self {
            url: gateway.url.clone(),
            connection: gateway.connect(),
            tenant: tenant.clone(),
            admin_token: crate::staff::token(gateway),
        }
    }

    /// A request of the identity provider, below the base URL.
    pub(super) fn idp(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let path = format!("/{}/{}/scim/v2{path}", self.tenant.region, self.tenant.key);
        let token = self.tenant.token.clone();
        self.send(method, &path, &token, body)
    }

    /// A request of staff, below the tenant's path.
    pub(super) fn staff(&mut self, method: &str, below: &str, body: Option<&Value>) -> Answer {
        let path = format!("/admin/v1{}{below}", self.tenant.admin_path());
        let token = self.admin_token.clone();
        self.send(method, &path, &token, body)
    }

    pub(super) fn tick(&mut self) {
        let token = self.admin_token.clone();
        let done = self.send("POST", "/admin/v1/tick", &token, None).expect(200);
        assert_eq!(done.body["failed"], 0, "{}", done.text);
    }

    /// After the process was started again.
    pub(super) fn reconnect(&mut self) {
        self.connection = Connection::open(&self.url).unwrap();
    }

    fn send(&mut self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut tries = 0;
        loop {
            if self.connection.is_ended() {
                self.reconnect();
            }
            let answer = self.connection.ask(&request).unwrap();
            tries += 1;
            // The first write after a change of the profile is sent again, as every identity provider does at 503.
            if answer.status != 503 || tries == 5 {
                return answer;
            }
        }
    }
}
