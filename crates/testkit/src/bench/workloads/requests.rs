//! The single requests all workloads are made of, each with the check of its answer. A right status is not enough:
//! totals, ids and the changed value are looked at too.

use std::cell::Cell;

use bytes::Bytes;
use form_urlencoded::byte_serialize;
use hyper::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::bench::Result;
use crate::bench::closed_loop::Worker;
use crate::bench::connection::Answer;
use crate::bench::people;

use super::abuse;

#[derive(Deserialize)]
struct List {
    #[serde(rename = "totalResults")]
    total: usize,
    #[serde(rename = "Resources", default)]
    resources: Vec<Resource>,
    #[serde(rename = "nextCursor")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Resource {
    id: String,
    #[serde(rename = "displayName")]
    display_name: Option<String>,
    title: Option<String>,
    active: Option<bool>,
    members: Option<Vec<IgnoredAny>>,
}

fn read<'a, T: Deserialize<'a>>(answer: &'a Answer, status: u16) -> std::result::Result<T, String> {
    if answer.status != status {
        return Err(format!("{status} was due"));
    }
    serde_json::from_slice(&answer.body).map_err(|error| error.to_string())
}

fn due<T: PartialEq + std::fmt::Debug>(what: &str, found: T, due: T) -> std::result::Result<(), String> {
    if found == due { Ok(()) } else { Err(format!("{what} {found:?} where {due:?} was due")) }
}

/// A `PATCH` may be answered with the resource or with nothing (RFC 7644 §3.5.2); the resource must have the new value.
fn patched(answer: &Answer, told: impl FnOnce(Resource) -> bool) -> std::result::Result<(), String> {
    if answer.status == 204 {
        return Ok(());
    }
    if told(read(answer, 200)?) { Ok(()) } else { Err("the answer does not show the change".into()) }
}

/// The path of a filtered list, encoded as Entra ID encodes it.
fn filtered(resource: &str, filter: &str) -> String {
    let encoded: String = byte_serialize(filter.as_bytes()).collect();
    format!("/{resource}?filter={encoded}")
}

impl Worker<'_> {
    /// A filter that is due exactly the one resource, or, for `None`, an empty list.
    pub(super) async fn find(
        &mut self,
        operation: &'static str,
        resource: &str,
        filter: &str,
        id: Option<&str>,
    ) -> Result<()> {
        let path = filtered(resource, filter);
        let check = |answer: &Answer| {
            let list: List = read(answer, 200)?;
            due("totalResults", list.total, usize::from(id.is_some()))?;
            due("id", list.resources.first().map(|found| found.id.as_str()), id)
        };
        self.ask(operation, Method::GET, &path, None, check).await.map(drop)
    }

    /// One page; `total` and the length of the page are checked. The ids on it.
    pub(super) async fn page(
        &mut self,
        operation: &'static str,
        start: usize,
        count: usize,
        total: usize,
    ) -> Result<Option<Vec<String>>> {
        let path = format!("/Users?startIndex={start}&count={count}");
        let check = |answer: &Answer| {
            let list: List = read(answer, 200)?;
            due("totalResults", list.total, total)?;
            due("resources", list.resources.len(), count.min((total + 1).saturating_sub(start)))?;
            Ok(list.resources.into_iter().map(|found| found.id).collect())
        };
        self.ask(operation, Method::GET, &path, None, check).await
    }

    /// One page by cursor (RFC 9865) of `total` users, of which `seen` stand before it; `query` has the order and the cursor. The
    /// cursor of the next page and the ids.
    pub(super) async fn cursor_page(
        &mut self,
        operation: &'static str,
        query: &str,
        seen: usize,
        count: usize,
        total: usize,
    ) -> Result<Option<(Option<String>, Vec<String>)>> {
        let path = format!("/Users?{query}&count={count}");
        let check = |answer: &Answer| {
            let list: List = read(answer, 200)?;
            due("totalResults", list.total, total)?;
            due("resources", list.resources.len(), count.min(total.saturating_sub(seen)))?;
            due("a next page", list.next.is_some(), seen + count < total)?;
            Ok((list.next, list.resources.into_iter().map(|found| found.id).collect()))
        };
        self.ask(operation, Method::GET, &path, None, check).await
    }

    /// `POST`; the id of the new resource.
    pub(super) async fn create(
        &mut self,
        operation: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Option<String>> {
        let check = |answer: &Answer| read::<Resource>(answer, 201).map(|made| made.id);
        self.ask(operation, Method::POST, path, Some(body), check).await
    }

    /// `GET` of one user.
    pub(super) async fn get_user(&mut self, operation: &'static str, id: &str) -> Result<()> {
        let check = |answer: &Answer| due("id", read::<Resource>(answer, 200)?.id.as_str(), id);
        self.ask(operation, Method::GET, &format!("/Users/{id}"), None, check).await.map(drop)
    }

    /// `PATCH` of a user's display name.
    pub(super) async fn rename(&mut self, operation: &'static str, id: &str, name: &str) -> Result<()> {
        let body = people::replace("displayName", name.into());
        let check =
            |answer: &Answer| patched(answer, |user| user.display_name.is_some_and(|told| told == name));
        self.ask(operation, Method::PATCH, &format!("/Users/{id}"), Some(&body), check).await.map(drop)
    }

    /// `PATCH` of a user's `active`.
    pub(super) async fn set_active(&mut self, operation: &'static str, id: &str, active: bool) -> Result<()> {
        let body = people::replace("active", active.into());
        let check = |answer: &Answer| patched(answer, |user| user.active == Some(active));
        self.ask(operation, Method::PATCH, &format!("/Users/{id}"), Some(&body), check).await.map(drop)
    }

    /// `PUT` of a user's whole profile.
    pub(super) async fn put_user(
        &mut self,
        operation: &'static str,
        user: usize,
        id: &str,
        revision: &str,
    ) -> Result<()> {
        let body = people::profile(user, id, revision);
        let check =
            |answer: &Answer| due("title", read::<Resource>(answer, 200)?.title.as_deref(), Some(revision));
        self.ask(operation, Method::PUT, &format!("/Users/{id}"), Some(&body), check).await.map(drop)
    }

    /// `DELETE` of a user.
    pub(super) async fn delete_user(&mut self, operation: &'static str, id: &str) -> Result<()> {
        let check = |answer: &Answer| due("status", answer.status, 204);
        self.ask(operation, Method::DELETE, &format!("/Users/{id}"), None, check).await.map(drop)
    }

    /// A request that costs the server more than it should: done, or refused as one too many.
    pub(super) async fn burden(&mut self, method: Method, path: &str, body: Option<Bytes>) -> Result<()> {
        let done = Cell::new(true);
        let check = |answer: &Answer| {
            done.set(answer.status < 300);
            match answer.status {
                200 | 201 | 503 => Ok(()),
                _ => Err("200, 201 or 503 was due".to_owned()),
            }
        };
        let name = |_: &Answer| if done.get() { abuse::DONE } else { abuse::REFUSED };
        self.ask_bytes(name, method, path, body, check).await.map(drop)
    }

    /// `PATCH` of a group.
    pub(super) async fn patch_group(
        &mut self,
        operation: &'static str,
        group: &str,
        body: &Value,
    ) -> Result<()> {
        let check = |answer: &Answer| patched(answer, |told| told.id == group);
        self.ask(operation, Method::PATCH, &format!("/Groups/{group}"), Some(body), check).await.map(drop)
    }

    /// `GET` of a group with its members, which are counted.
    pub(super) async fn count_members(
        &mut self,
        operation: &'static str,
        group: &str,
        members: usize,
    ) -> Result<()> {
        let check = |answer: &Answer| {
            due("members", read::<Resource>(answer, 200)?.members.map_or(0, |held| held.len()), members)
        };
        self.ask(operation, Method::GET, &format!("/Groups/{group}"), None, check).await.map(drop)
    }

    /// `GET` of a group without its members, as Entra ID asks for it.
    pub(super) async fn get_bare_group(&mut self, operation: &'static str, group: &str) -> Result<()> {
        let path = format!("/Groups/{group}?excludedAttributes=members");
        let check = |answer: &Answer| due("members", read::<Resource>(answer, 200)?.members.is_some(), false);
        self.ask(operation, Method::GET, &path, None, check).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer { status, body: body.into(), took: Duration::ZERO }
    }

    #[test]
    fn filters_are_encoded_as_entra_sends_them() {
        assert_eq!(filtered("Users", r#"userName eq "a@b""#), "/Users?filter=userName+eq+%22a%40b%22");
    }

    #[test]
    fn a_right_status_with_the_wrong_content_is_wrong() {
        let told = |user: Resource| user.active == Some(false);
        assert!(patched(&answer(200, r#"{"id":"1","active":true}"#), told).is_err());
        assert!(patched(&answer(200, r#"{"id":"1","active":false}"#), told).is_ok());
        assert!(patched(&answer(204, ""), told).is_ok());
        assert!(patched(&answer(500, "{}"), told).is_err());
    }

    #[test]
    fn a_list_needs_no_resources_when_it_is_empty() {
        let list: List = read(&answer(200, r#"{"totalResults":0}"#), 200).unwrap();
        assert_eq!((list.total, list.resources.len()), (0, 0));
    }
}
