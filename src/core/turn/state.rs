//! The rule of turns: the holder and the queue of one place, and the effect of every question on them. Pure: the instant
//! is an argument, and the waiters to wake are part of the answer.
//!
//! 1. An expired lease holds no turn. A reservation that was not claimed in time is free again, and its gate has
//!    *lapsed*: its tickets keep their positions and are skipped until one of them asks. So a dead process costs one
//!    claim window, and not one window for each of its tickets.
//! 2. The holder gets its lease again.
//! 3. A free turn without a reservation for another ticket goes to the caller, unless a waiter ahead of it has not
//!    lapsed: then the turn is reserved for the first such waiter, who is woken.
//! 4. Other callers join the queue, or keep their positions.

use super::ops::{
    Ask, CLAIM_MS, FENCE_MS, FENCES_END, TurnAnswer, TurnGate, TurnMode, TurnTicket, gate_of,
};
use crate::core::base::error::Fault;
use crate::core::base::limits::{LOOK_AGAIN_MS, LOOK_AGAIN_STEP_MS, LOOK_AGAIN_STEPS};
use crate::core::base::reason::Reason;

/// The message when no fence above the highest known fence fits a double.
#[must_use]
pub fn fences_spent() -> Fault {
    Fault::input("no fence is left above the highest known fence")
}

/// Wakes the ticket for which the turn is reserved. False if its gate cannot be reached.
pub type Wake<'a> = dyn FnMut(&TurnTicket) -> bool + 'a;

/// The state of one place. Without holder and waiters it is a fence alone: there may be very many idle keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnState {
    /// The last granted fence.
    fence: u64,
    /// Until when the fence is remembered.
    kept_us: u64,
    line: Option<Box<Line>>,
}

/// A ticket, and until when its state lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Until {
    ticket: TurnTicket,
    end_us: u64,
}

/// The holder and the waiters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    holder: Option<Until>,
    /// The reservation for a waiter. Then there is no holder.
    reserved: Option<Until>,
    /// The queue. Waiters of the front mode come first.
    queue: Vec<Waiting>,
    lapsed: Vec<TurnGate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    ticket: TurnTicket,
    /// Until when it remains here.
    stay_us: u64,
    front: bool,
}

impl TurnState {
    /// Asks for the turn. `against`: the first reason that denies the credential, or `Allowed`.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if no fence above the known fences is left. Nothing changed.
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
            return Err(fences_spent());
        }
        let line = self.line.get_or_insert_default();
        line.heard_of(ask, now_us);
        let answer = match line.ahead_us(ask, now_us, wake) {
            None => {
                line.remove(&ask.ticket);
                let end_us = now_us + ask.ttl_ms * 1000;
                line.holder = Some(Until { ticket: ask.ticket, end_us });
                self.fence = fence;
                self.kept_us = now_us + FENCE_MS * 1000;
                TurnAnswer::Granted { fence, lease_ms: ask.ttl_ms }
            }
            Some(end_us) => line.wait(ask, end_us, now_us),
        };
        self.tidy();
        Ok(answer)
    }

    /// Releases the turn, the reservation, or the position in the queue, and reserves the turn for the next waiter. Returns
    /// whether the turn was held.
    pub fn leave(&mut self, ticket: &TurnTicket, now_us: u64, wake: &mut Wake<'_>) -> bool {
        self.settle(now_us);
        let Some(line) = &mut self.line else { return false };
        let held = line.holder.take_if(|holder| holder.ticket == *ticket).is_some();
        line.remove(ticket);
        if line.holder.is_none() {
            line.hand_on(line.queue.len(), now_us, wake);
        }
        self.tidy();
        held
    }

    /// Extends the lease to at least that time from now, if the ticket holds the turn.
    pub fn extend(&mut self, ticket: &TurnTicket, by_ms: u64, now_us: u64) -> TurnAnswer {
        self.settle(now_us);
        if let Some(line) = &mut self.line
            && let Some(holder) = line.holder.as_mut().filter(|holder| holder.ticket == *ticket)
        {
            holder.end_us = holder.end_us.max(now_us + by_ms * 1000);
            self.kept_us = now_us + FENCE_MS * 1000;
        }
        self.lease(ticket, now_us).unwrap_or(TurnAnswer::Lost)
    }

    /// Whether the place is as if absent.
    #[must_use]
    pub fn is_over(&self, now_us: u64) -> bool {
        self.kept_us <= now_us && !self.line.as_deref().is_some_and(|line| line.is_used(now_us))
    }

    /// The state without expired entries. States that answer equally are equal.
    #[must_use]
    pub fn settled(&self, now_us: u64) -> Self {
        let mut state = self.clone();
        state.settle(now_us);
        state
    }

    /// The current state of a ticket.
    fn lease(&self, ticket: &TurnTicket, now_us: u64) -> Option<TurnAnswer> {
        let holder = self.line.as_ref()?.holder.filter(|holder| holder.ticket == *ticket)?;
        let lease_ms = (holder.end_us - now_us) / 1000;
        Some(TurnAnswer::Granted { fence: self.fence, lease_ms })
    }

    /// Ends what has expired.
    fn settle(&mut self, now_us: u64) {
        let Some(line) = &mut self.line else { return };
        line.holder.take_if(|holder| holder.end_us <= now_us);
        if let Some(missed) = line.reserved.take_if(|reserved| reserved.end_us <= now_us) {
            line.lapse(&missed.ticket);
        }
        self.tidy();
    }

    /// An empty queue remembers no lapsed gate.
    fn tidy(&mut self) {
        if let Some(line) = self.line.as_mut().filter(|line| line.queue.is_empty()) {
            line.lapsed.clear();
        }
        self.line.take_if(|line| line.queue.is_empty() && line.holder.is_none());
    }
}

impl Line {
    fn is_used(&self, now_us: u64) -> bool {
        self.holder.is_some_and(|holder| holder.end_us > now_us)
            || self.queue.iter().any(|waiting| waiting.stay_us > now_us)
    }

    fn remove(&mut self, ticket: &TurnTicket) {
        self.queue.retain(|waiting| waiting.ticket != *ticket);
        self.reserved.take_if(|reserved| reserved.ticket == *ticket);
    }

    fn place_of(&self, ticket: &TurnTicket) -> Option<usize> {
        self.queue.iter().position(|waiting| waiting.ticket == *ticket)
    }

    /// A gate that asks has not lapsed, and its ticket remains.
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

    /// Until when another ticket holds or has reserved the turn; `None`: the turn is free for this ticket.
    fn ahead_us(&mut self, ask: &Ask<'_>, now_us: u64, wake: &mut Wake<'_>) -> Option<u64> {
        let ahead = self.holder.or(self.reserved);
        if ahead.is_some() {
            return ahead.filter(|it| it.ticket != ask.ticket).map(|it| it.end_us);
        }
        let end = self.place_of(&ask.ticket).unwrap_or_else(|| self.place_for(ask.mode));
        self.hand_on(end, now_us, wake);
        self.reserved.map(|reserved| reserved.end_us)
    }

    /// Without a reservation: reserves the turn for the first waiter whose gate has not lapsed.
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

    /// Joins the queue, or keeps the position in it. The lease or reservation ahead ends at `end_us`.
    fn wait(&mut self, ask: &Ask<'_>, end_us: u64, now_us: u64) -> TurnAnswer {
        let left_ms = (end_us - now_us).div_ceil(1000) + LOOK_AGAIN_MS;
        let at = match self.place_of(&ask.ticket) {
            Some(at) => at,
            None if ask.mode == TurnMode::Try => {
                return TurnAnswer::Busy { look_again_ms: left_ms };
            }
            None => {
                let (at, front) = (self.place_for(ask.mode), ask.mode == TurnMode::Front);
                let stay_us = now_us + ask.stay_ms * 1000;
                self.queue.insert(at, Waiting { ticket: ask.ticket, stay_us, front });
                at
            }
        };
        let ahead = at as u64;
        let apart_ms = LOOK_AGAIN_STEP_MS * ahead.min(LOOK_AGAIN_STEPS);
        TurnAnswer::Queued { ahead, look_again_ms: left_ms + apart_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::turn::ops::{TurnKind, TurnPlace, ticket_of};

    const START_US: u64 = 1_700_000_000_000_000;

    fn asked(ticket: TurnTicket, mode: TurnMode) -> Ask<'static> {
        let place = TurnPlace { kind: TurnKind::Lock, id: "k".into() };
        Ask { place, ticket, ttl_ms: 3_000, seen: 0, stay_ms: 10_000, mode, credential: None }
    }

    fn ticket(gate: u8, number: u64) -> TurnTicket {
        ticket_of([gate; 8], number)
    }

    fn ask(state: &mut TurnState, ticket: TurnTicket, now_us: u64) -> TurnAnswer {
        state.ask(&asked(ticket, TurnMode::Queue), Reason::Allowed, now_us, &mut |_| true).unwrap()
    }

    #[test]
    fn a_fence_is_above_the_last_the_clock_and_what_was_seen_and_stays_safe() {
        let mut state = TurnState::default();
        let mut grant = |seen, now_us| {
            let asked = Ask { seen, ..asked(ticket(1, 1), TurnMode::Queue) };
            let answer = state.ask(&asked, Reason::Allowed, now_us, &mut |_| true);
            state.leave(&ticket(1, 1), now_us, &mut |_| true);
            answer.map(|answer| match answer {
                TurnAnswer::Granted { fence, .. } => fence,
                other => panic!("not granted: {other:?}"),
            })
        };
        assert_eq!(grant(0, START_US), Ok(START_US));
        assert_eq!(grant(0, START_US), Ok(START_US + 1), "above the last");
        assert_eq!(grant(0, START_US - 5), Ok(START_US + 2), "the clock was set back");
        assert_eq!(grant(START_US + 9, START_US), Ok(START_US + 10), "above what was seen");
        assert_eq!(grant(FENCES_END - 2, START_US), Ok(FENCES_END - 1));
        assert!(grant(0, START_US).is_err(), "none is left");
        let before = state.clone();
        assert!(ask_seen(&mut state, FENCES_END - 1).is_err());
        assert_eq!(state, before);
    }

    fn ask_seen(state: &mut TurnState, seen: u64) -> Result<TurnAnswer, Fault> {
        let asked = Ask { seen, ..asked(ticket(2, 1), TurnMode::Queue) };
        state.ask(&asked, Reason::Allowed, START_US, &mut |_| true)
    }

    #[test]
    fn nothing_but_the_fence_is_left_and_that_for_a_day() {
        let mut state = TurnState::default();
        for number in 0..100 {
            ask(&mut state, ticket(1, number), START_US);
        }
        for number in 0..100 {
            state.leave(&ticket(1, number), START_US, &mut |_| true);
        }
        assert!(state.line.is_none());
        assert!(!state.is_over(START_US + FENCE_MS * 1000 - 1));
        assert!(state.is_over(START_US + FENCE_MS * 1000));
    }

    #[test]
    fn a_waiter_that_cannot_be_woken_is_skipped_with_all_waiters_of_its_gate() {
        let mut state = TurnState::default();
        for (gate, number) in [(9, 9), (1, 1), (1, 2), (2, 1), (1, 3)] {
            ask(&mut state, ticket(gate, number), START_US);
        }
        let mut woken = Vec::new();
        state.leave(&ticket(9, 9), START_US, &mut |ticket| {
            woken.push(*ticket);
            gate_of(ticket) != [1; 8]
        });
        assert_eq!(woken, [ticket(1, 1), ticket(2, 1)], "one try for each gate");
        assert!(matches!(
            ask(&mut state, ticket(1, 1), START_US),
            TurnAnswer::Queued { ahead: 0, .. }
        ));
        assert!(matches!(ask(&mut state, ticket(2, 1), START_US), TurnAnswer::Granted { .. }));
    }
}
