//! Opens a store by its URL, and shares the named embedded ones within the process.

use super::memory::MemoryStore;
use crate::core::clock::Clock;
use crate::core::error::Fault;
use crate::core::store::Store;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Longest name of a shared store, in bytes.
const MAX_NAME: usize = 128;

/// The named stores of this process, from every thread. The mutex is held for look-up and insertion
/// only. A store once named stays: what is revoked in it must not be forgotten because the last Auth
/// that used it was collected.
static NAMED: LazyLock<Mutex<HashMap<String, Arc<dyn Store>>>> = LazyLock::new(Mutex::default);

/// Opens a store: `memory:` is one of its own, `memory:name` is shared by everybody who says that name.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` where the URL is of no store that is built.
pub fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Fault> {
    #[cfg(feature = "test-stores")]
    if url.starts_with("test-") {
        return super::testing::open(url, clock);
    }
    match url.strip_prefix("memory:") {
        Some("") => Ok(Arc::new(MemoryStore::new(clock))),
        Some(name) if name.len() <= MAX_NAME && name.chars().all(is_name_char) => {
            Ok(named(url, || Arc::new(MemoryStore::new(clock))))
        }
        Some(_) => Err(Fault::config(format!(
            "store: the name after 'memory:' takes letters, digits, '.', '_' and '-', at most {MAX_NAME}"
        ))),
        // The URL is not repeated: it may hold a password.
        None => Err(Fault::config(
            "store: only 'memory:' and 'memory:name' are built so far; Redis and Valkey are not yet",
        )),
    }
}

/// The store of that name, made on first mention.
pub(super) fn named(name: &str, make: impl FnOnce() -> Arc<dyn Store>) -> Arc<dyn Store> {
    let mut stores = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(stores.entry(name.to_owned()).or_insert_with(make))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}
