//! What processes wrote down of the turns that they took (`__test__/redis/turn-histories.spec.js`), checked for
//! linearizability, key by key, by the algorithm of Wing, Gong and Lowe. `LATCHGATE_TURN_HISTORIES` names the directory.

use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::{env, fs};
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::Action::{Call, Response};
use todc_utils::linearizability::history::History;
use todc_utils::specifications::Specification;

/// One thing that was done to one turn, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Granted under this fence.
    Acquire(u64),
    /// Given up, and it was held until then.
    Release(u64),
    /// The lease lasts longer: it was held.
    Extend(u64),
    /// Given up or not, in its time or by its lease's end: nobody knows.
    End(u64),
}

/// One holder at a time, and fences that grow.
struct Turn;

impl Specification for Turn {
    /// Who holds it, and the last fence.
    type State = (Option<u64>, u64);
    type Operation = Act;

    fn init() -> Self::State {
        (None, 0)
    }

    fn apply(act: &Act, state: &Self::State) -> (bool, Self::State) {
        let (holder, last) = *state;
        match *act {
            Act::Acquire(fence) if holder.is_none() && fence > last => (true, (Some(fence), fence)),
            Act::Release(fence) if holder == Some(fence) => (true, (None, last)),
            Act::Extend(fence) if holder == Some(fence) => (true, *state),
            Act::End(fence) if holder == Some(fence) => (true, (None, last)),
            Act::End(_) => (true, *state),
            _ => (false, *state),
        }
    }
}

/// An act, and between which microseconds it took effect.
#[derive(Clone, Copy, Debug)]
struct Span {
    act: Act,
    from: u64,
    to: u64,
}

/// Until the end of all things.
const OPEN: u64 = u64::MAX;

/// The clock that leases are told by goes in milliseconds.
const MARGIN_US: u64 = 5_000;

fn is_linearizable(spans: &[Span]) -> bool {
    // Where one ends as another begins they are taken to overlap.
    let mut edges: Vec<(u64, bool, usize)> = spans
        .iter()
        .enumerate()
        .flat_map(|(at, span)| [(span.from, false, at), (span.to, true, at)])
        .collect();
    edges.sort_unstable();
    let action = |(_, is_end, at): (u64, bool, usize)| {
        let act = spans[at].act;
        (at, if is_end { Response(act) } else { Call(act) })
    };
    spans.is_empty()
        || WGLChecker::<Turn>::is_linearizable(History::from_actions(
            edges.into_iter().map(action).collect(),
        ))
}

/// What was written down, key by key.
#[derive(Default)]
struct Record {
    keys: BTreeMap<String, Vec<Span>>,
    processes: HashSet<String>,
    granted: usize,
    ended_otherwise: usize,
}

fn number(line: &Value, name: &str) -> u64 {
    line[name].as_u64().unwrap_or_else(|| panic!("no {name}: {line}"))
}

/// A lease, as its holder knows it.
struct Lease {
    /// It ends no earlier.
    ends: u64,
    released: bool,
}

impl Record {
    fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut calls: HashMap<String, Value> = HashMap::new();
        let mut leases: HashMap<(String, u64), Lease> = HashMap::new();
        // Given up at that instant, and nobody knows whether the store heard of it.
        let mut given_up: HashMap<(String, u64), u64> = HashMap::new();
        let mut record = Self::default();
        for line in lines {
            let line: Value = serde_json::from_str(line).unwrap();
            let id = line["id"].as_str().unwrap().to_owned();
            if line["op"].is_string() {
                record.processes.insert(id.split('-').next().unwrap().to_owned());
                if line["op"] == "release" {
                    let key = line["key"].as_str().unwrap().to_owned();
                    given_up.insert((key, number(&line, "fence")), number(&line, "at"));
                }
                calls.insert(id, line);
                continue;
            }
            let call = calls.remove(&id).expect("an answer to a question");
            let (from, to) = (number(&call, "at"), number(&line, "at"));
            let key = call["key"].as_str().unwrap();
            let mut note = |act| {
                record.keys.entry(key.to_owned()).or_default().push(Span { act, from, to });
            };
            match call["op"].as_str().unwrap() {
                // What was refused, or never answered, was seen by nobody.
                "acquire" if line["fence"].is_u64() => {
                    let fence = number(&line, "fence");
                    note(Act::Acquire(fence));
                    record.granted += 1;
                    let ends = number(&line, "ends");
                    leases.insert((key.to_owned(), fence), Lease { ends, released: false });
                }
                "extend" if line["held"] == true => {
                    let fence = number(&call, "fence");
                    note(Act::Extend(fence));
                    leases.get_mut(&(key.to_owned(), fence)).unwrap().ends = number(&line, "ends");
                }
                "release" if line["held"] == true => {
                    let fence = number(&call, "fence");
                    note(Act::Release(fence));
                    leases.get_mut(&(key.to_owned(), fence)).unwrap().released = true;
                }
                _ => {}
            }
        }
        record.end_leases(&leases, &given_up);
        record
    }

    /// A lease that was not seen to be given up may have ended in two ways. Whichever it was, the next fence was
    /// granted after it.
    fn end_leases(
        &mut self,
        leases: &HashMap<(String, u64), Lease>,
        given_up: &HashMap<(String, u64), u64>,
    ) {
        for (of, lease) in leases.iter().filter(|(_, lease)| !lease.released) {
            let (key, fence) = of;
            let spans = self.keys.get_mut(key).unwrap();
            let next = spans
                .iter()
                .filter_map(|span| match span.act {
                    Act::Acquire(next) if next > *fence => Some((next, span.to)),
                    _ => None,
                })
                .min();
            let to = next.map_or(OPEN, |(_, to)| to);
            let lapsed = lease.ends.saturating_sub(MARGIN_US);
            let from = given_up.get(of).map_or(lapsed, |at| lapsed.min(*at));
            self.ended_otherwise += 1;
            if from <= to {
                spans.push(Span { act: Act::End(*fence), from, to });
            }
        }
    }

    /// The first key whose turns nobody can put into an order.
    fn refuted(&self) -> Option<&str> {
        let mut keys = self.keys.iter();
        keys.find(|(_, spans)| !is_linearizable(spans)).map(|(key, _)| key.as_str())
    }
}

#[test]
fn what_processes_wrote_down_of_their_turns_is_linearizable() {
    let Some(directory) = env::var_os("LATCHGATE_TURN_HISTORIES") else {
        println!("skipped: nothing was recorded; see __test__/redis/turn-histories.spec.js");
        return;
    };
    let files = fs::read_dir(directory).unwrap();
    let texts: Vec<_> =
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    // Of a process that was killed the last line may be cut short.
    let whole = texts.iter().flat_map(|text| text.split_inclusive('\n'));
    let record = Record::read(whole.filter(|line| line.ends_with('\n')));
    let Record { processes, granted, ended_otherwise, keys } = &record;
    println!(
        "{granted} turns of {} keys in {} processes, of which {ended_otherwise} were not seen to end",
        keys.len(),
        processes.len(),
    );
    assert!(processes.len() >= 4 && *granted >= 400, "too little was recorded");
    assert_eq!(record.refuted(), None, "not linearizable");
}

/// Lines of one process for each lane, as they are written.
fn refuted(lines: &[&str]) -> bool {
    Record::read(lines.iter().copied()).refuted().is_some()
}

const FIRST: [&str; 2] = [
    r#"{"id":"a-1","op":"acquire","key":"k","at":1000}"#,
    r#"{"id":"a-1","at":2000,"fence":10,"ends":302000}"#,
];

#[test]
fn a_history_in_which_each_holds_in_turn_is_linearizable() {
    assert!(!refuted(&[
        FIRST[0],
        r#"{"id":"b-1","op":"acquire","key":"k","at":1100}"#,
        FIRST[1],
        r#"{"id":"a-2","op":"extend","key":"k","fence":10,"at":3000}"#,
        r#"{"id":"a-2","at":4000,"held":true,"ends":400000}"#,
        r#"{"id":"a-3","op":"release","key":"k","fence":10,"at":5000}"#,
        r#"{"id":"b-1","at":5500,"fence":11,"ends":306000}"#,
        r#"{"id":"a-3","at":6000,"held":true}"#,
        r#"{"id":"b-2","op":"release","key":"k","fence":11,"at":7000}"#,
    ]));
}

#[test]
fn a_holder_that_died_is_followed_when_its_lease_has_ended() {
    assert!(!refuted(&[
        FIRST[0],
        FIRST[1],
        r#"{"id":"b-1","op":"acquire","key":"k","at":1100}"#,
        r#"{"id":"b-1","at":303000,"fence":11,"ends":603000}"#,
    ]));
}

#[test]
fn two_holders_at_once_are_found() {
    assert!(refuted(&[
        FIRST[0],
        FIRST[1],
        r#"{"id":"b-1","op":"acquire","key":"k","at":1100}"#,
        r#"{"id":"b-1","at":200000,"fence":11,"ends":500000}"#,
    ]));
    assert!(refuted(&[
        FIRST[0],
        FIRST[1],
        r#"{"id":"b-1","op":"acquire","key":"k","at":1100}"#,
        r#"{"id":"b-1","at":200000,"fence":11,"ends":500000}"#,
        r#"{"id":"a-3","op":"release","key":"k","fence":10,"at":201000}"#,
        r#"{"id":"a-3","at":202000,"held":true}"#,
    ]));
}

#[test]
fn a_lease_that_was_extended_is_not_over_where_it_would_have_been() {
    assert!(refuted(&[
        FIRST[0],
        FIRST[1],
        r#"{"id":"a-2","op":"extend","key":"k","fence":10,"at":3000}"#,
        r#"{"id":"a-2","at":4000,"held":true,"ends":800000}"#,
        r#"{"id":"b-1","op":"acquire","key":"k","at":1100}"#,
        r#"{"id":"b-1","at":500000,"fence":11,"ends":900000}"#,
    ]));
}

#[test]
fn a_fence_that_does_not_grow_is_found() {
    assert!(refuted(&[
        FIRST[0],
        FIRST[1],
        r#"{"id":"a-3","op":"release","key":"k","fence":10,"at":5000}"#,
        r#"{"id":"a-3","at":6000,"held":true}"#,
        r#"{"id":"b-1","op":"acquire","key":"k","at":7000}"#,
        r#"{"id":"b-1","at":8000,"fence":9,"ends":308000}"#,
    ]));
}

#[test]
fn a_turn_that_was_extended_after_another_held_it_is_found() {
    assert!(refuted(&[
        FIRST[0],
        FIRST[1],
        r#"{"id":"b-1","op":"acquire","key":"k","at":1100}"#,
        r#"{"id":"b-1","at":350000,"fence":11,"ends":650000}"#,
        r#"{"id":"a-2","op":"extend","key":"k","fence":10,"at":360000}"#,
        r#"{"id":"a-2","at":370000,"held":true,"ends":800000}"#,
    ]));
}
