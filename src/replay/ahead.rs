//! Plans made ahead: while one build is replayed, a thread of its own reads the Dockerfiles of the next.
//!
//! A plan depends on the Dockerfile's text and on the settings alone, so that the outcome is the same without it.

use super::plan_key::{MAX_PLANS, PlanKey};
use super::settings::Settings;
use crate::builder::Plan;
use crate::dockerfile::Error;
use crate::history::BuildInput;
use rustc_hash::FxHashSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::vec::IntoIter;

/// Builds that are handed over at a time, no more than so many plans among them, and how many such lots may wait: some
/// stretches of a history are slow to plan, others to replay.
const LOT: usize = 32;
const LOT_PLANS: usize = 4;
const LOTS: usize = 16;

/// As the main thread has it: Dockerfiles may nest.
const STACK: usize = 8 * 1024 * 1024;

/// The plan of a Dockerfile that is met for the first time.
pub struct Made {
    pub(super) key: PlanKey,
    pub(super) plan: Result<Plan, Error>,
}

/// A build and its plan, where it is a new one.
pub type Planned = (BuildInput, Option<Made>);

/// The same inputs, each with its plan.
pub fn plan_ahead<I, E>(settings: &Settings, inputs: I) -> Ahead<E>
where
    I: Iterator<Item = Result<BuildInput, E>> + Send + 'static,
    E: Send + 'static,
{
    let (sender, receiver) = sync_channel(LOTS);
    let planner = Planner {
        settings: settings.clone(),
        last: None,
        known: FxHashSet::default(),
    };
    let thread = std::thread::Builder::new()
        .name("plan".to_owned())
        .stack_size(STACK)
        .spawn(move || planner.run(inputs, &sender))
        .expect("the system has a thread left");
    Ahead {
        receiver,
        thread: Some(thread),
        ready: Vec::new().into_iter(),
    }
}

/// Builds in order, with their plans.
pub struct Ahead<E> {
    receiver: Receiver<Vec<Result<Planned, E>>>,
    thread: Option<JoinHandle<()>>,
    ready: IntoIter<Result<Planned, E>>,
}

impl<E> Iterator for Ahead<E> {
    type Item = Result<Planned, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(planned) = self.ready.next() {
                return Some(planned);
            }
            match self.receiver.recv() {
                Ok(lot) => self.ready = lot.into_iter(),
                Err(_) => {
                    // A panic over there must not look like the end of the history.
                    if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
                        std::panic::resume_unwind(panic);
                    }
                    return None;
                }
            }
        }
    }
}

struct Planner {
    settings: Settings,
    last: Option<PlanKey>,
    /// The plans that the replay still has: it forgets them by the same rule.
    known: FxHashSet<PlanKey>,
}

impl Planner {
    /// Ends early when nobody listens any more.
    fn run<I, E>(mut self, inputs: I, sender: &SyncSender<Vec<Result<Planned, E>>>)
    where
        I: Iterator<Item = Result<BuildInput, E>>,
    {
        let mut lot = Vec::with_capacity(LOT);
        let mut n_plans = 0;
        for input in inputs {
            lot.push(input.map(|input| {
                let made = self.plan(&input);
                n_plans += usize::from(made.is_some());
                (input, made)
            }));
            if lot.len() == LOT || n_plans == LOT_PLANS {
                n_plans = 0;
                let full = std::mem::replace(&mut lot, Vec::with_capacity(LOT));
                if sender.send(full).is_err() {
                    return;
                }
            }
        }
        // Nobody listens: nothing is lost.
        let _ = sender.send(lot);
    }

    fn plan(&mut self, input: &BuildInput) -> Option<Made> {
        let key = PlanKey::new(&self.settings, input, self.last.as_ref()).ok()?;
        if self.last.as_ref().is_some_and(|last| last.is(&key)) {
            return None;
        }
        self.last = Some(key.clone());
        if self.known.contains(&key) {
            return None;
        }
        if self.known.len() >= MAX_PLANS {
            self.known.clear();
        }
        self.known.insert(key.clone());
        let plan = key.plan(&self.settings);
        Some(Made { key, plan })
    }
}
