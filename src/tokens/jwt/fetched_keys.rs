//! A set of keys that is fetched: it changes while it is in use.

use super::jwk;
use super::jwk::CheckedKey;
use super::verification_keys::{
    KeySet, KeySource, check, check_algorithms, is_symmetric, provider, unusable,
};
use crate::core::base::error::Fault;

/// What a set that was fetched came to.
pub struct Fetched {
    /// Keys that tokens are verified with.
    pub usable: usize,
    /// Why keys were passed over.
    pub passed_over: Vec<String>,
}

impl KeySet {
    /// A set that will be fetched: `renew` brings its keys, and until then it is in doubt. The key that we sign with
    /// is always in it.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_CONFIG`, naming the option that is wrong and the cure.
    pub fn to_be_fetched(
        own: Option<KeySource>,
        algorithms: Option<&[String]>,
    ) -> Result<Self, Fault> {
        let provider = provider()?;
        let allowed = algorithms.map(check_algorithms).transpose()?;
        if let Some(symmetric) = allowed.iter().flatten().find(|a| is_symmetric(**a)) {
            return Err(Fault::config(format!(
                "jwt.algorithms names {}, which no key of jwt.jwksUri can be used with",
                jwk::algorithm_name(*symmetric)
            )));
        }
        let keys = Vec::new();
        let mut set =
            Self { keys, own: None, is_set: true, allowed, is_fetched: true, doubtful: true };
        if let Some(source) = own {
            let key = check(&source)?.ok_or_else(|| unusable(&source.label))?;
            set.own = Some(set.add(key, provider)?);
        }
        Ok(set)
    }

    /// Replaces the fetched keys. Keys that cannot be used are passed over: one bad key must not cost the others their
    /// tokens. Where no key can be used the set stays as it is.
    ///
    /// # Errors
    /// The crypto library does not work.
    pub fn renew(&mut self, keys: &[KeySource]) -> Result<Fetched, Fault> {
        let provider = provider()?;
        let (mut before, own_before) = (std::mem::take(&mut self.keys), self.own);
        self.keys.extend(own_before.map(|own| before.remove(own)));
        let kept = self.keys.len();
        self.own = own_before.map(|_| 0);
        let mut passed_over = Vec::new();
        for source in keys {
            match check(source) {
                Ok(Some(key)) if self.is_rival(&key) => passed_over.push(format!(
                    "{}: has the kid of jwt.privateKey, and is another key",
                    source.label
                )),
                Ok(Some(key)) if self.is_ours(&key) => {}
                Ok(Some(key)) => {
                    if let Err(fault) = self.add(key, provider) {
                        passed_over.push(format!("{}: {}", source.label, fault.message));
                    }
                }
                Ok(None) => {}
                Err(fault) => passed_over.push(fault.message),
            }
        }
        let fetched = &self.keys[kept..];
        let usable = fetched.iter().filter(|key| !key.verifiers.is_empty()).count();
        if usable == 0 {
            if let Some(own) = own_before {
                before.insert(own, self.keys.remove(0));
            }
            (self.keys, self.own) = (before, own_before);
        }
        self.doubtful = usable == 0;
        Ok(Fetched { usable, passed_over })
    }

    /// Drops the fetched keys.
    pub fn forget(&mut self) {
        let own = self.own.map(|own| self.keys.swap_remove(own));
        self.own = own.as_ref().map(|_| 0);
        self.keys = own.into_iter().collect();
        self.doubtful = true;
    }

    /// Whether a key that is not here may stand where the set comes from.
    pub const fn doubt(&mut self, doubtful: bool) {
        self.doubtful = doubtful;
    }

    fn is_ours(&self, key: &CheckedKey) -> bool {
        self.own.is_some_and(|own| self.keys[own].kid == key.kid)
    }

    fn is_rival(&self, key: &CheckedKey) -> bool {
        self.is_ours(key) && self.own.is_some_and(|own| self.keys[own].material != key.material)
    }
}
