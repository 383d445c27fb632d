//! What `anact compare` is to run before it compares.

use std::path::Path;

use clap::Args;
use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::run::Options;

/// Activations × models × data sets × seeds.
#[derive(Debug, Args)]
pub(super) struct Grid {
    /// Train these activations, then compare them: the runs go to the folder --output, with a plan.toml by which the same
    /// command, or any other, goes on
    #[arg(long, value_delimiter = ',', requires = "output", conflicts_with_all = ["runs", "plan", "activation", "seed"])]
    activations: Vec<String>,
    /// With --activations: the networks [default: that of --model]
    #[arg(long, value_delimiter = ',', requires = "activations", conflicts_with = "model")]
    models: Vec<String>,
    /// With --activations: the data sets [default: that of --dataset]
    #[arg(long, value_delimiter = ',', requires = "activations", conflicts_with = "dataset")]
    datasets: Vec<String>,
    /// With --activations: how many runs of each, with seeds 1, 2, … [default: 3]
    #[arg(long, requires = "activations")]
    seeds: Option<u64>,
}

impl Grid {
    pub(super) fn is_given(&self) -> bool {
        !self.activations.is_empty()
    }

    /// The plan, that is going to lie in the folder that the options name.
    pub(super) fn plan(&self, options: Options) -> Result<Plan> {
        let seeds = self.seeds.unwrap_or(3);
        if !(1..=1000).contains(&seeds) {
            let (value, legal) = (seeds.to_string(), "from 1 to 1000".into());
            return Err(Error::Setting { setting: "--seeds", value, legal });
        }
        let output = options.output.clone().unwrap_or_default();
        let data = options.data.clone();
        let given = Options { output: None, data: None, ..options };
        let path = output.join(Plan::FILE);
        let refuse = |problem: String| Error::File { path: path.clone(), problem };
        let shared =
            Table::try_from(&given).map_err(|e| refuse(format!("cannot hold these options: {e}")))?;
        let texts = |names: &[String]| names.iter().cloned().map(Value::String).collect::<Vec<_>>();
        let axes = [
            ("dataset", texts(&self.datasets)),
            ("model", texts(&self.models)),
            ("activation", texts(&self.activations)),
            ("seed", (1..=seeds).map(|seed| Value::Integer(seed as i64)).collect()),
        ];
        let axes = axes.into_iter().filter(|(_, values)| !values.is_empty());
        Plan::new(&path, "comparison", shared, axes)?
            .with_runs_beside()
            .with_places(None, data.as_deref().map(Path::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(activations: &[&str], models: &[&str], seeds: Option<u64>) -> Grid {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Grid { activations: list(activations), models: list(models), datasets: Vec::new(), seeds }
    }

    #[test]
    fn lists_become_a_plan_in_the_folder() {
        let options = Options {
            output: Some("folder".into()),
            data: Some("/data".into()),
            dataset: Some("cifar10".into()),
            epochs: Some(3),
            lr: Some(0.1),
            ..Options::default()
        };
        let plan = grid(&["relu", "nrelu"], &["mlp", "cnn"], Some(2)).plan(options).unwrap();
        let runs = plan.runs().unwrap();
        assert_eq!((plan.path(), runs.len()), (Path::new("folder/plan.toml"), 8));
        assert_eq!(runs[3].folder, Path::new("folder/runs/cnn-nrelu-seed-1"));
        let settings = &runs[7].settings;
        assert_eq!((settings.epochs, settings.lr, settings.seed), (3, 0.1, 2));
        assert_eq!(settings.data.as_deref(), Some(Path::new("/data")));
        let text = grid(&["relu"], &[], Some(0)).plan(Options::default()).unwrap_err().to_string();
        assert_eq!(text, "--seeds is 0; want from 1 to 1000");
    }
}
