//! The class that JavaScript holds. Its methods parse arguments and do nothing else; each child module has the methods of
//! one noun.

use crate::binding::config::GateConfig;
use crate::binding::convert::{Result, error, number};
use crate::binding::flows::continuation::Continuation;
use crate::binding::io::poller::WakeCallback;
use crate::binding::results::verdict_record::Records;
use crate::binding::runtime::auth::{AuthRuntime, NowOrLater};
use crate::binding::runtime::slots::{enter, guarded, register};
use crate::core::base::error::Fault;
use crate::core::op::Act;
use napi::Env;
use napi::bindgen_prelude::{Function, JsValue, Unknown};
use napi_derive::napi;
use std::cell::RefCell;
use std::rc::Rc;

/// The native half of one Auth.
#[napi(js_name = "Gate")]
pub struct NativeAuth {
    runtime: Rc<RefCell<AuthRuntime>>,
    number: usize,
}

// Behind the struct: the macro expands in this order, and the methods need the struct's name in JavaScript.
pub(crate) mod api_keys;
pub(crate) mod counters;
pub(crate) mod decisions;
pub(crate) mod exports;
pub(crate) mod logins;
pub(crate) mod quotas;
pub(crate) mod sessions;
pub(crate) mod store;
pub(crate) mod tokens;
pub(crate) mod turns;
pub(crate) mod verification_keys;

#[napi]
impl NativeAuth {
    /// Opens the store and reads the keys. Throws `ERR_LATCHGATE_CONFIG`, naming the option and the cure.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        config: GateConfig,
        #[napi(ts_arg_type = "Float64Array")] verdict: Unknown<'_>,
        wake: Function<(), ()>,
    ) -> Result<Self> {
        guarded(|| {
            let callback = WakeCallback::new(env.raw(), wake.raw());
            let wake =
                wake.build_threadsafe_function().weak::<true>().callee_handled::<false>().build();
            let wake = wake.map_err(|_| error(Fault::config("the wake function is refused")))?;
            let runtime =
                AuthRuntime::new(&config, Records::new(&verdict)?, wake).map_err(error)?;
            let runtime = Rc::new(RefCell::new(runtime));
            let number = register(&runtime);
            if let Some(callback) = callback.filter(|_| config.own_loop == Some(true)) {
                AuthRuntime::poll(&runtime, callback);
            }
            Ok(Self { runtime, number })
        })
    }

    /// The number that `decide` takes.
    #[napi(getter)]
    pub fn number(&self) -> f64 {
        number(self.number as u64)
    }
}

impl NativeAuth {
    fn submit(&self, act: Act<'_>) -> Result<NowOrLater> {
        enter(&self.runtime, |runtime| runtime.submit(act, Continuation::Plain))
    }
}
