//! The store, asked with a limit of time.
//!
//! A store answers a question when it does: that of a process that is frozen
//! never does. So a thread of its own asks, and who waits for it gives up.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use c10d::{Error, GroupOptions, ProcessGroup, Store, StoreOptions};

/// How long a connection may take to be closed.
const CLOSING: Duration = Duration::from_secs(1);

type Question = Box<dyn FnOnce(&Store) + Send>;

/// A connection to the store.
#[derive(Debug)]
pub(super) struct Line {
    questions: Option<mpsc::Sender<Question>>,
    thread: Option<JoinHandle<()>>,
    limit: Duration,
    silent: AtomicBool,
}

impl Line {
    /// Connects to a store, or serves it, within the timeout of `options`; an
    /// answer may take as long as `limit`.
    pub(super) fn open(options: StoreOptions, limit: Duration) -> Result<Self, Error> {
        let (questions, asked) = mpsc::channel::<Question>();
        let (opened, is_open) = mpsc::channel();
        // libtorch's own timeout comes first where it works.
        let patience = options.timeout + limit;
        let thread = thread::spawn(move || {
            let store = match Store::new(&options) {
                Ok(store) => store,
                Err(error) => return drop(opened.send(Err(error))),
            };
            if opened.send(Ok(())).is_ok() {
                for question in asked {
                    question(&store);
                }
            }
        });
        is_open.recv_timeout(patience).unwrap_or_else(|_| Err(unanswered(patience)))?;
        let silent = AtomicBool::new(false);
        Ok(Self { questions: Some(questions), thread: Some(thread), limit, silent })
    }

    /// Sets a key.
    pub(super) fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.ask(self.limit, move |store| store.set(&key, &value))
    }

    /// Waits for a key.
    pub(super) fn get(&self, key: &str, timeout: Duration) -> Result<Vec<u8>, Error> {
        let key = key.to_owned();
        self.ask(timeout + self.limit, move |store| store.get(&key, timeout))
    }

    /// Returns whether a key is set.
    pub(super) fn has(&self, key: &str) -> Result<bool, Error> {
        let key = key.to_owned();
        self.ask(self.limit, move |store| store.has(&key))
    }

    /// Adds to the number of a key.
    pub(super) fn add(&self, key: &str, delta: i64) -> Result<i64, Error> {
        let key = key.to_owned();
        self.ask(self.limit, move |store| store.add(&key, delta))
    }

    /// Joins a process group.
    pub(super) fn join(&self, name: &str, options: GroupOptions) -> Result<ProcessGroup, Error> {
        let (name, limit) = (name.to_owned(), options.timeout + self.limit);
        self.ask(limit, move |store| ProcessGroup::join(store, &name, options))
    }

    /// Returns whether the store once gave no answer; it is not asked again.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    /// Asks nothing any more.
    pub(super) fn give_up(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        question: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if self.is_silent() {
            return Err(unanswered(limit));
        }
        let (sender, answer) = mpsc::channel();
        let question: Question = Box::new(move |store| drop(sender.send(question(store))));
        let is_asked = self.questions.as_ref().is_some_and(|to| to.send(question).is_ok());
        let answer = if is_asked { answer.recv_timeout(limit).ok() } else { None };
        answer.unwrap_or_else(|| {
            self.give_up();
            Err(unanswered(limit))
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.questions = None;
        let silent = self.is_silent();
        let Some(thread) = self.thread.take().filter(|_| !silent) else {
            return;
        };
        let since = Instant::now();
        while !thread.is_finished() && since.elapsed() < CLOSING {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn unanswered(limit: Duration) -> Error {
    Error::Exception(format!("it gave no answer within {:.1} s", limit.as_secs_f64()))
}
