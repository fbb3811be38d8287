//! The simulator, as a client sees it over HTTP.

mod certificates;
mod faults;
mod hostnames;
mod identity;
mod inspection;
mod load;
mod refusals;
mod support;
