//! The forms of ids.

/// Accounts and zones have 32 hexadecimal digits.
pub(crate) fn is_hex_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Certificates have UUIDs; the service's own examples show 32 digits.
pub(crate) fn is_certificate_id(id: &str) -> bool {
    is_hex_id(id) || is_uuid(id)
}

pub(crate) fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

pub(crate) fn random_hex_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
