//! Lists that come in pages, read as one.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use cf_mtls_api::types::ResultInfo;
use futures_core::Stream;
use futures_util::stream::{StreamExt as _, TryStreamExt as _, try_unfold};

use crate::error::{Error, ErrorKind};

/// The most items that the service puts on a page.
pub(crate) const PER_PAGE: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// A longer list is taken for endless.
const MAX_PAGES: u64 = 20_000;
/// A page with more items is no page of the service, and they need memory.
const MAX_ITEMS_PER_PAGE: usize = 1_000;
/// How many pages are read whose items have no key, so that it cannot be seen whether
/// they repeat.
const MAX_KEYLESS_PAGES: u64 = 100;
/// How many pages more than twice those that the first one announces are read, since
/// lists grow while they are read.
const MAX_GROWTH: u64 = 100;

/// A list that is read page by page, on demand.
///
/// It is a [`Stream`], and has [`next`](Self::next) and [`collect`](Self::collect).
/// It ends after an error, and holds one page in memory. Items that are added or
/// removed while it is read may be missing or appear twice, since pages shift.
#[must_use = "a list is read on demand"]
pub struct Listing<T> {
    pages: Pin<Box<dyn Stream<Item = Result<Vec<T>, Error>> + Send>>,
    page: vec::IntoIter<T>,
    ended: bool,
}

/// A page.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) info: Option<ResultInfo>,
}

impl<T> Page<T> {
    /// `null` is an empty list; [`Listing`] compares it with what the service counts.
    pub(crate) fn new<W>(
        result: Option<Vec<W>>,
        info: Option<ResultInfo>,
        from: impl Fn(W) -> T,
    ) -> Self {
        let items = result.into_iter().flatten().map(from).collect();
        Self { items, info }
    }
}

impl<T> Listing<T> {
    /// The next item; `None` at the end.
    ///
    /// # Errors
    ///
    /// If a page cannot be read, or the pages do not add up to a list.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// All items that are left.
    ///
    /// # Errors
    ///
    /// Those of [`next`](Self::next).
    pub async fn collect(mut self) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }
}

impl<T: Send + 'static> Listing<T> {
    /// Reads pages with `read` until the list is complete. A page with the same
    /// `key`s as an earlier one is the same page.
    pub(crate) fn new<F, Fut>(read: F, key: fn(&T) -> Option<&str>) -> Self
    where
        F: Fn(NonZeroU32) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Page<T>, Error>> + Send,
    {
        let progress = Progress {
            number: NonZeroU32::MIN,
            seen: HashSet::new(),
            items: 0,
            keyless_pages: 0,
            max_pages: MAX_PAGES,
        };
        let pages = try_unfold((Some(progress), read), move |(progress, read)| async move {
            let Some(mut progress) = progress else {
                return Ok(None);
            };
            let mut page = read(progress.number).await?;
            if progress.is_cut_short(&page) {
                // It may have come from a server that lags behind.
                page = read(progress.number).await?;
            }
            let more = progress.advance(&page, key)?;
            let progress = matches!(more, More::Yes).then_some(progress);
            let is_new = !matches!(more, More::Repeated);
            Ok(is_new.then_some((page.items, (progress, read))))
        });
        Self { pages: pages.boxed(), page: Vec::new().into_iter(), ended: false }
    }

    /// Drops the items that are not `wanted`.
    pub(crate) fn keep(mut self, wanted: impl Fn(&T) -> bool + Send + 'static) -> Self {
        let pages = self.pages.map_ok(move |mut items| {
            items.retain(&wanted);
            items
        });
        self.pages = pages.boxed();
        self
    }
}

enum More {
    Yes,
    No,
    /// The page is an earlier one, from a server that ignores the page number.
    Repeated,
}

/// How far a list has been read.
struct Progress {
    number: NonZeroU32,
    /// A hash of each page that was read.
    seen: HashSet<u64>,
    items: u64,
    keyless_pages: u64,
    max_pages: u64,
}

impl Progress {
    /// Whether another page follows. A list ends with a repeated page, which is an
    /// error if the service announces more.
    fn advance<T>(&mut self, page: &Page<T>, key: fn(&T) -> Option<&str>) -> Result<More, Error> {
        let count = page.items.len();
        if self.is_cut_short(page) {
            let read = self.items + count as u64;
            return Err(broken(format!("it ends after {read}, and the service counts more")));
        }
        if MAX_ITEMS_PER_PAGE < count {
            return Err(broken(format!("a page has {count} items")));
        }
        if count == 0 {
            return Ok(More::No);
        }
        let number = i64::from(self.number.get());
        let info = page.info.as_ref();
        let total = info.and_then(known_total);
        let claimed = info.and_then(|info| info.page).unwrap_or(number);
        if claimed != number && 1 < number {
            return Err(broken(format!("page {number} was requested, page {claimed} came")));
        }
        if !self.seen.insert(self.fingerprint(&page.items, key)) {
            return match total {
                None => Ok(More::Repeated),
                Some(_) => Err(broken(format!("page {number} repeats an earlier page"))),
            };
        }
        self.items += count as u64;
        self.keyless_pages += u64::from(page.items.iter().all(|item| key(item).is_none()));
        if MAX_KEYLESS_PAGES < self.keyless_pages {
            return Err(broken("its items cannot be told apart".to_owned()));
        }
        if let (1, Some(total)) = (number, &total) {
            let pages = match total {
                Total::Pages(pages) => (*pages).try_into().unwrap_or_default(),
                Total::Items(items) => items.div_ceil(self.items),
            };
            let max = pages.saturating_mul(2).saturating_add(MAX_GROWTH);
            self.max_pages = max.min(MAX_PAGES);
        }
        let is_last = match total {
            Some(Total::Pages(pages)) => pages <= number,
            Some(Total::Items(items)) => items <= self.items,
            None => false, // until a page is empty or repeated
        };
        if is_last {
            return Ok(More::No);
        }
        match self.number.checked_add(1) {
            Some(next) if u64::from(next.get()) <= self.max_pages => self.number = next,
            _ => return Err(broken(format!("it goes on after {number} pages"))),
        }
        Ok(More::Yes)
    }

    /// Whether the list would end with this page, although the service counts more.
    fn is_cut_short<T>(&self, page: &Page<T>) -> bool {
        let Some(info) = &page.info else {
            return false;
        };
        let is_empty = page.items.is_empty();
        let number = i64::from(self.number.get());
        let is_last = is_empty || info.total_pages.is_some_and(|pages| pages <= number);
        let read = self.items as i64 + page.items.len() as i64;
        match info.total_count {
            Some(total) => is_last && read < total,
            None => {
                let more_pages = info.total_pages.is_some_and(|pages| number.max(2) <= pages);
                is_empty && (more_pages || info.count.is_some_and(|count| 0 < count))
            }
        }
    }

    /// A hash of some of the keys, which no other page has at the same places. If no
    /// item has a key, each page counts as another one.
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

fn known_total(info: &ResultInfo) -> Option<Total> {
    let items = info.total_count.and_then(|count| count.try_into().ok());
    let pages = info.total_pages.map(Total::Pages);
    pages.or(items.map(Total::Items))
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

// Nothing in it is pinned in place.
impl<T> Unpin for Listing<T> {}

impl<T> std::fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing").field("items", &self.page.len()).finish_non_exhaustive()
    }
}
