//! Wake-ups and revocations from a server: what is missed costs a bounded wait, and the connection they come on is made
//! again.

use super::server::{self, Server, Watched};
use super::support::turning::*;
use super::support::*;
use super::{FakeClock, RuleClock};
use latchgate::core::store::{Notice, Sink, Store};
use latchgate::core::turn::ops::{CLAIM_MS, TurnAnswer, ticket_of};
use latchgate::store::registry;
use latchgate::store::settings::Settings;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs a rule on every server.
fn on_every_server(rule: impl Fn(&Server, &Watched, &RuleClock<'_>)) {
    for server in server::servers().into_iter().flatten() {
        let clock = Arc::new(FakeClock::at_ms(START_MS));
        let (store, steered) = server.open(&clock);
        let follow: &dyn Fn(&FakeClock) = &|clock| steered.follow(clock);
        rule(&server, &store, &RuleClock { clock, follow, embedded: false });
    }
}

/// Waits for something that another thread, or the server, does in its own time.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn whoever_listens_is_told_when_the_connection_for_it_was_made_again() {
    on_every_server(|server, store, _| {
        let ears = [Ears::of(store, 1), Ears::of(store, 2)];
        for round in 1..4 {
            server.command::<()>(&["CLIENT", "KILL", "TYPE", "pubsub"]);
            for ear in &ears {
                assert_eq!(ear.next(), Notice::Listening);
            }
            ask(store, lock("k"), ears[0].ticket(round));
            ask(store, lock("k"), ears[1].ticket(round));
            leave(store, lock("k"), ears[0].ticket(round));
            assert_eq!(ears[1].woken(), round);
            leave(store, lock("k"), ears[1].ticket(round));
        }
        assert!(ears.iter().all(|ear| ear.all().is_empty()), "and nobody is told twice");
    });
}

#[test]
fn a_gate_that_nobody_listens_for_is_passed_over_at_once_and_keeps_its_places() {
    on_every_server(|_, store, _| {
        let ears = Ears::of(store, 1);
        let deaf = |number| ticket_of([9; 8], number);
        ask(store, lock("k"), ears.ticket(1));
        for number in 1..50 {
            ask(store, lock("k"), deaf(number));
        }
        ask(store, lock("k"), ears.ticket(2));
        assert!(leave(store, lock("k"), ears.ticket(1)));
        assert_eq!(ears.woken(), 2, "without waiting for the others");
        assert_eq!(ahead(ask(store, lock("k"), deaf(7))), Some(6));
        assert!(fence(ask(store, lock("k"), ears.ticket(2))).is_some());
        assert!(leave(store, lock("k"), ears.ticket(2)));
        // Nobody has it, nobody was woken: whoever asks first gets it.
        assert!(fence(ask(store, lock("k"), deaf(7))).is_some());
    });
}

#[test]
fn a_wake_up_that_is_lost_costs_one_claim() {
    on_every_server(|server, store, clock| {
        // Heard, and not followed in time.
        let (slow, quick) = (Ears::of(store, 1), Ears::of(store, 2));
        ask(store, user("u"), quick.ticket(1));
        ask(store, user("u"), slow.ticket(2));
        ask(store, user("u"), quick.ticket(3));
        leave(store, user("u"), quick.ticket(1));
        let TurnAnswer::Queued { look_again_ms, .. } = ask(store, user("u"), quick.ticket(3))
        else {
            panic!("not queued")
        };
        assert_eq!(look_again_ms, CLAIM_MS + 60);
        clock.advance_ms(look_again_ms);
        assert!(fence(ask(store, user("u"), quick.ticket(3))).is_some());
        // The late one has lost nothing but its turn at that time.
        server.command::<()>(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        assert_eq!(slow.woken(), 2);
        assert_eq!(slow.next(), Notice::Listening);
        assert_eq!(ahead(ask(store, user("u"), slow.ticket(2))), Some(0));
    });
}

#[test]
fn who_listens_no_more_is_not_listened_for() {
    on_every_server(|server, store, _| {
        let ears = Ears::of(store, 1);
        let channels = || server.command::<Vec<String>>(&["PUBSUB", "CHANNELS"]);
        let mut expected = vec!["lg:ev".to_owned(), "lg:w:0101010101010101".to_owned()];
        let sorted = || {
            let mut all = channels();
            all.sort();
            all
        };
        assert_eq!(sorted(), expected);
        drop(ears);
        expected.pop();
        until("the channel is left", || sorted() == expected);
        store.close();
        until("the connection is ended", || channels().is_empty());
    });
}

#[test]
fn a_user_without_channels_takes_turns_all_the_same_and_health_says_why_late() {
    for (rights, warning) in [
        (&["resetchannels"][..], "PUBLISH"),
        (&["allchannels", "-publish"], "PUBLISH"),
        (&["allchannels", "-subscribe"], "SUBSCRIBE"),
    ] {
        on_every_server(|server, store, clock| {
            let ears = Ears::of(store, 1);
            let user = ["ACL", "SETUSER", "narrow", "reset", "on", ">secret", "~*", "+@all"];
            server.command::<()>(&[&user[..], rights].concat());
            let url = server.url().replace("//", "//narrow:secret@");
            let settings =
                Settings { command_timeout: Duration::from_secs(10), ..Settings::of(&url) };
            let narrow = registry::open(&settings, Arc::new(FakeClock::at_ms(0))).unwrap();
            let sink: Arc<dyn Sink> = Arc::new(Mailbox::default());
            narrow.listen([5; 8], Arc::downgrade(&sink));
            until(warning, || narrow.health().warnings.iter().any(|text| text.contains(warning)));
            let ticket = |number| ticket_of([5; 8], number);
            assert!(fence(ask(&*narrow, lock("k"), ticket(1))).is_some());
            assert_eq!(ahead(ask(store, lock("k"), ears.ticket(1))), Some(0));
            assert!(leave(&*narrow, lock("k"), ticket(1)));
            let late = ask(store, lock("k"), ears.ticket(1));
            clock.advance_ms(CLAIM_MS);
            assert!(fence(late).or(fence(ask(store, lock("k"), ears.ticket(1)))).is_some());
            assert_eq!(revoke_user(&*narrow, "u"), 0, "and revokes");
            server.command::<()>(&["ACL", "DELUSER", "narrow"]);
        });
    }
}
