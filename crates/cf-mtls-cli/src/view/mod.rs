//! Certificates, their uses, tables, times and differences, written for people.

pub(crate) mod difference;
pub(crate) mod preview;
pub(crate) mod table;
pub(crate) mod times;
pub(crate) mod uses;
pub(crate) mod x509;
