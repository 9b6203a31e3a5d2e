//! Fingerprints: 128 bits that represent a request, or a name of any length.

use crate::core::counter::counter::Change;
use crate::core::quota::idempotency::Idempotency;
use crate::tokens::encoding::sha256;

/// Returns the first half of the SHA-256 of the parts. Each part follows its length, so that no part can run
/// into the next.
fn fingerprint(parts: &[&[u8]]) -> [u8; 16] {
    let mut text = Vec::new();
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part);
    }
    let mut half = [0; 16];
    half.copy_from_slice(&sha256(&text)[..16]);
    half
}

/// Returns the fingerprint of a login request of a user.
#[must_use]
pub fn login_request(user: &str, request: &str) -> [u8; 16] {
    fingerprint(&[b"login", user.as_bytes(), request.as_bytes()])
}

/// Returns the idempotency name and question for changes of counters. `several`: the call asked for a list of
/// changes. A list of one change and a single change are different questions.
#[must_use]
pub fn counter_idempotency(
    user: &str,
    key: &str,
    several: bool,
    changes: &[Change<'_>],
) -> Idempotency {
    let numbers: Vec<[u8; 24]> = changes
        .iter()
        .map(|change| {
            let mut bytes = [0; 24];
            for (at, number) in [change.delta, change.min, change.max].iter().enumerate() {
                bytes[at * 8..][..8].copy_from_slice(&number.to_be_bytes());
            }
            bytes
        })
        .collect();
    let mut question: Vec<&[u8]> = vec![if several { b"apply" } else { b"add" }];
    for (change, numbers) in changes.iter().zip(&numbers) {
        question.extend([change.name.as_bytes(), numbers]);
    }
    Idempotency {
        name: fingerprint(&[b"counters", user.as_bytes(), key.as_bytes()]),
        question: fingerprint(&question),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, delta: i64, min: i64, max: i64) -> Change<'_> {
        Change { name: name.into(), delta, min, max }
    }

    #[test]
    fn a_question_that_differs_in_anything_is_another() {
        let base = vec![change("a", 1, 0, 5), change("bc", 2, 0, 5)];
        let mut others = vec![
            base[..1].to_vec(),
            vec![base[1].clone(), base[0].clone()],
            vec![change("ab", 1, 0, 5), change("c", 2, 0, 5)],
        ];
        for field in 0..3 {
            let mut other = base.clone();
            match field {
                0 => other[1].delta = -2,
                1 => other[1].min = -1,
                _ => other[1].max = 6,
            }
            others.push(other);
        }
        let asked = counter_idempotency("u", "k", true, &base);
        assert_eq!(counter_idempotency("u", "k", true, &base), asked);
        for other in others {
            let other = counter_idempotency("u", "k", true, &other);
            assert_eq!(other.name, asked.name);
            assert_ne!(other.question, asked.question);
        }
        let one = counter_idempotency("u", "k", false, &base[..1]);
        assert_ne!(one, counter_idempotency("u", "k", true, &base[..1]));
        for (user, key) in [("v", "k"), ("u", "l"), ("uk", ""), ("", "uk")] {
            assert_ne!(counter_idempotency(user, key, true, &base).name, asked.name);
        }
    }
}
