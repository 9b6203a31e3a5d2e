//! The connection on which notices arrive: one per store, made when somebody first listens. It says nothing
//! but what it listens to, and a PING where it is quiet; when it is lost it is made again.

use super::connection::io as thread;
use super::net::resp;
use crate::core::store::{Notice, Sink};
use crate::core::turn::ops::{TurnGate, gate_of};
use crate::store::redis::connection::io::{FIRST_PAUSE, LONGEST_PAUSE, Target};
use crate::store::redis::connection::pool::ConnectionConfig;
use crate::store::redis::endpoint::handshake::{Login, introduce, read_some, write_all};
use crate::store::redis::net::resp::{Garbled, Reply, garbled};
use crate::store::redis::net::socket::{Address, Stream, connect};
use crate::store::redis::protocol::key_names::user_of_encoded;
use crate::store::redis::protocol::turn::channels;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How long it may be quiet before the server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(1);
/// Before a server that does not let us listen is asked again.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// Who is to be told what.
///
/// The lock: one mutex guards what is listened to; it is held to read or change that, never across an await, and
/// never while a sink is called.
pub struct Listener {
    prefix: String,
    target: Target,
    /// Of a Cluster the nodes, of which any will do.
    nodes: Option<Nodes>,
    heard: Mutex<Heard>,
    /// There is something more to listen to, or the end.
    wake: Notify,
    closed: AtomicBool,
}

/// The nodes of a Cluster, as they are known now.
pub type Nodes = Box<dyn Fn() -> Vec<Address> + Send + Sync>;

#[derive(Default)]
struct Heard {
    /// Whose turns are listened to, and who is told.
    gates: Vec<(TurnGate, Weak<dyn Sink>)>,
    /// The task runs.
    started: bool,
    /// What the server does not let us do.
    warnings: Vec<String>,
}

impl Listener {
    /// One that listens to nothing.
    pub fn new(config: &ConnectionConfig, nodes: Option<Nodes>) -> Self {
        Self {
            prefix: config.prefix.clone(),
            target: config.target.clone(),
            nodes,
            heard: Mutex::default(),
            wake: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells this sink of the turns of a gate, and of what is revoked. `Notice::Listening` says from when.
    pub fn listen(self: &Arc<Self>, gate: TurnGate, sink: Weak<dyn Sink>) {
        let mut heard = self.lock();
        heard.gates.push((gate, sink));
        let started = std::mem::replace(&mut heard.started, true);
        drop(heard);
        if started {
            self.wake.notify_one();
        } else {
            let me = Arc::clone(self);
            // There is a thread for the store itself.
            thread::spawn(async move { me.keep_listening().await });
        }
    }

    /// What the server's operator should know.
    pub fn warnings(&self) -> Vec<String> {
        self.lock().warnings.clone()
    }

    /// Ends it.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn tell(&self, gate: Option<TurnGate>, notice: &Notice) {
        let is_meant = |of: &TurnGate| gate.is_none_or(|gate| gate == *of);
        let sinks: Vec<_> = {
            let heard = self.lock();
            let meant = heard.gates.iter().filter(|(of, _)| is_meant(of));
            meant.filter_map(|(_, sink)| sink.upgrade()).collect()
        };
        for sink in sinks {
            sink.notice(notice.clone());
        }
    }

    fn channel_of(&self, gate: &[u8; 8]) -> String {
        format!("{}{:016x}", channels(&self.prefix), u64::from_be_bytes(*gate))
    }

    /// Where among the nodes of a Cluster it begins: at random, so that not all processes burden the same one.
    fn first(&self) -> usize {
        let gate = self.lock().gates.first().map_or(0, |(gate, _)| u64::from_be_bytes(*gate));
        // Half of the numbers, so that counting on from it never overflows.
        usize::try_from(gate % (1 << 31)).unwrap_or(0)
    }

    async fn keep_listening(&self) {
        let mut pause = FIRST_PAUSE;
        let mut attempt = self.first();
        while !self.is_closed() {
            attempt += 1;
            let outcome = match self.open(attempt).await {
                Ok(mut line) => {
                    let outcome = self.serve(&mut line).await;
                    if line.was_of_use {
                        pause = FIRST_PAUSE;
                    }
                    outcome
                }
                Err(error) => Err(error),
            };
            let refused = outcome.is_err_and(|why| why.kind() == io::ErrorKind::PermissionDenied);
            let paused = sleep(if refused { REFUSED_PAUSE } else { pause });
            tokio::select! {
                () = paused => {}
                () = self.wake.notified() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Where to listen: where writes go, or to one node of a Cluster after the other, which passes on what is published
    /// anywhere.
    async fn find(&self, attempt: usize) -> io::Result<Address> {
        let Some(nodes) = &self.nodes else { return self.target.resolver.find().await };
        let nodes = nodes();
        let at = attempt.checked_rem(nodes.len()).ok_or(io::ErrorKind::NotFound)?;
        Ok(nodes[at].clone())
    }

    /// Waits until what is published is heard elsewhere.
    async fn moved_from(&self, address: &Address) -> io::Error {
        if self.nodes.is_some() {
            pending().await
        } else {
            self.target.resolver.moved_from(address).await
        }
    }

    /// Whether it is a node of the Cluster still.
    fn is_of_use(&self, address: &Address) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes().contains(address))
    }

    /// Connects, and finds out whether scripts may publish: on this connection that cannot be asked later.
    async fn open(&self, attempt: usize) -> io::Result<Line> {
        let late = |what: &str| io::Error::new(io::ErrorKind::TimedOut, what);
        let target = &self.target;
        let address = self.find(attempt).await?;
        let mut stream = timeout(target.connect_timeout, connect(&address))
            .await
            .map_err(|_| late("no connection within connectTimeout"))??;
        // Nobody takes an empty message for one.
        let probe = |channel: String| resp::command(&[b"PUBLISH", channel.as_bytes(), b""]);
        let probes = [probe(self.events()), probe(self.channel_of(&TurnGate::default()))];
        // Channels are those of the server, whichever its databases.
        let login = Login { database: 0, ..target.login.clone() };
        let said = introduce(&mut stream, &login, "latchgate-listener", &probes);
        let replies = timeout(target.greeting_timeout, said)
            .await
            .map_err(|_| late("no greeting within commandTimeout"))??;
        let may_not = replies.iter().any(|reply| matches!(reply, Reply::Error(_)));
        let warning =
            "the server's user may not PUBLISH under the prefix: turns are handed on late";
        self.lock().warnings = may_not.then(|| warning.to_owned()).into_iter().collect();
        Ok(Line {
            stream,
            address,
            patience: target.greeting_timeout,
            last_read: Instant::now(),
            subscribed: Vec::new(),
            was_of_use: false,
        })
    }

    fn events(&self) -> String {
        format!("{}:ev", self.prefix)
    }

    /// Listens until the connection is of no use any more.
    async fn serve(&self, line: &mut Line) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(4096);
        let mut tick = interval(QUIET);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        line.say(b"SUBSCRIBE", &[self.events()]).await?;
        let address = line.address.clone();
        let mut moved = pin!(self.moved_from(&address));
        // When it was asked whether it is there, and nothing has come since.
        let mut asked: Option<Instant> = None;
        while !self.is_closed() {
            self.follow(line).await?;
            tokio::select! {
                read = read_some(&mut line.stream, &mut buffer) => {
                    if read? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    line.last_read = Instant::now();
                    asked = None;
                    self.take_in(&mut buffer, line)?;
                }
                () = self.wake.notified() => {}
                elsewhere = &mut moved => return Err(elsewhere),
                _ = tick.tick() => {
                    if !self.is_of_use(&line.address) {
                        return Err(io::Error::other("the Cluster has the node no more"));
                    }
                    // Its patience begins with the question: a tick may come a little before, and the next a little
                    // after it has been quiet for long.
                    if asked.is_some_and(|asked| asked.elapsed() >= line.patience) {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "the server is silent"));
                    }
                    if asked.is_none() && line.last_read.elapsed() >= QUIET {
                        line.say(b"PING", &[]).await?;
                        asked = Some(Instant::now());
                    }
                }
            }
        }
        Ok(())
    }

    /// Subscribes to what is to be listened to, and leaves what nobody listens to any more: its tickets are then passed
    /// over at once.
    async fn follow(&self, line: &mut Line) -> io::Result<()> {
        let wanted: Vec<TurnGate> = {
            let mut heard = self.lock();
            heard.gates.retain(|(_, sink)| sink.strong_count() > 0);
            heard.gates.iter().map(|(gate, _)| *gate).collect()
        };
        let channels = |gates: &[TurnGate], but: &[TurnGate]| -> Vec<String> {
            let gates = gates.iter().filter(|gate| !but.contains(gate));
            gates.map(|gate| self.channel_of(gate)).collect()
        };
        let joined = channels(&wanted, &line.subscribed);
        let left = channels(&line.subscribed, &wanted);
        line.subscribed = wanted;
        if !joined.is_empty() {
            line.say(b"SUBSCRIBE", &joined).await?;
        }
        if !left.is_empty() {
            line.say(b"UNSUBSCRIBE", &left).await?;
        }
        Ok(())
    }

    fn take_in(&self, buffer: &mut Vec<u8>, line: &mut Line) -> io::Result<()> {
        let mut used = 0;
        while let Some((reply, length)) =
            resp::read(&buffer[used..]).map_err(|Garbled| garbled())?
        {
            used += length;
            match reply {
                Reply::Error(message) => return Err(self.refused(&message)),
                Reply::Array(parts) => match &parts[..] {
                    [Reply::Bulk(kind), Reply::Bulk(channel), ..] if kind == b"subscribe" => {
                        line.was_of_use = true;
                        let is_confirmed =
                            |gate: &&TurnGate| self.channel_of(gate).as_bytes() == channel;
                        // That of revocations was asked for before, and is confirmed before.
                        if let Some(gate) = line.subscribed.iter().find(is_confirmed) {
                            self.tell(Some(*gate), &Notice::Listening);
                        }
                    }
                    [Reply::Bulk(kind), Reply::Bulk(channel), Reply::Bulk(payload)]
                        if kind == b"message" =>
                    {
                        self.heard(channel, payload);
                    }
                    // The answer to a PING.
                    _ => {}
                },
                _ => return Err(garbled()),
            }
        }
        buffer.drain(..used);
        Ok(())
    }

    fn refused(&self, message: &str) -> io::Error {
        let code = message.split(' ').next().unwrap_or_default();
        if code != "NOPERM" {
            return io::Error::other(format!("listening was refused ({code})"));
        }
        let warning = "the server's user may not SUBSCRIBE under the prefix: turns are taken late";
        self.lock().warnings.push(warning.to_owned());
        io::Error::new(io::ErrorKind::PermissionDenied, "listening was refused (NOPERM)")
    }

    fn heard(&self, channel: &[u8], message: &[u8]) {
        if channel == self.events().as_bytes() {
            let user = user_of_encoded(message).filter(|user| !user.is_empty());
            if let Some(user) = user {
                self.tell(None, &Notice::Revoked(user));
            }
        } else if let Ok(ticket) = message.try_into() {
            self.tell(Some(gate_of(&ticket)), &Notice::Turn(ticket));
        }
    }
}

struct Line {
    stream: Stream,
    /// Where it leads to.
    address: Address,
    /// How long the server may take for anything.
    patience: Duration,
    last_read: Instant,
    subscribed: Vec<TurnGate>,
    /// A subscription was confirmed.
    was_of_use: bool,
}

impl Line {
    async fn say(&mut self, word: &[u8], channels: &[String]) -> io::Result<()> {
        let mut words = vec![word];
        words.extend(channels.iter().map(String::as_bytes));
        timeout(self.patience, write_all(&mut self.stream, &resp::command(&words)))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}
