//! Opens a store by its URL.

use crate::core::base::clock::Clock;
use crate::core::base::error::Fault;
use crate::core::store::Store;
use crate::store::memory::store::MemoryStore;
use crate::store::named::named;
use crate::store::settings::Settings;
use crate::store::shadow::store::ShadowStore;
use std::sync::Arc;

/// Longest name of a shared store, in bytes.
const MAX_NAME: usize = 128;

/// Opens a store: `memory:` is one of its own, `memory:name` is shared by everybody who says that name,
/// `redis:`, `rediss:` and `redis+unix:` are servers, `redis-sentinel:` is what Sentinels name, and
/// `redis-cluster:` a Cluster; `rediss-sentinel:` and `rediss-cluster:` are those, encrypted.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` where the URL is of no store that is built.
pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Fault> {
    let real = open_one(settings, Arc::clone(&clock))?;
    if !settings.observe {
        return Ok(real);
    }
    let trial = open_trial(settings, clock)?;
    Ok(Arc::new(ShadowStore::new(real, trial)))
}

/// Beside the store of these settings, one that shares nothing with it. No URL and no prefix that users may give names it,
/// but for the prefix that is said here.
fn open_trial(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Fault> {
    let url = settings.url.as_str();
    if url.starts_with("memory:") && url != "memory:" {
        return Ok(named(&format!("{url}#observe"), || Arc::new(MemoryStore::new(clock))));
    }
    #[cfg(feature = "test-stores")]
    if url.starts_with("test-") {
        let (name, gate) = url.split_once('?').unwrap_or((url, "gate=0"));
        return super::testing::open(&format!("{name}#observe?{gate}"), clock);
    }
    let prefix = format!("{}.observe", settings.prefix);
    open_one(&Settings { prefix, acks: 0, ..settings.clone() }, clock)
}

fn open_one(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Fault> {
    let url = settings.url.as_str();
    #[cfg(feature = "test-stores")]
    if url.starts_with("test-") {
        return super::testing::open(url, clock);
    }
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryStore::new(clock))),
        Some(("memory", name)) if name.len() <= MAX_NAME && name.chars().all(is_name_char) => {
            let store = named(url, || Arc::new(MemoryStore::new(clock)));
            if let Some(issuer) = &settings.issuer {
                store.enter(issuer);
            }
            Ok(store)
        }
        Some(("memory", _)) => Err(Fault::config(format!(
            "store: the name after 'memory:' takes letters, digits, '.', '_' and '-', at most {MAX_NAME}"
        ))),
        Some((
            "redis" | "rediss" | "redis+unix" | "redis-sentinel" | "rediss-sentinel"
            | "redis-cluster" | "rediss-cluster",
            _,
        )) => super::redis::open(settings),
        // The URL is not repeated: it may hold a password.
        _ => Err(Fault::config(
            "store: 'memory:', 'memory:name', 'redis:', 'rediss:', 'redis+unix:', 'redis-sentinel:' or 'redis-cluster:'",
        )),
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}
