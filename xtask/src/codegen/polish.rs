//! What the generator's settings cannot say: small changes to what it wrote.

use syn::visit_mut::VisitMut;

/// Schemas whose place is taken by a checked type of the same name.
pub(super) const CHECKED: [&str; 4] = ["AccountId", "CertificateId", "ScriptName", "ZoneId"];

/// What the generator's settings cannot say.
pub(super) struct Polish;

impl VisitMut for Polish {
    /// Documentation as a person would type it: a line each, after a space.
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<syn::Attribute>) {
        let split = attributes.drain(..).flat_map(|attribute| match doc_text(&attribute) {
            Some(text) => doc_lines(&attribute, &text),
            None => vec![attribute],
        });
        *attributes = split.collect();
    }

    /// Schemas of the types are there on request. An optional field that is added must
    /// not break callers, so they start from the default.
    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if module.ident == "types" {
            let mut structs = Vec::new();
            for item in module.content.iter_mut().flat_map(|(_, items)| items) {
                if let syn::Item::Struct(item) = item {
                    item.attrs.push(syn::parse_quote!(
                        #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
                    ));
                    item.attrs.push(syn::parse_quote!(#[non_exhaustive]));
                    // A struct is read from an object, and from nothing else.
                    item.attrs.push(syn::parse_quote!(#[serde(remote = "Self")]));
                    structs.push(item.ident.clone());
                    derive_default(item);
                }
            }
            if let Some((_, items)) = &mut module.content {
                items.push(syn::parse_quote!(crate::object::only_objects! { #(#structs)* }));
            }
        }
        syn::visit_mut::visit_item_mod_mut(self, module);
    }

    /// `Client::new` builds an HTTP client that follows redirects and hands
    /// credentials along; what is left takes one from the caller.
    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        if is_client(item) {
            item.items.retain(
                |item| !matches!(item, syn::ImplItem::Fn(function) if function.sig.ident == "new"),
            );
        }
        syn::visit_mut::visit_item_impl_mut(self, item);
    }

    /// The base URL is parsed once, when the client is made.
    fn visit_field_mut(&mut self, field: &mut syn::Field) {
        if field.ident.as_ref().is_some_and(|name| name == "baseurl") {
            field.ty = syn::parse_quote!(crate::base::Base);
        }
        syn::visit_mut::visit_field_mut(self, field);
    }

    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        if matches!(&field.member, syn::Member::Named(name) if name == "baseurl") {
            field.expr = syn::parse_quote!(baseurl.into());
        }
        syn::visit_mut::visit_field_value_mut(self, field);
    }

    /// Each request appends the segments of its path.
    fn visit_expr_mut(&mut self, expression: &mut syn::Expr) {
        if let syn::Expr::Macro(call) = expression
            && let Some(segments) = segments(&call.mac)
        {
            *expression = syn::parse_quote!(self.baseurl.url(&[#(#segments),*])?);
        }
        syn::visit_mut::visit_expr_mut(self, expression);
    }

    /// The generator sends the version of the API in a header of its own, which
    /// the service does not have.
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        let tokens = |statement: &syn::Stmt| quote::quote!(#statement).to_string();
        block.stmts.retain(|statement| {
            let text = tokens(statement);
            !text.starts_with("header_map . append") || !text.contains("\"api-version\"")
        });
        let uses = block.stmts.iter().map(tokens);
        let uses = uses.filter(|text| text.starts_with("header_map .")).count();
        if uses == 0 {
            block.stmts.retain(|statement| !tokens(statement).starts_with("let mut header_map"));
            for statement in &mut block.stmts {
                Unheaded.visit_stmt_mut(statement);
            }
        }
        syn::visit_mut::visit_block_mut(self, block);
    }
}

/// Whether a block implements the client.
pub(super) fn is_client(item: &syn::ItemImpl) -> bool {
    matches!(&*item.self_ty, syn::Type::Path(path) if path.path.is_ident("Client"))
}

/// Derives `Default` where the generator did not and every field has one.
fn derive_default(item: &mut syn::ItemStruct) {
    const KNOWN: [&str; 5] = ["Option", "String", "Vec", "bool", "i64"];
    let has_default = |field: &syn::Field| {
        matches!(&field.ty, syn::Type::Path(path) if path.path.segments.last()
            .is_some_and(|last| KNOWN.iter().any(|name| last.ident == name)))
    };
    if !item.fields.iter().all(has_default) {
        return;
    }
    for attribute in &mut item.attrs {
        if let syn::Meta::List(list) = &mut attribute.meta
            && list.path.is_ident("derive")
            && !list.tokens.to_string().contains("Default")
        {
            list.tokens.extend(quote::quote!(, Default));
        }
    }
}

/// `"a"` and `id.as_ref()` of
/// `format!("{}/a/{}", self.baseurl, encode_path(&id.to_string()))`.
fn segments(call: &syn::Macro) -> Option<Vec<syn::Expr>> {
    let parts = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
    let mut parts = call.parse_body_with(parts).ok()?.into_iter();
    let form = match parts.next()? {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(form), .. }) => form.value(),
        _ => return None,
    };
    parts.next()?; // the base URL
    let mut argument = || match parts.next()? {
        syn::Expr::Call(encoded) => match encoded.args.into_iter().next()? {
            syn::Expr::Reference(text) => match *text.expr {
                syn::Expr::MethodCall(to_string) => Some(to_string.receiver),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let path = form.strip_prefix("{}/")?.split('/');
    path.map(|segment| match segment {
        "{}" => argument().map(|name| syn::parse_quote!(#name.as_ref())),
        word => Some(syn::parse_quote!(#word)),
    })
    .collect()
}

/// Takes `.headers(header_map)` out of a chain of calls.
struct Unheaded;

impl VisitMut for Unheaded {
    fn visit_expr_mut(&mut self, expression: &mut syn::Expr) {
        if let syn::Expr::MethodCall(call) = expression
            && call.method == "headers"
        {
            *expression = (*call.receiver).clone();
        }
        syn::visit_mut::visit_expr_mut(self, expression);
    }
}

fn doc_text(attribute: &syn::Attribute) -> Option<String> {
    let meta = attribute.meta.require_name_value().ok()?;
    match &meta.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })
            if meta.path.is_ident("doc") =>
        {
            Some(text.value())
        }
        _ => None,
    }
}

fn doc_lines(whole: &syn::Attribute, text: &str) -> Vec<syn::Attribute> {
    let line_of = |line: &str| {
        let line = format!(" {line}");
        let line = line.trim_end();
        let meta = syn::parse_quote!(doc = #line);
        syn::Attribute { meta, ..whole.clone() }
    };
    text.trim().lines().map(line_of).collect()
}
