//! `anact list`.

use autograd::ops::{OPS, activation::ACTIVATIONS};
use clap::{Args, ValueEnum};
use datasets::DATASETS;
use layers::init::INITS;
use layers::models::ModelEntry;
use layers::optim::OPTIMIZERS;

use crate::error::Result;
use crate::table::Table;

/// Arguments of `anact list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this list
    what: Option<What>,
}

/// What can be listed, in the order in which everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Activations,
    Models,
    Datasets,
    Optimizers,
    Inits,
    Ops,
}

impl List {
    pub(super) fn run(self) -> Result<()> {
        let all = What::value_variants().iter().filter(|w| self.what.is_none_or(|only| only == **w));
        for what in all {
            let (title, table) = table(*what);
            println!("{title}\n{table}");
        }
        Ok(())
    }
}

fn table(what: What) -> (&'static str, Table) {
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
            ("Activations", t)
        }
        What::Models => {
            let mut t = Table::new().text("model").text("what it is").number("width").number("learning rate");
            for m in ModelEntry::<f32>::ALL {
                t.row([m.name.to_string(), m.about.to_string(), m.width.to_string(), m.rate.to_string()]);
            }
            ("Models", t)
        }
        What::Datasets => {
            let mut t = Table::new().text("data set").text("what it is").text("files under --data");
            for d in DATASETS {
                t.row([d.name, d.about, d.layout().unwrap_or("none: embedded in the command")]);
            }
            ("Data sets", t)
        }
        What::Optimizers => {
            let mut t = Table::new().text("optimiser").text("what it is");
            for o in OPTIMIZERS {
                t.row([o.name, o.about]);
            }
            ("Optimisers", t)
        }
        What::Inits => {
            let mut t = Table::new().text("initialisation");
            for (name, _) in INITS {
                t.row([*name]);
            }
            ("Initialisations", t)
        }
        What::Ops => {
            let mut t = Table::new().text("op").text("formula");
            for o in OPS {
                t.row([o.name, o.formula]);
            }
            for a in ACTIVATIONS {
                t.row([a.name, a.formula]);
            }
            ("Ops", t)
        }
    }
}
