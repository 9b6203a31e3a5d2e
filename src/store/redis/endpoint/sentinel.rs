//! Which server is the primary of a set, as its Sentinels say. Knows nothing of connections to it.

use super::handshake::Login;
use super::poll::{Dated, newest, question};
use crate::store::redis::net::resp::{Reply, command};
use crate::store::redis::net::socket::Address;
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
    /// Whom the next connection asks first.
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
        let known = self.epoch.load(Ordering::Relaxed);
        let found = newest(asking, known).await;
        let Dated { epoch, what } = found.map_err(|why| {
            io::Error::new(why.kind(), format!("the Sentinels name no primary: {why}"))
        })?;
        // Unless something newer was heard of meanwhile.
        let _ = self.epoch.compare_exchange(known, epoch, Ordering::Relaxed, Ordering::Relaxed);
        Ok(what)
    }

    /// Waits until a Sentinel names another primary than this one. One that knows less than was known does
    /// not count, and neither does one that does not answer.
    pub async fn moved_from(&self, primary: &Address) -> io::Error {
        // Each connection goes its own round: of a common one each would get the same Sentinel again and again.
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.addresses.len().max(1);
        for sentinel in self.addresses.iter().cycle().skip(first) {
            sleep(ASK_AGAIN).await;
            let Ok(heard) = self.ask(sentinel.clone()).await else { continue };
            let is_news = heard.epoch >= self.epoch.load(Ordering::Relaxed);
            if is_news && heard.what != *primary {
                // Those that have not heard of it must not lead back there.
                self.epoch.fetch_max(heard.epoch, Ordering::Relaxed);
                return io::Error::other("the Sentinels name another primary");
            }
        }
        pending().await
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
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;
    use tokio::time::timeout;

    const OLD: u16 = 1;
    const NEW: u16 = 2;

    /// A Sentinel that names a port of its host, by a configuration of this count. `after`: from the second time on
    /// it answers once that one was asked.
    async fn says(
        epoch: u64,
        port: u16,
        after: Option<Arc<Semaphore>>,
    ) -> (Address, Arc<Semaphore>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp("127.0.0.1".into(), listener.local_addr().unwrap().port());
        let was_asked = Arc::new(Semaphore::new(0));
        let told = Arc::clone(&was_asked);
        tokio::spawn(async move {
            for time in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                if let Some(other) = after.as_ref().filter(|_| time > 0) {
                    other.acquire().await.unwrap().forget();
                }
                let (port, epoch) = (port.to_string(), epoch.to_string());
                let words = ["ip", "127.0.0.1", "port", &port, "config-epoch", &epoch];
                let mut reply = format!("+OK\r\n*{}\r\n", words.len());
                for word in words {
                    reply += &format!("${}\r\n{word}\r\n", word.len());
                }
                stream.write_all(reply.as_bytes()).await.unwrap();
                told.add_permits(1);
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        });
        (address, was_asked)
    }

    fn set(addresses: Vec<Address>) -> Sentinels {
        Sentinels::new(addresses, "m".into(), Login::default(), Duration::from_secs(60))
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let within = Duration::from_secs(20);
        runtime.block_on(async { timeout(within, test).await.expect("it does not end") });
    }

    fn at(port: u16) -> Address {
        Address::Tcp("127.0.0.1".into(), port)
    }

    #[test]
    fn every_connection_hears_of_another_primary_where_one_sentinel_does_not() {
        run(async {
            let (cut_off, _) = says(1, OLD, None).await;
            let (told, _) = says(2, NEW, None).await;
            let sentinels = set(vec![cut_off, told]);
            sentinels.epoch.store(2, Ordering::Relaxed);
            let (old, new) = (at(OLD), at(NEW));
            tokio::select! {
                _ = sentinels.moved_from(&old) => {}
                _ = sentinels.moved_from(&new) => panic!("that is the newest"),
            }
        });
    }

    #[test]
    fn whoever_has_not_heard_of_the_primary_that_was_named_does_not_lead_back() {
        run(async {
            let (cut_off, was_asked) = says(1, OLD, None).await;
            let (told, _) = says(2, NEW, Some(was_asked)).await;
            let sentinels = set(vec![told, cut_off]);
            sentinels.epoch.store(1, Ordering::Relaxed);
            sentinels.moved_from(&at(OLD)).await;
            assert_eq!(sentinels.primary().await.unwrap(), at(NEW));
        });
    }

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
