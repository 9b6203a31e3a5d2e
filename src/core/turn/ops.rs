//! Turns: who may act on something next. What is asked about one, and what is answered; the rule is in
//! `turn_state`.

use crate::core::base::reason::Reason;
use crate::core::request::credential::Credential;
use std::borrow::Cow;

/// A waiter's ticket: eight random bytes of its gate, and a number that the gate gives once.
pub type TurnTicket = [u8; 16];

/// The first half of the tickets of one gate.
pub type TurnGate = [u8; 8];

/// Whoever is woken keeps what is reserved for so long, in milliseconds.
pub const CLAIM_MS: u64 = 500;

/// The last fence is remembered for so long after its grant, in milliseconds.
pub const FENCE_MS: u64 = 86_400_000;

/// Fences stay below this: beyond it doubles lose integers.
pub const FENCES_END: u64 = 1 << 53;

/// Whose keys a place is among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TurnKind {
    /// Keys that callers name.
    Lock,
    /// Users.
    User,
}

/// What one holds at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnPlace<'a> {
    /// Keys of one kind never meet those of another.
    pub kind: TurnKind,
    /// The key, or the user id.
    pub id: Cow<'a, str>,
}

/// How a turn is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnMode {
    /// Behind all who wait.
    Queue,
    /// Only where it is free and nobody waits.
    Try,
    /// Before all who wait, behind those who asked like this.
    Front,
}

/// Asks for a turn: joins the queue, claims after a wake-up and looks again after a lost one. Asking again changes nothing:
/// the holder hears the same fence, and who waits keeps the place.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Of what.
    pub place: TurnPlace<'a>,
    /// Who.
    pub ticket: TurnTicket,
    /// How long it lasts, in milliseconds.
    pub ttl_ms: u64,
    /// The highest fence that the asker knows of; 0: none.
    pub seen: u64,
    /// How long the ticket stands in the queue unless it asks again, in milliseconds.
    pub stay_ms: u64,
    /// How.
    pub mode: TurnMode,
    /// Only while this stands. The place is then that of its user.
    pub credential: Option<Credential<'a>>,
}

/// What is asked about a turn.
#[derive(Clone, Debug)]
pub enum TurnOp<'a> {
    /// See [`Ask`].
    Ask(Ask<'a>),
    /// Gives up the turn, what is reserved, or the place in the queue; hands on in the same step. Answered by
    /// `Verdict::Flag`: whether the turn was held.
    Leave { place: TurnPlace<'a>, ticket: TurnTicket },
    /// The turn lasts at least so many milliseconds from now. What has ended is never revived.
    Extend { place: TurnPlace<'a>, ticket: TurnTicket, by_ms: u64 },
}

/// What is answered to [`TurnOp::Ask`] and [`TurnOp::Extend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnAnswer {
    /// The asker holds it, under this fence, for so long from now.
    Granted { fence: u64, lease_ms: u64 },
    /// So many wait ahead, the holder aside. To be asked again when woken, or after so long.
    Queued { ahead: u64, look_again_ms: u64 },
    /// To `Try`: it is not free.
    Busy { look_again_ms: u64 },
    /// The credential no longer stands; the ticket is gone.
    Denied(Reason),
    /// To `Extend`: the ticket does not hold it.
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
    /// What it is about.
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

/// The gate that a ticket belongs to.
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
