//! Refresh families of one user: the live token, and the successors of spent tokens within the grace window.
//! Tokens have serials, which processes authenticate. A token with a lower number than the live token, or of another
//! branch, is spent; no history is needed to know it. The rules see digests and sealed texts of tokens only.

use super::ops::{FamilyId, FamilyKey, KnownFamily, NewFamily, PresentedToken, Refresh, Serial};
use crate::core::base::digest::Digest;
use crate::core::base::due_map::{Due, DueMap};
use crate::core::base::limits;
use std::collections::VecDeque;

/// How long after the last instant of its session a family is remembered, in milliseconds. Until then its tokens are
/// reported as expired.
pub const KEPT_MS: u64 = limits::HOUR_MS;
/// Most spent tokens of one family that lead to the live token within the grace window.
pub const MAX_LINKS: usize = limits::MAX_LINKS;

/// Half of a digest: enough to distinguish spent tokens.
type Half = [u8; 16];

fn half(digest: &Digest) -> Half {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// The successor of a spent token in the branch of the live token.
#[derive(Clone, Debug)]
struct Link {
    /// The number of the spent token.
    number: u64,
    /// Half of its hash.
    half: Half,
    /// Until when the successor is returned, in milliseconds.
    until_ms: u64,
    /// The successor, sealed.
    sealed: Box<[u8]>,
}

/// The status of a presented token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// The live token.
    Current,
    /// A spent token.
    Spent,
    /// Neither.
    Unknown,
}

/// The successor of a spent token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Successor {
    /// The live token, through these sealed texts.
    By(Vec<Vec<u8>>),
    /// A token of another login. It is not returned.
    ByLogin,
    /// The grace window has ended.
    Long,
}

/// One family.
#[derive(Clone, Debug)]
pub struct Family {
    /// Its session, and the last instant of the session, which distinguishes it from a later session of that id.
    pub session: Box<str>,
    /// See `session`.
    pub absolute_end_ms: u64,
    /// Further claims of its access tokens.
    pub claims: Option<Box<str>>,
    /// Their scopes.
    pub scope: Option<Box<str>>,
    key: FamilyKey,
    ttl_ms: u64,
    current: Digest,
    /// The serial of the live token.
    serial: Serial,
    /// When the live token was issued, in milliseconds.
    issued_ms: u64,
    /// In the order of their numbers.
    links: VecDeque<Link>,
    /// Until when tokens of other branches do not count as reuse, in milliseconds: another login has replaced them.
    cut_until_ms: u64,
    /// The last instant of any link: no link lasts longer than its successor.
    grace_until_ms: u64,
}

impl Family {
    fn new(new: &NewFamily<'_>, session: &str, absolute_end_ms: u64, now_ms: u64) -> Self {
        Self {
            session: session.into(),
            absolute_end_ms,
            claims: new.claims.as_deref().map(Into::into),
            scope: new.scope.as_deref().map(Into::into),
            key: new.key,
            ttl_ms: new.ttl_ms,
            current: new.digest,
            serial: Serial::first_of(new.branch),
            issued_ms: now_ms,
            links: VecDeque::new(),
            cut_until_ms: 0,
            grace_until_ms: 0,
        }
    }

    /// When the live token expires.
    #[must_use]
    pub fn expires_ms(&self) -> u64 {
        self.issued_ms.saturating_add(self.ttl_ms).min(self.absolute_end_ms)
    }

    /// Whether this is the key of the family.
    #[must_use]
    pub fn has_key(&self, key: &FamilyKey) -> bool {
        self.key == *key
    }

    /// The status of a presented token.
    #[must_use]
    pub fn status(&self, token: &PresentedToken<'_>) -> TokenStatus {
        if self.current == token.digest {
            TokenStatus::Current
        } else if token.serial.branch == self.serial.branch
            && token.serial.number >= self.serial.number
        {
            TokenStatus::Unknown
        } else {
            TokenStatus::Spent
        }
    }

    /// The successor of a spent token.
    #[must_use]
    pub fn successor(&self, token: &PresentedToken<'_>, now_ms: u64) -> Successor {
        let Serial { branch, number } = token.serial;
        if branch != self.serial.branch {
            return if self.cut_until_ms > now_ms { Successor::ByLogin } else { Successor::Long };
        }
        let found = self.links.binary_search_by_key(&number, |link| link.number);
        let is_told = |at: &usize| {
            let link = &self.links[*at];
            link.until_ms > now_ms && link.half == half(&token.digest)
        };
        match found.ok().filter(is_told) {
            Some(first) => {
                Successor::By(self.links.range(first..).map(|link| link.sealed.to_vec()).collect())
            }
            None => Successor::Long,
        }
    }

    /// Replaces the live token by its successor.
    pub fn rotate(&mut self, asked: &Refresh<'_>, now_ms: u64) {
        self.prune(now_ms);
        while self.links.len() >= MAX_LINKS {
            self.links.pop_front();
        }
        let until_ms = self.lengthen_grace(asked.grace_ms, now_ms);
        let (number, half) = (self.serial.number, half(&self.current));
        self.links.push_back(Link { number, half, until_ms, sealed: (&*asked.sealed).into() });
        self.serial = self.serial.next();
        (self.current, self.issued_ms) = (asked.next, now_ms);
    }

    /// No link lasts longer than its successor.
    fn lengthen_grace(&mut self, grace_ms: u64, now_ms: u64) -> u64 {
        self.grace_until_ms = self.grace_until_ms.max(now_ms.saturating_add(grace_ms));
        self.grace_until_ms
    }

    /// Another login of the same request begins another branch. Its token is not returned to holders of earlier tokens.
    fn log_in_again(&mut self, new: &NewFamily<'_>, grace_ms: u64, now_ms: u64) {
        self.cut_until_ms = self.lengthen_grace(grace_ms, now_ms);
        self.links = VecDeque::new();
        self.serial = Serial::first_of(new.branch);
        (self.current, self.issued_ms) = (new.digest, now_ms);
        self.ttl_ms = new.ttl_ms;
        self.claims = new.claims.as_deref().map(Into::into);
        self.scope = new.scope.as_deref().map(Into::into);
    }

    /// Drops all sealed texts.
    pub fn end(&mut self) {
        self.links = VecDeque::new();
    }

    /// Drops expired links.
    fn prune(&mut self, now_ms: u64) {
        while self.links.front().is_some_and(|link| link.until_ms <= now_ms) {
            self.links.pop_front();
        }
    }

    fn is_over(&self, now_ms: u64) -> bool {
        self.absolute_end_ms.saturating_add(KEPT_MS) <= now_ms
    }
}

/// The session and the family of a request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The session, and its last instant: see [`Family`].
    pub session: Box<str>,
    /// See `session`.
    pub absolute_end_ms: u64,
    /// The family.
    pub family: FamilyId,
    /// Its key.
    pub key: FamilyKey,
}

impl Due for Family {
    /// When it expires, or an earlier link.
    fn due_ms(&self) -> u64 {
        let over_ms = self.absolute_end_ms.saturating_add(KEPT_MS);
        self.links.front().map_or(over_ms, |link| link.until_ms.min(over_ms))
    }
}

impl Due for Request {
    fn due_ms(&self) -> u64 {
        self.absolute_end_ms
    }
}

/// All families of one user, and the requests that began them.
#[derive(Clone, Debug, Default)]
pub struct Families {
    by_id: DueMap<FamilyId, Family>,
    requests: DueMap<Half, Request>,
}

impl Families {
    /// The family of that id. A caller that changes its links calls [`Self::changed`] afterwards.
    pub fn get_mut(&mut self, id: &FamilyId, now_ms: u64) -> Option<&mut Family> {
        self.by_id.get_mut(id).filter(|family| !family.is_over(now_ms))
    }

    /// Must follow each change of a family's links: its expiry may be earlier.
    pub fn changed(&mut self, id: &FamilyId) {
        self.by_id.change(id, |_| ());
    }

    /// The data of a family of this user that a process may have.
    #[must_use]
    pub fn known(&self, id: &FamilyId, user: &str, now_ms: u64) -> Option<KnownFamily> {
        let family = self.by_id.get(id).filter(|family| !family.is_over(now_ms))?;
        Some(KnownFamily { user: user.to_owned(), key: family.key })
    }

    /// Whether there is a family of that id.
    #[must_use]
    pub fn has(&self, id: &FamilyId, now_ms: u64) -> bool {
        self.by_id.get(id).is_some_and(|family| !family.is_over(now_ms))
    }

    /// The session and the family of a request.
    #[must_use]
    pub fn request(&self, name: &Half, now_ms: u64) -> Option<&Request> {
        self.requests.get(name).filter(|request| request.absolute_end_ms > now_ms)
    }

    /// A login: begins the family, or replaces its live token. Returns when the new token expires.
    pub fn log_in(
        &mut self,
        new: &NewFamily<'_>,
        (session, absolute_end_ms): (&str, u64),
        request: Option<Half>,
        grace_ms: u64,
        now_ms: u64,
    ) -> u64 {
        if let Some(name) = request {
            let session = session.into();
            let (family, key) = (new.id, new.key);
            self.requests.insert(name, Request { session, absolute_end_ms, family, key });
        }
        if let Some(family) = self.get_mut(&new.id, now_ms) {
            family.log_in_again(new, grace_ms, now_ms);
            let expires_ms = family.expires_ms();
            self.changed(&new.id);
            return expires_ms;
        }
        let family = Family::new(new, session, absolute_end_ms, now_ms);
        let expires_ms = family.expires_ms();
        self.by_id.insert(new.id, family);
        expires_ms
    }

    /// Drops at most `most` expired families, and reports each. True if no family is left.
    pub fn expire(
        &mut self,
        settled_ms: u64,
        most: usize,
        mut gone: impl FnMut(&FamilyId),
    ) -> bool {
        self.requests.expire(settled_ms, most, |_, _| ());
        let mut due = Vec::new();
        self.by_id.expire(settled_ms, most, |id, family| due.push((id, family)));
        for (id, mut family) in due {
            family.prune(settled_ms);
            if family.is_over(settled_ms) {
                gone(&id);
            } else {
                self.by_id.insert(id, family);
            }
        }
        self.by_id.is_empty() && self.requests.is_empty()
    }

    /// For the canonical dump: sorted, so that equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut families: Vec<_> = self.by_id.iter().collect();
        families.sort_unstable_by_key(|(id, _)| *id);
        let families: Vec<_> = families
            .into_iter()
            .map(|(id, f)| {
                let Family { session, absolute_end_ms, ttl_ms, current, serial, issued_ms, .. } = f;
                let facts = (absolute_end_ms, ttl_ms, current, serial, issued_ms);
                format!("{id:?} {session:?} {facts:?} {:?} {:?} {:?}", f.claims, f.scope, f.links)
            })
            .collect();
        let mut requests: Vec<_> = self.requests.iter().collect();
        requests.sort_unstable_by_key(|(name, _)| *name);
        format!("{families:?} requests={requests:?}")
    }
}
