//! What was answered about a turn, as an object.

use crate::binding::convert::number;
use crate::core::turn::ops::TurnAnswer;
use napi_derive::napi;

/// What asking for a turn, or for more of it, came to.
#[napi(object)]
#[derive(Default)]
pub struct NativeTurn {
    /// 0 granted, 1 queued, 2 busy, 3 denied, 4 lost.
    pub state: f64,
    /// Where it is granted.
    pub fence: f64,
    /// Where it is granted: it lasts so long from when it was.
    pub lease_ms: f64,
    /// In the queue: how many wait ahead, the holder aside.
    pub ahead: f64,
    /// Not granted: when to ask again without a wake-up.
    pub look_again_ms: f64,
    /// Denied: the number of the reason.
    pub reason: f64,
}

/// An answer, as an object.
pub fn turn(answer: TurnAnswer) -> NativeTurn {
    let none = NativeTurn::default();
    match answer {
        TurnAnswer::Granted { fence, lease_ms } => {
            NativeTurn { fence: number(fence), lease_ms: number(lease_ms), ..none }
        }
        TurnAnswer::Queued { ahead, look_again_ms } => NativeTurn {
            state: 1.0,
            ahead: number(ahead),
            look_again_ms: number(look_again_ms),
            ..none
        },
        TurnAnswer::Busy { look_again_ms } => {
            NativeTurn { state: 2.0, look_again_ms: number(look_again_ms), ..none }
        }
        TurnAnswer::Denied(reason) => {
            NativeTurn { state: 3.0, reason: f64::from(reason as u8), ..none }
        }
        TurnAnswer::Lost => NativeTurn { state: 4.0, ..none },
    }
}
