//! The connections to one server: one for all calls, and, made when it is first needed, one for those that
//! replicas are to hold.

use super::acks::Acks;
use super::connection::{Link, Router};
use super::io;
use super::io::Target;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What the two have in common.
#[derive(Clone)]
pub struct Way {
    pub target: Target,
    pub timeout: Duration,
    /// What the names of all keys begin with.
    pub prefix: String,
    /// Replicas that are to hold what is told, where it matters.
    pub acks: u32,
}

/// See the module.
pub struct Lines {
    pub link: Arc<Link>,
    acknowledged: OnceLock<Arc<Link>>,
    pub way: Way,
    make_router: Option<MakeRouter>,
}

/// Each connection of one of several servers has its own.
pub type MakeRouter = Box<dyn Fn() -> Box<dyn Router> + Send + Sync>;

impl Lines {
    /// Connects in the background.
    pub fn new(way: Way, make_router: Option<MakeRouter>) -> Self {
        let link = Arc::new(make_link(&way, make_router.as_ref()));
        io::start(Arc::clone(&link), way.target.clone());
        Self { link, acknowledged: OnceLock::new(), way, make_router }
    }

    /// The connection for a call.
    pub fn link(&self, acks: bool) -> &Arc<Link> {
        if !acks {
            return &self.link;
        }
        self.acknowledged.get_or_init(|| {
            let Way { target, timeout, prefix, acks } = &self.way;
            let link = make_link(&self.way, self.make_router.as_ref());
            let link = Arc::new(link.acknowledged(Acks::new(*acks, prefix, *timeout)));
            // Its answers come rarely, and late: nobody watches for them.
            let target = Target { watched: false, ..target.clone() };
            io::start(Arc::clone(&link), target);
            link
        })
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Link>> {
        std::iter::once(&self.link).chain(self.acknowledged.get())
    }

    pub fn flush(&self) {
        for link in self.all() {
            link.flush();
        }
    }

    pub fn close(&self) {
        for link in self.all() {
            link.close();
        }
    }
}

fn make_link(way: &Way, make_router: Option<&MakeRouter>) -> Link {
    match make_router {
        Some(make) => Link::routed(way.timeout, &way.prefix, make()),
        None => Link::new(way.timeout, &way.prefix),
    }
}
