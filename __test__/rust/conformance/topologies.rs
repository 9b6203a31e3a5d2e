//! The same servers behind a Sentinel, and as a Cluster of three masters, whose nodes go by one clock.

use super::server::{Server, Steering, directory, started, waited};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, thread};

type Started = LazyLock<Result<Mutex<Server>, String>>;

const MASTERS: u16 = 3;
const SLOTS: u16 = 16384;
/// Longer than any rule moves the clock, in milliseconds: no node ever takes another for gone.
const NEVER: &str = "1000000000000";

static SENTINEL: Started = LazyLock::new(|| behind_sentinel("redis-server").map(Mutex::new));
static REDIS: Started = LazyLock::new(|| cluster("redis-server").map(Mutex::new));
static VALKEY: Started = LazyLock::new(|| cluster("valkey-server").map(Mutex::new));

/// Each of them, for one rule, or what is missing.
pub fn topologies() -> [Result<MutexGuard<'static, Server>, String>; 3] {
    [&SENTINEL, &REDIS, &VALKEY].map(|servers| {
        let servers = servers.as_ref().map_err(Clone::clone)?;
        Ok(servers.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

fn behind_sentinel(program: &str) -> Result<Server, String> {
    let own = directory(&format!("sentinel-{program}"))?;
    let steering = Steering::new(&own)?;
    let node = steering.start(program, &own, &[])?;
    let file = own.join("sentinel.conf");
    let text = format!(
        "bind 127.0.0.1\nsentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 600000\n",
        node.0
    );
    fs::write(&file, text).map_err(|error| error.to_string())?;
    let mut command = waited(program, &own);
    command.arg(file).arg("--sentinel");
    let (port, sentinel) = started(command, &own)?;
    let mut server = Server::of(vec![node], steering, |_| {
        format!("redis-sentinel://127.0.0.1:{port}?master=main")
    })?;
    server.hold(sentinel);
    Ok(server)
}

fn cluster(program: &str) -> Result<Server, String> {
    let own = directory(&format!("cluster-{program}"))?;
    let steering = Steering::new(&own)?;
    let mut nodes = Vec::new();
    for index in 0..MASTERS {
        let name = format!("nodes-{index}.conf");
        let bus = super::server::free_port()?.to_string();
        let options = [
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            &name,
            "--cluster-port",
            &bus,
            "--cluster-node-timeout",
            NEVER,
        ];
        nodes.push((steering.start(program, &own, &options)?, bus));
    }
    let (nodes, buses): (Vec<_>, Vec<_>) = nodes.into_iter().unzip();
    let server = Server::of(nodes, steering, |ports| {
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis-cluster://{}", hosts.join(","))
    })?;
    let failed = |error: redis::RedisError| error.to_string();
    let mut connections = server.connections().map_err(failed)?;
    for (index, connection) in (0..MASTERS).zip(&mut connections) {
        let bound = |index: u16| u32::from(index) * u32::from(SLOTS) / u32::from(MASTERS);
        redis::cmd("CLUSTER")
            .arg("ADDSLOTSRANGE")
            .arg(bound(index))
            .arg(bound(index + 1) - 1)
            .exec(connection)
            .map_err(failed)?;
        redis::cmd("CLUSTER")
            .arg("SET-CONFIG-EPOCH")
            .arg(index + 1)
            .exec(connection)
            .map_err(failed)?;
        redis::cmd("CLUSTER")
            .arg("MEET")
            .arg("127.0.0.1")
            .arg(server.ports()[0])
            .arg(&buses[0])
            .exec(connection)
            .map_err(failed)?;
    }
    // A node serves two seconds after its start, by its own clock.
    for us in (0..400_u64).map(|step| 1_000_000 + step * 100_000) {
        server.set_us(us);
        thread::sleep(Duration::from_millis(25));
        let mut whole = true;
        for connection in &mut connections {
            let info: String =
                redis::cmd("CLUSTER").arg("INFO").query(connection).map_err(failed)?;
            whole &= info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384");
            whole &= info.contains("cluster_known_nodes:3");
        }
        if whole {
            return Ok(server);
        }
    }
    Err(format!("three nodes of {program} became no Cluster"))
}
