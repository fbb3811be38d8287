//! Lists that come in pages, read as one.

use std::collections::HashSet;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use cf_mtls_api::types::ResultInfo;
use futures_core::Stream;
use futures_util::stream::{self, StreamExt, TryStreamExt as _, try_unfold};

use crate::error::{Error, ErrorKind};

/// The most items that the service puts on a page.
pub(crate) const PER_PAGE: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// A longer list is taken for endless.
const MAX_PAGES: i64 = 20_000;
/// A page with more items is no page of the service, and they need memory.
const MAX_ITEMS_PER_PAGE: usize = 1_000;
/// How many pages more than twice those that the first one announces are read, since
/// lists grow while they are read.
const MAX_GROWTH: i64 = 100;

/// A list that is read page by page, on demand.
///
/// It is a [`Stream`], and has [`next`](Self::next) and [`collect`](Self::collect).
/// It ends after an error, and holds one page in memory. Items that are added or
/// removed while it is read may be missing or appear twice, since pages shift.
///
/// ```
/// async fn show(mut list: cf_mtls::Listing<cf_mtls::Zone>) -> Result<(), cf_mtls::Error> {
///     while let Some(zone) = list.next().await {
///         println!("{}", zone?.id);
///     }
///     Ok(())
/// }
/// ```
#[must_use = "a list is read on demand"]
pub struct Listing<T> {
    /// What is left of the last page: most items come without a look at the next one.
    page: vec::IntoIter<T>,
    pages: Pin<Box<dyn Stream<Item = Result<Vec<T>, Error>> + Send>>,
}

/// A page.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) info: Option<ResultInfo>,
}

impl<T> Page<T> {
    /// `null` is an empty list; [`Listing`] compares it with what the service counts.
    /// `from` gives `None` for an item without the id that it must have.
    pub(crate) fn new<W>(
        result: Option<Vec<W>>,
        info: Option<ResultInfo>,
        from: impl Fn(W) -> Option<T>,
    ) -> Result<Self, Error> {
        let result = result.unwrap_or_default();
        if MAX_ITEMS_PER_PAGE < result.len() {
            return Err(broken(format!("a page has {} items", result.len())));
        }
        // Collected through `Option`, the list would grow item by item.
        let mut items = Vec::with_capacity(result.len());
        for item in result {
            match from(item) {
                Some(item) => items.push(item),
                None => return Err(broken("an item has no valid id".to_owned())),
            }
        }
        Ok(Self { items, info })
    }
}

impl<T> Listing<T> {
    /// The next item; `None` at the end.
    ///
    /// # Errors
    ///
    /// If a page cannot be read, or the pages do not add up to a list.
    #[inline]
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// All items that are left.
    ///
    /// # Errors
    ///
    /// Those of [`next`](Self::next).
    pub async fn collect(self) -> Result<Vec<T>, Error> {
        self.try_collect().await
    }
}

/// A list of what is there already, up to the first error, for tests and fakes.
impl<T: Send + 'static> FromIterator<Result<T, Error>> for Listing<T> {
    fn from_iter<I: IntoIterator<Item = Result<T, Error>>>(items: I) -> Self {
        let mut failed = None;
        let sound = |item: Result<T, Error>| item.map_err(|error| failed = Some(Err(error))).ok();
        let page: Vec<T> = items.into_iter().map_while(sound).collect();
        Self { page: page.into_iter(), pages: stream::iter(failed).boxed() }
    }
}

impl<T: Send + 'static> Listing<T> {
    /// Reads pages with `read` until the list is complete. A page with the same
    /// `key`s as an earlier one is the same page. Items that are not `wanted` are dropped.
    pub(crate) fn new<F, Fut>(
        read: F,
        key: fn(&T) -> &str,
        wanted: impl Fn(&T) -> bool + Send + 'static,
    ) -> Self
    where
        F: Fn(NonZeroU32) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Page<T>, Error>> + Send,
    {
        let start = (Some(Progress::new(false)), read, wanted);
        let pages = try_unfold(start, move |(progress, read, wanted)| async move {
            let Some(mut progress) = progress else { return Ok::<_, Error>(None) };
            let (mut items, is_last) = progress.next(&read, key).await?;
            items.retain(&wanted);
            Ok(Some((items, ((!is_last).then_some(progress), read, wanted))))
        });
        Self { page: Vec::new().into_iter(), pages: pages.boxed() }
    }
}

/// How far a list has been read.
pub(crate) struct Progress {
    number: NonZeroU32,
    /// A hash of each page that was read.
    seen: HashSet<u64>,
    items: i64,
    max_pages: i64,
    /// Whether a list may have the same page twice, if the service counts its pages.
    may_repeat: bool,
}

impl Progress {
    pub(crate) fn new(may_repeat: bool) -> Self {
        let (number, max_pages) = (NonZeroU32::MIN, MAX_PAGES);
        Self { number, seen: HashSet::new(), items: 0, max_pages, may_repeat }
    }

    /// The items of all pages.
    pub(crate) async fn all<T, F, Fut>(
        mut self,
        read: F,
        key: fn(&T) -> &str,
    ) -> Result<Vec<T>, Error>
    where
        F: Fn(NonZeroU32) -> Fut,
        Fut: Future<Output = Result<Page<T>, Error>>,
    {
        let (mut all, mut is_last) = (Vec::new(), false);
        while !is_last {
            let page = self.next(&read, key).await?;
            all.extend(page.0);
            is_last = page.1;
        }
        Ok(all)
    }

    /// The items of the next page, and whether it is the last.
    async fn next<T, F, Fut>(
        &mut self,
        read: &F,
        key: fn(&T) -> &str,
    ) -> Result<(Vec<T>, bool), Error>
    where
        F: Fn(NonZeroU32) -> Fut,
        Fut: Future<Output = Result<Page<T>, Error>>,
    {
        let mut page = read(self.number).await?;
        if self.is_cut_short(&page) {
            // It may have come from a server that lags behind.
            page = read(self.number).await?;
        }
        let is_last = !self.advance(&mut page, key)?;
        Ok((page.items, is_last))
    }

    /// Whether another page follows. A list ends with a page that repeats an earlier one,
    /// from a server that ignores its number; if the service counts more, that is an error.
    fn advance<T>(&mut self, page: &mut Page<T>, key: fn(&T) -> &str) -> Result<bool, Error> {
        let count = page.items.len();
        if self.is_cut_short(page) {
            let read = self.items + count as i64;
            return Err(broken(format!("it ends after {read}, and the service counts more")));
        }
        if count == 0 {
            return Ok(false);
        }
        let number = i64::from(self.number.get());
        let info = page.info.clone().unwrap_or_default();
        if 1 < number && info.page.is_some_and(|claimed| claimed != number) {
            return Err(broken(format!("page {number} was requested, another one came")));
        }
        let is_counted = info.total_pages.or(info.total_count).is_some();
        let may_repeat = self.may_repeat && is_counted;
        if !may_repeat && !self.seen.insert(Self::fingerprint(&page.items, key)) {
            if is_counted {
                return Err(broken(format!("page {number} repeats an earlier page")));
            }
            page.items.clear();
            return Ok(false);
        }
        self.items += count as i64;
        if number == 1 && is_counted {
            let items = info.total_count.unwrap_or_default();
            let pages = info.total_pages.unwrap_or(items / self.items).max(0);
            self.max_pages = pages.saturating_mul(2).saturating_add(MAX_GROWTH).min(MAX_PAGES);
        }
        let is_last = match (info.total_pages, info.total_count) {
            (Some(pages), _) => pages <= number,
            (None, Some(items)) => items <= self.items,
            (None, None) => false, // until a page is empty or repeated
        };
        if is_last {
            return Ok(false);
        }
        match self.number.checked_add(1) {
            Some(next) if number < self.max_pages => self.number = next,
            _ => return Err(broken(format!("it goes on after {number} pages"))),
        }
        Ok(true)
    }

    /// Whether the list would end with this page, although the service counts more.
    fn is_cut_short<T>(&self, page: &Page<T>) -> bool {
        let Some(info) = &page.info else { return false };
        let is_empty = page.items.is_empty();
        let number = i64::from(self.number.get());
        let is_last = is_empty || info.total_pages.is_some_and(|pages| pages <= number);
        let read = self.items + page.items.len() as i64;
        match info.total_count {
            Some(total) => is_last && read < total,
            None => {
                let more_pages = info.total_pages.is_some_and(|pages| number.max(2) <= pages);
                is_empty && (more_pages || info.count.is_some_and(|count| 0 < count))
            }
        }
    }

    /// A hash of some of the keys, which no other page has at the same places.
    fn fingerprint<T>(items: &[T], key: fn(&T) -> &str) -> u64 {
        const EVERY: usize = 24;
        let mut hasher = DefaultHasher::new();
        items.len().hash(&mut hasher);
        items.iter().step_by(EVERY).map(key).for_each(|key| key.hash(&mut hasher));
        hasher.finish()
    }
}

fn broken(detail: String) -> Error {
    Error::new(ErrorKind::InvalidResponse)
        .with_detail(format!("the pages of the list do not add up: {detail}"))
}

impl<T> Stream for Listing<T> {
    type Item = Result<T, Error>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.pages.as_mut().poll_next(context)?) {
                Some(items) => self.page = items.into_iter(),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Nothing in it refers to itself.
impl<T> Unpin for Listing<T> {}

impl<T> std::fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing").finish_non_exhaustive()
    }
}
