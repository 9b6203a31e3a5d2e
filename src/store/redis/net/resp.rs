//! The wire: commands written into a buffer, replies read out of one (RESP2). Our scripts answer with
//! one bulk string each; the other forms come from the greeting.

use std::io;

/// A reply.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    Nil,
    Status(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Array(Vec<Reply>),
    /// Without the leading minus sign.
    Error(String),
}

/// Deepest nesting, longest line, and largest bulk string, that a server of ours has reason to send.
const MAX_LINE: usize = 64 * 1024;
const MAX_DEPTH: usize = 4;
const MAX_BULK: usize = 512 * 1024 * 1024;

/// Writes `*<count>`.
pub fn begin(into: &mut Vec<u8>, arguments: usize) {
    number_line(into, b'*', arguments);
}

/// Writes one argument.
pub fn argument(into: &mut Vec<u8>, bytes: &[u8]) {
    number_line(into, b'$', bytes.len());
    into.extend_from_slice(bytes);
    into.extend_from_slice(b"\r\n");
}

/// A whole command.
pub fn command(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    begin(&mut bytes, arguments.len());
    for bytes_of in arguments {
        argument(&mut bytes, bytes_of);
    }
    bytes
}

fn number_line(into: &mut Vec<u8>, kind: u8, mut number: usize) {
    if let Ok(number @ 0..10) = u8::try_from(number) {
        into.extend_from_slice(&[kind, b'0' + number, b'\r', b'\n']);
        return;
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        #[allow(clippy::cast_possible_truncation)]
        {
            digits[at] = b'0' + (number % 10) as u8;
        }
        number /= 10;
        if number == 0 {
            break;
        }
    }
    into.push(kind);
    into.extend_from_slice(&digits[at..]);
    into.extend_from_slice(b"\r\n");
}

/// What came is not RESP: the connection cannot be used any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Garbled;

/// What ends a connection that brings what no server answers.
pub fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the replies make no sense")
}

/// Reads one reply from the front of `bytes`: the reply and how many bytes it took, `None` where it has
/// not arrived whole.
///
/// # Errors
/// Where it is no reply.
pub fn read(bytes: &[u8]) -> Result<Option<(Reply, usize)>, Garbled> {
    read_at(bytes, 0, 0)
}

fn read_at(bytes: &[u8], start: usize, depth: usize) -> Result<Option<(Reply, usize)>, Garbled> {
    let rest = &bytes[start..];
    let Some(end) = rest.iter().position(|byte| *byte == b'\r') else {
        return if rest.len() > MAX_LINE { Err(Garbled) } else { Ok(None) };
    };
    if end > MAX_LINE {
        return Err(Garbled);
    }
    if rest.len() < end + 2 {
        return Ok(None);
    }
    if rest[end + 1] != b'\n' || end == 0 {
        return Err(Garbled);
    }
    let line = &rest[1..end];
    let after = start + end + 2;
    match rest[0] {
        b'+' => Ok(Some((Reply::Status(lossy(line)), after))),
        b'-' => Ok(Some((Reply::Error(lossy(line)), after))),
        b':' => Ok(Some((Reply::Integer(integer(line)?), after))),
        b'$' => match usize::try_from(integer(line)?) {
            Err(_) => Ok(Some((Reply::Nil, after))),
            Ok(length) if length > MAX_BULK => Err(Garbled),
            Ok(length) => match bytes.get(after..after + length + 2) {
                None => Ok(None),
                Some(body) => match body.split_at(length) {
                    (text, b"\r\n") => Ok(Some((Reply::Bulk(text.to_vec()), after + length + 2))),
                    _ => Err(Garbled),
                },
            },
        },
        b'*' => {
            let Ok(count) = usize::try_from(integer(line)?) else {
                return Ok(Some((Reply::Nil, after)));
            };
            if depth >= MAX_DEPTH {
                return Err(Garbled);
            }
            let mut at = after;
            let mut members = Vec::new();
            for _ in 0..count {
                let Some((member, next)) = read_at(bytes, at, depth + 1)? else { return Ok(None) };
                members.push(member);
                at = next;
            }
            Ok(Some((Reply::Array(members), at)))
        }
        _ => Err(Garbled),
    }
}

fn lossy(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

fn integer(line: &[u8]) -> Result<i64, Garbled> {
    std::str::from_utf8(line).ok().and_then(|text| text.parse().ok()).ok_or(Garbled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_whole_or_not_at_all_wherever_it_is_cut() {
        let bytes = b"*3\r\n$5\r\na\r\nbc\r\n:-42\r\n*1\r\n$-1\r\n+OK\r\n-ERR no\r\n";
        let (reply, taken) = read(bytes).unwrap().unwrap();
        let inner = Reply::Array(vec![Reply::Nil]);
        let expected = vec![Reply::Bulk(b"a\r\nbc".to_vec()), Reply::Integer(-42), inner];
        assert_eq!(reply, Reply::Array(expected));
        for cut in 0..taken {
            assert_eq!(read(&bytes[..cut]), Ok(None), "{cut}");
        }
        let (status, more) = read(&bytes[taken..]).unwrap().unwrap();
        assert_eq!(status, Reply::Status("OK".into()));
        let (error, _) = read(&bytes[taken + more..]).unwrap().unwrap();
        assert_eq!(error, Reply::Error("ERR no".into()));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [
            &b"HTTP/1.1 400\r\n"[..],
            b"$x\r\n",
            b"\r\n",
            b":1\rx",
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
            b"$1\r\nabc\r\n",
            b"*2\r\n$0\r\n:1\r\n+OK\r\n",
        ] {
            assert_eq!(read(bytes), Err(Garbled), "{bytes:?}");
        }
    }

    #[test]
    fn a_line_is_too_long_whether_its_end_has_arrived_or_not() {
        for (length, is_read) in [(MAX_LINE - 1, true), (MAX_LINE, false)] {
            let line = ["+", &"x".repeat(length), "\r\n"].concat().into_bytes();
            assert_eq!(read(&line).is_ok(), is_read, "{length}");
            assert_eq!(read(&line[..=length]).is_ok(), is_read, "{length}, its end missing");
        }
    }

    #[test]
    fn a_command_is_written_as_an_array_of_bulk_strings() {
        assert_eq!(command(&[b"GET", b"a\r\n"]), b"*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n");
    }
}
