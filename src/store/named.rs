//! The named stores of this process, shared by every thread.

use crate::core::store::Store;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// The named stores of this process. The mutex is held for look-up and insertion only. A named store is never
/// dropped: its revocations must not be lost when the last Auth that used it is collected.
static NAMED: LazyLock<Mutex<HashMap<String, Arc<dyn Store>>>> = LazyLock::new(Mutex::default);

/// Returns the store with that name. The first call creates it.
pub(crate) fn named(name: &str, make: impl FnOnce() -> Arc<dyn Store>) -> Arc<dyn Store> {
    let mut stores = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(stores.entry(name.to_owned()).or_insert_with(make))
}
