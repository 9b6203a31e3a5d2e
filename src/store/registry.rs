//! Opens a store by its URL.

use crate::core::base::clock::Clock;
use crate::core::base::error::Fault;
use crate::core::store::Store;
use crate::store::memory::store::MemoryStore;
use crate::store::named::named;
use crate::store::settings::Settings;
use crate::store::shadow::store::ShadowStore;
use std::sync::Arc;

/// Maximum length of the name of a shared store, in bytes.
const MAX_NAME: usize = 128;

/// Opens a store by its URL:
/// - `memory:` creates a store for this Auth only.
/// - `memory:name` shares a store with every Auth that uses the name.
/// - `redis:`, `rediss:` and `redis+unix:` connect to a server.
/// - `redis-sentinel:` and `rediss-sentinel:` connect to the server that Sentinels name.
/// - `redis-cluster:` and `rediss-cluster:` connect to a Cluster.
///
/// A scheme with `rediss` uses TLS.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG` if no supported store has this URL.
pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Fault> {
    let real = open_one(settings, Arc::clone(&clock))?;
    if !settings.observe {
        return Ok(real);
    }
    let trial = open_trial(settings, clock)?;
    Ok(Arc::new(ShadowStore::new(real, trial)))
}

/// Opens a second store that shares no data with the store of these settings. No URL of an application can
/// name it. Only a prefix that ends in `.observe` can.
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
        // The URL is not repeated: it can contain a password.
        _ => Err(Fault::config(
            "store: 'memory:', 'memory:name', 'redis:', 'rediss:', 'redis+unix:', 'redis-sentinel:' or 'redis-cluster:'",
        )),
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}
