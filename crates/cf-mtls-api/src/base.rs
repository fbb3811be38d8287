//! Where the service is.

use std::sync::Arc;

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
}

impl Base {
    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The URL of a path below the base, given by its segments.
    pub(crate) fn url(&self, path: &[&str]) -> Result<Url, UnusableBase> {
        let mut url = self.0.url.clone().ok_or(UnusableBase)?;
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(UnusableBase),
        };
        Ok(url)
    }
}

impl From<&str> for Base {
    fn from(text: &str) -> Self {
        let url = Url::parse(text).ok();
        let text = text.to_owned();
        Self(Arc::new(Parts { text, url }))
    }
}

/// The base URL is none.
pub(crate) struct UnusableBase;

impl<E> From<UnusableBase> for Error<E> {
    fn from(_: UnusableBase) -> Self {
        Self::InvalidRequest("the base URL cannot be used".to_owned())
    }
}
