//! The methods for the store: completions, events, health, and its end.

use super::NativeAuth;
use crate::binding::convert::{Result, number};
use crate::binding::results::result;
use crate::binding::results::store::{NativeEvent, NativeHealth, health};
use crate::binding::runtime::auth::NowOrLater;
use crate::binding::runtime::slots::{enter, enter_still, guarded};
use crate::core::op::Act;
#[cfg(feature = "test-stores")]
use crate::core::store::{Notice, Sink};
use napi_derive::napi;

#[napi]
impl NativeAuth {
    #[napi]
    pub fn ping(&self) -> Result<NowOrLater> {
        self.submit(Act::Ping)
    }

    /// Moves up to 64 completions into the verdict records; 0 when there are no more.
    #[napi]
    pub fn drain(&self) -> Result<f64> {
        enter_still(&self.runtime, |runtime| Ok(number(runtime.drain() as u64)))
    }

    /// The outcome announced by a record with code -1.
    #[napi]
    pub fn take(&self, id: f64) -> Result<result::Outcome> {
        enter_still(&self.runtime, |runtime| runtime.take(id))
    }

    /// Sends what was held back so that the calls of one turn travel together.
    #[napi]
    pub fn flush(&self) -> Result<()> {
        enter_still(&self.runtime, |runtime| {
            runtime.store.store().flush();
            Ok(())
        })
    }

    /// What was told of the store since it was last asked for.
    #[napi]
    pub fn events(&self) -> Result<Vec<NativeEvent>> {
        enter_still(&self.runtime, |runtime| Ok(runtime.events()))
    }

    /// What is known of the store.
    #[napi]
    pub fn health(&self) -> Result<NativeHealth> {
        enter(&self.runtime, |runtime| Ok(health(runtime.store.store().health())))
    }

    /// Drops expired entries of a slice of the store; returns how many records went.
    #[napi]
    pub fn sweep(&self) -> Result<f64> {
        enter(&self.runtime, |runtime| Ok(number(runtime.store.store().sweep() as u64)))
    }

    /// Afterwards everything throws `ERR_LATCHGATE_CLOSED`.
    #[napi]
    pub fn close(&self) -> Result<()> {
        guarded(|| {
            self.runtime.borrow_mut().close();
            Ok(())
        })
    }
}

#[cfg(feature = "test-stores")]
#[napi]
impl NativeAuth {
    /// Everything that stands in the store, in a canonical form.
    #[napi]
    pub fn dump(&self) -> Result<String> {
        enter(&self.runtime, |runtime| Ok(runtime.store.store().dump()))
    }

    /// Is told once more that there is something to be watched.
    #[napi]
    pub fn notice_again(&self) -> Result<()> {
        enter(&self.runtime, |runtime| {
            runtime.store.bridge().notice(Notice::Opened);
            Ok(())
        })
    }
}
