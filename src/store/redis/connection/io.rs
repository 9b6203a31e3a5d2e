//! The I/O thread: one for the process, started when a networked store is first opened. Per store one
//! task makes the connection, reads what comes, and makes it again when it is lost.

use super::connection::Connection;
use crate::store::redis::endpoint::handshake::{Login, Server, greet};
use crate::store::redis::endpoint::prefix::Prefix;
use crate::store::redis::endpoint::resolver::EndpointResolver;
use crate::store::redis::net::connect_error::explained;
use crate::store::redis::net::resp::{Garbled, garbled};
use crate::store::redis::net::socket::{Address, Socket, Stream, connect};
use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Handle};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(25);
/// Between attempts to connect: twice as long each time.
pub const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// At most.
pub const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Room for replies; grows with a reply that is larger.
const BUFFER: usize = 64 * 1024;

/// How a store is reached.
#[derive(Clone)]
pub struct Target {
    pub resolver: EndpointResolver,
    pub login: Login,
    pub prefix: Prefix,
    pub connect_timeout: Duration,
    /// A server that takes the connection and then says nothing is no server: the greeting has so long.
    pub greeting_timeout: Duration,
    /// Plain streams are watched by the thread that asks.
    pub watched: bool,
}

/// The I/O thread.
///
/// # Errors
/// Where the system gives none.
pub fn runtime() -> io::Result<Handle> {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let mine = HANDLE.get_or_init(|| handle.clone()).clone();
    if mine.id() == handle.id() {
        std::thread::Builder::new()
            .name("latchgate-io".into())
            .spawn(move || runtime.block_on(pending::<()>()))?;
    }
    Ok(mine)
}

/// Sees to it that there is an I/O thread.
///
/// # Errors
/// Where the system gives none.
pub fn ready() -> io::Result<()> {
    runtime().map(|_| ())
}

/// Runs something on the I/O thread. False: there is none, see `ready`.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> bool {
    runtime().map(|runtime| runtime.spawn(task)).is_ok()
}

/// Starts the task of a link.
pub fn start(connection: Arc<Connection>, target: Target) {
    let task = Arc::clone(&connection);
    if !spawn(async move { keep_connected(&task, &target).await }) {
        connection.close();
    }
}

async fn keep_connected(connection: &Connection, target: &Target) {
    let mut pause = FIRST_PAUSE;
    while !connection.is_closed() {
        match meanwhile(connection, open(target)).await {
            Ok((stream, server, address)) => {
                let why = tokio::select! {
                    why = serve(connection, stream, server, target.watched) => why,
                    why = target.resolver.moved_from(&address) => why,
                };
                if connection.lost(&why.to_string()) {
                    pause = FIRST_PAUSE;
                    continue;
                }
            }
            Err(error) => connection.down(&error.to_string()),
        }
        meanwhile(connection, sleep(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Waits for something; meanwhile nobody waits longer than the deadline.
async fn meanwhile<T>(connection: &Connection, what: impl Future<Output = T>) -> T {
    let mut tick = ticks();
    let mut what = pin!(what);
    loop {
        tokio::select! {
            done = &mut what => return done,
            _ = tick.tick() => { connection.check_deadlines(); }
        }
    }
}

fn ticks() -> Interval {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

async fn open(target: &Target) -> io::Result<(Stream, Server, Address)> {
    let address = target.resolver.find().await?;
    let (stream, mut server) =
        reach(target, &address).await.map_err(|error| explained(&address, &error))?;
    server.health.primaries = vec![address.to_string()];
    if matches!(address, Address::Tls { insecure: true, .. }) {
        let warning = "the server's certificate is not verified (#insecure): anybody may stand in its resolver";
        server.health.warnings.push(warning.into());
    }
    Ok((stream, server, address))
}

async fn reach(target: &Target, address: &Address) -> io::Result<(Stream, Server)> {
    let late = |what: &str| io::Error::new(io::ErrorKind::TimedOut, what);
    let mut stream = timeout(target.connect_timeout, connect(address))
        .await
        .map_err(|_| late("no connection within connectTimeout"))??;
    let server =
        timeout(target.greeting_timeout, greet(&mut stream, &target.login, &target.prefix))
            .await
            .map_err(|_| late("no greeting within commandTimeout"))??;
    Ok((stream, server))
}

/// Uses a connection until it is of no use any more. Returns why it ended.
async fn serve(
    connection: &Connection,
    stream: Stream,
    server: Server,
    watched: bool,
) -> io::Error {
    match stream {
        Stream::Plain(socket) if watched => match socket.into_watched() {
            Ok(socket) => {
                connection.up(Some(Arc::new(socket)), server);
                serve_watched(connection).await
            }
            Err(error) => error,
        },
        Stream::Plain(socket) => {
            let socket = Arc::new(socket);
            connection.up(Some(Arc::clone(&socket)), server);
            serve_plain(connection, &socket).await
        }
        Stream::Tls(stream) => {
            connection.up(None, server);
            serve_tls(connection, *stream).await
        }
    }
}

fn hung() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server is silent")
}

/// Hands over what was read, and keeps the beginning of what has not arrived whole.
fn receive(connection: &Connection, buffer: &mut Vec<u8>) -> io::Result<()> {
    let used = connection.received(buffer).map_err(|Garbled| garbled())?;
    buffer.drain(..used);
    connection.broken().map_or(Ok(()), Err)
}

async fn serve_plain(connection: &Connection, socket: &Socket) -> io::Error {
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut tick = ticks();
    while !connection.is_closed() {
        let blocked = connection.is_blocked();
        let step = tokio::select! {
            ready = socket.readable() => ready.and_then(|()| match socket.try_read(&mut buffer) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => receive(connection, &mut buffer),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                Err(error) => Err(error),
            }),
            ready = socket.writable(), if blocked => ready.map(|()| connection.flush()),
            () = connection.wake.notified() => Ok(()),
            _ = tick.tick() => if connection.check_deadlines() { Ok(()) } else { Err(hung()) },
        };
        if let Err(error) = step {
            return error;
        }
    }
    io::ErrorKind::ConnectionAborted.into()
}

/// For a stream that the thread that asks reads from: here only the clock is watched. What the
/// other thread is too busy to read is read here, so that nobody is told that it took too long.
async fn serve_watched(connection: &Connection) -> io::Error {
    let mut tick = ticks();
    while !connection.is_closed() {
        tokio::select! {
            () = connection.wake.notified() => {}
            _ = tick.tick() => {
                connection.receive_late(TICK);
                if !connection.check_deadlines() {
                    return hung();
                }
            }
        }
        if let Some(error) = connection.broken() {
            return error;
        }
    }
    io::ErrorKind::ConnectionAborted.into()
}

/// For an encrypted stream, which only this task writes to.
async fn serve_tls(
    connection: &Connection,
    stream: tokio_rustls::client::TlsStream<tokio::net::TcpStream>,
) -> io::Error {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut tick = ticks();
    while !connection.is_closed() {
        let out = connection.take_out();
        if !out.is_empty() {
            let written = async {
                writer.write_all(&out).await?;
                writer.flush().await
            };
            // A server that does not read must not keep deadlines from being looked at for ever.
            match timeout(Duration::from_secs(1), written).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error,
                Err(_) => return hung(),
            }
        }
        let step = tokio::select! {
            read = reader.read_buf(&mut buffer) => match read {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => receive(connection, &mut buffer),
                Err(error) => Err(error),
            },
            () = connection.wake.notified() => Ok(()),
            _ = tick.tick() => if connection.check_deadlines() { Ok(()) } else { Err(hung()) },
        };
        if let Err(error) = step {
            return error;
        }
    }
    io::ErrorKind::ConnectionAborted.into()
}
