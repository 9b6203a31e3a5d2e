//! URLs of stores: what is accepted names servers, can be written and read again, and what is refused is not repeated.
#![no_main]

use latchgate::core::base::error::FaultCode;
use latchgate::store::redis::fuzzing::{Address, Endpoint, Named, parse_url};
use libfuzzer_sys::fuzz_target;
use std::fmt::Write as _;

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "%{byte:02X}");
        all
    })
}

/// All addresses of a kind that hosts and ports tell, and whether they are encrypted.
fn hosts(addresses: &[Address]) -> Option<(String, bool, bool)> {
    let list = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    match addresses.first()? {
        Address::Tcp(..) => Some((list, false, false)),
        Address::Tls { insecure, .. } => Some((list, true, *insecure)),
        _ => None,
    }
}

/// Another way of writing it.
fn write(Endpoint { named, login }: &Endpoint) -> Option<String> {
    let (kind, addresses) = match named {
        Named::Server(address) => ("", std::slice::from_ref(address)),
        Named::Sentinels { addresses, .. } => ("-sentinel", &addresses[..]),
        Named::Cluster(addresses) => ("-cluster", &addresses[..]),
    };
    let (hosts, tls, insecure) = hosts(addresses)?;
    let mut url = format!("redis{}{kind}://", if tls { "s" } else { "" });
    let name = login.username.as_deref().map(escaped).unwrap_or_default();
    match &login.password {
        Some(password) => {
            let _ = write!(url, "{name}:{}@", escaped(password));
        }
        None if name.is_empty() => {}
        None => {
            let _ = write!(url, "{name}@");
        }
    }
    let _ = write!(url, "{hosts}/{}", login.database);
    if let Named::Sentinels { name, login, .. } = named {
        let _ = write!(url, "?master={}", escaped(name));
        if let Some(name) = &login.username {
            let _ = write!(url, "&sentinel_username={}", escaped(name));
        }
        if let Some(password) = &login.password {
            let _ = write!(url, "&sentinel_password={}", escaped(password));
        }
    }
    if insecure {
        url.push_str("#insecure");
    }
    Some(url)
}

/// All that is said of what is refused: nothing of the URL, which may hold a password.
const MESSAGES: [&str; 7] = [
    "store: the URL cannot be read (redis://[user:password@]host[:port][/db])",
    "store: the URL cannot be read (redis-sentinel://[user:password@]host[:port],host[:port]/[db]?master=name)",
    "store: the URL cannot be read (redis-cluster://[user:password@]host[:port],host[:port])",
    "store: a redis-sentinel: URL says which servers it means by ?master=name",
    "store: a Cluster has the database 0 alone",
    "store: the URL names an address of an unknown kind",
    "store: a percent sign of the URL's query is followed by no two digits",
];

fuzz_target!(|url: &str| {
    match parse_url(url) {
        Err(fault) => {
            assert_eq!(fault.code, FaultCode::Config);
            assert!(MESSAGES.contains(&&*fault.message), "{}", fault.message);
        }
        Ok(endpoint) => {
            if let Named::Sentinels { addresses, .. } | Named::Cluster(addresses) = &endpoint.named
            {
                assert!(!addresses.is_empty());
            }
            let Some(written) = write(&endpoint) else { return };
            let again = parse_url(&written).map_err(|fault| fault.message);
            assert_eq!(
                format!("{:?}", Ok::<_, String>(endpoint)),
                format!("{again:?}"),
                "{written}"
            );
        }
    }
});
