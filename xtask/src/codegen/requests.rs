//! Adds a module `requests` to the bindings: each operation with its arguments as a
//! value, which can be sent again.

use quote::{format_ident, quote};
use syn::{FnArg, ImplItem, Item, Pat, ReturnType, Type};

use super::polish::is_client;

/// Adds the module, if there is a client with operations.
pub(super) fn add(file: &mut syn::File) {
    let clients = file.items.iter().filter_map(|item| match item {
        Item::Impl(item) if item.trait_.is_none() && is_client(item) => Some(item),
        _ => None,
    });
    let requests: Vec<_> = clients.flat_map(|client| &client.items).filter_map(request).collect();
    if !requests.is_empty() {
        file.items.push(syn::parse_quote! {
            /// The operations with their arguments, as values that can be sent again.
            pub mod requests {
                use super::{Client, Error, ResponseValue, types};
                #(#requests)*
            }
        });
    }
}

fn request(item: &ImplItem) -> Option<proc_macro2::TokenStream> {
    let ImplItem::Fn(function) = item else {
        return None;
    };
    let ReturnType::Type(_, result) = &function.sig.output else {
        return None;
    };
    let response = response(result)?;
    let method = &function.sig.ident;
    let name = method.to_string();
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    let name = format_ident!("{}", words.collect::<String>());
    let arguments = function.sig.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => match &*argument.pat {
            Pat::Ident(name) => Some((&name.ident, &argument.ty)),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    });
    let (names, types): (Vec<_>, Vec<_>) = arguments.unzip();
    let doc = format!(" The arguments of [`Client::{method}`].");
    // Without arguments there is nothing to borrow.
    let (generics, lifetime) = match names.is_empty() {
        true => (None, None),
        false => (Some(quote!(<'a>)), Some(quote!(<'_>))),
    };
    Some(quote! {
        #[doc = #doc]
        pub struct #name #generics {
            #(pub #names: #types,)*
        }
        impl crate::Request for #name #lifetime {
            type Response = #response;
            async fn send(
                &self,
                client: &Client,
            ) -> Result<ResponseValue<#response>, Error<types::ErrorEnvelope>> {
                client.#method(#(self.#names),*).await
            }
        }
    })
}

/// `E` of `Result<ResponseValue<E>, ...>`.
fn response(result: &Type) -> Option<&Type> {
    let value = first_argument(result)?;
    first_argument(value).filter(|_| {
        matches!(value, Type::Path(path) if path.path.segments.last()
            .is_some_and(|last| last.ident == "ResponseValue"))
    })
}

fn first_argument(of: &Type) -> Option<&Type> {
    let Type::Path(path) = of else {
        return None;
    };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments
    else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(argument) => Some(argument),
        _ => None,
    })
}
