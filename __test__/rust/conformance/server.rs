//! Real servers whose clocks the tests set: their `gettimeofday` is replaced by one that reads a file.
//! One server of each kind for all rules, one rule at a time, and nothing left from the one before.

use latchgate::core::base::clock::{Clock, FakeClock};
use latchgate::core::op::Op;
use latchgate::core::op::Outcome;
use latchgate::core::store::{Sink, Store};
use latchgate::core::turn::ops::TurnGate;
use latchgate::store::registry;
use latchgate::store::settings::Settings;
use redis::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use std::{env, fs, process, thread};

/// Ends with the test's process: the server is told to when its standard input closes.
pub struct Server {
    /// Of the first node, or the only one.
    port: u16,
    /// All nodes go by one clock.
    ports: Vec<u16>,
    /// What the store is opened with.
    named: String,
    time: PathBuf,
    /// They end with it.
    children: Vec<Child>,
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
        let directory = directory(program)?;
        let steered = Steering::new(&directory)?;
        let node = steered.start(program, &directory, &[])?;
        Self::of(vec![node], steered, |ports| format!("redis://127.0.0.1:{}", ports[0]))
    }

    /// Nodes that run, once the first answers. `url`: of their ports.
    pub fn of(
        nodes: Vec<(u16, Child)>,
        steered: Steering,
        url: impl Fn(&[u16]) -> String,
    ) -> Result<Self, String> {
        let (ports, children): (Vec<_>, Vec<_>) = nodes.into_iter().unzip();
        let named = url(&ports);
        let time = steered.time;
        let server = Self { port: ports[0], ports, named, time, children };
        for _ in 0..200 {
            if server.connections().is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(25));
        }
        Err("no server answers: install redis-server 7.0 and valkey-server 8 or later".into())
    }

    /// Another process that ends with it.
    pub fn hold(&mut self, child: Child) {
        self.children.push(child);
    }

    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// One to each node.
    pub fn connections(&self) -> redis::RedisResult<Vec<redis::Connection>> {
        let open =
            |port| redis::Client::open(format!("redis://127.0.0.1:{port}"))?.get_connection();
        self.ports.iter().map(open).collect()
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

    pub fn set_us(&self, us: u64) {
        set_us(&self.time, us);
    }

    /// An empty store, and the clock that it goes by.
    pub fn open(&self, clock: &FakeClock) -> (Watched, Steered<'_>) {
        self.set_us(clock.now_us());
        for connection in &mut self.connections().unwrap() {
            redis::cmd("FLUSHALL").exec(connection).unwrap();
        }
        let settings =
            Settings { command_timeout: Duration::from_secs(10), ..Settings::of(&self.named) };
        let store = registry::open(&settings, Arc::new(FakeClock::at_ms(0))).unwrap();
        let watched = Watched { store, connections: Mutex::new(self.connections().unwrap()) };
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
    connections: Mutex<Vec<redis::Connection>>,
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
        let mut connections = self.connections.lock().unwrap();
        let mut lines: Vec<String> = connections.iter_mut().flat_map(dump_of).collect();
        lines.sort();
        lines.concat()
    }
}

/// A line for each key of a node, but for the version of the layout, which whoever connects writes.
fn dump_of(connection: &mut redis::Connection) -> Vec<String> {
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
    let line = |key: String| {
        let kind: String = redis::cmd("TYPE").arg(&key).query(connection).unwrap();
        let value: Value = match kind.as_str() {
            "hash" => redis::cmd("HGETALL").arg(&key).query(connection),
            "zset" => {
                redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).arg("WITHSCORES").query(connection)
            }
            _ => redis::cmd("GET").arg(&key).query(connection),
        }
        .unwrap();
        let ends: i64 = redis::cmd("PEXPIRETIME").arg(&key).query(connection).unwrap();
        format!("{key} {ends} {}\n", sorted(value))
    };
    keys.into_iter().filter(|key| key != "lg:v").map(line).collect()
}

/// A hash's members in the order of their names: the server's own order says nothing.
fn sorted(value: Value) -> String {
    let Value::Array(members) = value else { return format!("{value:?}") };
    let mut pairs: Vec<String> = members.chunks(2).map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    pairs.concat()
}

/// A directory of a server's own; it goes with the server.
pub fn directory(name: &str) -> Result<PathBuf, String> {
    let directory = env::temp_dir().join(format!("latchgate-conformance-{name}-{}", process::id()));
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    Ok(directory)
}

pub fn free_port() -> Result<u16, String> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| error.to_string())
}

fn set_us(time: &Path, us: u64) {
    // Renamed into place: the server must never read half of it.
    let next = time.with_extension("next");
    fs::write(&next, us.to_le_bytes()).unwrap();
    fs::rename(&next, time).unwrap();
}

/// The clock of some nodes, and what makes them go by it.
pub struct Steering {
    library: PathBuf,
    time: PathBuf,
}

impl Steering {
    pub fn new(directory: &Path) -> Result<Self, String> {
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
        set_us(&time, 1_000_000);
        Ok(Self { library, time })
    }

    /// A node that goes by the clock.
    pub fn start(
        &self,
        program: &str,
        directory: &Path,
        options: &[&str],
    ) -> Result<(u16, Child), String> {
        let mut command = waited(program, directory);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]).args(options);
        command.env("LD_PRELOAD", &self.library).env("STEERED_TIME", &self.time);
        started(command, directory)
    }
}

/// A command that a shell holds which waits for its standard input: it ends when the test does, however.
pub fn waited(program: &str, directory: &Path) -> Command {
    let script = r#""$0" "$@" & child=$!; cat > /dev/null; kill $child; wait; rm -rf "$DIRECTORY""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, program]).env("DIRECTORY", directory);
    command
}

/// On a free port.
pub fn started(mut command: Command, directory: &Path) -> Result<(u16, Child), String> {
    let port = free_port()?;
    let child = command
        .args(["--port", &port.to_string(), "--dir"])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    Ok((port, child))
}
