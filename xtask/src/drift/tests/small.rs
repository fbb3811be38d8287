//! A small fragment, and a published document that says the same in the way
//! that published documents do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use serde_json::{Value, json};

use crate::drift::compare;
use crate::drift::report::{Finding, Report};

pub(super) const LIDS: &str = "/paths/~1boxes~1{box}~1lids";
pub(super) const LID: &str = "/paths/~1boxes~1{box}~1lids~1{lid}";
pub(super) const SCHEMAS: &str = "/components/schemas";

/// What ours says: five operations on the lids of boxes.
pub(super) fn fragment() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Boxes", "version": "1"},
        "servers": [{"url": "https://boxes.example/v1"}],
        "security": [{"token": []}],
        "paths": {
            "/boxes/{box_id}/lids": {
                "get": {
                    "operationId": "list_lids",
                    "parameters": [
                        {"$ref": "#/components/parameters/Box"},
                        {"name": "colour", "in": "query", "schema": {"type": "string", "enum": ["blue", "red"]}},
                        {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}}
                    ],
                    "responses": {
                        "200": {"description": "Lids.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lids"}}}},
                        "4XX": {"$ref": "#/components/responses/Failure"}
                    }
                },
                "post": {
                    "operationId": "make_lid",
                    "parameters": [{"$ref": "#/components/parameters/Box"}],
                    "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewLid"}}}},
                    "responses": {
                        "200": {"description": "A lid.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OneLid"}}}},
                        "4XX": {"$ref": "#/components/responses/Failure"}
                    }
                }
            },
            "/boxes/{box_id}/lids/{lid_id}": {
                "get": {
                    "operationId": "get_lid",
                    "parameters": [{"$ref": "#/components/parameters/Box"}, {"$ref": "#/components/parameters/Lid"}],
                    "responses": {
                        "200": {"description": "A lid.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OneLid"}}}},
                        "4XX": {"$ref": "#/components/responses/Failure"}
                    }
                },
                "delete": {
                    "operationId": "delete_lid",
                    "parameters": [{"$ref": "#/components/parameters/Box"}, {"$ref": "#/components/parameters/Lid"}],
                    "responses": {
                        "200": {"description": "A lid.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OneLid"}}}},
                        "4XX": {"$ref": "#/components/responses/Failure"}
                    }
                }
            }
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "parameters": {
                "Box": {"name": "box_id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Id"}},
                "Lid": {"name": "lid_id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Id"}}
            },
            "responses": {
                "Failure": {"description": "No.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}}
            },
            "schemas": {
                "Id": {"type": "string", "maxLength": 32},
                "Lid": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": {"$ref": "#/components/schemas/Id"},
                        "colour": {"type": "string", "enum": ["blue", "red"]},
                        "label": {"type": "string", "nullable": true},
                        "made_on": {"type": "string", "format": "date-time"},
                        "size": {"type": "integer", "minimum": 1, "maximum": 99}
                    }
                },
                "NewLid": {
                    "type": "object",
                    "required": ["colour"],
                    "properties": {
                        "colour": {"type": "string", "enum": ["blue", "red"]},
                        "label": {"type": "string", "maxLength": 80},
                        "size": {"type": "integer", "minimum": 1, "maximum": 99}
                    }
                },
                "OneLid": {
                    "type": "object",
                    "required": ["success"],
                    "properties": {
                        "success": {"type": "boolean"},
                        "result": {"nullable": true, "allOf": [{"$ref": "#/components/schemas/Lid"}]}
                    }
                },
                "Lids": {
                    "type": "object",
                    "required": ["success"],
                    "properties": {
                        "success": {"type": "boolean"},
                        "result": {"type": "array", "items": {"$ref": "#/components/schemas/Lid"}}
                    }
                },
                "Failure": {
                    "type": "object",
                    "required": ["success"],
                    "properties": {"success": {"type": "boolean"}, "code": {"type": "integer"}}
                }
            }
        }
    })
}

/// The same, as published: other names, references to pieces, envelopes joined
/// by `allOf`, parameters on the path, and more operations than ours.
pub(super) fn upstream() -> Value {
    let envelope = |result: Value| {
        json!({"allOf": [
            {"$ref": "#/components/schemas/common_envelope"},
            {"type": "object", "properties": {"result": result}}
        ]})
    };
    let answers = |schema: &str| {
        json!({
            "200": {"description": "d", "content": {"application/json": {"schema": {"$ref": schema}}}},
            "4XX": {"description": "d", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/common_failure"}}}}
        })
    };
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Everything", "version": "7"},
        "servers": [{"url": "https://boxes.example/v1", "description": "d"}],
        "security": [{"bearer": []}],
        "paths": {
            "/unrelated": {"get": {"operationId": "other", "responses": {"200": {"description": "d"}}}},
            "/boxes/{box}/lids": {
                "parameters": [{"name": "box", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/identifier"}}],
                "get": {
                    "operationId": "lids-list",
                    "summary": "s",
                    "tags": ["t"],
                    "parameters": [
                        {"name": "page", "in": "query", "description": "d", "schema": {"type": "integer", "minimum": 1}},
                        {"name": "colour", "in": "query", "schema": {"$ref": "#/components/schemas/colour"}}
                    ],
                    "responses": answers("#/components/schemas/lid_response_collection")
                },
                "post": {
                    "operationId": "lids-make",
                    "requestBody": {"required": true, "content": {"application/json": {"schema": {
                        "type": "object",
                        "required": ["colour"],
                        "properties": {
                            "size": {"$ref": "#/components/schemas/size"},
                            "label": {"type": "string", "maxLength": 80, "example": "e"},
                            "colour": {"$ref": "#/components/schemas/colour"}
                        }
                    }}}},
                    "responses": answers("#/components/schemas/lid_response_single")
                }
            },
            "/boxes/{box}/lids/{lid}": {
                "parameters": [
                    {"name": "lid", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/identifier"}},
                    {"name": "box", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/identifier"}}
                ],
                "get": {"operationId": "lids-get", "responses": answers("#/components/schemas/lid_response_single")},
                "delete": {"operationId": "lids-delete", "responses": answers("#/components/schemas/lid_response_single")}
            }
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "Bearer", "description": "d"}},
            "schemas": {
                "identifier": {"type": "string", "maxLength": 32, "description": "d", "x-auditable": true},
                "colour": {"type": "string", "enum": ["red", "blue"]},
                "size": {"type": "integer", "minimum": 1, "maximum": 99, "example": 4},
                "lid": {
                    "properties": {
                        "id": {"$ref": "#/components/schemas/identifier"},
                        "colour": {"$ref": "#/components/schemas/colour"},
                        "label": {"type": "string", "nullable": true, "readOnly": true},
                        "made_on": {"type": "string", "format": "date-time"},
                        "size": {"$ref": "#/components/schemas/size"}
                    },
                    "required": ["id"]
                },
                "common_envelope": {
                    "type": "object",
                    "required": ["success"],
                    "properties": {"success": {"type": "boolean"}}
                },
                "common_failure": {
                    "type": "object",
                    "required": ["success"],
                    "properties": {"success": {"type": "boolean"}, "code": {"type": "integer"}}
                },
                "lid_response_single": envelope(json!({"nullable": true, "allOf": [{"$ref": "#/components/schemas/lid"}]})),
                "lid_response_collection": envelope(json!({"type": "array", "items": {"$ref": "#/components/schemas/lid"}}))
            }
        }
    })
}

/// What the check says; the documents are fit for one.
pub(super) fn check(fragment: &Value, upstream: &Value) -> Report {
    try_check(fragment, upstream).unwrap()
}

pub(super) fn try_check(fragment: &Value, upstream: &Value) -> anyhow::Result<Report> {
    compare(
        &fragment.to_string(),
        &upstream.to_string(),
        "upstream.json",
    )
}

/// The findings, a line each: class, status, place in upstream, words.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let line = |finding: &Finding| {
        let of = |value: &dyn erased::Word| value.word();
        format!(
            "{} {} {} | {}",
            of(&finding.class),
            of(&finding.status),
            finding.upstream.pointer,
            finding.what
        )
    };
    report.findings.iter().map(line).collect()
}

/// The word that serde has for a variant.
mod erased {
    pub(in crate::drift) trait Word {
        fn word(&self) -> String;
    }

    impl<T: serde::Serialize> Word for T {
        fn word(&self) -> String {
            serde_json::to_value(self)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        }
    }
}

/// What stands at `pointer`, to be changed.
pub(super) fn at<'d>(document: &'d mut Value, pointer: &str) -> &'d mut Value {
    match document.pointer_mut(pointer) {
        Some(value) => value,
        None => panic!("nothing at {pointer}"),
    }
}

/// Puts `value` at `pointer`, whether or not something is there.
pub(super) fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match at(document, parent) {
        Value::Array(items) if name == "-" => items.push(value),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
}

/// Takes away what stands at `pointer`.
pub(super) fn cut(document: &mut Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match at(document, parent) {
        Value::Array(items) => items.remove(name.parse().unwrap()),
        Value::Object(members) => members.remove(&name).unwrap(),
        _ => panic!("nothing at {pointer}"),
    }
}

/// Makes the edit that a finding advises.
pub(super) fn follow(fragment: &mut Value, finding: &Finding) {
    let Some(patch) = &finding.patch else {
        panic!("no patch: {}", finding.edit);
    };
    json_patch::patch(fragment, patch).unwrap();
}

/// The fragment with the edits that are advised, one after the other, until nothing is
/// left to report.
pub(super) fn followed(fragment: &Value, upstream: &Value) -> Value {
    let mut fragment = fragment.clone();
    let mut report = check(&fragment, upstream);
    for _ in 0..2 * report.findings.len() {
        let Some(finding) = report.findings.first() else {
            break;
        };
        follow(&mut fragment, finding);
        report = check(&fragment, upstream);
    }
    assert_eq!(lines(&report), [""; 0]);
    fragment
}
