//! Asking several servers the same at once: who answers last, or never, costs nothing.

use super::handshake::{Login, introduce};
use crate::store::redis::net::resp::Reply;
use crate::store::redis::net::socket::{Address, connect};
use std::io;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

/// How long the first answer waits for others that may know more.
const GRACE: Duration = Duration::from_millis(200);

/// What was answered, and how new it is: servers count the changes of their topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated<T> {
    pub epoch: u64,
    pub what: T,
}

/// Says a few commands over a connection of their own.
///
/// # Errors
/// Why there are no replies; the message holds no password.
pub async fn question(
    address: &Address,
    login: &Login,
    commands: &[Vec<u8>],
    within: Duration,
) -> io::Result<Vec<Reply>> {
    let asking = async {
        let mut stream = connect(address).await?;
        introduce(&mut stream, login, "latchgate-topology", commands).await
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    timeout(within, asking).await.map_err(|_| late())?
}

/// The newest of what is answered, `known` being the newest so far: an answer that is as new is taken at
/// once. One that is older may come from a server that was cut off, and is taken where more than half of
/// all say no better.
///
/// # Errors
/// Where nobody answers, or too few do.
pub async fn newest<T: Send + 'static>(
    asking: Vec<impl Future<Output = io::Result<Dated<T>>> + Send + 'static>,
    known: u64,
) -> io::Result<Dated<T>> {
    let all = asking.len();
    let mut running = JoinSet::new();
    for each in asking {
        running.spawn(each);
    }
    let (mut best, mut answers, mut until): (Option<Dated<T>>, _, _) = (None, 0, None);
    let mut why = io::Error::other("nobody is there to be asked");
    loop {
        let next = match until {
            None => running.join_next().await,
            Some(until) => timeout_at(until, running.join_next()).await.unwrap_or(None),
        };
        match next {
            None => break,
            Some(Ok(Ok(answer))) => {
                answers += 1;
                let is_first = known == 0;
                if is_first && until.is_none() {
                    until = Some(Instant::now() + GRACE);
                }
                if best.as_ref().is_none_or(|best| best.epoch < answer.epoch) {
                    best = Some(answer);
                }
                let is_new = best.as_ref().is_some_and(|best| best.epoch >= known);
                if is_new && (!is_first || answers * 2 > all) {
                    break;
                }
            }
            Some(Ok(Err(error))) => why = error,
            Some(Err(_)) => {}
        }
    }
    match best {
        None => Err(why),
        Some(best) if best.epoch >= known || answers * 2 > all => Ok(best),
        Some(_) => Err(io::Error::other("those who answer know less than was known before")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{Future, pending, ready};
    use std::pin::Pin;

    type Answer = Pin<Box<dyn Future<Output = io::Result<Dated<u8>>> + Send>>;

    fn says(epoch: u64, what: u8) -> Answer {
        Box::pin(ready(Ok(Dated { epoch, what })))
    }

    fn fails() -> Answer {
        Box::pin(ready(Err(io::ErrorKind::ConnectionRefused.into())))
    }

    fn hangs() -> Answer {
        Box::pin(pending())
    }

    fn newest_of(asking: Vec<Answer>, known: u64) -> Option<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(newest(asking, known)).ok().map(|dated| dated.what)
    }

    #[test]
    fn the_newest_answer_counts_and_who_hangs_is_not_waited_for() {
        assert_eq!(newest_of(vec![says(1, 1), hangs(), says(3, 3)], 0), Some(3));
        assert_eq!(newest_of(vec![says(4, 4), hangs(), hangs()], 4), Some(4));
        assert_eq!(newest_of(vec![hangs(), says(1, 1)], 0), Some(1));
    }

    #[test]
    fn one_that_knows_less_than_was_known_is_believed_where_more_than_half_do() {
        assert_eq!(newest_of(vec![says(1, 1), fails(), fails()], 2), None);
        assert_eq!(newest_of(vec![says(1, 1), says(1, 1), fails()], 2), Some(1));
        assert_eq!(newest_of(vec![says(1, 1), fails(), says(2, 2)], 2), Some(2));
        assert_eq!(newest_of(vec![fails(), fails()], 0), None);
        assert_eq!(newest_of(Vec::new(), 0), None);
    }
}
