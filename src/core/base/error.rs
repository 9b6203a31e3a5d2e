//! Faults: errors, as opposed to denials, which are values (see `reason`).
//! The codes are defined here once; index.d.ts, docs/error-codes.md and errors.js are checked against them.

use std::fmt;

/// The kind of a fault, as the public error code names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// An option is wrong, or names a feature that is not built.
    Config,
    /// An argument is wrong. Nothing changed.
    Input,
    /// The store cannot be reached. Nothing changed.
    StoreUnavailable,
    /// The store did not answer in time. Whether it acted is unknown.
    StoreTimeout,
    /// The turn was not granted in time.
    Busy,
    /// The queue of turns is full.
    QueueFull,
    /// The lease ended before the work.
    LeaseLost,
    /// The credential is no longer valid.
    Revoked,
    /// The Auth was closed.
    Closed,
}

impl FaultCode {
    /// Every code, for tables and checks.
    pub const ALL: [Self; 9] = [
        Self::Config,
        Self::Input,
        Self::StoreUnavailable,
        Self::StoreTimeout,
        Self::Busy,
        Self::QueueFull,
        Self::LeaseLost,
        Self::Revoked,
        Self::Closed,
    ];

    /// The public code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "ERR_LATCHGATE_CONFIG",
            Self::Input => "ERR_LATCHGATE_INPUT",
            Self::StoreUnavailable => "ERR_LATCHGATE_STORE_UNAVAILABLE",
            Self::StoreTimeout => "ERR_LATCHGATE_STORE_TIMEOUT",
            Self::Busy => "ERR_LATCHGATE_BUSY",
            Self::QueueFull => "ERR_LATCHGATE_QUEUE_FULL",
            Self::LeaseLost => "ERR_LATCHGATE_LEASE_LOST",
            Self::Revoked => "ERR_LATCHGATE_REVOKED",
            Self::Closed => "ERR_LATCHGATE_CLOSED",
        }
    }
}

/// A fault with a message for the developer. The message never holds a token, a key or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The public code.
    pub code: FaultCode,
    /// The problem and its cure.
    pub message: String,
}

impl Fault {
    /// A wrong option.
    pub fn config(message: impl Into<String>) -> Self {
        Self { code: FaultCode::Config, message: message.into() }
    }

    /// A wrong argument.
    pub fn input(message: impl Into<String>) -> Self {
        Self { code: FaultCode::Input, message: message.into() }
    }

    /// A credential that is no longer valid. The message gives no reason: the operation is refused in any case.
    #[must_use]
    pub fn revoked() -> Self {
        let message = "the credential is no longer valid: nothing was done";
        Self { code: FaultCode::Revoked, message: message.to_owned() }
    }

    /// Whether the store cannot answer.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        matches!(self.code, FaultCode::StoreUnavailable | FaultCode::StoreTimeout)
    }

    /// A store that may or may not have acted.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self { code: FaultCode::StoreTimeout, message: message.into() }
    }

    /// A store that cannot answer.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { code: FaultCode::StoreUnavailable, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Fault {}
