//! Settings to open a store: its URL, and the options of the Auth that opens it.

use std::time::Duration;

/// Settings to open a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its URL.
    pub url: String,
    /// The prefix of all key names.
    pub prefix: String,
    /// The first issuer of the Auth that opens it.
    pub issuer: Option<String>,
    /// The caller inspects the store, and does not use it.
    pub visitor: bool,
    /// Timeout of a call.
    pub command_timeout: Duration,
    /// Timeout of an attempt to connect.
    pub connect_timeout: Duration,
    /// Number of replicas that must confirm a revocation, a block or an explicit admission before it is
    /// reported. 0: none.
    pub acks: u32,
    /// The calling thread watches the sources of the store and reads the replies itself, if the store has
    /// sources: see `Store::sources`.
    pub watched: bool,
    /// Observe mode: decisions are only reported. Sessions and charges go to a second store.
    pub observe: bool,
}

impl Settings {
    /// Returns the default settings for a URL.
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
