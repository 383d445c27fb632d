//! Threads that make batches ahead of time.
//!
//! One lock guards a window of `ahead` batch numbers that begins with the one that is wanted next. A worker claims the first
//! number of the window that nobody has, makes that batch, and puts it where it is looked for by number; so batches come in
//! order however long each takes. Nobody waits for ever: a claimed batch is always delivered, as an error if need be, and
//! the wanted one is in the window.

use std::{
    any::Any,
    collections::BTreeMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
};

use super::{Batch, BatchRecipe};
use crate::{Error, Result, augment::Scratch};

/// The workers of one epoch.
#[derive(Debug)]
pub(super) struct Background {
    queue: Arc<Queue>,
    workers: Vec<JoinHandle<()>>,
}

/// What the workers and the consumer share.
#[derive(Debug)]
struct Queue {
    window: Mutex<Window>,
    /// The window has moved on, or all is over.
    room: Condvar,
    /// A batch was delivered.
    made: Condvar,
    stopped: AtomicBool,
    ahead: usize,
    end: usize,
}

#[derive(Debug)]
struct Window {
    /// The batch that the consumer waits for or will ask for.
    wanted: usize,
    /// The first batch that no worker has claimed.
    unclaimed: usize,
    ready: BTreeMap<usize, Result<Batch>>,
}

impl Background {
    pub(super) fn start(
        recipe: &Arc<BatchRecipe>,
        epoch: u64,
        numbers: Range<usize>,
        workers: usize,
        ahead: usize,
    ) -> Result<Self> {
        Self::start_threads(recipe, epoch, numbers, [workers, ahead], |_| Builder::new())
    }

    /// The same, with threads that are begun by what `builder` gives for each number.
    fn start_threads(
        recipe: &Arc<BatchRecipe>,
        epoch: u64,
        numbers: Range<usize>,
        [workers, ahead]: [usize; 2],
        builder: impl Fn(usize) -> Builder,
    ) -> Result<Self> {
        let window = Window { wanted: numbers.start, unclaimed: numbers.start, ready: BTreeMap::new() };
        let queue = Arc::new(Queue {
            window: Mutex::new(window),
            room: Condvar::new(),
            made: Condvar::new(),
            stopped: AtomicBool::new(false),
            ahead,
            end: numbers.end,
        });
        let order: Arc<[usize]> = recipe.order(epoch).into();
        // What was started when one cannot be is stopped by dropping it.
        let mut background = Self { queue, workers: Vec::new() };
        // More could never have a batch each.
        for number in 0..workers.min(ahead).min(numbers.len()) {
            let (recipe, queue, order) = (recipe.clone(), background.queue.clone(), order.clone());
            let worker = builder(number)
                .name(format!("batches {number}"))
                .spawn(move || queue.work(&recipe, epoch, &order))
                .map_err(|source| Error::Threads { wanted: workers, started: number, source })?;
            background.workers.push(worker);
        }
        Ok(background)
    }

    /// Waits for batch `number`, at or behind the last one taken. What lies before it is dropped, and not made if nobody has
    /// begun to.
    pub(super) fn take(&self, number: usize) -> Result<Batch> {
        let mut window = self.queue.lock();
        if number > window.wanted {
            window.wanted = number;
            window.unclaimed = window.unclaimed.max(number);
            window.ready = window.ready.split_off(&number);
            self.queue.room.notify_all();
        }
        loop {
            if let Some(batch) = window.ready.remove(&number) {
                window.wanted = number + 1;
                drop(window);
                self.queue.room.notify_one();
                return batch;
            }
            window = self.queue.made.wait(window).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Under the lock, or a worker that has just looked would go to sleep behind the call.
        let window = self.queue.lock();
        self.queue.stopped.store(true, Ordering::Relaxed);
        drop(window);
        self.queue.room.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches what its batches panic with, and has nothing else to say.
            let _ = worker.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Window> {
        // Nothing that can panic runs under the lock.
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, recipe: &BatchRecipe, epoch: u64, order: &[usize]) {
        let mut scratch = Scratch::default();
        while let Some(number) = self.claim() {
            let make = || recipe.batch_alone(epoch, order, number, &mut scratch, &self.stopped);
            let batch = match catch_unwind(AssertUnwindSafe(make)) {
                Ok(Some(batch)) => batch,
                Ok(None) => return,
                Err(panic) => {
                    scratch = Scratch::default();
                    Err(Error::Worker { batch: number, reason: reason(panic.as_ref()) })
                }
            };
            let mut window = self.lock();
            // Whoever skipped this batch in the meantime does not want it any more.
            if number >= window.wanted {
                window.ready.insert(number, batch);
            }
            drop(window);
            self.made.notify_one();
        }
    }

    /// The next batch to make, once it is in the window; `None` when there is no more.
    fn claim(&self) -> Option<usize> {
        let mut window = self.lock();
        loop {
            if self.stopped.load(Ordering::Relaxed) || window.unclaimed >= self.end {
                return None;
            }
            if window.unclaimed - window.wanted < self.ahead {
                window.unclaimed += 1;
                return Some(window.unclaimed - 1);
            }
            window = self.room.wait(window).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What a panic was raised with, if it is text.
fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Images, Loader, LoaderConfig, Normalisation, Split};

    /// No address space has room for the third one's stack.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_thread_that_cannot_be_had_is_an_error_and_the_others_end() {
        let split = Split::new(Images::new(vec![0; 9], 1, 1, 1).unwrap(), vec![0; 9], 1).unwrap();
        let loader = Loader::new(split, LoaderConfig::evaluation(1, Normalisation::unit_scale(1))).unwrap();
        let stack = |number: usize| match number {
            2 => Builder::new().stack_size(1 << 62),
            _ => Builder::new(),
        };
        let error = Background::start_threads(&loader.recipe, 0, 0..9, [5, 8], stack).unwrap_err();
        assert!(matches!(error, Error::Threads { wanted: 5, started: 2, .. }), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("the loader wants 5 workers and could start 2: "), "{text}");
        // Whoever was started has let go of the recipe.
        assert_eq!(Arc::strong_count(&loader.recipe), 1);
    }
}
