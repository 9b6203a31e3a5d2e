//! Turns: fair locks with a fencing token. The questions and answers; the rule is in `state.rs`.

use crate::core::base::limits;
use crate::core::base::reason::Reason;
use crate::core::request::credential::Credential;
use std::borrow::Cow;

/// The ticket of a waiter: eight random bytes of its gate, and a number that the gate uses once.
pub type TurnTicket = [u8; 16];

/// The first half of the tickets of one gate.
pub type TurnGate = [u8; 8];

/// How long a reserved turn waits for its claim, in milliseconds.
pub const CLAIM_MS: u64 = limits::TURN_CLAIM_MS;

/// How long the last fence is remembered after its grant, in milliseconds.
pub const FENCE_MS: u64 = limits::DAY_MS;

/// Fences stay below this value. Beyond it doubles lose integers.
pub const FENCES_END: u64 = limits::FENCES_END;

/// The namespace of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TurnKind {
    /// Keys that callers name.
    Lock,
    /// Users.
    User,
}

/// The object of a turn, which has one holder at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnPlace<'a> {
    /// Keys of different kinds never collide.
    pub kind: TurnKind,
    /// The key, or the user id.
    pub id: Cow<'a, str>,
}

/// The position in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnMode {
    /// Behind all waiters.
    Queue,
    /// Only if it is free and there is no waiter.
    Try,
    /// Before all other waiters, behind earlier ones of this mode.
    Front,
}

/// Asks for a turn: joins the queue, claims after a wake-up, and checks again after a lost wake-up. A repetition changes
/// nothing: the holder gets the same fence, and a waiter keeps its position.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The object of the turn.
    pub place: TurnPlace<'a>,
    /// The ticket.
    pub ticket: TurnTicket,
    /// How long it lasts, in milliseconds.
    pub ttl_ms: u64,
    /// The highest fence that the caller knows; 0: none.
    pub seen: u64,
    /// How long the ticket remains in the queue unless it asks again, in milliseconds.
    pub stay_ms: u64,
    /// The position in the queue.
    pub mode: TurnMode,
    /// The credential that must be valid. The place is then of its user.
    pub credential: Option<Credential<'a>>,
}

/// A question about a turn.
#[derive(Clone, Debug)]
pub enum TurnOp<'a> {
    /// See [`Ask`].
    Ask(Ask<'a>),
    /// Releases the turn, the reservation, or the position in the queue, and reserves the turn for the next waiter in the same
    /// step. Answered by `Answer::Flag`: whether the turn was held.
    Leave { place: TurnPlace<'a>, ticket: TurnTicket },
    /// Extends the lease to at least this number of milliseconds from now. An ended lease is never revived.
    Extend { place: TurnPlace<'a>, ticket: TurnTicket, by_ms: u64 },
}

/// The answer to [`TurnOp::Ask`] and [`TurnOp::Extend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnAnswer {
    /// The caller holds the turn under this fence, for that time from now.
    Granted { fence: u64, lease_ms: u64 },
    /// Number of waiters ahead, without the holder. The caller asks again after a wake-up, or after that time.
    Queued { ahead: u64, look_again_ms: u64 },
    /// To `Try`: the turn is not free.
    Busy { look_again_ms: u64 },
    /// The credential is no longer valid. The ticket was removed.
    Denied(Reason),
    /// To `Extend`: the ticket does not hold the turn.
    Lost,
}

impl TurnPlace<'_> {
    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> TurnPlace<'static> {
        TurnPlace { kind: self.kind, id: Cow::Owned(self.id.into_owned()) }
    }
}

impl TurnOp<'_> {
    /// The object of the turn.
    #[must_use]
    pub const fn place(&self) -> &TurnPlace<'_> {
        match self {
            Self::Ask(Ask { place, .. })
            | Self::Leave { place, .. }
            | Self::Extend { place, .. } => place,
        }
    }

    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> TurnOp<'static> {
        match self {
            Self::Ask(ask) => TurnOp::Ask(Ask {
                place: ask.place.into_owned(),
                credential: ask.credential.map(Credential::into_owned),
                ..ask
            }),
            Self::Leave { place, ticket } => TurnOp::Leave { place: place.into_owned(), ticket },
            Self::Extend { place, ticket, by_ms } => {
                TurnOp::Extend { place: place.into_owned(), ticket, by_ms }
            }
        }
    }
}

/// The gate of a ticket.
#[must_use]
pub fn gate_of(ticket: &TurnTicket) -> TurnGate {
    let mut gate = TurnGate::default();
    gate.copy_from_slice(&ticket[..8]);
    gate
}

/// The ticket of that number.
#[must_use]
pub fn ticket_of(gate: TurnGate, number: u64) -> TurnTicket {
    let mut ticket = TurnTicket::default();
    ticket[..8].copy_from_slice(&gate);
    ticket[8..].copy_from_slice(&number.to_be_bytes());
    ticket
}

/// The number of a ticket.
#[must_use]
pub fn number_of(ticket: &TurnTicket) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&ticket[8..]);
    u64::from_be_bytes(number)
}
