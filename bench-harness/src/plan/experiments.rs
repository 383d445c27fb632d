//! Plans that come with the command: the paper's experiments.

use std::path::Path;

use super::file::Plan;
use crate::error::Result;

/// Names the files and embeds them.
macro_rules! experiments {
    ($($name:literal,)*) => {
        /// Every plan that comes with the command, by name: two sizes of each, the one that ends in `-small` for two cores.
        pub const EXPERIMENTS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../experiments/", $name, ".toml")))),*];
    };
}

experiments! {
    "cnn-cifar10",
    "cnn-cifar10-small",
    "cnn-cifar100",
    "cnn-cifar100-small",
    "cnn-tiny-imagenet",
    "cnn-tiny-imagenet-small",
    "resnet-cifar10",
    "resnet-cifar10-small",
    "resnet-cifar100",
    "resnet-cifar100-small",
    "resnet-tiny-imagenet",
    "resnet-tiny-imagenet-small",
}

/// The plan called `name`, as it would lie in `path`.
///
/// # Errors
/// No plan of that name.
pub fn experiment(name: &str, path: &Path) -> Result<Plan> {
    let found = EXPERIMENTS.iter().find(|(known, _)| *known == name);
    let names = || EXPERIMENTS.iter().map(|(known, _)| *known);
    let (_, text) = found.ok_or_else(|| autograd::Error::unknown("experiment", name, names()))?;
    Plan::parse(text, path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ACTIVATIONS: [&str; 6] = ["relu", "leaky_relu", "elu", "gelu", "swish", "tanh"];

    /// Every one names itself and holds every activation beside its normalized twin for at least three seeds; data are given
    /// when it is called.
    #[test]
    fn every_experiment_is_a_plan_of_pairs() {
        for (name, _) in EXPERIMENTS {
            let plan = experiment(name, Path::new("plan.toml")).unwrap();
            assert_eq!(plan.name, *name);
            assert!(plan.about.is_some(), "{name}");
            let runs = plan.runs().unwrap_or_else(|e| panic!("{name}: {e}"));
            let seeds: BTreeSet<u64> = runs.iter().map(|run| run.settings.seed).collect();
            let models: BTreeSet<&str> = runs.iter().map(|run| run.settings.model.as_str()).collect();
            assert!(seeds.len() >= 3, "{name}");
            for (model, activation) in models.iter().flat_map(|m| ACTIVATIONS.map(|a| (m, a))) {
                for activation in [activation.to_string(), format!("n{activation}")] {
                    let of = runs
                        .iter()
                        .filter(|run| run.settings.model == *model && run.settings.activation == activation);
                    let own: Vec<u64> = of.map(|run| run.settings.seed).collect();
                    assert_eq!(own.len(), seeds.len(), "{name}: {activation}");
                }
            }
            let family = name.strip_suffix("-small").unwrap_or(name);
            let dataset = family.split_once('-').unwrap().1;
            assert!(
                runs.iter().all(|run| run.settings.dataset == dataset && run.settings.data.is_none()),
                "{name}"
            );
            assert_eq!(runs.len(), models.len() * 12 * seeds.len(), "{name}");
        }
    }

    /// A file that nobody embeds would never be called.
    #[test]
    fn every_file_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
        // A link would leave them out of the package.
        assert!(!folder.is_symlink());
        let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        let stems = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_string());
        let known: BTreeSet<String> = EXPERIMENTS.iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(stems.collect::<BTreeSet<_>>(), known);
        let text = experiment("resnet-cifar", Path::new("p")).unwrap_err().to_string();
        assert!(text.contains("unknown experiment `resnet-cifar`; did you mean resnet-cifar10"), "{text}");
    }
}
