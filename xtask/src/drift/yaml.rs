//! Writes a YAML document as JSON text, so that all else knows JSON only.
//!
//! It goes from event to event: memory grows with the text, nesting costs no
//! stack, and an alias is a copy of text under a limit.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Number;

/// How much text aliases may add: a few lines of YAML can ask for terabytes.
const ALIASED: usize = 64 << 20;

/// The JSON of the one document in `text`, or what is wrong and where.
pub(super) fn to_json(text: &str) -> Result<String, String> {
    let mut writer = Writer {
        json: String::with_capacity(text.len()),
        ..Writer::default()
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("not YAML: {error}"))?;
        writer
            .event(event, span)
            .map_err(|message| format!("line {}: {message}", span.start.line()))?;
    }
    if writer.json.is_empty() {
        return Err("there is no document in it".to_owned());
    }
    Ok(writer.json)
}

#[derive(Default)]
struct Writer {
    json: String,
    open: Vec<Open>,
    /// What each anchor stands for, as a part of `json`.
    anchors: HashMap<usize, Range<usize>>,
    aliased: usize,
}

/// A mapping or sequence that has not ended.
struct Open {
    start: usize,
    anchor: usize,
    /// In a mapping: the keys so far, and whether one of them waits for its value.
    keys: Option<HashSet<String>>,
    waiting: bool,
}

impl Writer {
    fn event(&mut self, event: Event<'_>, _: Span) -> Result<(), String> {
        match event {
            Event::DocumentStart(_) if !self.json.is_empty() => {
                Err("a second YAML document begins; give one at a time".to_owned())
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.expects_key() {
                    return self.key(&text, style);
                }
                let start = self.value_start()?;
                self.json.push_str(&scalar(&text, style, tag.as_deref()));
                self.value_end(start, anchor);
                Ok(())
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, '[', None),
            Event::MappingStart(anchor, _) => self.begin(anchor, '{', Some(HashSet::new())),
            Event::SequenceEnd => self.end(']'),
            Event::MappingEnd => self.end('}'),
            Event::Alias(anchor) => {
                let start = self.value_start()?;
                let range = self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or("an alias stands inside of what it refers to")?;
                self.aliased += range.len();
                if ALIASED < self.aliased {
                    return Err("aliases blow the document up".to_owned());
                }
                self.json.extend_from_within(range);
                self.value_end(start, 0);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| open.keys.is_some() && !open.waiting)
    }

    fn key(&mut self, text: &str, style: ScalarStyle) -> Result<(), String> {
        if text == "<<" && style == ScalarStyle::Plain {
            return Err("merge keys (<<) are not part of YAML 1.2; write them out".to_owned());
        }
        if let Some(open) = self.open.last_mut() {
            if let Some(keys) = &mut open.keys {
                if !keys.insert(text.to_owned()) {
                    return Err(format!("the key {text:?} stands here twice"));
                }
                if 1 < keys.len() {
                    self.json.push(',');
                }
            }
            open.waiting = true;
        }
        self.json.push_str(&quoted(text));
        self.json.push(':');
        Ok(())
    }

    /// Where the next value begins, after a comma if one is due.
    fn value_start(&mut self) -> Result<usize, String> {
        if self.expects_key() {
            return Err("a key is not plain text".to_owned());
        }
        if let Some(open) = self.open.last_mut() {
            if open.keys.is_none() && open.waiting {
                self.json.push(',');
            }
            // A sequence waits for more values, a mapping now for a key.
            open.waiting = open.keys.is_none();
        }
        Ok(self.json.len())
    }

    fn value_end(&mut self, start: usize, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, start..self.json.len());
        }
    }

    fn begin(
        &mut self,
        anchor: usize,
        bracket: char,
        keys: Option<HashSet<String>>,
    ) -> Result<(), String> {
        let start = self.value_start()?;
        self.json.push(bracket);
        self.open.push(Open {
            start,
            anchor,
            keys,
            waiting: false,
        });
        Ok(())
    }

    fn end(&mut self, bracket: char) -> Result<(), String> {
        self.json.push(bracket);
        let open = self.open.pop().ok_or("something ends that never began")?;
        self.value_end(open.start, open.anchor);
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A scalar as the core schema of YAML 1.2 reads it.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> String {
    let said_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if style != ScalarStyle::Plain || said_text {
        return quoted(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return "null".to_owned(),
        "true" | "True" | "TRUE" => return "true".to_owned(),
        "false" | "False" | "FALSE" => return "false".to_owned(),
        _ => {}
    }
    number(text).map_or_else(|| quoted(text), |number| number.to_string())
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        let digits = digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then_some(digits)?;
        return u64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        let digits = digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then_some(digits)?;
        return u64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    // Rust also reads `inf` and `nan`, which are words here.
    if !text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        || !text.bytes().any(|b| b.is_ascii_digit())
    {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Number::from(whole));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Number::from(whole));
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_openapi_documents_hold() {
        let table = [
            ("a: 1", r#"{"a":1}"#),
            ("200: x\n'4XX': y", r#"{"200":"x","4XX":"y"}"#),
            (
                "a: [x, 'true', true, null, ~]",
                r#"{"a":["x","true",true,null,null]}"#,
            ),
            ("a: yes\nb: on", r#"{"a":"yes","b":"on"}"#),
            (
                "a: 1.5\nb: 1e3\nc: 0x1F\nd: .5",
                r#"{"a":1.5,"b":1000.0,"c":31,"d":0.5}"#,
            ),
            (
                "a: 2024-08-07\nb: 3.0.3\nc: inf",
                r#"{"a":"2024-08-07","b":"3.0.3","c":"inf"}"#,
            ),
            ("a: !!str 12\nb: \"12\"", r#"{"a":"12","b":"12"}"#),
            ("a: |\n  two\n  lines\n", r#"{"a":"two\nlines\n"}"#),
            (
                "a: &x {b: 1}\nc: *x\nd: [*x, *x]",
                r#"{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]}"#,
            ),
            ("a: {}\nb: []\nc:", r#"{"a":{},"b":[],"c":null}"#),
        ];
        for (yaml, want) in table {
            assert_eq!(to_json(yaml).as_deref(), Ok(want), "{yaml}");
        }
    }

    #[test]
    fn says_where_it_cannot_tell() {
        let bomb = (1..9).fold("a0: &a0 [xxxxxxxxxxxxxxxx]\n".to_owned(), |text, i| {
            let last = format!("*a{}", i - 1);
            text + &format!("a{i}: &a{i} [{}]\n", vec![last; 20].join(", "))
        });
        let table = [
            ("", "no document"),
            ("a: 1\na: 2", "line 2: the key \"a\" stands here twice"),
            ("a: &x {b: 1}\nc:\n  <<: *x", "line 3: merge keys"),
            ("a: &x [*x]", "inside of what it refers to"),
            ("a: 1\n---\nb: 1", "second YAML document"),
            ("? {a: 1}\n: 2", "not plain text"),
            ("a: [1, 2", "not YAML"),
            ("a: *nothing", "not YAML"),
            (&bomb, "blow the document up"),
        ];
        for (yaml, want) in table {
            let error = to_json(yaml).unwrap_err();
            assert!(error.contains(want), "{yaml:.40}: {error}");
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        for (open, close) in [("[", "]"), ("{a: ", "}")] {
            let deep = open.repeat(200) + "1" + &close.repeat(200);
            assert!(to_json(&deep).is_ok(), "{open}");
            // Whatever the answer to this is, it is an answer.
            let _ = to_json(&open.repeat(100_000));
        }
    }
}
