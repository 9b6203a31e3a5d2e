//! Operations as script calls, and replies as answers.

pub(crate) mod api_key;
pub(crate) mod api_key_index;
pub(crate) mod call;
pub(crate) mod codec;
pub(crate) mod counter;
pub(crate) mod credential;
pub(crate) mod decide;
pub(crate) mod family;
pub(crate) mod fields;
pub(crate) mod key_names;
#[allow(dead_code, reason = "the scripts use the rest")]
pub(crate) mod layout;
pub(crate) mod lead;
#[cfg(test)]
mod lua_text;
#[allow(dead_code, reason = "the scripts use the rest")]
pub(crate) mod numbers;
pub(crate) mod pack;
pub(crate) mod quota;
pub(crate) mod scripts;
pub(crate) mod session;
pub(crate) mod turn;
