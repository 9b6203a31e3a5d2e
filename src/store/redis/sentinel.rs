//! Which server is the primary of a set, as its Sentinels say. Knows nothing of connections to it.

use super::greeting::Login;
use super::poll::{Dated, newest, question};
use super::resp::{Reply, command};
use super::socket::Address;
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// How often a Sentinel is asked whether the primary is still where it was.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The Sentinels of a set of servers.
#[derive(Debug)]
pub struct Sentinels {
    addresses: Vec<Address>,
    name: String,
    login: Login,
    /// Longest wait for one of them.
    within: Duration,
    /// The newest configuration that was heard of; 0 before the first.
    epoch: AtomicU64,
    /// Whose turn it is to be asked again.
    turn: AtomicUsize,
}

impl Sentinels {
    pub fn new(addresses: Vec<Address>, name: String, login: Login, within: Duration) -> Self {
        let (epoch, turn) = (AtomicU64::new(0), AtomicUsize::new(0));
        Self { addresses, name, login, within, epoch, turn }
    }

    /// The primary.
    ///
    /// # Errors
    /// Where no Sentinel names one, or those that do know less than was known before.
    pub async fn primary(&self) -> io::Result<Address> {
        let asking = self.addresses.iter().map(|address| self.ask(address.clone())).collect();
        let found = newest(asking, self.epoch.load(Ordering::Relaxed)).await;
        let Dated { epoch, what } = found.map_err(|why| {
            io::Error::new(why.kind(), format!("the Sentinels name no primary: {why}"))
        })?;
        self.epoch.store(epoch, Ordering::Relaxed);
        Ok(what)
    }

    /// Waits until a Sentinel names another primary than this one. One that knows less than was known does
    /// not count, and neither does one that does not answer.
    pub async fn moved_from(&self, primary: &Address) -> io::Error {
        if self.addresses.is_empty() {
            return pending().await;
        }
        loop {
            sleep(ASK_AGAIN).await;
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.addresses.len();
            let Ok(heard) = self.ask(self.addresses[turn].clone()).await else { continue };
            if heard.epoch >= self.epoch.load(Ordering::Relaxed) && heard.what != *primary {
                return io::Error::other("the Sentinels name another primary");
            }
        }
    }

    fn ask(
        &self,
        sentinel: Address,
    ) -> impl Future<Output = io::Result<Dated<Address>>> + Send + 'static {
        let commands = [command(&[b"SENTINEL", b"MASTER", self.name.as_bytes()])];
        let (login, within) = (self.login.clone(), self.within);
        async move {
            let replies = question(&sentinel, &login, &commands, within).await?;
            let reply = replies.first().unwrap_or(&Reply::Nil);
            read(reply, &sentinel)
        }
    }
}

/// What a Sentinel answers: names and values in turn.
fn read(reply: &Reply, sentinel: &Address) -> io::Result<Dated<Address>> {
    let pairs = match reply {
        Reply::Array(pairs) => pairs,
        Reply::Error(message) => {
            let code = message.split(' ').next().unwrap_or_default();
            let why = format!("a Sentinel knows no such master, or refuses ({code})");
            return Err(io::Error::other(why));
        }
        _ => return Err(io::Error::other("it is no Sentinel")),
    };
    let find = |name: &str| {
        pairs.chunks_exact(2).find_map(|pair| match pair {
            [Reply::Bulk(key), Reply::Bulk(value)] if key == name.as_bytes() => {
                std::str::from_utf8(value).ok()
            }
            _ => None,
        })
    };
    let read = || {
        let (host, port) = (find("ip")?, find("port")?.parse().ok()?);
        let epoch = find("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        Some(Dated { epoch, what: sentinel.elsewhere(host, port) })
    };
    read().ok_or_else(|| io::Error::other("it is no Sentinel"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulks(words: &[&str]) -> Reply {
        Reply::Array(words.iter().map(|word| Reply::Bulk(word.as_bytes().to_vec())).collect())
    }

    #[test]
    fn a_sentinel_names_the_primary_and_how_new_that_is() {
        let sentinel = Address::Tls { host: "s".into(), port: 26379, insecure: false };
        let reply = bulks(&["name", "m", "port", "6380", "ip", "10.0.0.2", "config-epoch", "7"]);
        let named = Address::Tls { host: "10.0.0.2".into(), port: 6380, insecure: false };
        assert_eq!(read(&reply, &sentinel).unwrap(), Dated { epoch: 7, what: named });
    }

    #[test]
    fn what_names_no_primary_is_none() {
        let sentinel = Address::Tcp("s".into(), 26379);
        for reply in [
            Reply::Error("ERR No such master with that name".into()),
            Reply::Nil,
            bulks(&["ip", "10.0.0.2"]),
            bulks(&["ip", "10.0.0.2", "port", "x"]),
        ] {
            assert!(read(&reply, &sentinel).is_err(), "{reply:?}");
        }
    }
}
