//! `anact data show`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use datasets::augment::Recipe;
use datasets::{Batch, Dataset, Loader, LoaderConfig, Normalisation, Split};

use crate::command::data_set::DataSetOptions;
use crate::error::{Error, Result};
use crate::record::write_atomic;
use crate::sheet::{Bar, Sheet, Tile, grouped, spoken};

/// Arguments of `anact data show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    data: DataSetOptions,
    /// The picture to write
    #[arg(long, value_name = "FILE.png")]
    output: PathBuf,
    /// Which pictures
    #[arg(long, value_enum, default_value_t = Part::Train)]
    split: Part,
    /// Show each picture as it is and then as some epochs see it, by this recipe
    #[arg(long, value_name = "RECIPE", num_args = 0..=1, default_missing_value = "cifar")]
    augmented: Option<String>,
    /// How many pictures
    #[arg(long, default_value_t = 60)]
    count: usize,
    /// How many pictures stand in a row
    #[arg(long, default_value_t = 10)]
    columns: usize,
    /// Chooses the pictures, and what augmentation does to them
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Train,
    Test,
}

/// More would make no picture to look at.
const MOST: usize = 10_000;

impl Show {
    pub(super) fn run(self) -> Result<()> {
        for (setting, value) in [("--count", self.count), ("--columns", self.columns)] {
            if !(1..=MOST).contains(&value) {
                let legal = format!("from 1 to {MOST}");
                return Err(Error::Setting { setting, value: value.to_string(), legal });
            }
        }
        let recipe = self.augmented.as_deref().map(Recipe::named).transpose()?;
        let dataset = self.data.load()?;
        let sheet = match recipe {
            None => self.plain(&dataset)?,
            Some(recipe) => self.augmented(&dataset, recipe)?,
        };
        write_atomic(&self.output, sheet.png().bytes)?;
        println!("{}: {} pictures of `{}`", self.output.display(), sheet.tiles.len(), dataset.name);
        Ok(())
    }

    fn split<'a>(&self, dataset: &'a Dataset) -> (&'a Split, &'static str) {
        match self.split {
            Part::Train => (&dataset.train, "training"),
            Part::Test => (&dataset.test, "test"),
        }
    }

    /// Pictures as they are in the files.
    fn plain(&self, dataset: &Dataset) -> Result<Sheet> {
        let (split, _) = self.split(dataset);
        let mut scratch = Vec::new();
        let mut tiles = Vec::new();
        for position in chosen(split, self.count, self.seed) {
            let label = class(dataset, split.label(position));
            let picture = split.picture(position, &mut scratch)?;
            tiles.push(Tile { pixels: picture.pixels.to_vec(), shape: picture.shape(), label });
        }
        Ok(self.sheet(dataset, tiles, "chosen by"))
    }

    /// In each row a picture as it is and then as the first epochs see it.
    fn augmented(&self, dataset: &Dataset, recipe: &Recipe) -> Result<Sheet> {
        let (split, _) = self.split(dataset);
        let rows = self.count.div_ceil(self.columns);
        let split = split.select(&chosen(split, rows, self.seed));
        let normalisation = Normalisation::of(&dataset.train)?;
        let config = LoaderConfig { seed: self.seed, ..LoaderConfig::evaluation(rows, normalisation) };
        let versions = 1..self.columns as u64;
        let plain = Loader::new(split.clone(), config.clone())?;
        let changed = LoaderConfig { augmentation: Some(recipe.augmentation), ..config.clone() };
        let changed = Loader::new(split, changed)?;
        let batch = |loader: &Loader, epoch| loader.epoch(epoch).next().expect("a loader has a batch");
        let mut columns = vec![batch(&plain, 0)?];
        for epoch in versions {
            columns.push(batch(&changed, epoch)?);
        }
        let mut tiles = Vec::new();
        for row in 0..columns[0].len() {
            for (column, batch) in columns.iter().enumerate() {
                let label = match column {
                    0 => class(dataset, batch.labels[row]),
                    _ => version(dataset, batch, row, column),
                };
                tiles.push(Tile::of(batch, row, &config.normalisation, label));
            }
        }
        Ok(self.sheet(dataset, tiles, &format!("augmented by `{}`: {};", recipe.name, recipe.about)))
    }

    fn sheet(&self, dataset: &Dataset, tiles: Vec<Tile>, how: &str) -> Sheet {
        let (split, name) = self.split(dataset);
        let [channels, height, width] = split.images().shape();
        let bars = dataset.classes.iter().zip(split.class_counts());
        let bars = bars.map(|(class, count)| Bar { label: spoken(class).into(), count }).collect();
        Sheet {
            title: dataset.name.clone(),
            subtitle: format!(
                "{} {name} pictures of {channels} × {height} × {width}, {how} seed {}",
                grouped(split.len()),
                self.seed
            ),
            tiles,
            columns: self.columns,
            bars_title: format!("{} classes", grouped(dataset.classes.len())),
            bars,
        }
    }
}

/// `count` positions of a split, in the order that a loader with this seed shuffles it.
fn chosen(split: &Split, count: usize, seed: u64) -> Vec<usize> {
    let mut order = datasets::random::permutation(split.len(), seed, 0);
    order.truncate(count);
    order
}

fn class(dataset: &Dataset, label: usize) -> String {
    spoken(&dataset.classes[label]).into()
}

/// What stands below an augmented picture: the epoch, or what it was mixed with.
fn version(dataset: &Dataset, batch: &Batch, row: usize, epoch: usize) -> String {
    match &batch.mix {
        None => format!("epoch {epoch}"),
        Some(mix) => {
            let other = class(dataset, mix.partners[row]);
            format!("{:.0} % {other}", 100.0 * (1.0 - mix.weight))
        }
    }
}
