//! Where the service is.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;

use crate::Error;

/// The base URL, parsed once: to parse the URL of each request costs as much as
/// everything else that a client adds to it.
#[derive(Clone, Debug)]
pub(crate) struct Base(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    text: String,
    /// `None` where the text is no URL that a path can follow.
    url: Option<Url>,
    /// The collection of the last request: most requests of a program are about one.
    collection: Mutex<Option<Url>>,
}

/// How many segments the path of a collection has, such as that of an account's
/// certificates.
const COLLECTION: usize = 3;

impl Base {
    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The URL of a path below the base, given by its segments, which need no encoding.
    pub(crate) fn url(&self, path: &[&str]) -> Result<Url, UnusableBase> {
        let Some((start, rest)) = path.split_at_checked(COLLECTION) else {
            return self.below(path);
        };
        let mut last = self.0.collection.lock().unwrap_or_else(PoisonError::into_inner);
        let collection = match last.as_ref().filter(|last| self.is_at(last, start)) {
            Some(last) => last.clone(),
            None => last.insert(self.below(start)?).clone(),
        };
        drop(last);
        extended(collection, rest)
    }

    fn below(&self, path: &[&str]) -> Result<Url, UnusableBase> {
        extended(self.0.url.clone().ok_or(UnusableBase)?, path)
    }

    /// Whether a URL is that of a path below the base.
    fn is_at(&self, url: &Url, path: &[&str]) -> bool {
        let below = url.as_str().strip_prefix(self.as_str());
        let rest = path.iter().try_fold(below.unwrap_or_default(), |rest, segment| {
            rest.strip_prefix('/')?.strip_prefix(segment)
        });
        rest.is_some_and(str::is_empty)
    }
}

fn extended(mut url: Url, path: &[&str]) -> Result<Url, UnusableBase> {
    if !path.is_empty() {
        let mut segments = url.path_segments_mut().map_err(|()| UnusableBase)?;
        segments.pop_if_empty().extend(path);
    }
    Ok(url)
}

impl From<&str> for Base {
    fn from(text: &str) -> Self {
        let url = Url::parse(text).ok();
        let text = text.to_owned();
        Self(Arc::new(Parts { text, url, collection: Mutex::default() }))
    }
}

/// The base URL cannot be used.
pub(crate) struct UnusableBase;

impl<E> From<UnusableBase> for Error<E> {
    fn from(_: UnusableBase) -> Self {
        Self::InvalidRequest("the base URL cannot be used".to_owned())
    }
}
