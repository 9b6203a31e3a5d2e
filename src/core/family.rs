//! Refresh families of one user: which token is the live one, which are spent, and what followed each for as long
//! as that may be told. Of tokens only hashes, and what was sealed under them, come here.

use super::family_op::{FamilyId, NewFamily, Refresh};
use super::hash::IdMap;
use super::key::Digest;
use std::collections::VecDeque;

/// A family is known for so long after its session's last instant, in milliseconds, so that it is told that it expired.
pub const KEPT_MS: u64 = 3_600_000;
/// So many spent tokens of one family are told from unknown ones, the last of them.
pub const MAX_SPENT: usize = 10_000;
/// Of so many what followed can be told at once, the last of them.
pub const MAX_LINKS: usize = 256;

/// Half of a hash: enough to tell spent tokens apart.
type Half = [u8; 16];

fn half(digest: &Digest) -> Half {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// What became of a spent token.
#[derive(Clone, Debug)]
struct Link {
    /// Until when it is told, in milliseconds.
    until_ms: u64,
    /// What followed it, by its hash, and sealed. `None`: another login, which is nobody's to be told.
    next: Option<(Half, Box<[u8]>)>,
}

/// What a presented token is. The hash of what somebody sends is compared: it tells nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The live one.
    Current,
    /// One that was.
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
    ttl_ms: u64,
    current: Digest,
    /// When that one was issued, in milliseconds.
    issued_ms: u64,
    /// Spent tokens, and until when each could have been used, or is led on.
    spent: IdMap<Half, u64>,
    /// The same, in the order in which they were spent.
    order: VecDeque<Half>,
    links: IdMap<Half, Link>,
    /// The same, in the order in which they were spent.
    chain: VecDeque<Half>,
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
            ttl_ms: new.ttl_ms,
            current: new.digest,
            issued_ms: now_ms,
            spent: IdMap::default(),
            order: VecDeque::new(),
            links: IdMap::default(),
            chain: VecDeque::new(),
            grace_until_ms: 0,
        }
    }

    /// When the live token expires.
    #[must_use]
    pub fn expires_ms(&self) -> u64 {
        self.issued_ms.saturating_add(self.ttl_ms).min(self.absolute_end_ms)
    }

    /// What is presented.
    #[must_use]
    pub fn presented(&self, digest: &Digest, now_ms: u64) -> Presented {
        if self.current == *digest {
            return Presented::Current;
        }
        let till = self.spent.get(&half(digest)).copied().unwrap_or(0);
        if till > now_ms { Presented::Spent } else { Presented::Unknown }
    }

    /// What followed a spent token.
    #[must_use]
    pub fn followed(&self, digest: &Digest, now_ms: u64) -> Followed {
        let mut at = half(digest);
        if self.links.get(&at).is_none_or(|link| link.until_ms <= now_ms) {
            return Followed::Long;
        }
        let (end, mut sealed) = (half(&self.current), Vec::new());
        // None is followed by one that came before it: each is spent once.
        while at != end {
            let Some((next, text)) = self.links.get(&at).and_then(|link| link.next.as_ref()) else {
                return Followed::ByLogin;
            };
            sealed.push(text.to_vec());
            at = *next;
        }
        Followed::By(sealed)
    }

    /// The live token makes way for the next one.
    pub fn rotate(&mut self, asked: &Refresh<'_>, now_ms: u64) {
        let next = Some((half(&asked.next), (&*asked.sealed).into()));
        self.replace(asked.next, next, asked.grace_ms, now_ms);
    }

    fn replace(
        &mut self,
        digest: Digest,
        next: Option<(Half, Box<[u8]>)>,
        grace_ms: u64,
        now_ms: u64,
    ) {
        self.prune(now_ms);
        self.make_room();
        let old = half(&self.current);
        self.grace_until_ms = self.grace_until_ms.max(now_ms.saturating_add(grace_ms));
        self.links.insert(old, Link { until_ms: self.grace_until_ms, next });
        self.chain.push_back(old);
        // Who brings it in time is led on, though its own time has come meanwhile.
        self.spent.insert(old, self.expires_ms().max(self.grace_until_ms));
        self.order.push_back(old);
        (self.current, self.issued_ms) = (digest, now_ms);
    }

    /// Another login of the same request: nobody may be told the token that it brings.
    fn log_in_again(&mut self, new: &NewFamily<'_>, grace_ms: u64, now_ms: u64) {
        self.replace(new.digest, None, grace_ms, now_ms);
        self.ttl_ms = new.ttl_ms;
        self.claims = new.claims.as_deref().map(Into::into);
        self.scope = new.scope.as_deref().map(Into::into);
    }

    /// What was sealed is told nobody any more.
    pub fn end(&mut self) {
        (self.links, self.chain) = Default::default();
    }

    /// Forgets what has come to its time.
    fn prune(&mut self, now_ms: u64) {
        while let Some(first) = self.chain.front() {
            if self.links.get(first).is_some_and(|link| link.until_ms > now_ms) {
                break;
            }
            self.drop_link();
        }
        while let Some(first) = self.order.front() {
            let till = self.spent.get(first).copied().unwrap_or(0);
            if till.saturating_add(KEPT_MS) > now_ms {
                break;
            }
            self.drop_spent();
        }
    }

    /// Makes room for one more.
    fn make_room(&mut self) {
        while self.chain.len() >= MAX_LINKS {
            self.drop_link();
        }
        while self.order.len() >= MAX_SPENT {
            self.drop_spent();
        }
    }

    fn drop_link(&mut self) {
        if let Some(first) = self.chain.pop_front() {
            self.links.remove(&first);
        }
    }

    fn drop_spent(&mut self) {
        if let Some(first) = self.order.pop_front() {
            self.spent.remove(&first);
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

/// All families of one user, and the requests that they came of.
#[derive(Clone, Debug, Default)]
pub struct Families {
    by_id: IdMap<FamilyId, Family>,
    requests: IdMap<Half, Request>,
}

impl Families {
    /// The family of that id.
    pub fn get_mut(&mut self, id: &FamilyId, now_ms: u64) -> Option<&mut Family> {
        self.by_id.get_mut(id).filter(|family| !family.is_over(now_ms))
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
            return family.expires_ms();
        }
        let family = Family::new(new, session, absolute_end_ms, now_ms);
        let expires_ms = family.expires_ms();
        self.by_id.insert(new.id, family);
        expires_ms
    }

    /// Drops what nobody is told of any more, naming it; true where nothing is left.
    pub fn expire(&mut self, settled_ms: u64, mut gone: impl FnMut(&FamilyId)) -> bool {
        self.requests.retain(|_, request| request.absolute_end_ms > settled_ms);
        self.by_id.retain(|id, family| {
            family.prune(settled_ms);
            let stays = !family.is_over(settled_ms);
            if !stays {
                gone(id);
            }
            stays
        });
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
                let mut spent: Vec<_> = f.spent.iter().collect();
                spent.sort_unstable();
                let mut links: Vec<_> = f.links.iter().collect();
                links.sort_unstable_by_key(|(at, _)| *at);
                let Family { session, absolute_end_ms, ttl_ms, current, issued_ms, .. } = f;
                let facts = (absolute_end_ms, ttl_ms, current, issued_ms);
                format!(
                    "{id:?} {session:?} {facts:?} {:?} {:?} {spent:?} {links:?}",
                    f.claims, f.scope
                )
            })
            .collect();
        let mut requests: Vec<_> = self.requests.iter().collect();
        requests.sort_unstable_by_key(|(name, _)| *name);
        format!("{families:?} requests={requests:?}")
    }
}
