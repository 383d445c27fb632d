//! A run's record, as comparisons and reports read it.

use std::fs;
use std::path::Path;

use bench_harness::lab::{Comparison, METRICS, RunRecord, groups, notes};
use bench_harness::report::Report;
use bench_harness::run::RunHistory;

use super::{card, on_disk, told};

/// The file `record.jsonl` of a run beside a card that is right, compared with itself and shown on a page.
pub fn record(bytes: &[u8]) -> bool {
    on_disk("record/record.jsonl", bytes, |path| {
        let short = RunHistory::without_layers(path);
        let whole = RunHistory::read(path);
        for error in [short.as_ref().err(), whole.as_ref().err()].into_iter().flatten() {
            told(error, "record.jsonl");
        }
        if let (Ok(Some(short)), Ok(Some(whole))) = (&short, &whole) {
            assert_eq!((short.status, short.epochs.len()), (whole.status, whole.epochs.len()));
            assert!(short.layers.is_empty());
        }
        assert!(short.is_ok() || whole.is_err(), "less is asked of what is read less of");
        let folder = path.parent().expect("a run's folder");
        fs::write(folder.join("model.json"), &card::seeds()[0]).expect("room for a small file");
        let run = RunRecord::read(folder);
        assert_eq!(run.is_ok(), matches!(whole, Ok(Some(_))), "{run:?}");
        run.is_ok_and(|run| is_shown(&run, folder))
    })
}

/// Two such runs of two seeds in words, in tables and on a page that has no script but its own.
fn is_shown(run: &RunRecord, folder: &Path) -> bool {
    assert!(run.command().lines().count() <= 1 || run.config.contains_key("command"), "{}", run.command());
    let mut other = run.clone();
    other.settings.seed = run.settings.seed.wrapping_add(1);
    let found = groups(vec![run.clone(), other]).expect("two runs of two seeds");
    assert_eq!(found.iter().map(|group| group.runs.len()).sum::<usize>(), 2);
    for group in &found {
        for entry in METRICS {
            let comparison = Comparison::of(group, entry.metric, None).expect("no baseline was asked for");
            assert!(!comparison.sentences(group).is_empty() || !comparison.has_values());
            let _ = notes(&[&comparison]);
        }
    }
    let report = Report::of(&found, None, None).expect("no baseline was asked for");
    assert_eq!(report.counts(), (2, if run.is_finished() { 2 } else { 0 }));
    let page = report.to_html();
    // What a record says is never taken for the page's own.
    assert_eq!(page.matches("<script").count(), page.matches("</script").count(), "{}", folder.display());
    assert!(page.matches("<script").count() <= MOST_SCRIPTS, "a script of the record's");
    true
}

/// The page's data and its program.
const MOST_SCRIPTS: usize = 2;

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let test = r#""test":{"loss":0.5,"accuracy":0.75,"top5":1.0,"images":4}"#;
    let epoch = r#"{"kind":"epoch","activation":"nrelu","seed":0,"epoch":1,"train":{"loss":1.5,"accuracy":0.25},"validation":{"loss":1.0,"accuracy":0.5},"lr":0.1,"seconds":2.0,"waited":0.5,"images_per_s":10.0}"#;
    let lines = [
        r#"{"kind":"config","settings":{"model":"mlp","activation":"nrelu"},"command":["anact","train","--data","a b"],"data":{"remarks":["r"],"checks":["c"]},"versions":{"anact":"0.1.0"}}"#,
        r#"{"kind":"start","settings":{},"parameters":3,"steps_per_epoch":2,"augmentation_in_effect":null,"images":{"train":9,"validation":1,"test":4},"data_sha256":"ab"}"#,
        epoch,
        r#"{"kind":"layers","when":"end","step":4,"rows":[{"layer":"fc","predicted":{},"with_measured_ratios":{},"per_sample":{},"per_unit":{},"two_state":{"delta":1e-3},"measured":{"delta":1.0,"weight_gradient":0.5}}]}"#,
        r#"{"kind":"paused","reason":"Ctrl-C","diverged":false}"#,
        r#"{"kind":"resumed","step":2}"#,
    ];
    let result = format!(
        r#"{{"kind":"result",{test},"class_accuracy":[0.5,null],"confusion":[[2,1],[0,1]],"best":{{"epoch":1,"accuracy":0.5,"loss":1.0}},"weights":"last","weights_sha256":"ab"}}"#
    );
    let whole = format!("{}\n{result}\n", lines.join("\n"));
    vec![whole.into_bytes(), format!("{}\n{epoch}\n", lines[0]).into_bytes()]
}
