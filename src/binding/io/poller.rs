//! Polls the sockets of a store in Node's own event loop, so that replies arrive without another thread. Uses libuv's
//! `uv_poll_t` through the functions that Node exports. All code here runs on the thread of its environment.

use super::bridge::Bridge;
use crate::core::store::{Source, Store};
use napi::sys;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

/// A value of libuv's `uv_handle_type`.
const UV_POLL: c_int = 8;
const UV_READABLE: c_int = 1;

type Handle = *mut c_void;
type OnPoll = unsafe extern "C" fn(Handle, c_int, c_int);
type OnClose = unsafe extern "C" fn(Handle);

/// The functions of libuv that are used. Their names and types have been stable since 1.19.
struct Uv {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    init: unsafe extern "C" fn(*mut sys::uv_loop_s, Handle, c_int) -> c_int,
    start: unsafe extern "C" fn(Handle, c_int, OnPoll) -> c_int,
    stop: unsafe extern "C" fn(Handle) -> c_int,
    close: unsafe extern "C" fn(Handle, OnClose),
    unref: unsafe extern "C" fn(Handle),
    set_data: unsafe extern "C" fn(Handle, *mut c_void),
    get_data: unsafe extern "C" fn(Handle) -> *mut c_void,
}

fn uv() -> Option<&'static Uv> {
    static UV: OnceLock<Option<Uv>> = OnceLock::new();
    UV.get_or_init(load).as_ref()
}

#[cfg(unix)]
fn load() -> Option<Uv> {
    let process = libloading::os::unix::Library::this();
    // SAFETY: the types are those of libuv's documentation. The functions stay where they are: the process itself is
    // never unloaded.
    unsafe {
        Some(Uv {
            handle_size: *process.get(b"uv_handle_size\0").ok()?,
            init: *process.get(b"uv_poll_init\0").ok()?,
            start: *process.get(b"uv_poll_start\0").ok()?,
            stop: *process.get(b"uv_poll_stop\0").ok()?,
            close: *process.get(b"uv_close\0").ok()?,
            unref: *process.get(b"uv_unref\0").ok()?,
            set_data: *process.get(b"uv_handle_set_data\0").ok()?,
            get_data: *process.get(b"uv_handle_get_data\0").ok()?,
        })
    }
}

/// On other platforms the I/O thread reads.
#[cfg(not(unix))]
fn load() -> Option<Uv> {
    None
}

/// Whether this process has an event loop that can poll sockets.
pub fn is_possible() -> bool {
    uv().is_some()
}

/// The JavaScript function `wake`, which gets the number of records that were written.
pub struct WakeCallback {
    env: sys::napi_env,
    wake: sys::napi_ref,
}

impl WakeCallback {
    /// Keeps a reference to the function. `None` if the environment refuses.
    pub fn new(env: sys::napi_env, wake: sys::napi_value) -> Option<Self> {
        let mut reference = ptr::null_mut();
        // SAFETY: both belong to the running call, and Node.js writes to a local of the type that it expects.
        let status = unsafe { sys::napi_create_reference(env, wake, 1, &raw mut reference) };
        (status == sys::Status::napi_ok).then_some(Self { env, wake: reference })
    }

    /// Calls `wake(count)` as a separate callback: microtasks that it queues run after it.
    fn call(&self, count: usize) {
        let Self { env, wake } = *self;
        #[allow(clippy::cast_precision_loss)]
        let count = count as f64;
        // SAFETY: the environment is alive, this is its thread, and no JavaScript runs. Node.js writes to locals of the
        // types that it expects. A value that it could not get stays null, which it refuses in the call that uses it.
        unsafe {
            let mut scope = ptr::null_mut();
            if sys::napi_open_handle_scope(env, &raw mut scope) != sys::Status::napi_ok {
                return;
            }
            let (mut function, mut global, mut argument) =
                (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
            sys::napi_get_reference_value(env, wake, &raw mut function);
            sys::napi_get_global(env, &raw mut global);
            sys::napi_create_double(env, count, &raw mut argument);
            let status = sys::napi_make_callback(
                env,
                ptr::null_mut(),
                global,
                function,
                1,
                &raw const argument,
                ptr::null_mut(),
            );
            if status == sys::Status::napi_pending_exception {
                let mut exception = ptr::null_mut();
                sys::napi_get_and_clear_last_exception(env, &raw mut exception);
                sys::napi_fatal_exception(env, exception);
            }
            sys::napi_close_handle_scope(env, scope);
        }
    }
}

impl Drop for WakeCallback {
    fn drop(&mut self) {
        // SAFETY: the last one is dropped on the environment's thread, by a call, a callback, a finalizer or a clean-up
        // hook of it. The reference is deleted once, because a `WakeCallback` is not copied.
        unsafe { sys::napi_delete_reference(self.env, self.wake) };
    }
}

/// Writes completions into the verdict records and returns their number.
type Drain = Rc<dyn Fn() -> usize>;

/// The pollers of a store, across its connections.
#[derive(Default)]
pub struct Pollers {
    on_completion: Option<(Rc<WakeCallback>, Drain)>,
    pollers: Vec<Poller>,
}

impl Pollers {
    /// Returns a set that polls nothing yet.
    pub fn new(callback: WakeCallback, drain: impl Fn() -> usize + 'static) -> Self {
        Self { on_completion: Some((Rc::new(callback), Rc::new(drain))), pollers: Vec::new() }
    }

    /// Polls the connections that the store has now.
    pub fn renew(&mut self, store: &Arc<dyn Store>, bridge: &Arc<Bridge>) {
        let Some((callback, drain)) = &self.on_completion else { return };
        let sources = store.sources();
        self.pollers.retain(|poller| sources.iter().any(|source| poller.is_of(source)));
        for source in sources {
            // A source can be reported twice: libuv polls each socket once.
            if !self.pollers.iter().any(|poller| poller.is_of(&source)) {
                let poller = Poller::start(callback, store, source, bridge, Rc::clone(drain));
                self.pollers.extend(poller);
            }
        }
    }
}

/// Polls one source until it is dropped.
struct Poller(Rc<Inner>);

struct Inner {
    uv: &'static Uv,
    /// Memory of the handle. libuv writes to it until it calls `on_close`, and this code never reads it.
    handle: Vec<UnsafeCell<u64>>,
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
    /// `None` after close.
    callback: RefCell<Option<Rc<WakeCallback>>>,
    store: Arc<dyn Store>,
    source: Arc<dyn Source>,
    bridge: Arc<Bridge>,
    drain: Drain,
}

impl Poller {
    /// Starts to poll a source. `None` if libuv or the environment refuses.
    fn start(
        callback: &Rc<WakeCallback>,
        store: &Arc<dyn Store>,
        source: Arc<dyn Source>,
        bridge: &Arc<Bridge>,
        drain: Drain,
    ) -> Option<Self> {
        let uv = uv()?;
        let mut event_loop = ptr::null_mut();
        // SAFETY: this is the environment's thread, in a call of it, and Node.js writes to a local of the type that it
        // expects.
        let status = unsafe { sys::napi_get_uv_event_loop(callback.env, &raw mut event_loop) };
        if status != sys::Status::napi_ok {
            return None;
        }
        // SAFETY: the function takes a number and touches no memory.
        let size = unsafe { (uv.handle_size)(UV_POLL) };
        let inner = Rc::new(Inner {
            uv,
            handle: (0..size.div_ceil(size_of::<u64>())).map(|_| UnsafeCell::new(0)).collect(),
            hook: Cell::new(ptr::null_mut()),
            callback: RefCell::new(Some(Rc::clone(callback))),
            store: Arc::clone(store),
            source,
            bridge: Arc::clone(bridge),
            drain,
        });
        let handle = inner.handle();
        // SAFETY: the memory is as large as libuv asks for, aligned for pointers, and in cells that may be written to
        // behind a shared reference. It stays where it is until `on_close`, because the handle holds one count of `inner`
        // until then. `inner` holds the source, and the source keeps the descriptor open. The hook's data is the same
        // `inner`: `on_close` removes the hook before it gives the count back.
        unsafe {
            if (uv.init)(event_loop, handle, inner.source.descriptor()) != 0 {
                return None;
            }
            let data = Rc::into_raw(Rc::clone(&inner)).cast_mut().cast();
            (uv.set_data)(handle, data);
            let mut hook = ptr::null_mut();
            let hooked = sys::napi_add_async_cleanup_hook(
                callback.env,
                Some(on_teardown),
                data,
                &raw mut hook,
            );
            inner.hook.set(hook);
            // An idle Auth must not keep the process alive. The JavaScript side holds a timer while operations wait.
            (uv.unref)(handle);
            // A handle without a hook would outlive its environment.
            let is_hooked = hooked == sys::Status::napi_ok;
            if !is_hooked || (uv.start)(handle, UV_READABLE, on_readable) != 0 {
                inner.close();
                return None;
            }
        }
        Some(Self(inner))
    }

    /// Whether it polls this source. libuv takes no descriptor twice.
    fn is_of(&self, source: &Arc<dyn Source>) -> bool {
        ptr::addr_eq(Arc::as_ptr(&self.0.source), Arc::as_ptr(source))
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Inner {
    fn handle(&self) -> Handle {
        UnsafeCell::raw_get(self.handle.as_ptr()).cast()
    }

    fn close(&self) {
        if self.callback.take().is_none() {
            return;
        }
        // SAFETY: the handle was initialised, and is closed once: only the first call finds a callback.
        unsafe { (self.uv.close)(self.handle(), on_close) };
    }

    /// Reads what has arrived and calls JavaScript in the same turn of the event loop.
    fn read(&self, status: c_int) {
        let is_of_use = self.bridge.here(|| self.store.receive(&self.source));
        // SAFETY: the handle was started. It is not closed: libuv calls no closed handle, and no JavaScript, which could
        // close it, has run since.
        unsafe {
            if !is_of_use {
                (self.uv.stop)(self.handle());
            } else if status < 0 {
                // libuv stopped polling because of an error. Reading on returns the data before the error, and then the error.
                (self.uv.start)(self.handle(), UV_READABLE, on_readable);
            }
        }
        let count = (self.drain)();
        let callback = self.callback.borrow().clone();
        if let Some(callback) = callback.filter(|_| count > 0) {
            callback.call(count);
        }
    }
}

unsafe extern "C" fn on_readable(handle: Handle, status: c_int, _events: c_int) {
    let Some(uv) = uv() else { return };
    // SAFETY: the data is what `Poller::start` has set, and the handle holds a count of it until `on_close`. The count that
    // is added is the one that `from_raw` takes.
    let inner = unsafe {
        let data: *const Inner = (uv.get_data)(handle).cast();
        Rc::increment_strong_count(data);
        Rc::from_raw(data)
    };
    // A panic must not unwind into libuv. The wake function announces the completions instead.
    if catch_unwind(AssertUnwindSafe(|| inner.read(status))).is_err() {
        inner.bridge.wake();
    }
}

unsafe extern "C" fn on_teardown(_hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: the data is the `Inner` that `Poller::start` has named. It lives until `on_close`, which removes this hook.
    unsafe { &*data.cast::<Inner>() }.close();
}

unsafe extern "C" fn on_close(handle: Handle) {
    let Some(uv) = uv() else { return };
    // SAFETY: libuv calls this once for a handle, and touches its memory no more. The data is what `Poller::start` has set,
    // and the count that `from_raw` takes is the handle's own. The hook is removed once, on the environment's thread.
    unsafe {
        let inner = Rc::from_raw((uv.get_data)(handle).cast::<Inner>());
        let hook = inner.hook.replace(ptr::null_mut());
        if !hook.is_null() {
            sys::napi_remove_async_cleanup_hook(hook);
        }
    }
}
