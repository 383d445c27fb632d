//! `anact data stats`.

mod survey;

use clap::Args;
use datasets::{Dataset, published};
use serde_json::{Value, json};

use self::survey::{Survey, Twins};
use crate::command::data_set::DataSetOptions;
use crate::command::output::Output;
use crate::error::Result;
use crate::sheet::grouped;
use crate::table::Table;

/// Arguments of `anact data stats`.
#[derive(Debug, Args)]
pub(super) struct Stats {
    #[command(flatten)]
    data: DataSetOptions,
    #[command(flatten)]
    printed: Output,
}

impl Stats {
    pub(super) fn run(self) -> Result<()> {
        let dataset = self.data.load()?;
        let (train, test) = (Survey::of(&dataset.train)?, Survey::of(&dataset.test)?);
        if self.printed.is_json() {
            println!("{:#}", report(&dataset, &train, &test));
        } else {
            print!("{}", text(&dataset, &train, &test));
        }
        Ok(())
    }
}

fn report(dataset: &Dataset, train: &Survey, test: &Survey) -> Value {
    let split = |survey: &Survey, counts: Vec<usize>| {
        let channels = survey.channels();
        json!({
            "pictures": survey.pictures.len(),
            "class_counts": counts,
            "sizes": survey.sizes(),
            "grayscale": survey.grayscale(),
            "mean": channels.iter().map(|c| c.mean).collect::<Vec<_>>(),
            "deviation": channels.iter().map(|c| c.deviation).collect::<Vec<_>>(),
            "per_image_deviation": channels.iter().map(|c| c.per_image).collect::<Vec<_>>(),
            "duplicates": survey.duplicates(),
            "seconds_per_picture": survey.seconds_per_picture(),
        })
    };
    json!({
        "name": dataset.name,
        "classes": dataset.classes,
        "shape": dataset.train.images().shape(),
        "checks": dataset.checks,
        "remarks": dataset.remarks,
        "train": split(train, dataset.train.class_counts()),
        "test": split(test, dataset.test.class_counts()),
        "test_pictures_in_train": test.also_in(train),
        "published": published(&dataset.name).map(|p| json!({
            "mean": p.mean, "deviation": p.deviation, "per_image_deviation": p.per_image_deviation,
        })),
    })
}

fn text(dataset: &Dataset, train: &Survey, test: &Survey) -> String {
    let [channels, height, width] = dataset.train.images().shape();
    let classes = dataset.classes.len();
    let mut text =
        format!("{}: {classes} classes, pictures of {channels}x{height}x{width}\n\n", dataset.name);
    let mut table = Table::new().text("").number("training").number("test");
    let mut row = |name: &str, of: &dyn Fn(&Survey) -> String| table.row([name.into(), of(train), of(test)]);
    row("pictures", &|s| grouped(s.pictures.len()));
    row("a class has", &|s| balance(&s.class_counts));
    if train.sizes().len() + test.sizes().len() > 2 {
        row("sizes", &|s| grouped(s.sizes().len()));
    }
    if channels == 3 {
        row("gray throughout", &|s| share(s.grayscale(), s.pictures.len()));
    }
    row("pictures again in their split", &|s| grouped(s.duplicates().pictures));
    row("  of them under another class", &|s| grouped(s.duplicates().other_class));
    row("decoding one", &|s| {
        s.seconds_per_picture().map_or_else(|| "-".into(), |t| format!("{:.1} µs", t * 1e6))
    });
    text += &table.to_string();
    let Twins { pictures, other_class } = test.also_in(train);
    text += &format!(
        "\n{} test pictures are training pictures too, {} of them under another class\n\n",
        grouped(pictures),
        grouped(other_class)
    );
    text += &channel_table(dataset, train).to_string();
    for (what, lines) in [("checked", &dataset.checks), ("remark", &dataset.remarks)] {
        for line in lines {
            text += &format!("\n{what}: {line}");
        }
    }
    text + "\n"
}

/// Computed beside published, channel by channel, on the 0 to 1 scale.
fn channel_table(dataset: &Dataset, train: &Survey) -> Table {
    let known = published(&dataset.name);
    let mut table = Table::new().text("training pixels").number("computed").number("published");
    for (channel, found) in train.channels().iter().enumerate() {
        let name = match train.channels().len() {
            3 => ["red", "green", "blue"][channel].to_string(),
            1 => "gray".into(),
            _ => format!("channel {channel}"),
        };
        let number = |x: f64| format!("{x:.4}");
        let known = |of: &dyn Fn(&datasets::Published) -> Option<f64>| {
            known.and_then(of).map_or_else(|| "-".into(), number)
        };
        table.row([format!("{name}: mean"), number(found.mean), known(&|p| Some(p.mean[channel]))]);
        let deviation = known(&|p| Some(p.deviation[channel]));
        table.row(["  deviation of all pixels".into(), number(found.deviation), deviation]);
        let per_image = known(&|p| p.per_image_deviation.map(|d| d[channel]));
        table.row(["  mean deviation of a picture".into(), number(found.per_image), per_image]);
    }
    table
}

fn balance(counts: &[usize]) -> String {
    let (least, most) = (counts.iter().min().unwrap_or(&0), counts.iter().max().unwrap_or(&0));
    if least == most { grouped(*least) } else { format!("{} to {}", grouped(*least), grouped(*most)) }
}

fn share(part: usize, whole: usize) -> String {
    format!("{} ({:.2} %)", grouped(part), 100.0 * part as f64 / whole.max(1) as f64)
}
