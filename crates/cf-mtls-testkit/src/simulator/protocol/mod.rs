//! The API's paths, queries, bodies and envelopes.

pub(super) mod envelope;
pub(super) mod ids;
pub(super) mod query;
pub(super) mod route;
pub(super) mod shapes;
