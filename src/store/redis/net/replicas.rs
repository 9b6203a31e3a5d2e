//! What a primary tells of its replicas: a part of INFO.

use super::socket::Address;
use crate::core::op::Replica;

/// Reads `INFO replication`. `None`: it was not told.
pub fn read(info: &[u8]) -> Option<Vec<Replica>> {
    let info = std::str::from_utf8(info).ok()?;
    let offset: u64 = find(info.lines(), "master_repl_offset:")?.parse().ok()?;
    Some(info.lines().filter_map(|line| replica(line, offset)).collect())
}

fn find<'a>(mut parts: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    parts.find_map(|part| part.strip_prefix(name)).map(str::trim)
}

/// `slave<n>:ip=<host>,port=<port>,state=<state>,offset=<offset>,lag=<seconds>`
fn replica(line: &str, master: u64) -> Option<Replica> {
    let (number, members) = line.strip_prefix("slave")?.split_once(':')?;
    number.parse::<u32>().ok()?;
    let member = |name| find(members.split(','), name);
    let port = member("port=")?.parse().ok()?;
    let confirmed: u64 = member("offset=")?.parse().ok()?;
    Some(Replica {
        address: Address::Tcp(member("ip=")?.to_owned(), port).to_string(),
        lag_bytes: master.saturating_sub(confirmed),
        online: member("state=") == Some("online"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_names_its_replicas_and_what_they_have_confirmed() {
        let info = b"# Replication\r\nrole:master\r\nconnected_slaves:2\r\n\
            slave0:ip=127.0.0.1,port=7001,state=online,offset=90,lag=1\r\n\
            slave1:ip=::1,port=7002,state=wait_bgsave,offset=0,lag=0\r\n\
            slave_x:ip=a\r\nmaster_repl_offset:100\r\n";
        let replica = |address: &str, lag_bytes, online| Replica {
            address: address.to_owned(),
            lag_bytes,
            online,
        };
        let expected = vec![replica("127.0.0.1:7001", 10, true), replica("[::1]:7002", 100, false)];
        assert_eq!(read(info), Some(expected));
        assert_eq!(read(b""), None);
    }
}
