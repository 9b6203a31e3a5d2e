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
pub(crate) mod lead;
pub(crate) mod pack;
pub(crate) mod quota;
pub(crate) mod scripts;
pub(crate) mod session;
pub(crate) mod turn;
