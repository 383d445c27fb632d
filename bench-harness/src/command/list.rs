//! `anact list`.

use std::path::Path;

use anact::rivals::RIVALS;
use autograd::ops::{GRADIENT_OPS, OPS};
use clap::{Args, ValueEnum};
use datasets::augment::RECIPES;
use datasets::{DATASETS, DatasetEntry};
use layers::INITS;
use layers::models::{CHOICES, ModelEntry};
use layers::optim::OPTIMIZERS;
use serde_json::{Map, Value, json};

use super::output::Output;
use crate::error::Result;
use crate::plan::{EXPERIMENTS, Plan, experiment};
use crate::table::Table;

/// Arguments of `anact list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this list
    what: Option<What>,
    #[command(flatten)]
    printed: Output,
}

/// What can be listed, in the order in which everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Activations,
    Models,
    Datasets,
    Recipes,
    Optimizers,
    Inits,
    Ops,
    Experiments,
}

impl List {
    pub(super) fn run(self) -> Result<()> {
        let all = What::value_variants().iter().filter(|w| self.what.is_none_or(|only| only == **w));
        let all: Vec<What> = all.copied().collect();
        let name =
            |what: &What| what.to_possible_value().expect("every list has a name").get_name().to_string();
        let lists: Map<String, Value> = all.iter().map(|what| (name(what), entries(*what))).collect();
        self.printed.result(&lists, || all.iter().map(|what| text(*what)).collect::<Vec<_>>().join("\n"));
        Ok(())
    }
}

/// A list for programs: an object for each entry.
fn entries(what: What) -> Value {
    match what {
        What::Activations => {
            let rivals = RIVALS.iter().map(|r| {
                let parameter = r.parameter.map(|p| json!({ "name": p.name, "default": p.default }));
                json!({ "prefix": r.prefix, "aliases": r.aliases, "about": r.about, "parameter": parameter, "source": r.source })
            });
            let names = anact::activation_listing().into_iter().map(|a| {
                json!({
                    "name": a.name, "normalized": a.normalized, "formula": a.formula, "parameter": a.parameter, "kinks": a.kinks,
                })
            });
            json!({ "names": names.collect::<Vec<_>>(), "rivals": rivals.collect::<Vec<_>>() })
        }
        What::Models => {
            let model = |m: &ModelEntry<f32>| {
                let choices = CHOICES.iter().filter(|(choice, ..)| m.choices.contains(choice));
                let choices: Vec<_> = choices.map(|(_, name, _)| name).collect();
                json!({
                    "name": m.name, "about": m.about, "width": m.width, "depth": m.depth, "lr": m.rate, "options": choices,
                })
            };
            ModelEntry::ALL.iter().map(model).collect()
        }
        What::Datasets => {
            let entry = |d: &DatasetEntry| json!({ "name": d.name, "about": d.about, "files": d.layout() });
            DATASETS.iter().map(entry).collect()
        }
        What::Recipes => RECIPES.iter().map(|r| json!({ "name": r.name, "about": r.about })).collect(),
        What::Optimizers => OPTIMIZERS.iter().map(|o| json!({ "name": o.name, "about": o.about })).collect(),
        What::Inits => INITS.iter().map(|i| json!({ "name": i.name, "about": i.about })).collect(),
        What::Ops => {
            let ops = OPS.iter().chain(anact::NODES).chain(anact::rivals::OPS);
            let ops =
                ops.map(|o| json!({ "name": o.name, "formula": o.formula, "changes_gradients": false }));
            let changing = GRADIENT_OPS
                .iter()
                .map(|o| json!({ "name": o.name, "formula": o.formula, "changes_gradients": true }));
            ops.chain(changing).collect()
        }
        What::Experiments => experiments()
            .map(|(plan, runs)| json!({ "name": plan.name, "runs": runs, "about": plan.about }))
            .collect(),
    }
}

/// The plans that come with the command, with the number of their runs.
fn experiments() -> impl Iterator<Item = (Plan, usize)> {
    EXPERIMENTS.iter().map(|(name, _)| {
        let plan = experiment(name, Path::new(name)).expect("a test reads every one");
        let runs = plan.runs().expect("a test expands every one").len();
        (plan, runs)
    })
}

/// A list with its title.
fn text(what: What) -> String {
    match what {
        What::Activations => {
            let mut t = Table::new()
                .text("activation")
                .text("normalized")
                .text("f(x)")
                .text("parameter")
                .text("kinks");
            for a in anact::activation_listing() {
                t.row([a.name, a.normalized, a.formula, a.parameter, a.kinks]);
            }
            let mut rivals =
                Table::new().text("prefix").text("what it makes of f").text("parameter").text("source");
            for r in RIVALS {
                let prefix = [r.prefix].iter().chain(r.aliases).copied().collect::<Vec<_>>().join(", ");
                let parameter =
                    r.parameter.map_or_else(String::new, |p| format!("{} = {}", p.name, p.default));
                rivals.row([prefix, r.about.to_string(), parameter, r.source.to_string()]);
            }
            format!(
                "Activations; another parameter goes in parentheses, as in swish(1.702)\n{t}\n\
                 Rivals of the normalized ones, frozen for standard normal input: a prefix, as in gp-tanh or \
                 dks(50)-tanh\n{rivals}"
            )
        }
        What::Models => {
            let mut t = Table::new().text("model").text("what it is");
            for number in ["width", "depth", "learning rate"] {
                t = t.number(number);
            }
            for m in ModelEntry::<f32>::ALL {
                let depth = m.depth.map_or_else(|| "fixed".to_string(), |d| d.to_string());
                let numbers = [m.width.to_string(), depth, m.rate.to_string()];
                t.row([m.name, m.about].map(str::to_string).into_iter().chain(numbers));
            }
            let choices = CHOICES.iter().map(|(choice, name, about)| {
                format!("  --{name}: {about}\n    {}\n", choice.models().join(", "))
            });
            format!("Models\n{t}\nOptions of some\n{}", choices.collect::<String>())
        }
        What::Datasets => {
            let mut t = Table::new().text("data set").text("what it is");
            for d in DATASETS {
                t.row([d.name, d.about]);
            }
            let files = DATASETS.iter().filter_map(|d| Some((d.name, d.layout()?)));
            let files = files.map(|(name, layout)| format!("  {name}: {}\n", layout.replace('\n', "\n    ")));
            format!("Data sets\n{t}\nFiles wanted under --data\n{}", files.collect::<String>())
        }
        What::Recipes => {
            let mut t = Table::new().text("recipe").text("what it does to training images");
            for r in RECIPES {
                t.row([r.name, r.about]);
            }
            format!("Recipes of augmentations\n{t}")
        }
        What::Optimizers => {
            let mut t = Table::new().text("optimiser").text("what it is");
            for o in OPTIMIZERS {
                t.row([o.name, o.about]);
            }
            format!("Optimisers\n{t}")
        }
        What::Inits => {
            let mut t = Table::new().text("initialisation").text("what it is");
            for i in INITS {
                t.row([i.name, i.about]);
            }
            format!("Initialisations\n{t}")
        }
        What::Ops => {
            let mut t = Table::new().text("op").text("formula");
            for o in OPS.iter().chain(anact::NODES).chain(anact::rivals::OPS).chain(GRADIENT_OPS) {
                t.row([o.name, o.formula]);
            }
            format!(
                "Ops besides the activations; the last {} change gradients on purpose\n{t}",
                GRADIENT_OPS.len()
            )
        }
        What::Experiments => {
            let mut t = Table::new().text("experiment").number("runs").text("what it is");
            for (plan, runs) in experiments() {
                t.row([plan.name, runs.to_string(), plan.about.unwrap_or_default()]);
            }
            format!("Experiments for anact reproduce; those that end in -small with --small\n{t}")
        }
    }
}
