//! Opens a store by its URL, and shares the named embedded ones within the process.

use crate::core::base::clock::Clock;
use crate::core::base::error::Fault;
use crate::core::store::Store;
use crate::store::memory::store::MemoryStore;
use crate::store::shadow::store::ObservingStore;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// Longest name of a shared store, in bytes.
const MAX_NAME: usize = 128;

/// The named stores of this process, from every thread. The mutex is held for look-up and insertion
/// only. A store once named stays: what is revoked in it must not be forgotten because the last Auth
/// that used it was collected.
static NAMED: LazyLock<Mutex<HashMap<String, Arc<dyn Store>>>> = LazyLock::new(Mutex::default);

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its URL.
    pub url: String,
    /// What the names of all keys begin with.
    pub prefix: String,
    /// The first issuer of the Auth that opens it.
    pub issuer: Option<String>,
    /// Whoever opens it looks at it and does not use it.
    pub visitor: bool,
    /// A call is given up after so long.
    pub command_timeout: Duration,
    /// An attempt to connect is given up after so long.
    pub connect_timeout: Duration,
    /// Replicas that must hold a revocation, a block or an explicit admission before it is told; 0: none.
    pub acks: u32,
    /// The thread that asks watches the store's sources and reads the answers itself, where there are
    /// any: see `Store::sources`.
    pub watched: bool,
    /// What is decided is only shown: sessions and charges go into a store of their own beside this one.
    pub observe: bool,
}

impl Settings {
    /// A URL, and the defaults.
    #[must_use]
    pub fn of(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            prefix: "lg".to_owned(),
            issuer: None,
            visitor: false,
            command_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(2),
            acks: 0,
            watched: false,
            observe: false,
        }
    }
}

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
    Ok(Arc::new(ObservingStore::new(real, trial)))
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

/// The store of that name, made on first mention.
pub(crate) fn named(name: &str, make: impl FnOnce() -> Arc<dyn Store>) -> Arc<dyn Store> {
    let mut stores = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(stores.entry(name.to_owned()).or_insert_with(make))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}
