//! What a prefix remembers of those who use it: the version of the layout of its keys, and the issuers whose users need no
//! name before theirs. Asked for whenever a connection begins. A node of a Cluster that does not hold these keys says nothing.

use crate::store::redis::net::connect_error::refused;
use crate::store::redis::net::resp::{Reply, command};
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
    fn key(&self, kind: &str) -> String {
        format!("{}:{kind}", self.name)
    }

    /// What is asked before anything is written.
    pub fn questions(&self) -> Vec<Vec<u8>> {
        let [version, receipts] = [self.key("v"), self.key("mac")];
        vec![command(&[b"GET", version.as_bytes()]), command(&[b"EXISTS", receipts.as_bytes()])]
    }

    /// What the answers say.
    ///
    /// # Errors
    /// Where the keys are of another layout.
    pub fn judge(&self, answers: &[Reply]) -> io::Result<()> {
        match answers {
            // The first layout named no version. One of its keys has a name that is known beforehand.
            [Reply::Nil, Reply::Integer(1)] => Err(self.foreign("1")),
            [version, ..] => self.judge_version(version),
            [] => Ok(()),
        }
    }

    fn judge_version(&self, version: &Reply) -> io::Result<()> {
        match version {
            Reply::Bulk(version) if version == LAYOUT.as_bytes() => Ok(()),
            Reply::Bulk(version) => Err(self.foreign(&String::from_utf8_lossy(version))),
            Reply::Error(message) if message.starts_with("WRONGTYPE") => {
                Err(self.foreign("unknown"))
            }
            // It may not be asked, is not there yet, or lies on another node.
            _ => Ok(()),
        }
    }

    /// Enters who uses the prefix, and asks who else does.
    pub fn entry(&self) -> Vec<Vec<u8>> {
        let [version, issuers] = [self.key("v"), self.key("iss")];
        let [version, issuers] = [version.as_bytes(), issuers.as_bytes()];
        let mut commands = Vec::new();
        if !self.visitor {
            commands.push(command(&[b"SET", version, LAYOUT.as_bytes(), b"NX"]));
            if let Some(issuer) = &self.issuer {
                commands.push(command(&[b"HSET", issuers, issuer.as_bytes(), b"1"]));
            }
        }
        commands.push(command(&[b"GET", version]));
        commands.push(command(&[b"HKEYS", issuers]));
        commands
    }

    /// What the operator should know, by the answers to the entry.
    ///
    /// # Errors
    /// Where somebody has entered another layout meanwhile.
    pub fn entered(&self, answers: &[Reply]) -> io::Result<Option<String>> {
        let [.., version, issuers] = answers else { return Ok(None) };
        self.judge_version(version)?;
        // An Auth without an issuer takes what any of them issues, and has no users of its own.
        Ok(self.issuer.as_ref().and_then(|_| self.others(issuers)))
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
