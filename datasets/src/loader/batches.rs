//! The batches of one epoch, one after the other.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Batch, BatchRecipe, background::Background};
use crate::{Error, Result};

/// The batches of one epoch.
#[derive(Debug)]
pub struct Batches {
    recipe: Arc<BatchRecipe>,
    epoch: u64,
    next: usize,
    end: usize,
    waited: Duration,
    maker: Maker,
}

#[derive(Debug)]
enum Maker {
    /// Batches are made when asked for, in this order of the samples.
    OnDemand(Vec<usize>),
    Background(Background),
}

impl Batches {
    pub(super) fn on_demand(recipe: Arc<BatchRecipe>, epoch: u64) -> Self {
        let (end, maker) = (recipe.batches(), Maker::OnDemand(recipe.order(epoch)));
        Self { recipe, epoch, next: 0, end, waited: Duration::ZERO, maker }
    }

    pub(super) fn in_background(
        recipe: Arc<BatchRecipe>,
        epoch: u64,
        first: usize,
        workers: usize,
        ahead: usize,
    ) -> Result<Self> {
        if workers == 0 {
            return Ok(Self { next: first, ..Self::on_demand(recipe, epoch) });
        }
        if ahead == 0 {
            let expected = format!("at least 1 for {workers} workers");
            return Err(Error::LoaderOption { option: "ahead", found: "0".into(), expected });
        }
        let end = recipe.batches();
        let maker = Maker::Background(Background::start(&recipe, epoch, first..end, workers, ahead)?);
        Ok(Self { recipe, epoch, next: first, end, waited: Duration::ZERO, maker })
    }

    /// How long [`next`](Iterator::next) has taken so far, all calls together: with workers the time that whoever asks
    /// was kept waiting, without them the time that making the batches took.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        if self.next >= self.end {
            return None;
        }
        let (number, start) = (self.next, Instant::now());
        self.next += 1;
        let batch = match &self.maker {
            Maker::OnDemand(order) => self.recipe.batch_by_pool(self.epoch, order, number),
            Maker::Background(background) => background.take(number),
        };
        self.waited += start.elapsed();
        Some(batch)
    }

    fn nth(&mut self, count: usize) -> Option<Result<Batch>> {
        self.next = self.next.saturating_add(count);
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}
