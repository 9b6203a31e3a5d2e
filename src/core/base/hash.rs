//! Hashing for maps keyed by ids that callers choose. The hash has one random key per process, so that nobody can
//! build colliding ids. The maps themselves hold no key.

use std::collections::HashMap;
use std::hash::{BuildHasher, DefaultHasher, RandomState};
use std::sync::OnceLock;

/// Builds hashers that share one random key.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessKey;

impl BuildHasher for ProcessKey {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        static KEY: OnceLock<RandomState> = OnceLock::new();
        KEY.get_or_init(RandomState::new).build_hasher()
    }
}

/// A map keyed by ids.
pub type IdMap<K, V> = HashMap<K, V, ProcessKey>;
