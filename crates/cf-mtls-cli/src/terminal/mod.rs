//! The terminal: prompts, progress, Ctrl-C, its width, and text that cannot harm it.

pub(crate) mod confirm;
pub(crate) mod interrupt;
pub(crate) mod progress;
pub(crate) mod text;
pub(crate) mod width;
