//! Queries, and the pages of a list.

use crate::simulator::protocol::envelope::ResultInfo;

/// The decoded query of a request.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The last value wins where a name is repeated.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The words of a list, both forms of which are in use: separated by
    /// commas, and with the name repeated. `None` if there is no word at all.
    pub(crate) fn words(&self, name: &str) -> Option<Vec<&str>> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        let words = values.flat_map(|(_, value)| value.split(','));
        let words: Vec<_> = words.map(str::trim).filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then_some(words)
    }

    /// Like [`get`](Self::get), with an empty value taken for an absent one.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }
}

/// Which part of a list was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Page {
    page: u64,
    per_page: u64,
}

impl Page {
    /// Nonsense becomes the default and an excess becomes the cap; `result_info`
    /// of the response shows what was used.
    pub(crate) fn of(query: &Query, default: u64, cap: u64) -> Self {
        let number = |name| query.get(name).and_then(|text| text.parse().ok());
        let positive = |number: &u64| *number > 0;
        Self {
            page: number("page").filter(positive).unwrap_or(1),
            per_page: number("per_page").filter(positive).unwrap_or(default).min(cap),
        }
    }

    /// Cuts this page out of everything that matched.
    pub(crate) fn cut<T>(self, all: impl Iterator<Item = T>) -> (Vec<T>, ResultInfo) {
        let first = (self.page - 1).saturating_mul(self.per_page);
        let end = first.saturating_add(self.per_page);
        let mut shown = Vec::new();
        let mut total_count = 0;
        for item in all {
            if (first..end).contains(&total_count) {
                shown.push(item);
            }
            total_count += 1;
        }
        let info = ResultInfo {
            page: self.page,
            per_page: self.per_page,
            total_pages: total_count.div_ceil(self.per_page),
            count: shown.len() as u64,
            total_count,
        };
        (shown, info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pages_and_tolerates_nonsense() {
        let table = [
            ("", 1, 50),
            ("page=3&per_page=20", 3, 20),
            ("per_page=51", 1, 50),
            ("per_page=0", 1, 50),
            ("per_page=-1&page=0", 1, 50),
            ("per_page=many&page=first", 1, 50),
            ("page=2&page=4", 4, 50),
        ];
        for (query, page, per_page) in table {
            let got = Page::of(&Query::parse(Some(query)), 50, 50);
            assert_eq!(got, Page { page, per_page }, "{query}");
        }
    }

    #[test]
    fn reads_lists_in_both_forms() {
        let table: [(&str, &[&str]); 5] = [
            ("type=a,b", &["a", "b"]),
            ("type=a&type=b", &["a", "b"]),
            ("type=a,%20b&page=1&type=c", &["a", "b", "c"]),
            ("type=&type=,", &[]),
            ("", &[]),
        ];
        for (query, want) in table {
            let query = Query::parse(Some(query));
            assert_eq!(query.words("type").unwrap_or_default(), want);
        }
    }

    #[test]
    fn cuts_pages_and_counts_the_whole() {
        // (page, per_page, of how many, shown, pages)
        let table = [
            (1, 2, 5, vec![0, 1], 3),
            (3, 2, 5, vec![4], 3),
            (4, 2, 5, vec![], 3),
            (u64::MAX, 50, 5, vec![], 1),
            (1, 50, 0, vec![], 0),
            (1, 5, 5, vec![0, 1, 2, 3, 4], 1),
        ];
        for (page, per_page, total_count, want, total_pages) in table {
            let (shown, info) = Page { page, per_page }.cut(0..total_count);
            assert_eq!(shown, want, "page {page}");
            let count = want.len() as u64;
            let want = ResultInfo { page, per_page, total_pages, count, total_count };
            assert_eq!(info, want);
        }
    }
}
