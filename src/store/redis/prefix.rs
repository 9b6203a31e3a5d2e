//! What a prefix remembers of those who use it: the version of the layout of its keys, and the issuers whose users need no
//! name before theirs. Asked for whenever a connection begins. A node of a Cluster that does not hold these keys says nothing.

use super::greeting::{ask, refused};
use super::resp::{Reply, command};
use super::socket::Stream;
use crate::store::shared_users::shared_users;
use std::io;

/// Version of the layout (docs/layout.md). Another version writes what this one cannot read.
pub const LAYOUT: &str = "2";

/// Who uses a prefix.
#[derive(Clone, Debug, Default)]
pub struct Prefix {
    /// What the names of all keys begin with.
    pub name: String,
    /// The first issuer of the Auth that opens the store, if it has one.
    pub issuer: Option<String>,
    /// Nothing is written down of whoever only looks.
    pub visitor: bool,
}

impl Prefix {
    /// Enters the user, and returns what the operator should know.
    ///
    /// # Errors
    /// Where the keys are of another layout.
    pub async fn enter(&self, stream: &mut Stream) -> io::Result<Vec<String>> {
        let [version, receipts, issuers] =
            ["v", "mac", "iss"].map(|kind| format!("{}:{kind}", self.name));
        let version = version.as_bytes();
        // The first layout named no version. One of its keys has a name that is known beforehand.
        let found =
            ask(stream, &[command(&[b"GET", version]), command(&[b"EXISTS", receipts.as_bytes()])])
                .await?;
        let is_first = found[0] == Reply::Nil && found[1] == Reply::Integer(1);
        if is_first {
            return Err(self.foreign("1"));
        }
        let issuers = issuers.as_bytes();
        let mut commands = vec![command(&[b"GET", version]), command(&[b"HKEYS", issuers])];
        if !self.visitor {
            commands.insert(0, command(&[b"SET", version, LAYOUT.as_bytes(), b"NX"]));
            if let Some(issuer) = &self.issuer {
                commands.insert(0, command(&[b"HSET", issuers, issuer.as_bytes(), b"1"]));
            }
        }
        let mut replies = ask(stream, &commands).await?;
        let issuers = replies.pop();
        match replies.last().unwrap_or(&Reply::Nil) {
            Reply::Bulk(version) if version == LAYOUT.as_bytes() => {}
            Reply::Bulk(version) => return Err(self.foreign(&String::from_utf8_lossy(version))),
            Reply::Error(message) if message.starts_with("WRONGTYPE") => {
                return Err(self.foreign("unknown"));
            }
            // It may not be asked, has no room, or lies on another node.
            _ => {}
        }
        // An Auth without an issuer takes what any of them issues, and has no users of its own.
        let issuers = issuers.filter(|_| self.issuer.is_some());
        Ok(issuers.and_then(|issuers| self.others(&issuers)).into_iter().collect())
    }

    fn foreign(&self, version: &str) -> io::Error {
        let version: String = version.chars().take(32).filter(|c| !c.is_control()).collect();
        refused(format!(
            "the keys under the prefix '{}' have layout {version}, and this version of latchgate reads and writes layout \
             {LAYOUT}: give it another prefix (store.prefix), or end every process of the other version and delete the keys \
             (docs/layout.md, Versions)",
            self.name
        ))
    }

    fn others(&self, issuers: &Reply) -> Option<String> {
        let Reply::Array(issuers) = issuers else { return None };
        let mut names: Vec<String> = issuers
            .iter()
            .filter_map(|issuer| match issuer {
                Reply::Bulk(name) => Some(String::from_utf8_lossy(name).into_owned()),
                _ => None,
            })
            .collect();
        names.sort();
        shared_users(&names, &format!("the prefix '{}'", self.name), || {
            format!(
                "; an issuer that is no longer used is forgotten by HDEL {}:iss <issuer>",
                self.name
            )
        })
    }
}
