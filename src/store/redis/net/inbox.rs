//! Bytes that were read and are not used up: the beginning of a reply that has not arrived whole.

use super::socket::Socket;
use std::io;

/// Room at first; grows with a reply that is larger.
const ROOM: usize = 64 * 1024;

/// See the module.
#[derive(Default)]
pub struct Inbox {
    /// All of it can be read into; what lies behind `filled` means nothing.
    bytes: Vec<u8>,
    filled: usize,
}

impl Inbox {
    /// Reads what is there, once.
    ///
    /// # Errors
    /// As the system says; at the end of the stream `UnexpectedEof`.
    pub fn fill(&mut self, socket: &Socket) -> io::Result<()> {
        if self.filled == self.bytes.len() {
            self.bytes.resize((self.filled * 2).max(ROOM), 0);
        }
        match socket.read_watched(&mut self.bytes[self.filled..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.filled += count;
                Ok(())
            }
        }
    }

    /// What was read.
    pub fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Drops what was used up.
    pub fn drop_first(&mut self, used: usize) {
        self.bytes.copy_within(used..self.filled, 0);
        self.filled -= used;
    }

    /// Drops everything: what follows comes over another connection.
    pub fn clear(&mut self) {
        self.filled = 0;
    }
}
