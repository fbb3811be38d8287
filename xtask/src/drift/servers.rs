//! The addresses that a list of servers stands for.

use serde_json::{Map, Value, json};

use super::document::{Problem, escape};

/// The servers of the list at `at`: addresses, and where a variable leaves a
/// choice, the address with the choices.
pub(super) fn servers(value: &Value, at: &str) -> Result<Value, Problem> {
    let wrong = || Problem::new(at, "there should be a list of servers here");
    let list = value.as_array().ok_or_else(wrong)?;
    let mut servers = Vec::new();
    for (index, server) in list.iter().enumerate() {
        let url = server
            .get("url")
            .and_then(Value::as_str)
            .ok_or_else(wrong)?;
        servers.push(address(server, url, &format!("{at}/{index}"))?);
    }
    Ok(super::schema::set_of(&servers))
}

fn address(server: &Value, template: &str, at: &str) -> Result<Value, Problem> {
    let mut url = String::new();
    let mut choices = Map::new();
    let mut rest = template;
    while let Some((before, name, after)) = variable(rest) {
        url.push_str(before);
        rest = after;
        let here = format!("{at}/variables/{}", escape(name));
        let wrong = |message| Problem::new(&here, message);
        let Some(variable) = server.pointer(&format!("/variables/{}", escape(name))) else {
            return Err(wrong("a variable of the address is not defined"));
        };
        let default = variable.get("default").and_then(text);
        let default = default.ok_or_else(|| wrong("a variable of a server needs a `default`"))?;
        let values = match variable.get("enum") {
            None => Vec::new(),
            Some(values) => values
                .as_array()
                .and_then(|values| values.iter().map(text).collect::<Option<Vec<_>>>())
                .ok_or_else(|| wrong("`enum` should be a list of texts"))?,
        };
        if values.iter().all(|value| *value == default) {
            url.push_str(&default);
        } else {
            // What a variable is called is not seen on the wire.
            let name = (choices.len() + 1).to_string();
            url.push_str(&format!("{{{name}}}"));
            let values: Vec<_> = values.into_iter().map(Value::from).collect();
            let values = super::schema::set_of(&values);
            choices.insert(name, json!({"default": default, "enum": values}));
        }
    }
    url.push_str(rest);
    // Scheme and host care for no case.
    let host = url.find("://").map_or(0, |end| end + 3);
    let end = url[host..].find('/').map_or(url.len(), |end| host + end);
    if 0 < host {
        url[..end].make_ascii_lowercase();
        for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
            if url.starts_with(scheme) && url[..end].ends_with(port) {
                url.replace_range(end - port.len()..end, "");
                break;
            }
        }
    }
    let url = url.trim_end_matches('/');
    Ok(if choices.is_empty() {
        json!(url)
    } else {
        json!({"url": url, "variables": choices})
    })
}

/// The first variable of a template, with what is before and after it.
fn variable(template: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = template.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// Text, or what YAML makes of a text without quotes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
