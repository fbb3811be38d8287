//! Lists that come in pages, read as one.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use cf_mtls_api::types::ResultInfo;
use futures_core::Stream;
use futures_util::stream::{StreamExt as _, try_unfold};

use crate::error::{Error, ErrorKind};

/// The most items that the service puts on a page.
pub(crate) const PER_PAGE: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// No account holds so much; a list that goes on is taken for endless.
const MOST_PAGES: u32 = 20_000;
/// How many more pages than the first one claims are believed, beside as many
/// again: things are added while a list is read.
const GROWTH: u32 = 100;

/// A list that is read page by page, as it is asked for.
///
/// It is a [`Stream`], and has [`next`](Self::next) and
/// [`collect`](Self::collect) of its own. After an error it ends. It holds one
/// page in memory. Things that are added or removed meanwhile may be missed or
/// come twice, as the service counts pages anew for each request.
#[must_use = "a list is read when it is asked for"]
pub struct Listing<T> {
    pages: Pin<Box<dyn Stream<Item = Result<Vec<T>, Error>> + Send>>,
    page: vec::IntoIter<T>,
    ended: bool,
}

/// A page, and where it stands.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) info: Option<ResultInfo>,
}

impl<T> Listing<T> {
    /// The next item; `None` at the end.
    ///
    /// # Errors
    ///
    /// When a page could not be read, or the pages do not add up to a list.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// All that is left, in memory at once.
    ///
    /// # Errors
    ///
    /// When a page could not be read, or the pages do not add up to a list.
    pub async fn collect(mut self) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }
}

impl<T: Send + 'static> Listing<T> {
    /// Reads pages with `read` until the list is complete. `key` tells items
    /// apart, so that a page which comes again is seen.
    pub(crate) fn new<F, Fut>(read: F, key: fn(&T) -> Option<&str>) -> Self
    where
        F: Fn(NonZeroU32) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Page<T>, Error>> + Send,
    {
        let state = Some(Progress {
            number: NonZeroU32::MIN,
            seen: HashSet::new(),
            so_far: 0,
            most: MOST_PAGES,
        });
        let pages = try_unfold((state, read), move |(state, read)| async move {
            let Some(mut progress) = state else {
                return Ok(None);
            };
            let page = read(progress.number).await?;
            let more = progress.advance(&page, key)?;
            let items = match more {
                More::Repeated => return Ok(None),
                _ => page.items,
            };
            let state = matches!(more, More::Yes).then_some(progress);
            Ok(Some((items, (state, read))))
        });
        Self {
            pages: pages.boxed(),
            page: Vec::new().into_iter(),
            ended: false,
        }
    }
}

impl<T: 'static> Listing<T> {
    /// Leaves out what `wanted` does not want.
    pub(crate) fn keep(mut self, wanted: impl Fn(&T) -> bool + Send + 'static) -> Self {
        let pages = self.pages.map(move |page| {
            page.map(|mut items| {
                items.retain(&wanted);
                items
            })
        });
        self.pages = Box::pin(pages);
        self
    }
}

enum More {
    Yes,
    No,
    /// The page came before, from a server that knows no pages.
    Repeated,
}

/// How far a list has been read.
struct Progress {
    number: NonZeroU32,
    /// A number for each page that was read, not the pages.
    seen: HashSet<u64>,
    so_far: u64,
    /// No page after this one is believed.
    most: u32,
}

impl Progress {
    /// Whether another page follows. Never for ever: a page that comes again
    /// ends the list, or is an error where the service claims that there is more.
    fn advance<T>(&mut self, page: &Page<T>, key: fn(&T) -> Option<&str>) -> Result<More, Error> {
        if page.items.is_empty() {
            return Ok(More::No);
        }
        let number = i64::from(self.number.get());
        let info = page.info.as_ref();
        let total = info.and_then(known_total);
        if let Some(claimed) = info.and_then(|info| info.page)
            && claimed != number
            && 1 < number
        {
            return Err(broken(format!(
                "asked for page {number}, it gives page {claimed}"
            )));
        }
        if !self.seen.insert(self.fingerprint(&page.items, key)) {
            return match total {
                None => Ok(More::Repeated),
                Some(_) => Err(broken(format!(
                    "page {number} holds what an earlier page held"
                ))),
            };
        }
        self.so_far += page.items.len() as u64;
        if number == 1
            && let Some(total) = &total
        {
            let claimed = total.pages(page.items.len());
            self.most = claimed
                .saturating_mul(2)
                .saturating_add(GROWTH)
                .min(MOST_PAGES);
        }
        let more = match total {
            Some(Total::Pages(pages)) => number < pages,
            Some(Total::Items(items)) => self.so_far < items,
            None => true, // until a page is empty, or comes again
        };
        if !more {
            return Ok(More::No);
        }
        match self
            .number
            .checked_add(1)
            .filter(|next| next.get() <= self.most)
        {
            Some(next) => self.number = next,
            None => return Err(broken(format!("the list goes on after {number} pages"))),
        }
        Ok(More::Yes)
    }
}

/// Pages of the same keys are the same page; a part of the keys tells, as no
/// other page has them at the same places. Where no item has a key, that cannot
/// be told, and the number of pages is the bound.
impl Progress {
    fn fingerprint<T>(&self, items: &[T], key: fn(&T) -> Option<&str>) -> u64 {
        const EVERY: usize = 8;
        let mut hasher = DefaultHasher::new();
        items.len().hash(&mut hasher);
        for item in items.iter().step_by(EVERY) {
            key(item).hash(&mut hasher);
        }
        if items.iter().all(|item| key(item).is_none()) {
            self.number.hash(&mut hasher);
        }
        hasher.finish()
    }
}

enum Total {
    Pages(i64),
    Items(u64),
}

impl Total {
    /// How many pages that makes, when a page holds so many items.
    fn pages(&self, per_page: usize) -> u32 {
        let pages = match self {
            Self::Pages(pages) => u64::try_from(*pages).unwrap_or_default(),
            Self::Items(items) => items.div_ceil(per_page.max(1) as u64),
        };
        u32::try_from(pages).unwrap_or(u32::MAX)
    }
}

fn known_total(info: &ResultInfo) -> Option<Total> {
    let items = info
        .total_count
        .and_then(|count| u64::try_from(count).ok())
        .map(Total::Items);
    info.total_pages.map(Total::Pages).or(items)
}

fn broken(detail: String) -> Error {
    Error::new(ErrorKind::InvalidResponse)
        .with_detail(format!("the pages of the list do not add up: {detail}"))
}

impl<T> Stream for Listing<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match std::task::ready!(self.pages.as_mut().poll_next(context)) {
                Some(Ok(items)) => self.page = items.into_iter(),
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.ended = true,
            }
        }
    }
}

// Nothing of it is pinned in place.
impl<T> Unpin for Listing<T> {}

impl<T> std::fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing")
            .field("at_hand", &self.page.len())
            .finish_non_exhaustive()
    }
}
