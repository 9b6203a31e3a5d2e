//! Real servers whose clocks the tests set: their `gettimeofday` is replaced by one that reads a file.
//! One server of each kind for all rules, one rule at a time, and nothing left from the one before.

use latchgate::core::clock::{Clock, FakeClock};
use latchgate::core::op::Op;
use latchgate::core::store::{Outcome, Sink, Store};
use latchgate::core::turn::TurnGate;
use latchgate::store::registry::{self, Settings};
use redis::Value;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use std::{env, fs, process, thread};

/// Ends with the test's process: the server is told to when its standard input closes.
pub struct Server {
    port: u16,
    time: PathBuf,
    _child: Child,
}

type Started = LazyLock<Result<Mutex<Server>, String>>;

static REDIS: Started = LazyLock::new(|| Server::start("redis-server").map(Mutex::new));
static VALKEY: Started = LazyLock::new(|| Server::start("valkey-server").map(Mutex::new));

/// Each server, for one rule, or what is missing.
pub fn servers() -> [Result<MutexGuard<'static, Server>, String>; 2] {
    [&REDIS, &VALKEY].map(|server| {
        let server = server.as_ref().map_err(Clone::clone)?;
        Ok(server.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

impl Server {
    fn start(program: &str) -> Result<Self, String> {
        let name = format!("latchgate-conformance-{program}-{}", process::id());
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let library = directory.join("steered_time.so");
        let source =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("__test__/rust/support/steered_time.rs");
        let built = Command::new("rustc")
            .args(["--edition", "2024", "--crate-type", "cdylib", "-O", "-o"])
            .args([&library, &source])
            .status();
        if !built.is_ok_and(|status| status.success()) {
            return Err("the library that steers a server's clock cannot be built here".into());
        }
        let time = directory.join("time");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        // A shell that waits for its standard input holds the server: it ends when the test does, however.
        let script =
            r#""$0" "$@" & child=$!; cat > /dev/null; kill $child; wait; rm -rf "$DIRECTORY""#;
        let child = Command::new("sh")
            .args([
                "-c",
                script,
                program,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(["--port", &port.to_string(), "--dir"])
            .arg(&directory)
            .env("DIRECTORY", &directory)
            .env("LD_PRELOAD", &library)
            .env("STEERED_TIME", &time)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let server = Self { port, time, _child: child };
        server.set_us(1_000_000);
        for _ in 0..200 {
            if server.connection().is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(25));
        }
        Err(format!("no {program} answers: install redis-server 7.0 and valkey-server 8 or later"))
    }

    fn connection(&self) -> redis::RedisResult<redis::Connection> {
        redis::Client::open(self.url())?.get_connection()
    }

    /// Says something to it.
    pub fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.query(&mut self.connection().unwrap()).unwrap()
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn set_us(&self, us: u64) {
        // Renamed into place: the server must never read half of it.
        let next = self.time.with_extension("next");
        fs::write(&next, us.to_le_bytes()).unwrap();
        fs::rename(&next, &self.time).unwrap();
    }

    /// An empty store, and the clock that it goes by.
    pub fn open(&self, clock: &FakeClock) -> (Watched, Steered<'_>) {
        self.set_us(clock.now_us());
        redis::cmd("FLUSHALL").exec(&mut self.connection().unwrap()).unwrap();
        let settings =
            Settings { command_timeout: Duration::from_secs(10), ..Settings::of(&self.url()) };
        let store = registry::open(&settings, Arc::new(FakeClock::at_ms(0))).unwrap();
        let watched = Watched { store, connection: Mutex::new(self.connection().unwrap()) };
        (watched, Steered { server: self })
    }
}

/// Sets the server's clock.
pub struct Steered<'a> {
    server: &'a Server,
}

impl Steered<'_> {
    pub fn follow(&self, clock: &FakeClock) {
        self.server.set_us(clock.now_us());
    }
}

/// The store, with a dump of what the server holds.
pub struct Watched {
    store: Arc<dyn Store>,
    connection: Mutex<redis::Connection>,
}

impl Store for Watched {
    fn submit(&self, op: Op<'_>, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        self.store.submit(op, ticket, sink)
    }

    fn flush(&self) {
        self.store.flush();
    }

    fn listen(&self, gate: TurnGate, sink: Weak<dyn Sink>) {
        self.store.listen(gate, sink);
    }

    fn sweep(&self) -> usize {
        self.store.sweep()
    }

    fn close(&self) {
        self.store.close();
    }

    fn dump(&self) -> String {
        let mut connection = self.connection.lock().unwrap();
        let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut *connection).unwrap();
        keys.sort();
        let mut lines = String::new();
        for key in keys {
            let kind: String = redis::cmd("TYPE").arg(&key).query(&mut *connection).unwrap();
            let value: Value = match kind.as_str() {
                "hash" => redis::cmd("HGETALL").arg(&key).query(&mut *connection),
                "zset" => redis::cmd("ZRANGE")
                    .arg(&key)
                    .arg(0)
                    .arg(-1)
                    .arg("WITHSCORES")
                    .query(&mut *connection),
                _ => redis::cmd("GET").arg(&key).query(&mut *connection),
            }
            .unwrap();
            let ends: i64 = redis::cmd("PEXPIRETIME").arg(&key).query(&mut *connection).unwrap();
            lines += &format!("{key} {ends} {}\n", sorted(value));
        }
        lines
    }
}

/// A hash's members in the order of their names: the server's own order says nothing.
fn sorted(value: Value) -> String {
    let Value::Array(members) = value else { return format!("{value:?}") };
    let mut pairs: Vec<String> = members.chunks(2).map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    pairs.concat()
}
