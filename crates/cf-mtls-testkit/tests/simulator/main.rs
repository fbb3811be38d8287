//! The simulator, as a client sees it over HTTP.

mod certificates;
mod faults;
mod hostnames;
mod identity;
mod inspection;
mod live;
mod load;
mod permissions;
mod products;
mod refusals;
mod strangers;
mod support;
