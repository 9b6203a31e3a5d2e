//! What a store's URL says: of what kind it is, where its servers are, and who we are there.

use super::handshake::Login;
use crate::core::base::error::Fault;
use crate::store::redis::net::socket::Address;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

/// Where Sentinels listen, and servers, where a URL does not say it.
const SENTINEL_PORT: u16 = 26379;
const SERVER_PORT: u16 = 6379;

/// What a URL names.
#[derive(Debug)]
pub enum Named {
    /// `redis:`, `rediss:`, `redis+unix:`
    Server(Address),
    /// `redis-sentinel:`, `rediss-sentinel:`: the name of the set of servers, and the Sentinels' own login.
    Sentinels { addresses: Vec<Address>, name: String, login: Login },
    /// `redis-cluster:`, `rediss-cluster:`: some of its nodes.
    Cluster(Vec<Address>),
}

/// What a URL says.
#[derive(Debug)]
pub struct Endpoint {
    pub named: Named,
    /// At the servers.
    pub login: Login,
}

fn refused(why: &str) -> Fault {
    Fault::config(format!("store: {why}"))
}

/// Reads a URL.
///
/// # Errors
/// `ERR_LATCHGATE_CONFIG`. The URL is never repeated: it may hold a password.
pub fn parse(url: &str) -> Result<Endpoint, Fault> {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let base = if scheme.starts_with("rediss") { "rediss" } else { "redis" };
    match scheme {
        "redis-sentinel" | "rediss-sentinel" => sentinels(base, rest),
        "redis-cluster" | "rediss-cluster" => cluster(base, rest),
        _ => {
            let info = read(url, "redis://[user:password@]host[:port][/db]")?;
            Ok(Endpoint { named: Named::Server(address(&info)?), login: login(&info) })
        }
    }
}

fn sentinels(base: &str, rest: &str) -> Result<Endpoint, Fault> {
    const FORM: &str = "redis-sentinel://[user:password@]host[:port],host[:port]/[db]?master=name";
    let parts = Parts::of(rest).ok_or_else(|| unreadable(FORM))?;
    let (mut name, mut own, mut left) = (None, Login::default(), Vec::new());
    for pair in parts.query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "master" => name = Some(decoded(value)?),
            "sentinel_username" => own.username = Some(decoded(value)?),
            "sentinel_password" => own.password = Some(decoded(value)?),
            _ => left.push(pair),
        }
    }
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| {
        refused("a redis-sentinel: URL says which servers it means by ?master=name")
    })?;
    let (addresses, login) = parts.servers(base, &left.join("&"), SENTINEL_PORT, FORM)?;
    Ok(Endpoint { named: Named::Sentinels { addresses, name, login: own }, login })
}

fn cluster(base: &str, rest: &str) -> Result<Endpoint, Fault> {
    const FORM: &str = "redis-cluster://[user:password@]host[:port],host[:port]";
    let parts = Parts::of(rest).ok_or_else(|| unreadable(FORM))?;
    let (addresses, login) = parts.servers(base, parts.query, SERVER_PORT, FORM)?;
    if login.database != 0 {
        return Err(refused("a Cluster has the database 0 alone"));
    }
    Ok(Endpoint { named: Named::Cluster(addresses), login })
}

/// The parts of a URL of several hosts, behind its scheme.
struct Parts<'a> {
    /// With its `@`.
    user: &'a str,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
    /// With its `#`.
    fragment: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Option<Self> {
        let rest = rest.strip_prefix("//")?;
        let (rest, fragment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Some(Self { user, hosts, path, query, fragment })
    }

    /// The servers, each read as one of a URL of its own.
    fn servers(
        &self,
        base: &str,
        query: &str,
        port: u16,
        form: &str,
    ) -> Result<(Vec<Address>, Login), Fault> {
        let Self { user, hosts, path, fragment, .. } = self;
        let mut addresses = Vec::new();
        let mut first = None;
        for host in hosts.split(',') {
            // Behind a bracket a colon is the port's: IPv6.
            let has_port =
                host.rfind(':').is_some_and(|at| host.rfind(']').is_none_or(|end| at > end));
            if host.is_empty() || host.starts_with(':') {
                return Err(unreadable(form));
            }
            let port = if has_port { String::new() } else { format!(":{port}") };
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            let url = format!("{base}://{user}{host}{port}{path}{query}{fragment}");
            let info = read(&url, form)?;
            let address = address(&info)?;
            if !addresses.contains(&address) {
                addresses.push(address);
            }
            first.get_or_insert_with(|| login(&info));
        }
        Ok((addresses, first.ok_or_else(|| unreadable(form))?))
    }
}

fn unreadable(form: &str) -> Fault {
    refused(&format!("the URL cannot be read ({form})"))
}

fn read(url: &str, form: &str) -> Result<ConnectionInfo, Fault> {
    url.into_connection_info().map_err(|_| unreadable(form))
}

fn address(info: &ConnectionInfo) -> Result<Address, Fault> {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => Ok(Address::Tcp(host.clone(), *port)),
        ConnectionAddr::TcpTls { host, port, insecure, .. } => {
            Ok(Address::Tls { host: host.clone(), port: *port, insecure: *insecure })
        }
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => Ok(Address::Unix(path.clone())),
        _ => Err(refused("the URL names an address of an unknown kind")),
    }
}

fn login(info: &ConnectionInfo) -> Login {
    let settings = info.redis_settings();
    Login {
        username: settings.username().map(str::to_owned),
        password: settings.password().map(str::to_owned),
        database: settings.db(),
    }
}

/// Without its percent signs.
fn decoded(value: &str) -> Result<String, Fault> {
    let wrong = || refused("a percent sign of the URL's query is followed by no two digits");
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok()).ok_or_else(wrong)?;
        bytes.push(byte);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.to_owned(), port)
    }

    #[test]
    fn a_sentinel_url_names_sentinels_the_set_and_who_we_are_at_both() {
        let url = "redis-sentinel://u:p%2Cw@a:1,b,[::1]:3/2?master=m%20y&sentinel_password=s";
        let Endpoint { named, login } = parse(url).unwrap();
        let Named::Sentinels { addresses, name, login: own } = named else { panic!("{named:?}") };
        assert_eq!(addresses, [tcp("a", 1), tcp("b", SENTINEL_PORT), tcp("::1", 3)]);
        assert_eq!((name.as_str(), own.password.as_deref()), ("m y", Some("s")));
        assert_eq!(
            (login.username.as_deref(), login.password.as_deref()),
            (Some("u"), Some("p,w"))
        );
        assert_eq!(login.database, 2);
    }

    #[test]
    fn a_cluster_url_names_nodes_encrypted_where_it_says_so() {
        let Endpoint { named, .. } = parse("redis-cluster://a:1,b:2,a:1").unwrap();
        let Named::Cluster(addresses) = named else { panic!("{named:?}") };
        assert_eq!(addresses, [tcp("a", 1), tcp("b", 2)]);
        let Endpoint { named, .. } = parse("rediss-cluster://a:1,b#insecure").unwrap();
        let Named::Cluster(addresses) = named else { panic!("{named:?}") };
        let tls = |host: &str, port| Address::Tls { host: host.into(), port, insecure: true };
        assert_eq!(addresses, [tls("a", 1), tls("b", SERVER_PORT)]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_never_repeated() {
        for url in [
            "redis-sentinel://:secret@a:1,b:2",
            "redis-sentinel://:secret@a:1/0?master=",
            "redis-sentinel://:secret@a:1/0?master=%zz",
            "redis-sentinel://:secret@a:1/db?master=m",
            "redis-sentinel:secret",
            "redis-cluster://:secret@a:1/1",
            "redis-cluster://:secret@a:1,,b:2",
            "redis-cluster://:secret@",
            "redis-cluster://:secret@:1",
            "redis-cluster://:secret@a:99999",
        ] {
            let fault = parse(url).unwrap_err();
            assert_eq!(fault.code, crate::core::base::error::FaultCode::Config, "{url}");
            assert!(!fault.message.contains("secret"), "{url}");
        }
    }
}
