//! `cargo xtask codegen`: from the OpenAPI fragment to Rust.

mod polish;
mod requests;
mod traps;

use std::fs;
use std::io::ErrorKind;
use std::panic;
use std::path::Path;
use std::sync::Once;
use std::thread;

use anyhow::{Context as _, anyhow, ensure};
use openapiv3::OpenAPI;
use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};
use schemars_of_progenitor::schema::{InstanceType, SchemaObject};
use serde_json::{Value, json};
use similar::TextDiff;
use syn::visit::Visit;
use syn::visit_mut::VisitMut as _;

use self::polish::{CHECKED, Polish, is_client};
use crate::fragment::{self, FRAGMENT};

/// The generated client.
const BINDINGS: &str = "crates/cf-mtls-api/src/generated.rs";
/// The generated mocks for httpmock.
const MOCKS: &str = "crates/cf-mtls-testkit/src/generated_httpmock.rs";
/// Pinned in the workspace's Cargo.toml; a test compares the two.
const PROGENITOR: &str = "0.15.1";

/// Writes the generated files below `root`, or with `check` only compares.
pub(crate) fn run(root: &Path, check: bool) -> anyhow::Result<()> {
    let document = fragment::read(root)?;
    for trap in traps::find(&document) {
        eprintln!("warning: {trap}");
    }
    let mut stale = Vec::new();
    // Everything is rendered before anything is written.
    for (file, fresh) in render(&document)? {
        let path = root.join(file);
        if !check {
            fs::write(&path, fresh).with_context(|| format!("cannot write {file}"))?;
            continue;
        }
        let current = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            other => other.with_context(|| format!("cannot read {file}"))?,
        };
        if current != fresh {
            let diff = TextDiff::from_lines(&current, &fresh);
            println!("{}", diff.unified_diff().header(file, "as generated"));
            stale.push(file);
        }
    }
    ensure!(
        stale.is_empty(),
        "{} not what {FRAGMENT} gives (the diff is above); run `cargo xtask codegen` and commit \
         the result, and make changes in the fragment, never in the generated file",
        stale.join(" and ") + if stale.len() == 1 { " is" } else { " are" },
    );
    Ok(())
}

/// The generated files and their texts. Touches no files.
fn render(document: &Value) -> anyhow::Result<[(&'static str, String); 2]> {
    let spec = fragment::typed(document)?;
    let (bindings, mocks) = generate(&spec).map_err(|message| blame(document, &message))?;
    Ok([(BINDINGS, bindings), (MOCKS, mocks)])
}

/// Runs the generator, which gives the bindings and the mocks. It panics on
/// some documents, so it works in a thread of its own, whose panics are quiet.
fn generate(spec: &OpenAPI) -> Result<(String, String), String> {
    const THREAD: &str = "generator";
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() != Some(THREAD) {
                loud(info);
            }
        }));
    });
    let work = || {
        let mut generator = Generator::new(&settings());
        let bindings = generator.generate_tokens(spec)?;
        let mocks = generator.httpmock(spec, "cf_mtls_api")?;
        anyhow::Ok((tidy(bindings)?, tidy(mocks)?))
    };
    let joined = thread::scope(|scope| {
        let worker = thread::Builder::new().name(THREAD.to_owned()).spawn_scoped(scope, work);
        worker.map(thread::ScopedJoinHandle::join)
    });
    match joined {
        Ok(Ok(outcome)) => outcome.map_err(|error| format!("{error:#}")),
        Ok(Err(payload)) => {
            let text = payload.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            Err(text.unwrap_or_else(|| "the generator gave up without a reason".to_owned()))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn settings() -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        // A third of the builder style's code, which every consumer compiles.
        .with_interface(InterfaceStyle::Positional)
        // The hooks are ours, and forgetting them is an error.
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote::quote!(crate::Exchange));
    for name in CHECKED {
        let path = format!("::cf_mtls_api::{name}");
        let implements = [TypeImpl::Display, TypeImpl::FromStr];
        settings.with_replacement(name, path, implements.into_iter());
    }
    // Times stay text: parsing costs a fifth of a page, one bad time would
    // fail the whole page, and the date library is not ours to choose.
    for (format, name) in [("date-time", "Timestamp"), ("password", "SecretField")] {
        let schema = SchemaObject {
            instance_type: Some(InstanceType::String.into()),
            format: Some(format.to_owned()),
            ..SchemaObject::default()
        };
        settings.with_conversion(schema, format!("::cf_mtls_api::{name}"), [].into_iter());
    }
    settings
}

/// Finds the place in the fragment that the generator cannot express.
fn blame(document: &Value, message: &str) -> anyhow::Error {
    let place = guilty_schema(document).or_else(|| guilty_operation(document));
    let place = place.unwrap_or_else(|| "#".to_owned());
    let message = message.lines().take(12).collect::<Vec<_>>().join("\n  ");
    anyhow!(
        "{FRAGMENT}: at {place}: progenitor {PROGENITOR} cannot express this: {message}\n\
         describe it in another way (openapi/README.md lists what the generator cannot do); the \
         generated files are as they were"
    )
}

/// Whether all fails without operations, and which schema mends it.
fn guilty_schema(document: &Value) -> Option<String> {
    let mut bare = document.clone();
    bare["paths"] = json!({});
    if !fails(&bare) {
        return None;
    }
    let schemas = document["components"]["schemas"].as_object()?;
    let culprit = schemas.keys().find(|name| {
        let mut without = bare.clone();
        // An empty schema in its place keeps references to it alive.
        without["components"]["schemas"][*name] = json!({});
        !fails(&without)
    });
    let name = culprit.map(|name| format!("/{}", fragment::escape(name)));
    Some(format!("#/components/schemas{}", name.unwrap_or_default()))
}

/// The first operation that fails when it stands alone.
fn guilty_operation(document: &Value) -> Option<String> {
    for (path, item) in document["paths"].as_object()? {
        for key in item.as_object()?.keys().filter(|key| *key != "parameters") {
            let mut alone = document.clone();
            alone["paths"] = json!({path: {key: item[key]}});
            if let Some(shared) = item.get("parameters") {
                alone["paths"][path]["parameters"] = shared.clone();
            }
            if fails(&alone) {
                return Some(format!("#/paths/{}/{key}", fragment::escape(path)));
            }
        }
    }
    None
}

fn fails(document: &Value) -> bool {
    fragment::typed(document).is_ok_and(|spec| generate(&spec).is_err())
}

/// Lays the tokens out as source. Only prettyplease decides on the layout, so
/// that the bytes do not depend on the toolchain's rustfmt.
fn tidy(tokens: TokenStream) -> anyhow::Result<String> {
    let mut file: syn::File = syn::parse2(tokens).context("the generator wrote invalid Rust")?;
    Polish.visit_file_mut(&mut file);
    requests::add(&mut file);
    sound(&file)?;
    Ok(format!(
        "// @generated by `cargo xtask codegen` from {FRAGMENT} with progenitor {PROGENITOR}.\n\
         // Do not edit: change {FRAGMENT} and generate again.\n\n{}",
        prettyplease::unparse(&file)
    ))
}

/// Refuses what the generator writes without complaint and what could not be built, or
/// would not be ours.
fn sound(file: &syn::File) -> anyhow::Result<()> {
    let mut check = Check::default();
    syn::visit::visit_file(&mut check, file);
    let methods = std::mem::take(&mut check.methods);
    check.distinct("methods", methods.into_iter());
    match check.problem {
        Some(problem) => Err(anyhow!(problem)),
        None => Ok(()),
    }
}

/// The first thing that is wrong with generated code.
#[derive(Default)]
struct Check {
    problem: Option<String>,
    /// Of the client, whose methods stand in several blocks.
    methods: Vec<String>,
}

impl Check {
    fn distinct(&mut self, what: &str, names: impl Iterator<Item = String>) {
        let mut seen = std::collections::HashSet::new();
        for name in names {
            if !seen.insert(name.clone()) {
                self.problem.get_or_insert(format!("it makes two {what} of the name `{name}`"));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Check {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        const KNOWN: &str = "std serde serde_json reqwest cf_mtls_api httpmock schemars";
        if let Some(first) = path.segments.first().filter(|_| path.leading_colon.is_some())
            && !KNOWN.split(' ').any(|known| first.ident == known)
        {
            let first = &first.ident;
            self.problem.get_or_insert(format!(
                "it needs the crate `{first}`, which the bindings do not have"
            ));
        }
        if path.segments.iter().any(|segment| {
            segment.ident == "ResponseValue"
                && quote::quote!(#segment).to_string().contains("ByteStream")
        }) {
            self.problem
                .get_or_insert("it makes a response a stream of bytes, without a type".to_owned());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let items = module.content.iter().flat_map(|(_, items)| items);
        self.distinct(
            "types",
            items.filter_map(|item| match item {
                syn::Item::Struct(item) => Some(item.ident.to_string()),
                syn::Item::Enum(item) => Some(item.ident.to_string()),
                _ => None,
            }),
        );
        syn::visit::visit_item_mod(self, module);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let names = item.fields.iter().filter_map(|field| field.ident.as_ref());
        self.distinct("fields", names.map(ToString::to_string));
        syn::visit::visit_item_struct(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if is_client(item) && item.trait_.is_none() {
            for item in &item.items {
                if let syn::ImplItem::Fn(function) = item {
                    self.methods.push(function.sig.ident.to_string());
                }
            }
        }
        syn::visit::visit_item_impl(self, item);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const DELETE: &str =
        "/paths/~1accounts~1{account_id}~1mtls_certificates~1{mtls_certificate_id}/delete";

    fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    fn document() -> Value {
        fragment::read(&workspace()).unwrap()
    }

    /// A folder that holds a fragment, and generated files of a kind.
    fn copy(fragment: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in [FRAGMENT, BINDINGS, MOCKS] {
            fs::create_dir_all(root.path().join(file).parent().unwrap()).unwrap();
            fs::write(root.path().join(file), "as it was\n").unwrap();
        }
        fs::write(root.path().join(FRAGMENT), fragment).unwrap();
        root
    }

    #[test]
    fn the_same_bytes_every_time() {
        assert_eq!(render(&document()).unwrap(), render(&document()).unwrap());
    }

    #[test]
    fn check_writes_nothing_and_fails_on_what_is_stale() {
        let root = copy(&document().to_string());
        let error = run(root.path(), true).unwrap_err().to_string();
        assert!(error.contains(BINDINGS) && error.contains(MOCKS), "{error}");
        assert!(error.contains("cargo xtask codegen"), "{error}");
        let text = fs::read_to_string(root.path().join(BINDINGS)).unwrap();
        assert_eq!(text, "as it was\n");

        run(root.path(), false).unwrap();
        run(root.path(), true).unwrap();
        let edited = fs::read_to_string(root.path().join(BINDINGS)).unwrap() + "// by hand\n";
        fs::write(root.path().join(BINDINGS), edited).unwrap();
        let error = run(root.path(), true).unwrap_err().to_string();
        assert!(error.contains(BINDINGS) && !error.contains(MOCKS), "{error}");

        run(root.path(), false).unwrap();
        let mut changed = document();
        changed["components"]["schemas"]["Zone"]["properties"]["plan"] = json!({"type": "string"});
        fs::write(root.path().join(FRAGMENT), changed.to_string()).unwrap();
        run(root.path(), true).unwrap_err();
        fs::remove_file(root.path().join(MOCKS)).unwrap();
        run(root.path(), true).unwrap_err();
    }

    #[test]
    fn a_broken_fragment_is_reported_with_its_place_and_changes_nothing() {
        const ROWS: &str = r##"
DELETE/responses/200/content/application~1json/schema/$ref | "#/components/schemas/Nothing" | at #DELETE/responses/200
DELETE/requestBody | {"required": true, "content": {"application/json": {}}} | #DELETE
DELETE/responses/5XX | {"description": "x", "content": {"application/json": {"schema": {"$ref": "#ZONE"}}}} | #DELETE
DELETE/responses | {"200": {"description": "x", "content": {"text/plain": {"schema": {"type": "string"}}}}} | stream of bytes
DELETE/operationId | "get_certificate" | get_certificate
DELETE/operationId | "new_with_client" | `new_with_client`
/paths/~1zones | {"$ref": "#/paths/~1zones"} | #/paths/~1zones
/openapi | "3.1.0" | 3.1.0
/components/parameters/AccountId | {"$ref": "#/components/parameters/AccountId"} | refers to itself
/components/responses/Failure | {"$ref": "#/components/responses/Failure"} | refers to itself
ZONE/properties/id/$ref | "other.json#/Id" | at #ZONE/properties/id
ZONE/$ref | 7 | at #ZONE
ZONE | {"$ref": "#ZONE"} | at #ZONE
ZONE | {"allOf": [{"$ref": "#ZONE"}]} | at #ZONE
ZONE | {"type": "object", "properties": {"a-b": {"type": "string"}, "a_b": {"type": "string"}}} | `a_b`
ZONE/properties/status | {"type": "strange"} | Zone
ZONE/properties/status | {"type": "string", "enum": [1, {}]} | Zone
ZONE/properties/status | {"type": "string", "format": "uuid"} | crate `uuid`
ZONE/properties/status | {"type": "string", "format": "date"} | crate `chrono`
ZONE/properties/status | {"type": "string", "pattern": "^a+$"} | crate `regress`
"##;
        let rows = ROWS.replace("DELETE", DELETE);
        let rows = rows.replace("ZONE", "/components/schemas/Zone");
        let edited = rows.trim().lines().map(|row| {
            let [pointer, value, place]: [&str; 3] =
                row.split(" | ").collect::<Vec<_>>().try_into().unwrap();
            let mut fragment = document();
            let (around, key) = pointer.rsplit_once('/').unwrap();
            let key = key.replace("~1", "/");
            fragment.pointer_mut(around).unwrap()[key] = serde_json::from_str(value).unwrap();
            (fragment.to_string(), place)
        });
        let broken = [
            ("", "openapi/mtls.json:1:0"),
            ("{\n\n  oops\n}", "openapi/mtls.json:3:3"),
            ("[]", "not OpenAPI"),
            ("{}", "not OpenAPI"),
        ];
        let broken = broken.map(|(text, place)| (text.to_owned(), place));
        for (fragment, place) in edited.chain(broken) {
            let root = copy(&fragment);
            let error = format!("{:#}", run(root.path(), false).expect_err(place));
            assert!(error.contains(FRAGMENT), "{error}");
            assert!(error.contains(place), "{place:?} is missing from: {error}");
            for file in [BINDINGS, MOCKS] {
                let text = fs::read_to_string(root.path().join(file)).unwrap();
                assert_eq!(text, "as it was\n", "{place}");
            }
        }
    }

    #[test]
    fn warns_of_closed_enums_in_responses_and_optional_arrays_in_requests() {
        assert_eq!(traps::find(&document()), [""; 0]);
        let mut trapped = document();
        let schemas = &mut trapped["components"]["schemas"];
        schemas["Zone"]["properties"]["status"]["enum"] = json!(["active"]);
        schemas["ReplaceHostnamesRequest"]["required"] = json!([]);
        let traps = traps::find(&trapped);
        assert_eq!(traps.len(), 2, "{traps:?}");
        assert!(traps[0].contains("200 response/result[]/status is a closed enum"), "{traps:?}");
        assert!(traps[1].contains("request body/hostnames is an optional array"), "{traps:?}");
    }

    #[test]
    fn a_missing_fragment_is_reported() {
        let root = tempfile::tempdir().unwrap();
        let error = format!("{:#}", run(root.path(), false).unwrap_err());
        assert!(error.contains("cannot read openapi/mtls.json"), "{error}");
    }

    #[test]
    fn the_header_names_the_version_that_is_pinned() {
        let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("progenitor = {{ version = \"={PROGENITOR}\"")));
    }
}
