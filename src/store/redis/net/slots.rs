//! Slots of a Cluster: which one a key lies in, which node serves it, and where a node sends those who ask
//! the wrong one. Knows nothing of connections.

use super::resp::Reply;
use super::socket::Address;
use crate::core::base::hash_slot::{BUCKETS, bucket};
use std::sync::LazyLock;

/// The slot of each bucket of ours: its number is the hash tag.
static OF_BUCKETS: LazyLock<Vec<u16>> =
    LazyLock::new(|| (0..BUCKETS).map(|number| bucket(&number.to_string())).collect());

/// The slot of a key: of what stands between its first braces, or of all of it.
pub fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    bucket(tag.map(|(tag, _)| tag).filter(|tag| !tag.is_empty()).unwrap_or(key))
}

/// A bucket whose slot is one of these.
pub fn bucket_in(is_meant: impl Fn(u16) -> bool) -> Option<u16> {
    (0..BUCKETS).find(|bucket| is_meant(OF_BUCKETS[usize::from(*bucket)]))
}

/// Slots that one node serves.
#[derive(Debug, PartialEq, Eq)]
pub struct Range {
    pub first: u16,
    pub last: u16,
    pub primary: Address,
}

/// Reads what `asked` answers to CLUSTER SLOTS. `None`: it is not that.
pub fn ranges(reply: &Reply, asked: &Address) -> Option<Vec<Range>> {
    let Reply::Array(all) = reply else { return None };
    all.iter()
        .map(|each| {
            let Reply::Array(parts) = each else { return None };
            let [Reply::Integer(first), Reply::Integer(last), Reply::Array(node), ..] = &parts[..]
            else {
                return None;
            };
            let [host, Reply::Integer(port), ..] = &node[..] else { return None };
            let host = match host {
                Reply::Bulk(host) => std::str::from_utf8(host).ok()?,
                // It does not know its own: the one that it was asked under.
                Reply::Nil => "",
                _ => return None,
            };
            let within = |slot: &i64| u16::try_from(*slot).ok().filter(|slot| *slot < BUCKETS);
            let (first, last) = (within(first)?, within(last)?);
            if first > last {
                return None;
            }
            Some(Range { first, last, primary: asked.beside(host, u16::try_from(*port).ok()?) })
        })
        .collect()
}

/// The count of changes in an answer to CLUSTER INFO.
pub fn epoch(reply: &Reply) -> u64 {
    let Reply::Bulk(text) = reply else { return 0 };
    let text = String::from_utf8_lossy(text);
    let value = text.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

/// Why a call that did not run goes elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// It follows another one, and finds its node by its slot.
    BySlot,
    /// The slot is served by that node. An empty host is that of the node that says so.
    Moved { slot: u16, host: String, port: u16 },
    /// That node may have it, for this once.
    Ask { host: String, port: u16 },
    /// To the same, or another, a little later.
    Later,
}

/// Reads an error. `None`: it sends nobody anywhere.
pub fn redirect(message: &str) -> Option<Redirect> {
    let mut words = message.split(' ');
    let code = words.next()?;
    if matches!(code, "TRYAGAIN" | "CLUSTERDOWN") {
        return Some(Redirect::Later);
    }
    if !matches!(code, "MOVED" | "ASK") {
        return None;
    }
    let slot = words.next()?.parse().ok().filter(|slot| *slot < BUCKETS)?;
    let (host, port) = words.next()?.rsplit_once(':')?;
    let (host, port) = (host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?);
    Some(if code == "ASK" {
        Redirect::Ask { host, port }
    } else {
        Redirect::Moved { slot, host, port }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(text.as_bytes().to_vec())
    }

    #[test]
    fn a_slot_is_that_of_the_hash_tag() {
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot("lg:{foo}:u:{bar}"), 12182);
        assert_eq!(slot("{}foo"), bucket("{}foo"));
        assert_eq!(slot("lg:{16383}:u:x"), OF_BUCKETS[16383]);
        let some = bucket_in(|slot| slot > 16_000).unwrap();
        assert!(slot(&format!("lg:{{{some}}}:o:x")) > 16_000);
    }

    #[test]
    fn a_map_names_the_primaries_of_ranges() {
        let node = |host: Reply, port| {
            Reply::Array(vec![host, Reply::Integer(port), bulk("id"), Reply::Array(vec![])])
        };
        let range = |first, last, nodes: Vec<Reply>| {
            let ends = [Reply::Integer(first), Reply::Integer(last)];
            Reply::Array(ends.into_iter().chain(nodes).collect())
        };
        let asked = Address::Tls { host: "seed".into(), port: 1, insecure: true };
        let reply = Reply::Array(vec![
            range(0, 5460, vec![node(bulk("10.0.0.1"), 7001), node(bulk("10.0.0.2"), 7002)]),
            range(5461, 16383, vec![node(Reply::Nil, 7003)]),
        ]);
        let at = |host: &str, port| Address::Tls { host: host.into(), port, insecure: true };
        assert_eq!(
            ranges(&reply, &asked).unwrap(),
            [
                Range { first: 0, last: 5460, primary: at("10.0.0.1", 7001) },
                Range { first: 5461, last: 16383, primary: at("seed", 7003) },
            ]
        );
        for wrong in [
            Reply::Nil,
            Reply::Array(vec![Reply::Nil]),
            Reply::Array(vec![range(0, 16384, vec![node(Reply::Nil, 1)])]),
            Reply::Array(vec![range(0, 1, vec![])]),
            Reply::Array(vec![range(9, 5, vec![node(Reply::Nil, 1)])]),
        ] {
            assert_eq!(ranges(&wrong, &asked), None);
        }
        assert_eq!(epoch(&bulk("cluster_state:ok\r\ncluster_current_epoch:12\r\nx:1\r\n")), 12);
    }

    #[test]
    fn errors_say_where_a_call_belongs() {
        let host = String::from;
        let moved = |host, port| Some(Redirect::Moved { slot: 3999, host, port });
        assert_eq!(redirect("MOVED 3999 127.0.0.1:6381"), moved(host("127.0.0.1"), 6381));
        assert_eq!(redirect("MOVED 3999 :6381"), moved(host(""), 6381));
        assert_eq!(redirect("MOVED 3999 ::1:6381"), moved(host("::1"), 6381));
        assert_eq!(
            redirect("ASK 1 node.example:7"),
            Some(Redirect::Ask { host: host("node.example"), port: 7 })
        );
        assert_eq!(redirect("TRYAGAIN Multiple keys"), Some(Redirect::Later));
        assert_eq!(redirect("CLUSTERDOWN Hash slot not served"), Some(Redirect::Later));
        for none in ["ERR no", "MOVED", "MOVED 16384 a:1", "MOVED 1 a", "ASK 1 a:x", "MOVEDX 1 a:1"]
        {
            assert_eq!(redirect(none), None, "{none}");
        }
    }
}
