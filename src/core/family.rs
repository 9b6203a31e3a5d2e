//! Refresh families of one user: which token is the live one, and what followed a spent token for as long as that may be
//! told. Tokens are numbered, and processes authenticate the numbers: a number below the live one's is a spent token,
//! whether or not anything of it is remembered. Of tokens only hashes, and what was sealed under them, come here.

use super::due_map::{Due, DueMap};
use super::family_op::{FamilyId, FamilyKey, KnownFamily, NewFamily, PresentedToken, Refresh};
use super::key::Digest;
use std::collections::VecDeque;

/// A family is known for so long after its session's last instant, in milliseconds, so that it is told that it expired.
pub const KEPT_MS: u64 = 3_600_000;
/// Spent tokens of one family that lead to the live token within the grace window: the last ones.
pub const MAX_LINKS: usize = 256;

/// Half of a hash: enough to tell spent tokens apart.
type Half = [u8; 16];

fn half(digest: &Digest) -> Half {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// What followed a spent token.
#[derive(Clone, Debug)]
struct Link {
    /// The number of the spent token.
    number: u64,
    /// Half of its hash.
    half: Half,
    /// Until when its successor is told, in milliseconds.
    until_ms: u64,
    /// The successor, sealed. `None`: another login, whose token nobody is told.
    sealed: Option<Box<[u8]>>,
}

/// What a presented token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The live one.
    Current,
    /// A spent one: its number is below the live one's.
    Spent,
    /// Neither.
    Unknown,
}

/// What followed a spent token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The live one, by way of these.
    By(Vec<Vec<u8>>),
    /// Another login: nobody is told.
    ByLogin,
    /// It is not told any more.
    Long,
}

/// One family.
#[derive(Clone, Debug)]
pub struct Family {
    /// Its session, and that one's last instant, by which it is told from a later one of the same id.
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
    /// The number of the live token.
    number: u64,
    /// When the live token was issued, in milliseconds.
    issued_ms: u64,
    /// In the order of their numbers.
    links: VecDeque<Link>,
    /// The last instant of any link: none is told for longer than one that follows it.
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
            number: new.number,
            issued_ms: now_ms,
            links: VecDeque::new(),
            grace_until_ms: 0,
        }
    }

    /// When the live token expires.
    #[must_use]
    pub fn expires_ms(&self) -> u64 {
        self.issued_ms.saturating_add(self.ttl_ms).min(self.absolute_end_ms)
    }

    /// Whether this key is the family's.
    #[must_use]
    pub fn has_key(&self, key: &FamilyKey) -> bool {
        self.key == *key
    }

    /// Whether a login may put its token in the place of the live one.
    #[must_use]
    pub fn takes(&self, new: &NewFamily<'_>) -> bool {
        self.has_key(&new.key) && new.number > self.number
    }

    /// What is presented.
    #[must_use]
    pub fn presented(&self, token: &PresentedToken<'_>) -> Presented {
        if self.current == token.digest {
            Presented::Current
        } else if token.number < self.number {
            Presented::Spent
        } else {
            Presented::Unknown
        }
    }

    /// What followed a spent token.
    #[must_use]
    pub fn followed(&self, token: &PresentedToken<'_>, now_ms: u64) -> Followed {
        let found = self.links.binary_search_by_key(&token.number, |link| link.number);
        let is_told = |at: &usize| {
            let link = &self.links[*at];
            link.until_ms > now_ms && link.half == half(&token.digest)
        };
        let Some(first) = found.ok().filter(is_told) else {
            return Followed::Long;
        };
        let (mut number, mut sealed) = (token.number, Vec::new());
        for link in self.links.range(first..) {
            let Some(text) = link.sealed.as_ref().filter(|_| link.number == number) else {
                return Followed::ByLogin;
            };
            sealed.push(text.to_vec());
            number += 1;
        }
        if number == self.number { Followed::By(sealed) } else { Followed::ByLogin }
    }

    /// The live token makes way for the next one.
    pub fn rotate(&mut self, asked: &Refresh<'_>, now_ms: u64) {
        let next = (self.number.saturating_add(1), asked.next);
        self.replace(next, Some((&*asked.sealed).into()), asked.grace_ms, now_ms);
    }

    fn replace(
        &mut self,
        next: (u64, Digest),
        sealed: Option<Box<[u8]>>,
        grace_ms: u64,
        now_ms: u64,
    ) {
        self.prune(now_ms);
        while self.links.len() >= MAX_LINKS {
            self.links.pop_front();
        }
        // No link is told for longer than the one that follows it.
        self.grace_until_ms = self.grace_until_ms.max(now_ms.saturating_add(grace_ms));
        let (number, half, until_ms) = (self.number, half(&self.current), self.grace_until_ms);
        self.links.push_back(Link { number, half, until_ms, sealed });
        (self.number, self.current) = next;
        self.issued_ms = now_ms;
    }

    /// Another login of the same request: nobody may be told the token that it brings.
    fn log_in_again(&mut self, new: &NewFamily<'_>, grace_ms: u64, now_ms: u64) {
        self.replace((new.number, new.digest), None, grace_ms, now_ms);
        self.ttl_ms = new.ttl_ms;
        self.claims = new.claims.as_deref().map(Into::into);
        self.scope = new.scope.as_deref().map(Into::into);
    }

    /// What was sealed is told nobody any more.
    pub fn end(&mut self) {
        self.links = VecDeque::new();
    }

    /// Forgets what has come to its time.
    fn prune(&mut self, now_ms: u64) {
        while self.links.front().is_some_and(|link| link.until_ms <= now_ms) {
            self.links.pop_front();
        }
    }

    fn is_over(&self, now_ms: u64) -> bool {
        self.absolute_end_ms.saturating_add(KEPT_MS) <= now_ms
    }
}

/// Which session and family a request has.
#[derive(Clone, Debug)]
pub struct Request {
    /// The session, and its last instant: see [`Family`].
    pub session: Box<str>,
    /// See `session`.
    pub absolute_end_ms: u64,
    /// The family.
    pub family: FamilyId,
}

impl Due for Family {
    /// When it is known no more, or before that a link.
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

/// All families of one user, and the requests that they came of.
#[derive(Clone, Debug, Default)]
pub struct Families {
    by_id: DueMap<FamilyId, Family>,
    requests: DueMap<Half, Request>,
}

impl Families {
    /// The family of that id. Whoever has changed its links says so by [`Self::changed`].
    pub fn get_mut(&mut self, id: &FamilyId, now_ms: u64) -> Option<&mut Family> {
        self.by_id.get_mut(id).filter(|family| !family.is_over(now_ms))
    }

    /// Links of the family have come or gone: it may be due earlier.
    pub fn changed(&mut self, id: &FamilyId) {
        self.by_id.change(id, |_| ());
    }

    /// What a process may know of the family of that id, which is this user's.
    #[must_use]
    pub fn known(&self, id: &FamilyId, user: &str, now_ms: u64) -> Option<KnownFamily> {
        let family = self.by_id.get(id).filter(|family| !family.is_over(now_ms))?;
        Some(KnownFamily { user: user.to_owned(), key: family.key, number: family.number })
    }

    /// Whether there is a family of that id.
    #[must_use]
    pub fn has(&self, id: &FamilyId, now_ms: u64) -> bool {
        self.by_id.get(id).is_some_and(|family| !family.is_over(now_ms))
    }

    /// What is known of a request.
    #[must_use]
    pub fn request(&self, name: &Half, now_ms: u64) -> Option<&Request> {
        self.requests.get(name).filter(|request| request.absolute_end_ms > now_ms)
    }

    /// A login: begins the family, or puts another token in the place of its live one. Returns when that one expires.
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
            self.requests.insert(name, Request { session, absolute_end_ms, family: new.id });
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

    /// Drops what nobody is told of any more, at most so many families, naming them; true where nothing is left.
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
                let Family { session, absolute_end_ms, ttl_ms, current, number, issued_ms, .. } = f;
                let facts = (absolute_end_ms, ttl_ms, current, number, issued_ms);
                format!("{id:?} {session:?} {facts:?} {:?} {:?} {:?}", f.claims, f.scope, f.links)
            })
            .collect();
        let mut requests: Vec<_> = self.requests.iter().collect();
        requests.sort_unstable_by_key(|(name, _)| *name);
        format!("{families:?} requests={requests:?}")
    }
}
