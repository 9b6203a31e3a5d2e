//! Tokens already verified, by their whole text. Only verified tokens enter, what changes with time
//! or by revocation is asked again at every hit, and the memory is bounded in bytes.

use super::claims::Token;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use std::rc::Rc;

/// What one entry takes beside the text of the token and of its claims, about.
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

/// The cache of one Auth. Looked up by full equality of the text; the hash is keyed at random.
pub struct TokenCache {
    cache: Cache<Box<str>, Rc<Token>, Bytes, ahash::RandomState>,
}

impl TokenCache {
    /// A cache of at most so many bytes.
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
