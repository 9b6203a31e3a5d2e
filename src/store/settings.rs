//! How a store is opened: its URL, and the options of the Auth that opens it.

use std::time::Duration;

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
