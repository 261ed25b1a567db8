//! Several processes that train one model together, on c10d, `PyTorch`'s
//! distributed engine.
//!
//! Each worker draws its own part of one global batch and computes the whole
//! loss from sums over all of them, [`Ranks`]; so the weights stay the same on
//! every worker and are those that one process would have. Rank 0 leads: it
//! alone reads and writes the run's folder.
//!
//! Start with [`Workers::join`] and [`Workers::run`].

mod failure;
mod greeting;
mod keys;
mod line;
mod pulse;
mod ranks;
mod world;

use std::{
    cell::OnceCell,
    fmt, mem,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use c10d::{Backend, GroupOptions, ProcessGroup, StoreOptions, Traffic};
use tch::Device;

pub use failure::{Failure, WorkersError};
pub use greeting::Greeting;
pub use keys::Told;
pub use ranks::Ranks;
pub use world::{World, WorldError};

pub(crate) use ranks::{Pending, failed, flattened, scatter};

use self::{
    failure::seconds,
    line::Line,
    pulse::{Pulse, diagnose, post, posted},
};

/// Whether this build can train with several workers.
pub const AVAILABLE: bool = c10d::AVAILABLE;

/// How often the store is asked for something that is not there yet.
const POLL: Duration = Duration::from_millis(20);

/// Signs of life in a timeout; finding out who is gone takes a few of them.
const BEATS: u32 = 20;

/// The longest time from one sign of life to the next.
const LONGEST_BEAT: Duration = Duration::from_secs(1);

/// Beats that are left of a timeout for finding out who is gone.
const DIAGNOSIS: u32 = 5;

/// The workers of a run, or one process alone.
#[derive(Debug)]
pub struct Workers {
    joined: Option<Joined>,
}

/// What a worker among others has.
#[derive(Debug)]
struct Joined {
    world: World,
    timeout: Duration,
    store: Arc<Line>,
    pulse: Pulse,
    group: OnceCell<ProcessGroup>,
}

impl Workers {
    /// One process that trains alone.
    #[must_use]
    pub fn alone() -> Self {
        Self { joined: None }
    }

    /// Joins the workers that the environment speaks of, or returns one process
    /// alone where it speaks of none.
    ///
    /// # Errors
    ///
    /// When the environment makes no sense, libtorch has no c10d, the store
    /// cannot be served or reached within the timeout, or it is that of a run in
    /// which this worker has no place: that run goes on.
    pub fn from_environment(timeout: Duration) -> Result<Self, WorkersError> {
        World::from_environment()?
            .map_or_else(|| Ok(Self::alone()), |world| Self::join(world, timeout))
    }

    /// Joins the workers of `world`.
    ///
    /// `timeout` is how long a worker waits for another one, and so within which
    /// it stops when one is gone.
    ///
    /// # Errors
    ///
    /// As [`from_environment`](Self::from_environment).
    pub fn join(world: World, timeout: Duration) -> Result<Self, WorkersError> {
        let store = connect(&world, world.serves(), timeout)?;
        let lost = |error| unreachable_store(&world, timeout, &error);
        if world.rank == 0 {
            let is_first = store.add(&keys::taken(0), 1).map_err(lost)? == 1;
            if !is_first {
                return Err(world.turned_away("another worker has this RANK"));
            }
            store.set(keys::SIZE, world.size.to_string().as_bytes()).map_err(lost)?;
        } else {
            take_rank(&store, &world, timeout)?;
        }
        let pulse = Pulse::start(connect(&world, false, timeout)?, world.rank, beat(timeout));
        let (store, group) = (Arc::new(store), OnceCell::new());
        Ok(Self { joined: Some(Joined { world, timeout, store, pulse, group }) })
    }

    /// Returns how many workers there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.joined.as_ref().map_or(1, |joined| joined.world.size)
    }

    /// Returns whether this worker writes the run's folder: rank 0, or who is
    /// alone.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.joined.as_ref().is_none_or(|joined| joined.world.rank == 0)
    }

    /// Returns this worker's number among those of its machine.
    #[must_use]
    pub fn local_rank(&self) -> usize {
        self.joined.as_ref().map_or(0, |joined| joined.world.local_rank)
    }

    /// Returns how many workers this machine has.
    #[must_use]
    pub fn local_size(&self) -> usize {
        self.joined.as_ref().map_or(1, |joined| joined.world.local_size)
    }

    /// Returns the ranks to sum over; one process alone before training starts.
    #[must_use]
    pub fn ranks(&self) -> Ranks<'_> {
        self.group().map_or(Ranks::ALONE, Ranks::of)
    }

    /// Returns what was sent since this was last asked; nothing where the
    /// process is alone.
    #[must_use]
    pub fn take_traffic(&self) -> Option<Traffic> {
        self.group().map(ProcessGroup::take_traffic)
    }

    /// Notes the step that this worker is at.
    ///
    /// # Errors
    ///
    /// When another worker has ended the run.
    pub(crate) fn at_step(&self, step: u64) -> Result<(), WorkersError> {
        let Some(joined) = &self.joined else {
            return Ok(());
        };
        joined.pulse.at(step);
        joined.pulse.heard().map_or(Ok(()), |failure| Err(joined.stopped(failure.clone())))
    }

    /// Gives to all what rank 0 alone can read of a run, as text; `None` where
    /// there is none.
    ///
    /// # Errors
    ///
    /// When rank 0 is gone, or has ended the run.
    pub fn of_leader(
        &self,
        what: Told,
        own: Option<String>,
    ) -> Result<Option<String>, WorkersError> {
        Ok(self.text_of_leader(what.key(), own)?.filter(|text| !text.is_empty()))
    }

    /// Waits until rank 0 is done with the validation before a step, however
    /// long it takes.
    pub(crate) fn await_validation(&self, step: u64) -> Result<(), WorkersError> {
        self.text_of_leader(&keys::validated(step), Some(String::new())).map(drop)
    }

    fn text_of_leader(
        &self,
        key: &str,
        own: Option<String>,
    ) -> Result<Option<String>, WorkersError> {
        let Some(joined) = &self.joined else {
            return Ok(own);
        };
        if joined.world.rank == 0 {
            let text = own.unwrap_or_default();
            joined.store.set(key, text.as_bytes()).map_err(|error| joined.lost(&error))?;
            return Ok(Some(text));
        }
        let text = joined.wait(key, 0)?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    /// Checks that all workers train the same, and makes them a process group
    /// that computes on devices as `device`.
    ///
    /// # Errors
    ///
    /// When one does not come within the timeout or differs from rank 0, which
    /// is named; the same error on every worker.
    pub(crate) fn agree(
        &self,
        greeting: &Greeting,
        batch: usize,
        device: Device,
    ) -> Result<(), WorkersError> {
        let Some(joined) = &self.joined else {
            return Ok(());
        };
        let size = joined.world.size;
        if batch < size {
            return Err(WorkersError::BatchTooSmall { batch, size });
        }
        let backend = if device.is_cuda() { Backend::Nccl } else { Backend::Gloo };
        if !backend.is_available() {
            return Err(WorkersError::NoNccl);
        }
        joined.greet(greeting)?;
        let group = joined.make_group(backend)?;
        // Nobody else sets it.
        let _ = joined.group.set(group);
        Ok(())
    }

    /// Runs `body` as this worker. Where it fails, every worker learns of it;
    /// where another worker is at fault, the error says which and why.
    ///
    /// # Errors
    ///
    /// That of `body`, or the one that ended the run elsewhere.
    pub fn run<T, E>(self, body: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E>
    where
        E: From<WorkersError> + fmt::Display + 'static,
    {
        let result = body(&self);
        let Some(joined) = self.joined else {
            return result;
        };
        match result {
            Ok(value) => {
                joined.see_off(true);
                Ok(value)
            }
            Err(error) => Err(joined.failed(error)),
        }
    }

    fn group(&self) -> Option<&ProcessGroup> {
        self.joined.as_ref()?.group.get()
    }
}

impl Joined {
    fn beat(&self) -> Duration {
        beat(self.timeout)
    }

    /// How long an operation may take, so that there is time to find out who is
    /// gone within the timeout.
    fn patience(&self) -> Duration {
        self.timeout.saturating_sub(self.beat() * DIAGNOSIS)
    }

    fn lost(&self, error: &c10d::Error) -> WorkersError {
        if self.store.is_silent() && !self.world.agent_serves {
            // Who serves it is frozen, or its machine is cut off.
            return self.stopped(Failure::gone(0));
        }
        unreachable_store(&self.world, self.timeout, error)
    }

    /// Waits for a key that the worker `from` sets, for as long as that gives
    /// signs of life.
    fn wait(&self, key: &str, from: usize) -> Result<Vec<u8>, WorkersError> {
        let lost = |error| self.lost(&error);
        let (mut sign, mut since) = (0, Instant::now());
        loop {
            if self.store.has(key).map_err(lost)? {
                return self.store.get(key, self.timeout).map_err(lost);
            }
            if let Some(failure) = posted(&self.store).map_err(lost)? {
                return Err(self.stopped(failure));
            }
            let latest = self.store.add(&keys::pulse(from), 0).map_err(lost)?;
            if latest != sign {
                (sign, since) = (latest, Instant::now());
            } else if since.elapsed() > self.patience() {
                let failure = if latest == 0 {
                    let reason = format!("did not come {}", seconds(self.timeout));
                    Failure { rank: from, reason }
                } else {
                    Failure::gone(from)
                };
                return Err(self.stopped(post(&self.store, &failure).map_err(lost)?));
            }
            thread::sleep(POLL);
        }
    }

    /// Tells who this worker is, and waits until rank 0 has welcomed all.
    fn greet(&self, greeting: &Greeting) -> Result<(), WorkersError> {
        let lost = |error| self.lost(&error);
        let World { rank, size, .. } = self.world;
        if rank != 0 {
            let text = serde_json::to_vec(greeting).unwrap_or_default();
            self.store.set(&keys::greeting(rank), &text).map_err(lost)?;
            return self.wait(keys::WELCOME, 0).map(drop);
        }
        for other in 1..size {
            let text = self.wait(&keys::greeting(other), other)?;
            let disagreement = match serde_json::from_slice::<Greeting>(&text) {
                Ok(other) => other.disagreement(greeting),
                Err(_) => Some("is another version of this program".to_owned()),
            };
            if let Some(reason) = disagreement {
                let failure = post(&self.store, &Failure { rank: other, reason }).map_err(lost)?;
                return Err(self.stopped(failure));
            }
        }
        self.store.set(keys::WELCOME, b"").map_err(lost)
    }

    fn make_group(&self, backend: Backend) -> Result<ProcessGroup, WorkersError> {
        let World { rank, size, .. } = self.world;
        let unreachable = |error: std::io::Error| {
            let error = c10d::Error::Exception(error.to_string());
            unreachable_store(&self.world, self.timeout, &error)
        };
        let address = self.world.own_address().map_err(unreachable)?;
        let timeout = self.patience();
        let options = GroupOptions { backend, rank, size, address, timeout };
        self.store
            .join("lcl", options)
            .map_err(|error| self.stopped(self.diagnosed(&error.to_string())))
    }

    /// The error of a failure, in the words that go with how far the run is.
    fn stopped(&self, failure: Failure) -> WorkersError {
        if self.group.get().is_some() {
            WorkersError::Stopped(failure)
        } else {
            WorkersError::NotTogether(failure)
        }
    }

    /// Finds out who ended the run.
    fn diagnosed(&self, cause: &str) -> Failure {
        let World { rank, size, .. } = self.world;
        let (store, beat, cause) = (Arc::clone(&self.store), self.beat(), cause.to_owned());
        let (sender, found) = mpsc::channel();
        // A store whose machine is cut off may keep a question for ever.
        thread::spawn(move || sender.send(diagnose(&store, rank, size, beat, &cause)));
        if let Ok(Ok(failure)) = found.recv_timeout(self.beat() * DIAGNOSIS) {
            return failure;
        }
        // What is asked from here on would wait behind that question.
        self.store.give_up();
        if self.world.agent_serves {
            Failure { rank, reason: "lost the store, which torchrun serves".to_owned() }
        } else {
            Failure::gone(0)
        }
    }

    /// Ends a run that failed with `error`, and returns what to say of it.
    fn failed<E: From<WorkersError> + fmt::Display>(mut self, error: E) -> E {
        let error = if self.group.get().is_some_and(ProcessGroup::failed) {
            let ended = self.stopped(self.diagnosed(&error.to_string()));
            // Taken down, it might wait for operations that never end.
            mem::forget(self.group.take());
            E::from(ended)
        } else {
            // Where the store is gone, the others find out by themselves.
            let own = Failure::own(self.world.rank, &error);
            let failure = post(&self.store, &own).unwrap_or(own);
            let began = self.group.get().is_some();
            let error = if began { E::from(self.stopped(failure)) } else { error };
            // This wakes those who wait for this worker.
            drop(self.group.take());
            error
        };
        self.see_off(self.world.serves());
        error
    }

    /// Says that this worker knows how the run ended, and with `wait` waits a
    /// little until all do, so that nobody closes what another still reads.
    fn see_off(&self, wait: bool) {
        let Ok(mut done) = self.store.add(keys::DONE, 1) else {
            return;
        };
        let deadline = Instant::now() + self.beat() * DIAGNOSIS;
        let all = i64::try_from(self.world.size).unwrap_or(i64::MAX);
        while wait && done < all && Instant::now() < deadline {
            thread::sleep(POLL);
            let Ok(now) = self.store.add(keys::DONE, 0) else {
                return;
            };
            done = now;
        }
    }
}

fn beat(timeout: Duration) -> Duration {
    (timeout / BEATS).min(LONGEST_BEAT)
}

/// Takes the place of a worker other than rank 0 in the run whose store this is,
/// where it has that place.
fn take_rank(store: &Line, world: &World, timeout: Duration) -> Result<(), WorkersError> {
    let lost = |error| unreachable_store(world, timeout, &error);
    let since = Instant::now();
    while !store.has(keys::SIZE).map_err(lost)? {
        if since.elapsed() > timeout {
            let reason = format!("did not come {}", seconds(timeout));
            let failure = post(store, &Failure { rank: 0, reason }).map_err(lost)?;
            return Err(WorkersError::NotTogether(failure));
        }
        thread::sleep(POLL);
    }
    let size = store.get(keys::SIZE, timeout).map_err(lost)?;
    let size = String::from_utf8_lossy(&size);
    if size != world.size.to_string() {
        let reason = format!("the run there has {size} workers and WORLD_SIZE is {}", world.size);
        return Err(world.turned_away(&reason));
    }
    if store.add(&keys::taken(world.rank), 1).map_err(lost)? > 1 {
        return Err(world.turned_away("another worker has this RANK"));
    }
    Ok(())
}

fn connect(world: &World, serves: bool, timeout: Duration) -> Result<Line, WorkersError> {
    let options = StoreOptions { host: world.host.clone(), port: world.port, serves, timeout };
    let limit = timeout.saturating_sub(beat(timeout) * DIAGNOSIS);
    Line::open(options, limit).map_err(|error| match error {
        c10d::Error::Exception(_) if serves => WorkersError::Store {
            rank: world.rank,
            verb: "serve",
            host: world.host.clone(),
            port: world.port,
            within: "here".to_owned(),
            reason: first_line(&error),
            advice: "is another run's store there? choose another MASTER_PORT",
        },
        c10d::Error::Exception(_) => unreachable_store(world, timeout, &error),
        missing => WorkersError::Missing(missing),
    })
}

fn unreachable_store(world: &World, timeout: Duration, error: &c10d::Error) -> WorkersError {
    let advice = if world.agent_serves {
        "torchrun serves it: see what it says"
    } else {
        "rank 0 serves it: see that it runs, and that MASTER_ADDR and MASTER_PORT are those of \
         its machine"
    };
    WorkersError::Store {
        rank: world.rank,
        verb: "reach",
        host: world.host.clone(),
        port: world.port,
        within: seconds(timeout),
        reason: first_line(error),
        advice,
    }
}

/// c10d adds advice of many lines to some of its messages.
fn first_line(error: &c10d::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_end_matches(['.', ':', ' ']).to_owned()
}
