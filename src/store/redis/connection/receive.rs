//! The reading half of a link: what has arrived, and whose it is.

use super::connection::Link;
use super::queue::{Queue, Taken};
use crate::core::store::Source;
use crate::store::redis::net::resp;
use crate::store::redis::net::resp::Garbled;
use crate::store::redis::net::socket::Socket;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl Link {
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
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// What ends a connection that brings what no server answers.
pub fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the replies make no sense")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::op::Outcome;
    use crate::core::op::{Act, Op};
    use crate::core::store::{Health, Sink};
    use crate::store::redis::endpoint::handshake::Server;
    use crate::store::redis::protocol::codec;
    use std::sync::Mutex;

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

    fn greeted() -> Link {
        let link = Link::new(Duration::from_secs(60), "lg");
        link.up(None, server());
        link
    }

    fn ping(link: &Link, told: &Arc<Told>) {
        let sink: Arc<dyn Sink> = Arc::clone(told) as Arc<dyn Sink>;
        let op = Op { act: Act::Ping, horizon_ms: 0, most_lead_ms: 0 };
        assert!(link.submit(codec::encode("lg", &op, false), 1, &sink).is_none());
    }

    #[test]
    fn a_reply_that_comes_before_a_call_was_sent_is_not_taken_for_its_own() {
        let link = greeted();
        let told = Arc::new(Told::default());
        ping(&link, &told);
        assert_eq!(link.received(ONE), Err(Garbled));
        assert!(told.0.lock().unwrap().is_empty());
        // It still waits, for this connection or the next.
        assert!(!link.take_out().is_empty());
        assert_eq!(link.received(ONE), Ok(10));
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
        let link = Link::new(Duration::ZERO, "lg");
        link.up(Some(Arc::new(Socket::Watched(Watched::Unix(ours)))), server());
        let told = Arc::new(Told::default());
        ping(&link, &told);
        theirs.write_all(ONE).unwrap();
        link.receive_late(Duration::from_secs(60));
        link.check_deadlines();
        let told = told.0.lock().unwrap();
        assert!(matches!(told[..], [(1, Ok(_))]), "{told:?}");
    }

    /// Connecting anew without a pause is for those.
    #[test]
    fn a_connection_that_answered_no_call_was_of_no_use_whatever_it_brought() {
        let link = greeted();
        assert_eq!(link.received(b"+HELLO\r\n"), Err(Garbled));
        assert!(!link.lost("the replies make no sense"));
    }
}
