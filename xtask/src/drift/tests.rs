//! The check on small documents of our own.

mod advice;
mod available;
mod cut;
mod double;
mod encoding;
mod kinds;
mod lost;
mod meaning;
mod mutant;
mod mutation;
mod no_document;
mod null;
mod parts;
mod reach;
mod record_life;
mod records;
mod rewrite;
mod same;
mod security;
mod servers;
mod small;
mod strange;
mod twice;
mod whole;
