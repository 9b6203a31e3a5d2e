//! The cache of verified tokens, by their whole text. Only verified tokens enter. Expiry and revocation are
//! checked again at every hit. The size is limited in bytes.

use super::claims::Token;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use std::rc::Rc;

/// The approximate size of an entry in addition to the text of the token and of its claims.
const OVERHEAD: usize = 320;

#[derive(Clone)]
struct Bytes;

impl Weighter<Box<str>, Rc<Token>> for Bytes {
    fn weight(&self, text: &Box<str>, token: &Rc<Token>) -> u64 {
        let scopes: usize = token.scopes.iter().map(|scope| scope.len() + 16).sum();
        let strings = text.len() + token.user.len() + token.session.len() + token.key.len();
        (strings + scopes + OVERHEAD) as u64
    }
}

/// The cache of one Auth. A look-up compares the whole text. The key of the hash is random.
pub struct TokenCache {
    cache: Cache<Box<str>, Rc<Token>, Bytes, ahash::RandomState>,
}

impl TokenCache {
    /// Creates a cache with this maximum size.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(bytes / 1024)
            .weight_capacity(bytes as u64)
            .build();
        let cache = match options {
            Ok(options) => Cache::with_options(
                options,
                Bytes,
                ahash::RandomState::new(),
                DefaultLifecycle::default(),
            ),
            Err(_) => Cache::with(
                bytes / 1024,
                bytes as u64,
                Bytes,
                ahash::RandomState::new(),
                DefaultLifecycle::default(),
            ),
        };
        Self { cache }
    }

    /// The token of that text, if it has been verified.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<Rc<Token>> {
        self.cache.get(text).cloned()
    }

    /// Remembers a verified token.
    pub fn insert(&mut self, text: &str, token: &Rc<Token>) {
        self.cache.insert(text.into(), Rc::clone(token));
    }

    /// Forgets a token.
    pub fn remove(&mut self, text: &str) {
        self.cache.remove(text);
    }

    /// Bytes held, as they are weighed.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.cache.weight()
    }
}
