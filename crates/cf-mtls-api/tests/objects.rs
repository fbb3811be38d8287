//! Structs are read from objects alone: an array is no envelope.

use cf_mtls_api::types::{
    CertificateEnvelope, CertificateListEnvelope, ErrorEnvelope, HostnamesEnvelope,
};
use serde::de::DeserializeOwned;

#[test]
fn only_an_object_is_read_as_one() {
    fn reads<T: DeserializeOwned>(text: &str) -> bool {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let read = serde_json::from_str::<T>(text).is_ok();
        assert_eq!(read, serde_json::from_value::<T>(value).is_ok(), "{text}");
        read
    }
    type Reader = fn(&str) -> bool;
    let table: [(Reader, &str, bool); 10] = [
        (reads::<CertificateEnvelope>, r#"{"success":true}"#, true),
        (reads::<CertificateEnvelope>, r#"{"success":true,"result":{"id":"a"}}"#, true),
        (reads::<CertificateEnvelope>, r#"{"success":true,"result":null}"#, true),
        (reads::<CertificateEnvelope>, "[null,null,null,true]", false),
        (reads::<CertificateEnvelope>, r#"{"success":true,"result":["a"]}"#, false),
        (
            reads::<CertificateListEnvelope>,
            r#"{"success":true,"result":[[null,null,null,"a"]]}"#,
            false,
        ),
        (reads::<ErrorEnvelope>, r#"{"success":false,"errors":[[1,"text"]]}"#, false),
        (reads::<HostnamesEnvelope>, r#"{"success":true,"result":[null]}"#, false),
        // What could not be read is not empty: the field has to be there.
        (reads::<HostnamesEnvelope>, r#"{"success":true,"result":{}}"#, false),
        (reads::<HostnamesEnvelope>, r#"{"success":true,"result":{"hostnames":null}}"#, true),
    ];
    for (reads, text, want) in table {
        assert_eq!(reads(text), want, "{text}");
    }
}
