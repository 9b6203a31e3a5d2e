//! What is said when a connection begins: who we are, which scripts we use, and what kind of server it
//! is that we trust revocations to.

use super::prefix::Prefix;
use crate::core::store::{Health, Topology};
use crate::store::redis::net::connect_error::refused;
use crate::store::redis::net::resp;
use crate::store::redis::net::resp::Reply;
use crate::store::redis::net::socket::Stream;
use crate::store::redis::protocol::scripts;
use crate::store::redis::protocol::scripts::Text;
use std::fmt;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Who we are.
#[derive(Clone, Default)]
pub struct Login {
    pub username: Option<String>,
    pub password: Option<String>,
    pub database: i64,
}

/// It holds a password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

/// Oldest server whose scripts can say what they need (`#!lua flags=`).
const OLDEST: u32 = 7;

/// A server that was greeted.
pub struct Server {
    pub health: Health,
    /// Changes with every start of the server; unknown where it may not be inspected.
    pub run_id: Option<String>,
    /// It is known to keep nothing on disk.
    pub forgets: bool,
}

impl Login {
    fn command(&self) -> Option<Vec<u8>> {
        let user = self.username.as_deref().unwrap_or("default");
        let password = self.password.as_ref()?;
        Some(resp::command(&[b"AUTH", user.as_bytes(), password.as_bytes()]))
    }
}

/// Greets a server and looks at it.
///
/// # Errors
/// Why it cannot be used; the message holds no password.
pub async fn greet(stream: &mut Stream, login: &Login, prefix: &Prefix) -> io::Result<Server> {
    let asked: [&[&[u8]]; 3] = [&[b"INFO"], &[b"CONFIG", b"GET", b"save"], &[b"ROLE"]];
    let mut questions: Vec<_> = asked.into_iter().map(resp::command).collect();
    questions.extend(prefix.questions());
    let replies = introduce(stream, login, "latchgate", &questions).await?;
    let info = match &replies[0] {
        Reply::Bulk(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Reply::Error(message) if message.starts_with("NOAUTH") => {
            let cure = "put user:password@ into the store's URL";
            return Err(refused(format!("the server wants a password (NOAUTH): {cure}")));
        }
        _ => None,
    };
    let save = match &replies[1] {
        Reply::Array(pair) => pair.get(1),
        _ => None,
    };
    if !is_primary(&replies[2], info.as_deref()) {
        return Err(refused("the server is no primary (ROLE): it takes no writes"));
    }
    let mut server = look(info.as_deref(), save)?;
    prefix.judge(&replies[asked.len()..])?;
    // Not with the rest: what is longer than 16 KiB ends the connection of one who is not logged in, and with it the reply
    // that says so. Where it is not allowed, or the server is loading, a script is sent with its first call.
    let load = |script: &Text| resp::command(&[b"SCRIPT", b"LOAD", script.text.as_bytes()]);
    let mut commands = prefix.entry();
    let entry = commands.len();
    commands.extend(scripts::all().iter().map(load));
    let replies = ask(stream, &commands).await?;
    server.health.warnings.extend(prefix.entered(&replies[..entry])?);
    Ok(server)
}

/// Says who we are, and asks the rest with it: one journey. Returns the replies to the questions.
///
/// # Errors
/// Where we are not let in; the message holds no password.
pub async fn introduce(
    stream: &mut Stream,
    login: &Login,
    name: &str,
    questions: &[Vec<u8>],
) -> io::Result<Vec<Reply>> {
    let database = login.database.to_string();
    let mut commands: Vec<Vec<u8>> = Vec::new();
    let auth = login.command().map(|auth| {
        commands.push(auth);
        commands.len() - 1
    });
    let mut say = |words: &[&[u8]]| {
        commands.push(resp::command(words));
        commands.len() - 1
    };
    let select = (login.database != 0).then(|| say(&[b"SELECT", database.as_bytes()]));
    // For those who list clients; a user who may not say it does without.
    say(&[b"CLIENT", b"SETNAME", name.as_bytes()]);
    let introduced = commands.len();
    commands.extend_from_slice(questions);
    let mut replies = ask(stream, &commands).await?;
    let said =
        [(auth, "login", "user and password"), (select, "database", "the number behind the port")];
    for (said, what, part) in said {
        if let Some(at) = said {
            expect_ok(&replies[at], what, part)?;
        }
    }
    Ok(replies.split_off(introduced))
}

/// As ROLE says, or INFO where that may not be asked.
fn is_primary(role: &Reply, info: Option<&str>) -> bool {
    match role {
        Reply::Array(parts) => parts.first() == Some(&Reply::Bulk(b"master".to_vec())),
        _ => !info.is_some_and(|info| info.lines().any(|line| line == "role:slave")),
    }
}

fn expect_ok(reply: &Reply, what: &str, part: &str) -> io::Result<()> {
    match reply {
        Reply::Status(_) => Ok(()),
        Reply::Error(message) => {
            let code = message.split(' ').next().unwrap_or_default();
            let cure = format!("check {part} in the store's URL");
            Err(refused(format!("the server refused the {what} ({code}): {cure}")))
        }
        _ => Err(refused(format!("the {what} was not answered"))),
    }
}

/// What INFO and CONFIG tell, or that they may not be asked.
fn look(info: Option<&str>, save: Option<&Reply>) -> io::Result<Server> {
    let mut health = Health { connected: true, ..Health::default() };
    let Some(info) = info else {
        health.warnings.push(
            "the server may not be inspected (INFO): whether it may evict or lose revocations is not known".into(),
        );
        return Ok(Server { health, run_id: None, forgets: false });
    };
    let find = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let version = find("valkey_version").or_else(|| find("redis_version")).unwrap_or_default();
    let major: u32 = version.split('.').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    if major < OLDEST {
        return Err(refused(format!(
            "the server is too old: {version}, at least {OLDEST}.0 is needed"
        )));
    }
    health.version = Some(version.to_owned());
    if find("loading") == Some("1") {
        return Err(refused("the server is loading its data (LOADING)"));
    }
    if find("redis_mode") == Some("cluster") {
        health.topology = Topology::Cluster;
    }
    let policy = find("maxmemory_policy").unwrap_or("noeviction");
    if find("maxmemory").is_some_and(|limit| limit != "0") && policy != "noeviction" {
        health.warnings.push(format!(
            "maxmemory-policy is {policy}: the server may evict revocations; set it to noeviction"
        ));
    }
    let appends = find("aof_enabled") == Some("1");
    let saves = match save {
        Some(Reply::Bulk(rules)) => Some(!rules.is_empty()),
        _ => None,
    };
    let forgets = !appends && saves == Some(false);
    if forgets {
        health.warnings.push(
            "the server keeps nothing on disk: a restart forgets sessions, revocations and blocks"
                .into(),
        );
    } else if !appends && saves.is_none() {
        health.warnings.push(
            "the server may not be inspected (CONFIG): whether it keeps anything on disk is not known"
                .into(),
        );
    }
    Ok(Server { health, run_id: find("run_id").map(str::to_owned), forgets })
}

/// Says everything at once, and waits for as many replies: one journey, however far the server is.
///
/// # Errors
/// Where the connection ends, or brings what no server answers.
pub async fn ask(stream: &mut Stream, commands: &[Vec<u8>]) -> io::Result<Vec<Reply>> {
    write_all(stream, &commands.concat()).await?;
    let mut bytes = Vec::with_capacity(16 * 1024);
    let mut replies = Vec::with_capacity(commands.len());
    let mut used = 0;
    while replies.len() < commands.len() {
        match resp::read(&bytes[used..]) {
            Ok(Some((reply, length))) => {
                used += length;
                replies.push(reply);
            }
            Ok(None) => {
                if read_some(stream, &mut bytes).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(_) => return Err(refused("it does not speak the protocol of Redis")),
        }
    }
    Ok(replies)
}

/// Writes everything, waiting where it must.
///
/// # Errors
/// Where the other side is gone.
pub async fn write_all(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Tls(stream) => {
            stream.write_all(bytes).await?;
            stream.flush().await
        }
        Stream::Plain(socket) => socket.write_all(bytes).await,
    }
}

/// Reads what is there, waiting for something; 0 at the end.
///
/// # Errors
/// As the system says.
pub async fn read_some(stream: &mut Stream, into: &mut Vec<u8>) -> io::Result<usize> {
    match stream {
        Stream::Tls(stream) => stream.read_buf(into).await,
        Stream::Plain(socket) => loop {
            socket.readable().await?;
            match socket.try_read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        },
    }
}
