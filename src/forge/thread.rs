//! A pull request's comments over REST: what the forges' clients have in common, given their paths.
//!
//! Never: knows a forge's paths or its fields.

use super::comment::Comment;
use super::error::Error;
use super::error::Kind;
use super::http::Client;
use super::http::Method;
use super::http::Request;
use super::http::Response;
use super::http::cannot;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;

/// The most that one page holds.
pub(super) const PER_PAGE: usize = 100;
/// Ten thousand comments are no conversation any more.
const PAGES: usize = 100;

/// One pull request.
pub(super) struct Thread {
    pub(super) client: Client,
    /// What paths are appended to.
    pub(super) url: String,
    /// As messages call it: `o/r#1`.
    pub(super) name: String,
    /// What the reader of a refusal can do about it.
    pub(super) help: fn(Error) -> Error,
}

impl Thread {
    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        doing: &str,
    ) -> Result<Response, Error> {
        let url = format!("{}{path}", self.url);
        let request = Request {
            method,
            url: &url,
            body,
            doing,
        };
        self.client.send(request).map_err(self.help)
    }

    /// All comments; `path` ends with a query. Of a listing that is not paged the first answer is all.
    pub(super) fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        keep: impl Fn(T) -> Option<Comment>,
    ) -> Result<Vec<Comment>, Error> {
        let doing = format!("list the comments of {}", self.name);
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let paged = match path.contains('?') {
                true => format!("{path}&page={page}"),
                false => path.to_owned(),
            };
            let answer = self.request(Method::Get, &paged, None, &doing)?;
            all.extend(answer.json::<Vec<T>>(&doing)?.into_iter().filter_map(&keep));
            if paged == path || !answer.has_next {
                return Ok(all);
            }
        }
        Err(Error::new(
            Kind::TooLarge,
            cannot(&doing),
            format!("there are more than {}", PAGES * PER_PAGE),
        ))
    }

    pub(super) fn create<T>(&self, path: &str, body: &str) -> Result<Comment, Error>
    where
        T: DeserializeOwned + Into<Comment>,
    {
        let doing = format!("create a comment on {}", self.name);
        let answer = self.request(Method::Post, path, Some(&json!({ "body": body })), &doing)?;
        answer.json::<T>(&doing).map(Into::into)
    }

    pub(super) fn update<T>(
        &self,
        method: Method,
        path: &str,
        comment: &Comment,
        body: &str,
    ) -> Result<Comment, Error>
    where
        T: DeserializeOwned + Into<Comment>,
    {
        let doing = format!("update comment {} of {}", comment.id, self.name);
        let answer = self.request(method, path, Some(&json!({ "body": body })), &doing)?;
        answer.json::<T>(&doing).map(Into::into)
    }

    pub(super) fn delete(&self, path: &str, comment: &Comment) -> Result<(), Error> {
        let doing = format!("delete comment {} of {}", comment.id, self.name);
        self.request(Method::Delete, path, None, &doing).map(drop)
    }

    /// The pull request itself.
    pub(super) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let doing = format!("read {}", self.name);
        self.request(Method::Get, path, None, &doing)?.json(&doing)
    }
}
