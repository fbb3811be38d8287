//! Identifiers: which texts are one, and what they can be used as.

use std::collections::HashMap;

use cf_mtls_api::{CertificateId, ScriptName};

#[test]
fn uuids_and_hexadecimal_digits_are_kept_in_lower_case() {
    let table = [
        ("2458CE5A-0C35-4C7F-82C7-8E9487D3FF60", "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60"),
        ("023E105F4ECEF8AD9CA31A8372D0C353", "023e105f4ecef8ad9ca31a8372d0c353"),
        // Any other form keeps its case: nothing says that it means the same.
        ("023E105F4ECEF8AD9CA31A8372D0C35", "023E105F4ECEF8AD9CA31A8372D0C35"),
        ("G23E105F4ECEF8AD9CA31A8372D0C353", "G23E105F4ECEF8AD9CA31A8372D0C353"),
        ("Some-Name", "Some-Name"),
    ];
    for (text, want) in table {
        let parsed: CertificateId = text.parse().unwrap();
        assert_eq!(parsed.as_str(), want);
        assert_eq!(CertificateId::try_from(text).unwrap(), parsed);
        assert_eq!(CertificateId::try_from(text.to_owned()).unwrap(), parsed);
        let read: CertificateId = serde_json::from_value(text.into()).unwrap();
        assert_eq!(read, parsed);
        assert_eq!(String::from(read), want);
    }
}

#[test]
fn a_text_equals_the_id_that_it_is_read_as() {
    let uuid = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";
    let table = [
        (uuid, "2458CE5A-0C35-4C7F-82C7-8E9487D3FF60", true),
        ("023e105f4ecef8ad9ca31a8372d0c353", "023E105F4ecef8ad9ca31a8372d0c353", true),
        (uuid, "2458ce5a-0c35-4c7f-82c7-8e9487d3ff61", false),
        ("Some-Name", "Some-Name", true),
        ("Some-Name", "some-name", false),
    ];
    for (id, text, want) in table {
        let id: CertificateId = id.parse().unwrap();
        let string = text.to_owned();
        assert_eq!([id == text, id == *text, id == string], [want; 3], "{id} {text}");
        assert_eq!(id == text.parse::<CertificateId>().unwrap(), want, "{id} {text}");
    }
    let script: ScriptName = uuid.parse().unwrap();
    assert_ne!(script, uuid.to_uppercase(), "names of Workers have a case");
}

#[test]
fn an_id_finds_its_entry_by_text() {
    let id: CertificateId = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60".parse().unwrap();
    let names = HashMap::from([(id, "devices")]);
    assert_eq!(names.get("2458ce5a-0c35-4c7f-82c7-8e9487d3ff60"), Some(&"devices"));
}
