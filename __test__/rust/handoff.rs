//! Runs the hand-over of completions through every interleaving that a model checker finds.

#[path = "../../src/core/base/handoff.rs"]
mod handoff;

/// What `handoff` is made of, as the checker offers it.
mod sync {
    pub use loom::sync::atomic::{AtomicBool, Ordering};
    pub use loom::sync::{Mutex, MutexGuard};
    pub use std::sync::PoisonError;
}

use handoff::Handoff;
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use sync::Ordering;

/// Two threads push; a third takes when it was told, and only then. Nothing may be left lying.
#[test]
fn whatever_is_pushed_is_taken_by_one_who_takes_only_when_told() {
    loom::model(|| {
        let handoff = Arc::new(Handoff::<usize>::default());
        let told = Arc::new(AtomicUsize::new(0));
        let pushers: Vec<_> = (0..2)
            .map(|n| {
                let (handoff, told) = (handoff.clone(), told.clone());
                thread::spawn(move || {
                    if handoff.push([n]) {
                        told.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let mut taken = Vec::new();
        let mut heard = 0;
        // While they push, some announcements are heard and answered.
        if told.load(Ordering::SeqCst) > heard {
            heard += 1;
            taken.extend(handoff.take());
        }
        for pusher in pushers {
            pusher.join().unwrap();
        }
        // The rest is heard later: once for each announcement still outstanding.
        for _ in heard..told.load(Ordering::SeqCst) {
            taken.extend(handoff.take());
        }
        taken.sort_unstable();
        assert_eq!(taken, [0, 1]);
    });
}

/// The same with an announcement made before the push, as it must not be: the checker finds the loss.
#[test]
#[should_panic(expected = "left lying")]
fn an_announcement_before_the_push_is_found_out() {
    loom::model(|| {
        let queue = Arc::new(sync::Mutex::new(Vec::new()));
        let told = Arc::new(AtomicUsize::new(0));
        let pusher = {
            let (queue, told) = (queue.clone(), told.clone());
            thread::spawn(move || {
                told.store(1, Ordering::SeqCst);
                queue.lock().unwrap().push(1);
            })
        };
        let heard = told.load(Ordering::SeqCst);
        let mut taken =
            if heard == 1 { std::mem::take(&mut *queue.lock().unwrap()) } else { vec![] };
        pusher.join().unwrap();
        if heard == 0 {
            taken.extend(std::mem::take(&mut *queue.lock().unwrap()));
        }
        assert_eq!(taken, [1], "left lying");
    });
}
