//! The names of the scripts that a server runs, and whether each runs when the server is out of memory.

/// Declares the scripts once: the enum, the list of all, and the behaviour when the server is out of memory.
macro_rules! scripts {
    ($($name:ident $when_full:ident,)+) => {
        /// A script.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Script {
            $($name),+
        }

        impl Script {
            /// Every script, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Whether it runs when the server is out of memory.
            #[must_use]
            pub const fn when_full(self) -> WhenFull {
                match self {
                    $(Self::$name => WhenFull::$when_full),+
                }
            }
        }
    };
}

/// The behaviour of a script when the server is out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It runs: it only checks, or it frees space.
    Runs,
    /// The server refuses it: the data that it stores must not seem to be kept.
    Fails,
}

scripts! {
    Decide Runs,
    Admit Fails,
    Touch Runs,
    End Runs,
    List Runs,
    RevokeToken Fails,
    IsRevoked Runs,
    RevokeUser Fails,
    UnblockUser Runs,
    IsBlocked Runs,
    NextGeneration Fails,
    Consume Fails,
    AddUnits Fails,
    Refund Fails,
    ReceiptKey Fails,
    ResetQuotas Runs,
    Apply Fails,
    ApplyWithCredential Fails,
    CheckCredential Runs,
    TurnAsk Fails,
    TurnAskWithCredential Fails,
    TurnLeave Runs,
    TurnExtend Runs,
    Once Fails,
    OnceRelease Runs,
    Check Runs,
    KeyFind Runs,
    KeyClaim Fails,
    KeyUpdateIndex Runs,
    KeyCreate Fails,
    KeyUse Runs,
    KeyUndo Runs,
    KeyRotate Fails,
    KeyRevoke Runs,
    KeyAdd Fails,
    KeyUpdate Fails,
    KeyIds Runs,
    KeyGet Runs,
    FamilyFind Runs,
    Login Fails,
    Refresh Fails,
    Logout Runs,
    Lead Runs,
}
