//! The rule of turns: one place's holder and queue, and what every question does to them. Pure: the instant is
//! handed in, and whoever is to be woken is handed out.
//!
//! 1. A lease that has ended holds nothing. What is reserved and was not claimed in its time is free again, and the gate
//!    that it was reserved for has *lapsed*: its tickets keep their places and are passed over until one of them asks.
//!    So a dead process costs one claim window, and not one for each of its tickets.
//! 2. The holder hears its lease again.
//! 3. Where nobody holds it and nothing is reserved for another, the asker gets it, unless somebody who has not lapsed
//!    waits ahead: then it is reserved for the first of these, who is woken.
//! 4. Whoever does not get it joins the queue, or keeps the place in it.

use super::error::Fault;
use super::reason::Reason;
use super::turn::{
    Ask, CLAIM_MS, FENCE_MS, FENCES_END, TurnAnswer, TurnGate, TurnMode, TurnTicket, gate_of,
};

/// Those who wait look again so long after what is ahead of them has ended, in milliseconds, and so much later for
/// each who waits ahead: when a holder dies they do not all come at once.
const LOOK_MS: u64 = 10;
const LOOK_APART_MS: u64 = 50;
const LOOK_APART_MOST: u64 = 20;

/// Is handed a ticket for which the turn is reserved, to wake it; false where nobody would hear.
pub type Wake<'a> = dyn FnMut(&TurnTicket) -> bool + 'a;

/// What is known of one place. Without a holder and a queue it is a fence and no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnState {
    /// The last one granted.
    fence: u64,
    /// It is remembered until here.
    kept_us: u64,
    holder: Option<Until>,
    line: Option<Box<Line>>,
}

/// A ticket, and until when it has what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Until {
    ticket: TurnTicket,
    end_us: u64,
}

/// Those who wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    /// Those who asked for the front stand before the others.
    queue: Vec<Waiting>,
    /// For one of the queue.
    reserved: Option<Until>,
    lapsed: Vec<TurnGate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    ticket: TurnTicket,
    /// It stands here so long.
    stay_us: u64,
    front: bool,
}

impl TurnState {
    /// Asks for the turn. `against` is what stands against the credential, `Allowed` where nothing does.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` where no fence is left above those that were seen; nothing was done.
    pub fn ask(
        &mut self,
        ask: &Ask<'_>,
        against: Reason,
        now_us: u64,
        wake: &mut Wake<'_>,
    ) -> Result<TurnAnswer, Fault> {
        if against != Reason::Allowed {
            self.leave(&ask.ticket, now_us, wake);
            return Ok(TurnAnswer::Denied(against));
        }
        self.settle(now_us);
        if let Some(lease) = self.lease(&ask.ticket, now_us) {
            return Ok(lease);
        }
        let fence = now_us.max(self.fence + 1).max(ask.seen + 1);
        if fence >= FENCES_END {
            return Err(Fault::input("no fence is left above the one that was seen"));
        }
        let mut ahead_us = self.holder.map(|holder| holder.end_us);
        if let Some(line) = &mut self.line {
            line.heard_of(ask, now_us);
            ahead_us = ahead_us.or_else(|| line.comes_before(ask, now_us, wake));
        }
        let Some(end_us) = ahead_us else {
            self.remove(&ask.ticket);
            self.fence = fence;
            self.kept_us = now_us + FENCE_MS * 1000;
            let end_us = now_us + ask.ttl_ms * 1000;
            self.holder = Some(Until { ticket: ask.ticket, end_us });
            return Ok(TurnAnswer::Granted { fence, lease_ms: ask.ttl_ms });
        };
        let look_again_ms = |ahead: u64| {
            let apart = LOOK_APART_MS * ahead.min(LOOK_APART_MOST);
            (end_us - now_us).div_ceil(1000) + LOOK_MS + apart
        };
        let line = self.line.get_or_insert_default();
        if ask.mode == TurnMode::Try && line.place_of(&ask.ticket).is_none() {
            let busy = TurnAnswer::Busy { look_again_ms: look_again_ms(0) };
            self.tidy();
            return Ok(busy);
        }
        let ahead = line.join(ask, now_us) as u64;
        Ok(TurnAnswer::Queued { ahead, look_again_ms: look_again_ms(ahead) })
    }

    /// Gives up the turn, what is reserved, or the place in the queue, and hands on; whether the turn was held.
    pub fn leave(&mut self, ticket: &TurnTicket, now_us: u64, wake: &mut Wake<'_>) -> bool {
        self.settle(now_us);
        let held = self.holder.take_if(|holder| holder.ticket == *ticket).is_some();
        self.remove(ticket);
        if let Some(line) = self.line.as_mut().filter(|_| self.holder.is_none()) {
            line.hand_on(line.queue.len(), now_us, wake);
        }
        self.tidy();
        held
    }

    /// Lets the lease last so long from now at least, where the ticket holds it.
    pub fn extend(&mut self, ticket: &TurnTicket, by_ms: u64, now_us: u64) -> TurnAnswer {
        self.settle(now_us);
        if let Some(holder) = self.holder.as_mut().filter(|holder| holder.ticket == *ticket) {
            holder.end_us = holder.end_us.max(now_us + by_ms * 1000);
            self.kept_us = now_us + FENCE_MS * 1000;
        }
        self.lease(ticket, now_us).unwrap_or(TurnAnswer::Lost)
    }

    /// Whether it says nothing that an absent one would not.
    #[must_use]
    pub fn is_over(&self, now_us: u64) -> bool {
        let waits = |line: &Line| line.queue.iter().any(|waiting| waiting.stay_us > now_us);
        self.kept_us <= now_us
            && self.holder.is_none_or(|holder| holder.end_us <= now_us)
            && !self.line.as_deref().is_some_and(waits)
    }

    /// The same, without what has ended: of two that answer alike, alike.
    #[must_use]
    pub fn settled(&self, now_us: u64) -> Self {
        let mut state = self.clone();
        state.settle(now_us);
        state
    }

    /// What a ticket holds now.
    fn lease(&self, ticket: &TurnTicket, now_us: u64) -> Option<TurnAnswer> {
        let holder = self.holder.filter(|holder| holder.ticket == *ticket)?;
        let lease_ms = (holder.end_us - now_us) / 1000;
        Some(TurnAnswer::Granted { fence: self.fence, lease_ms })
    }

    /// Ends what has ended.
    fn settle(&mut self, now_us: u64) {
        self.holder.take_if(|holder| holder.end_us <= now_us);
        if let Some(line) = &mut self.line
            && let Some(missed) = line.reserved.take_if(|reserved| reserved.end_us <= now_us)
        {
            line.lapse(&missed.ticket);
        }
    }

    fn remove(&mut self, ticket: &TurnTicket) {
        if let Some(line) = &mut self.line {
            line.queue.retain(|waiting| waiting.ticket != *ticket);
            line.reserved.take_if(|reserved| reserved.ticket == *ticket);
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        self.line.take_if(|line| line.queue.is_empty());
    }
}

impl Line {
    fn place_of(&self, ticket: &TurnTicket) -> Option<usize> {
        self.queue.iter().position(|waiting| waiting.ticket == *ticket)
    }

    /// A gate that asks has not lapsed, and its ticket stands on.
    fn heard_of(&mut self, ask: &Ask<'_>, now_us: u64) {
        let gate = gate_of(&ask.ticket);
        self.lapsed.retain(|lapsed| *lapsed != gate);
        if let Some(at) = self.place_of(&ask.ticket) {
            self.queue[at].stay_us = now_us + ask.stay_ms * 1000;
        }
    }

    fn lapse(&mut self, ticket: &TurnTicket) {
        let gate = gate_of(ticket);
        if !self.lapsed.contains(&gate) {
            self.lapsed.push(gate);
        }
    }

    /// Where nobody holds it: until when another has it reserved, who comes before the asker.
    fn comes_before(&mut self, ask: &Ask<'_>, now_us: u64, wake: &mut Wake<'_>) -> Option<u64> {
        match self.reserved {
            Some(reserved) if reserved.ticket == ask.ticket => return None,
            Some(reserved) => return Some(reserved.end_us),
            None => {}
        }
        let end = self.place_of(&ask.ticket).unwrap_or_else(|| self.place_for(ask.mode));
        self.hand_on(end, now_us, wake);
        self.reserved.map(|reserved| reserved.end_us)
    }

    /// Where nothing is reserved: reserves it for the first of so many who stands and has not lapsed.
    fn hand_on(&mut self, count: usize, now_us: u64, wake: &mut Wake<'_>) {
        if self.reserved.is_some() {
            return;
        }
        let (mut at, mut left) = (0, count);
        while left > 0 {
            left -= 1;
            let Waiting { ticket, stay_us, .. } = self.queue[at];
            if stay_us <= now_us {
                self.queue.remove(at);
            } else if self.lapsed.contains(&gate_of(&ticket)) {
                at += 1;
            } else if wake(&ticket) {
                self.reserved = Some(Until { ticket, end_us: now_us + CLAIM_MS * 1000 });
                return;
            } else {
                self.lapse(&ticket);
                at += 1;
            }
        }
    }

    fn place_for(&self, mode: TurnMode) -> usize {
        match mode {
            TurnMode::Front => self.queue.partition_point(|waiting| waiting.front),
            TurnMode::Queue | TurnMode::Try => self.queue.len(),
        }
    }

    /// The place in the queue, taken where there was none.
    fn join(&mut self, ask: &Ask<'_>, now_us: u64) -> usize {
        self.place_of(&ask.ticket).unwrap_or_else(|| {
            let at = self.place_for(ask.mode);
            let front = ask.mode == TurnMode::Front;
            let stay_us = now_us + ask.stay_ms * 1000;
            self.queue.insert(at, Waiting { ticket: ask.ticket, stay_us, front });
            at
        })
    }
}

#[cfg(test)]
mod tests;
