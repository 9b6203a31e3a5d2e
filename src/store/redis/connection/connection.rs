//! One connection's queue: what was asked, in the order of the wire, and what is still to be written.
//! Written to from the thread that asks, read from the I/O thread; it says what became of every call.

use super::acks::Acks;
use super::pending::{Completions, Stage, Waiting};
use super::queue::{Phase, Queue, Taken};
use crate::core::base::error::Fault;
use crate::core::op::Outcome;
use crate::core::store::{Health, Notice, Sink, Source};
use crate::store::redis::endpoint::handshake::Server;
use crate::store::redis::net::resp::{self, Garbled, garbled};
use crate::store::redis::net::slots::Redirect;
use crate::store::redis::net::socket::Socket;
use crate::store::redis::protocol::call::Plan;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Calls that wait at most. One more is refused at once: memory stays bounded when the store is slow.
pub const MAX_WAITING: usize = 10_000;

/// Calls that are held back at most for the end of the turn; where fewer are in flight, half of those. The
/// server works on some while others are still being asked, and a lone call is sent at once.
const MOST_HELD: usize = 16;

/// The lock: one mutex guards the queue. It is held to append a call and write what can be written
/// without waiting, to take replies in, and to give up on calls; never across an await, and never
/// while a sink is called.
pub struct Connection {
    queue: Mutex<Queue>,
    /// A turn has begun: bytes are held back until its `flush`.
    pub held: AtomicBool,
    /// Wakes the I/O task: there is something to write that could not be written at once, or the end.
    pub wake: Notify,
    pub(crate) timeout: Duration,
    /// Where it is one of several: who knows the others. Asked while the mutex is free.
    router: Option<Box<dyn Router>>,
}

/// Sends calls to the server that they belong to.
pub trait Router: Send + Sync {
    /// Takes a call that did not run.
    fn route(&self, waiting: Waiting, why: Redirect);
}

impl Connection {
    /// A link whose calls are given up after `timeout`. `prefix`: what the names of all keys begin with.
    pub fn new(timeout: Duration, prefix: &str) -> Self {
        Self {
            queue: Mutex::new(Queue::new(prefix)),
            held: AtomicBool::new(false),
            wake: Notify::new(),
            timeout,
            router: None,
        }
    }

    /// One of several.
    pub fn routed(timeout: Duration, prefix: &str, router: Box<dyn Router>) -> Self {
        let connection = Self { router: Some(router), ..Self::new(timeout, prefix) };
        connection.lock().routed = true;
        connection
    }

    /// One that tells nothing before replicas hold it.
    pub fn acknowledged(self, acks: Acks) -> Self {
        self.lock().acks = Some(acks);
        self
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a plan in. `Some`: it was refused, and nothing was sent.
    pub fn submit(&self, plan: Plan, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        let mut queue = self.lock();
        if let Some(fault) = refusal(&queue) {
            return Some(Err(fault));
        }
        let deadline = Instant::now() + self.timeout;
        queue.push(Waiting::new(plan, ticket, sink, deadline));
        if queue.phase == Phase::Up {
            queue.unsent += 1;
            if queue.unsent >= (queue.waiting.len() / 2).clamp(1, MOST_HELD) {
                queue.unsent = 0;
                self.write(&mut queue);
            }
            self.held.store(true, Ordering::Relaxed);
        }
        None
    }

    /// Takes a call over from another server, and sends it at once.
    ///
    /// # Errors
    /// The call, where it is refused; nothing was sent.
    pub fn take_over(&self, waiting: Waiting) -> Result<(), Box<(Waiting, Fault)>> {
        let mut queue = self.lock();
        if let Some(fault) = refusal(&queue) {
            return Err(Box::new((waiting, fault)));
        }
        queue.push(waiting);
        self.write(&mut queue);
        Ok(())
    }

    /// Gives up those calls that were not sent, for other servers.
    pub fn give_up_unsent(&self) -> Vec<Waiting> {
        let mut queue = self.lock();
        let written = if queue.phase == Phase::Up { queue.written } else { 0 };
        let sent = queue.waiting.partition_point(|waiting| waiting.start < written);
        // The last one sent may be one of which the socket has taken a part.
        let unsent = queue.waiting.drain(sent..).collect();
        queue.count_batch();
        queue.rewrite_unsent();
        unsent
    }

    /// Tells those who wait, and sends on what belongs elsewhere.
    pub(crate) fn pass_on(&self, taken: Taken) {
        deliver(taken.done);
        if taken.damaged {
            let watchers = self.lock().watchers.clone();
            tell(&watchers, &Notice::Damaged);
        }
        let Some(router) = &self.router else { return };
        for (waiting, why) in taken.elsewhere {
            router.route(waiting, why);
        }
    }

    /// Ends a turn: writes what was held back.
    pub fn flush(&self) {
        self.held.store(false, Ordering::Relaxed);
        let mut queue = self.lock();
        queue.unsent = 0;
        self.write(&mut queue);
    }

    /// Writes what the socket takes at once; the I/O task sees to the rest.
    pub(crate) fn write(&self, queue: &mut Queue) {
        if queue.phase != Phase::Up {
            return;
        }
        queue.close_batch();
        if !queue.out.is_empty() && !queue.write_now() {
            self.wake.notify_one();
        }
    }

    /// Bytes for a socket that is written to by the I/O task alone.
    pub fn take_out(&self) -> Vec<u8> {
        let mut queue = self.lock();
        let out = std::mem::take(&mut queue.out);
        queue.written += out.len() as u64;
        out
    }

    /// Whether bytes lie there that the socket did not take.
    pub fn is_blocked(&self) -> bool {
        !self.lock().out.is_empty()
    }

    /// A connection was made: everything that waits is sent over it.
    pub fn up(&self, socket: Option<Arc<Socket>>, server: Server) {
        let mut queue = self.lock();
        if queue.phase == Phase::Closed {
            return;
        }
        let recovered = !queue.reason.is_empty();
        queue.reason.clear();
        queue.phase = Phase::Up;
        queue.socket = socket;
        queue.meet(server);
        queue.answered = false;
        queue.last_read = Instant::now();
        queue.inbox.clear();
        queue.broken = None;
        queue.rewrite();
        self.write(&mut queue);
        let is_watched = queue.socket.as_deref().is_some_and(Socket::is_watched);
        let watchers = queue.watchers.clone();
        drop(queue);
        if is_watched {
            tell(&watchers, &Notice::Opened);
        }
        if recovered {
            tell(&watchers, &Notice::Recovered);
        }
    }

    /// The connection was lost. What was sent may have run: its callers are told so. What was not,
    /// waits for the next connection.
    /// True: the connection had been of use.
    pub fn lost(&self, why: &str) -> bool {
        let mut queue = self.lock();
        let answered = queue.answered;
        if queue.phase == Phase::Closed {
            return answered;
        }
        queue.phase = Phase::Connecting;
        queue.let_go();
        queue.health.connected = false;
        let first = queue.reason.is_empty();
        why.clone_into(&mut queue.reason);
        let written = queue.written;
        let sent = queue.waiting.partition_point(|waiting| waiting.start < written);
        let gone: Vec<_> = queue.waiting.drain(..sent).collect();
        queue.out.clear();
        queue.written = 0;
        let unheld = queue.acks.as_mut().map(Acks::lost).unwrap_or_default();
        queue.reopen_batch();
        let watchers = queue.watchers.clone();
        drop(queue);
        deliver(unheld);
        let fault = Fault::unknown(format!(
            "the connection to the store was lost ({why}): whether it acted is unknown"
        ));
        fail(gone, &fault);
        if first {
            tell(&watchers, &Notice::Lost(why.to_owned()));
        }
        answered
    }

    /// An attempt to connect failed: nobody is kept waiting.
    pub fn down(&self, why: &str) {
        let mut queue = self.lock();
        if queue.phase == Phase::Closed {
            return;
        }
        queue.phase = Phase::Down;
        let first = queue.reason.is_empty();
        why.clone_into(&mut queue.reason);
        let gone: Vec<_> = queue.waiting.drain(..).collect();
        queue.count_batch();
        let watchers = queue.watchers.clone();
        drop(queue);
        let fault = Fault::unavailable(format!("the store cannot be reached: {why}"));
        fail(gone, &fault);
        if first {
            tell(&watchers, &Notice::Lost(why.to_owned()));
        }
    }

    /// Gives up on calls that took too long. False: the server has been silent for as long, and the
    /// connection is to be replaced.
    pub fn check_deadlines(&self) -> bool {
        let now = Instant::now();
        let mut queue = self.lock();
        let mut gone = queue.acks.as_mut().map(|acks| acks.overdue(now)).unwrap_or_default();
        let (written, up) = (queue.written, queue.phase == Phase::Up);
        let mut unsent_gone = false;
        queue.waiting.retain_mut(|waiting| {
            // Those of a batch stay with it.
            if waiting.deadline > now || matches!(waiting.stage, Stage::Mark | Stage::Wait) {
                return true;
            }
            let sent = up && waiting.start < written;
            if let Some(sink) = waiting.sink.take() {
                let fault = if sent {
                    Fault::unknown("the store did not answer in time: whether it acted is unknown")
                } else {
                    Fault::unavailable("the store did not take the call in time: nothing was done")
                };
                gone.push((sink, waiting.ticket, Err(fault)));
            }
            unsent_gone |= !sent;
            sent
        });
        if unsent_gone {
            queue.count_batch();
        }
        if unsent_gone && up {
            queue.rewrite_unsent();
        }
        let silent = now.duration_since(queue.last_read) >= self.timeout;
        let overdue = queue.waiting.front().is_some_and(|w| w.sink.is_none() && w.deadline <= now);
        if up {
            self.write(&mut queue);
        }
        drop(queue);
        deliver(gone);
        !(up && silent && overdue)
    }

    /// Takes in what was read. Returns how many bytes were used up.
    ///
    /// # Errors
    /// Where it is not what a server answers.
    pub fn received(&self, bytes: &[u8]) -> Result<usize, Garbled> {
        let mut taken = Taken::default();
        let mut queue = self.lock();
        let result = self.take_in(&mut queue, bytes, &mut taken);
        drop(queue);
        self.pass_on(taken);
        result
    }

    /// Reads and takes in what has arrived, called by the thread that watches `source`. False: it is of
    /// no use any more.
    pub fn receive(&self, source: &Arc<dyn Source>) -> bool {
        let is_current =
            |socket: &Arc<Socket>| std::ptr::addr_eq(Arc::as_ptr(socket), Arc::as_ptr(source));
        self.read_once(is_current).is_some()
    }

    /// Reads, on another thread than the one that watches, what that one has been too busy to read for
    /// so long, or until a deadline.
    pub fn receive_late(&self, late: Duration) {
        let late = late.min(self.timeout);
        let is_late = || {
            let queue = self.lock();
            let oldest = queue.waiting.front().map(|waiting| waiting.deadline);
            oldest.is_some_and(|deadline| deadline + late <= Instant::now() + self.timeout)
        };
        while is_late() && self.read_once(|_| true) == Some(true) {}
    }

    /// Reads once. `Some(true)`: there was something; `None`: the connection is of no use.
    fn read_once(&self, is_meant: impl FnOnce(&Arc<Socket>) -> bool) -> Option<bool> {
        let mut taken = Taken::default();
        let mut guard = self.lock();
        let queue = &mut *guard;
        let socket = queue.socket.clone().filter(is_meant)?;
        if queue.broken.is_some() {
            return None;
        }
        let mut inbox = std::mem::take(&mut queue.inbox);
        let result = match inbox.fill(&socket) {
            Ok(()) => self
                .take_in(queue, inbox.filled(), &mut taken)
                .map(|used| inbox.drop_first(used))
                .map(|()| true)
                .map_err(|Garbled| garbled()),
            Err(error) if is_passing(&error) => Ok(false),
            Err(error) => Err(error),
        };
        queue.inbox = inbox;
        let read = match result {
            Ok(read) => Some(read),
            Err(error) => {
                queue.broken = Some(error);
                None
            }
        };
        if queue.broken.is_some() {
            self.wake.notify_one();
        }
        // The server has read: there is room again for what the socket did not take.
        if read == Some(true) && !self.held.load(Ordering::Relaxed) {
            queue.write_now();
        }
        drop(guard);
        self.pass_on(taken);
        read
    }

    fn take_in(
        &self,
        queue: &mut Queue,
        bytes: &[u8],
        taken: &mut Taken,
    ) -> Result<usize, Garbled> {
        let mut used = 0;
        let mut more = false;
        queue.last_read = Instant::now();
        let result = loop {
            match resp::read(&bytes[used..]) {
                Err(garbled) => break Err(garbled),
                Ok(None) => break Ok(used),
                Ok(Some((reply, length))) => {
                    used += length;
                    // A reply that nobody asked for: then no other can be trusted to be whose it seems.
                    let Some(waiting) = queue.next_asked() else { break Err(Garbled) };
                    queue.answered = true;
                    more |= queue.answer(waiting, reply, taken);
                }
            }
        };
        // What a reply led to is sent at once; what the other thread holds back is its own affair.
        if more {
            self.write(queue);
        }
        result
    }

    /// What the thread that asks should watch.
    pub fn source(&self) -> Option<Arc<dyn Source>> {
        let socket = self.lock().socket.clone()?;
        socket.is_watched().then_some(socket as Arc<dyn Source>)
    }

    /// Why the connection is of no use any more, where that was found by the thread that asks.
    pub fn broken(&self) -> Option<io::Error> {
        self.lock().broken.take()
    }

    /// Tells this sink of losses and recoveries.
    pub fn watch(&self, sink: Weak<dyn Sink>) {
        self.lock().watchers.push(sink);
    }

    /// What is known of the server.
    pub fn health(&self) -> Health {
        self.lock().health.clone()
    }

    /// Why it cannot be used, where that is known.
    pub fn connect_error(&self) -> Option<String> {
        let queue = self.lock();
        (!queue.reason.is_empty()).then(|| queue.reason.clone())
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.lock().phase == Phase::Closed
    }

    /// Ends it.
    pub fn close(&self) {
        let mut queue = self.lock();
        queue.phase = Phase::Closed;
        queue.let_go();
        let gone: Vec<_> = queue.waiting.drain(..).collect();
        let unheld = queue.acks.as_mut().map(Acks::lost).unwrap_or_default();
        drop(queue);
        self.wake.notify_one();
        deliver(unheld);
        let fault = Fault::unknown("the store was closed: whether it acted is unknown");
        fail(gone, &fault);
    }
}

/// Why a call is not taken in.
fn refusal(queue: &Queue) -> Option<Fault> {
    let why = match queue.phase {
        Phase::Closed => "the store was closed".to_owned(),
        Phase::Down => format!("the store cannot be reached: {}", queue.reason),
        Phase::Connecting | Phase::Up if queue.waiting.len() < MAX_WAITING => return None,
        Phase::Connecting | Phase::Up => "too many calls wait for the store".to_owned(),
    };
    Some(Fault::unavailable(why))
}

/// Tells everybody who still waits for one of these calls the same.
fn fail(gone: Vec<Waiting>, fault: &Fault) {
    let told = |w: Waiting| Some((w.sink?, w.ticket, Err(fault.clone())));
    deliver(gone.into_iter().filter_map(told).collect());
}

/// Hands completions over, those of one sink together.
pub(crate) fn deliver(done: Completions) {
    let mut batch: Vec<(u64, Outcome)> = Vec::with_capacity(done.len());
    let mut to: Option<Arc<dyn Sink>> = None;
    for (sink, ticket, outcome) in done {
        if let Some(other) = to.as_ref().filter(|other| !Arc::ptr_eq(other, &sink)) {
            other.complete_all(std::mem::take(&mut batch));
        }
        to = Some(sink);
        batch.push((ticket, outcome));
    }
    if let Some(sink) = to {
        sink.complete_all(batch);
    }
}

/// Tells everybody who watches.
pub fn tell(watchers: &[Weak<dyn Sink>], notice: &Notice) {
    for sink in watchers.iter().filter_map(Weak::upgrade) {
        sink.notice(notice.clone());
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::op::{Act, Op};
    use crate::store::redis::protocol::codec;

    #[derive(Default)]
    struct Told(Mutex<Vec<(u64, Outcome)>>);

    impl Sink for Told {
        fn complete(&self, ticket: u64, outcome: Outcome) {
            self.0.lock().unwrap().push((ticket, outcome));
        }
    }

    /// What a script answers that says 1.
    const ONE: &[u8] = b"$4\r\n\0\0\0\x01\r\n";

    fn server() -> Server {
        Server { health: Health::default(), run_id: None, forgets: false }
    }

    fn greeted() -> Connection {
        let connection = Connection::new(Duration::from_secs(60), "lg");
        connection.up(None, server());
        connection
    }

    fn ping(connection: &Connection, told: &Arc<Told>) {
        let sink: Arc<dyn Sink> = Arc::clone(told) as Arc<dyn Sink>;
        let op = Op { act: Act::Ping, horizon_ms: 0, most_lead_ms: 0 };
        assert!(connection.submit(codec::encode("lg", &op, false), 1, &sink).is_none());
    }

    #[test]
    fn a_reply_that_comes_before_a_call_was_sent_is_not_taken_for_its_own() {
        let connection = greeted();
        let told = Arc::new(Told::default());
        ping(&connection, &told);
        assert_eq!(connection.received(ONE), Err(Garbled));
        assert!(told.0.lock().unwrap().is_empty());
        // It still waits, for this connection or the next.
        assert!(!connection.take_out().is_empty());
        assert_eq!(connection.received(ONE), Ok(10));
        assert_eq!(told.0.lock().unwrap().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_has_come_is_read_before_a_deadline_is_told_however_short() {
        use crate::store::redis::net::socket::Watched;
        use std::io::Write;
        use std::os::unix::net::UnixStream;

        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let connection = Connection::new(Duration::ZERO, "lg");
        connection.up(Some(Arc::new(Socket::Watched(Watched::Unix(ours)))), server());
        let told = Arc::new(Told::default());
        ping(&connection, &told);
        theirs.write_all(ONE).unwrap();
        connection.receive_late(Duration::from_secs(60));
        connection.check_deadlines();
        let told = told.0.lock().unwrap();
        assert!(matches!(told[..], [(1, Ok(_))]), "{told:?}");
    }

    /// Connecting anew without a pause is for those.
    #[test]
    fn a_connection_that_answered_no_call_was_of_no_use_whatever_it_brought() {
        let connection = greeted();
        assert_eq!(connection.received(b"+HELLO\r\n"), Err(Garbled));
        assert!(!connection.lost("the replies make no sense"));
    }
}
