//! Many processes at one turn, in a time of their own: they ask, are woken, look again, stop for a while, die, and lose
//! messages. What must hold is said here from the contract alone: one holder at a time, fences that grow, first come first
//! served, no polling, and a wait that ends.

mod support;

use latchgate::core::base::clock::{Clock, FakeClock};
use latchgate::core::store::{Notice, Store};
use latchgate::core::turn::ops::{Ask, TurnAnswer, TurnTicket, number_of};
use latchgate::store::registry;
use latchgate::store::settings::Settings;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use support::START_MS;
use support::turning::*;

const GATES: u64 = 5;
const CLIENTS: u64 = 300;
const LEASE_MS: u64 = 1_000;
/// A process stands still for so long at most.
const STILL_US: u64 = 2_000_000;
/// So long a turn may be free though somebody waits: all may stand still; then what is left of a lease, a claim that is missed, and
/// how far those who look again are apart.
const LONGEST_US: u64 = STILL_US + (LEASE_MS + 500 + 1_010) * 1_000;

/// The same numbers in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Once in so many; never where that is 0.
    fn hits(&mut self, one_in: u64) -> bool {
        one_in > 0 && self.roll(one_in) == 0
    }
}

/// What goes wrong, each once in so many times; 0: never.
#[derive(Clone, Copy, Default)]
struct Troubles {
    /// A wake-up is lost.
    lost: u64,
    /// A process stops for up to two seconds when it gets a turn, or just after it asked.
    stopped: u64,
    /// It dies then.
    dead: u64,
    /// Whoever waits leaves.
    left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The client asks: for the first time, after a wake-up, or because it is time to look again.
    Ask(u64),
    /// What it did is done.
    Done(u64),
    /// It waits no more.
    GiveUp(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Waiting,
    Holding,
    Over,
}

struct Client {
    state: State,
    /// When it joined, and as which of all events.
    joined_us: u64,
    joined: u64,
    asked: u64,
    /// When it is to look again: an earlier date that was set does not count any more.
    look_us: u64,
}

struct Simulation {
    store: Arc<dyn Store>,
    clock: Arc<FakeClock>,
    dice: Dice,
    troubles: Troubles,
    /// `None`: the process is dead. It is heard of no more.
    gates: Vec<Option<Ears>>,
    /// Until when each stands still; 0: it never did.
    still_us: Vec<u64>,
    clients: BTreeMap<u64, Client>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    fence: u64,
    lease: Option<(u64, u64)>,
    /// Since when it is free.
    free_us: u64,
    /// The longest that it was free though somebody waited who could take it.
    longest_us: u64,
    served: u64,
}

impl Simulation {
    fn new(seed: u64, troubles: Troubles) -> Self {
        let clock = Arc::new(FakeClock::at_ms(START_MS));
        let store = registry::open(&Settings::of("memory:"), clock.clone()).unwrap();
        let gates = (0..GATES).map(|n| Some(Ears::of(&*store, u8::try_from(n).unwrap()))).collect();
        let mut simulation = Self {
            store,
            clock,
            dice: Dice(seed),
            troubles,
            gates,
            still_us: vec![0; usize::try_from(GATES).unwrap()],
            clients: BTreeMap::new(),
            events: BinaryHeap::new(),
            sequence: 0,
            fence: 0,
            lease: None,
            free_us: START_MS * 1000,
            longest_us: 0,
            served: 0,
        };
        let mut at_us = START_MS * 1000;
        for client in 0..CLIENTS {
            // In bursts, and with times in which nobody comes.
            at_us += simulation.dice.roll(if client % 50 == 0 { 3_000_000 } else { 15_000 });
            let fresh =
                Client { state: State::New, joined_us: 0, joined: 0, asked: 0, look_us: at_us };
            simulation.clients.insert(client, fresh);
            simulation.plan(at_us, Event::Ask(client));
        }
        simulation
    }

    fn gate(client: u64) -> usize {
        usize::try_from(client % GATES).unwrap()
    }

    fn ticket(&self, client: u64) -> Option<TurnTicket> {
        self.gates[Self::gate(client)].as_ref().map(|ears| ears.ticket(client))
    }

    fn plan(&mut self, at_us: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((at_us, self.sequence, event)));
    }

    fn run(mut self) -> Self {
        while let Some(Reverse((at_us, _, event))) = self.events.pop() {
            let (Event::Ask(client) | Event::Done(client) | Event::GiveUp(client)) = event;
            let resumes_us = self.still_us[Self::gate(client)];
            if resumes_us > at_us {
                self.plan(resumes_us, event);
                continue;
            }
            self.clock.set_us(at_us);
            let Some(ticket) = self.ticket(client) else { continue };
            let state = self.clients[&client].state;
            match event {
                Event::Ask(_) if matches!(state, State::New | State::Waiting) => {
                    self.ask(client, ticket, at_us);
                }
                Event::Done(_) => self.leave(client, ticket, at_us),
                Event::GiveUp(_) if state == State::Waiting => self.leave(client, ticket, at_us),
                _ => {}
            }
            self.deliver();
        }
        self
    }

    fn ask(&mut self, client: u64, ticket: TurnTicket, now_us: u64) {
        let asked = Ask { ttl_ms: LEASE_MS, ..asked(lock("k"), ticket) };
        let answer = try_ask(&*self.store, asked).unwrap();
        let sequence = self.sequence;
        let it = self.clients.get_mut(&client).unwrap();
        it.asked += 1;
        let is_new = std::mem::replace(&mut it.state, State::Waiting) == State::New;
        if is_new {
            it.joined = sequence;
            it.joined_us = now_us;
        }
        match answer {
            TurnAnswer::Granted { fence, lease_ms } => {
                assert_eq!(lease_ms, LEASE_MS);
                self.granted(client, fence, now_us);
            }
            TurnAnswer::Queued { look_again_ms, .. } => {
                assert!(look_again_ms <= LEASE_MS + 10 + 20 * 50);
                it.look_us = now_us + look_again_ms * 1000;
                let look_us = it.look_us;
                self.plan(look_us, Event::Ask(client));
                if is_new && self.dice.hits(self.troubles.left) {
                    let at_us = now_us + self.dice.roll(500_000);
                    self.plan(at_us, Event::GiveUp(client));
                }
                self.trouble(client, now_us);
            }
            other => panic!("{other:?}"),
        }
    }

    fn granted(&mut self, client: u64, fence: u64, now_us: u64) {
        if let Some((holder, end_us)) = self.lease {
            assert!(end_us <= now_us, "{holder} and {client} at once");
            self.free_us = self.free_us.max(end_us);
        }
        assert!(fence > self.fence, "fences grow");
        self.fence = fence;
        let waits = self
            .clients
            .iter()
            .filter(|(n, it)| it.state == State::Waiting && self.gates[Self::gate(**n)].is_some());
        let since_us = waits.map(|(_, it)| it.joined_us).min().unwrap_or(now_us);
        self.longest_us = self.longest_us.max(now_us - since_us.max(self.free_us));
        self.assert_order(client);
        self.lease = Some((client, now_us + LEASE_MS * 1000));
        let it = self.clients.get_mut(&client).unwrap();
        it.state = State::Holding;
        self.served += 1;
        let done_us = now_us + 1 + self.dice.roll(20_000);
        self.plan(done_us, Event::Done(client));
        self.trouble(client, now_us);
    }

    /// Nobody who came before still waits, on a gate that never stood still, where no message is lost.
    fn assert_order(&self, client: u64) {
        if self.troubles.lost > 0 {
            return;
        }
        let joined = self.clients[&client].joined;
        let before = self.clients.iter().find(|(other, it)| {
            let gate = Self::gate(**other);
            it.state == State::Waiting
                && it.joined < joined
                && self.still_us[gate] == 0
                && self.gates[gate].is_some()
                && **other != client
        });
        assert!(before.is_none(), "{client} before {:?}", before.map(|(other, _)| other));
    }

    /// The client's process may stand still, or die.
    fn trouble(&mut self, client: u64, now_us: u64) {
        let gate = Self::gate(client);
        if self.dice.hits(self.troubles.stopped) {
            self.still_us[gate] = now_us + self.dice.roll(STILL_US);
        }
        let alive = self.gates.iter().flatten().count();
        if alive > 1 && self.dice.hits(self.troubles.dead) {
            self.gates[gate] = None;
        }
    }

    fn leave(&mut self, client: u64, ticket: TurnTicket, now_us: u64) {
        let held = leave(&*self.store, lock("k"), ticket);
        let holds = self.lease.is_some_and(|(holder, end)| holder == client && end > now_us);
        assert_eq!(held, holds, "{client} is told what is true");
        if held {
            self.lease = None;
            self.free_us = now_us;
        }
        self.clients.get_mut(&client).unwrap().state = State::Over;
    }

    /// Wake-ups on their way.
    fn deliver(&mut self) {
        let now_us = self.clock.now_us();
        let told: Vec<_> = self.gates.iter().flatten().flat_map(Ears::all).collect();
        for notice in told {
            let Notice::Turn(ticket) = notice else { panic!("{notice:?}") };
            if !self.dice.hits(self.troubles.lost) {
                let at_us = now_us + 100 + self.dice.roll(3_000);
                self.plan(at_us, Event::Ask(number_of(&ticket)));
            }
        }
    }

    /// Clients of live processes that were neither served nor left.
    fn forgotten(&self) -> usize {
        let waits = |(n, it): &(&u64, &Client)| {
            it.state != State::Over && self.gates[Self::gate(**n)].is_some()
        };
        self.clients.iter().filter(waits).count()
    }
}

#[test]
fn without_troubles_all_are_served_in_their_order_and_nobody_asks_more_than_twice() {
    for seed in 1..=20 {
        let done = Simulation::new(seed * 0x9E37_79B9, Troubles::default()).run();
        assert_eq!((done.served, done.forgotten()), (CLIENTS, 0));
        let most = done.clients.values().map(|client| client.asked).max();
        assert_eq!(most, Some(2), "once to wait, and once when woken");
        assert!(done.longest_us < 4_000, "{}", done.longest_us);
    }
}

#[test]
fn who_leaves_the_queue_disturbs_nobody() {
    for seed in 1..=20 {
        let troubles = Troubles { left: 4, ..Troubles::default() };
        let done = Simulation::new(seed * 0x9E37_79B9, troubles).run();
        assert_eq!(done.forgotten(), 0);
        assert!(done.served > CLIENTS / 2);
        assert!(done.longest_us < 10_000, "{}", done.longest_us);
    }
}

#[test]
fn lost_messages_cost_a_bounded_wait() {
    for seed in 1..=20 {
        let troubles = Troubles { lost: 5, ..Troubles::default() };
        let done = Simulation::new(seed * 0x85EB_CA6B, troubles).run();
        assert_eq!((done.served, done.forgotten()), (CLIENTS, 0));
        assert!(done.longest_us <= 2_600_000, "{}", done.longest_us);
    }
}

#[test]
fn processes_that_stop_for_a_while_delay_the_others_for_a_bounded_time() {
    for seed in 1..=20 {
        let troubles = Troubles { stopped: 40, ..Troubles::default() };
        let done = Simulation::new(seed * 0xC2B2_AE35, troubles).run();
        assert_eq!((done.served, done.forgotten()), (CLIENTS, 0));
        assert!(done.longest_us <= LONGEST_US, "{}", done.longest_us);
    }
}

#[test]
fn all_troubles_at_once_leave_nobody_behind() {
    for seed in 1..=50 {
        let troubles = Troubles { lost: 10, stopped: 50, dead: 60, left: 10 };
        let done = Simulation::new(seed * 0x27D4_EB2F, troubles).run();
        assert_eq!(done.forgotten(), 0);
        assert!(done.longest_us <= LONGEST_US, "{}", done.longest_us);
        assert!(done.served > 50, "{}", done.served);
    }
}
