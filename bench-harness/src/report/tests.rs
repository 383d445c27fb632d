use super::*;
use crate::lab::groups;
use crate::lab::tests::finished;
use crate::run::{LayersLine, Options, Settings};

fn page(runs: Vec<RunRecord>) -> Value {
    let report = Report::of(&groups(runs).unwrap(), None, None).unwrap();
    serde_json::to_value(report).unwrap()
}

fn four() -> Vec<RunRecord> {
    let accuracy = [("relu", 1, 0.5), ("nrelu", 1, 0.51), ("relu", 2, 0.5), ("nrelu", 2, 0.53)];
    accuracy.into_iter().map(|(name, seed, accuracy)| finished(name, seed, accuracy)).collect()
}

/// The keys that the page's scripts read.
#[test]
fn a_page_carries_what_its_scripts_read() {
    let mut runs = four();
    runs[1].config.insert("data".into(), json!({ "remarks": ["a stand-in"], "checks": ["one", "two"] }));
    for place in [0, 2, 3] {
        runs[place].config = runs[1].config.clone();
    }
    let page = page(runs);
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(keys(&page), "caveat format groups looks_thinned notes runs subtitle summary title version");
    assert_eq!(
        (page["format"].as_str(), page["looks_thinned"].as_bool()),
        (Some("anact-report/2"), Some(false))
    );
    let group = &page["groups"][0];
    assert_eq!(
        keys(group),
        "activations classes comparisons name remarks runs settings settings_that_differ twins versions"
    );
    assert_eq!(group["twins"], json!({ "nrelu": "relu", "relu": null }));
    assert_eq!(group["runs"], json!([0, 1, 2, 3]));
    assert_eq!(group["remarks"], json!(["data: a stand-in"]));
    assert_eq!(group["versions"], json!([["data checked", "one"], ["data checked", "two"]]));
    // No run has a best validation.
    let ids: Vec<_> =
        group["comparisons"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["accuracy", "top5", "loss"]);
    assert_eq!(keys(&group["comparisons"][0]), "decimals id rows title unit");
    let row = &group["comparisons"][0]["rows"][1];
    assert_eq!(keys(row), "activation difference diverged summary unfinished without_value");
    assert_eq!(keys(&row["summary"]), "mean n standard_error t_interval");
    let difference = &row["difference"];
    assert_eq!(
        keys(difference),
        "against bootstrap_interval diverged_alone losses only_other only_this other_diverged_alone summary ties verdict wins"
    );
    assert_eq!(
        (difference["against"].as_str(), difference["verdict"].as_str()),
        (Some("relu"), Some("open"))
    );
    // 1 and 3 points.
    assert!((difference["summary"]["mean"].as_f64().unwrap() - 2.0).abs() < 1e-12);
    assert_eq!(
        keys(&page["runs"][0]),
        "activation best command confusion epochs folder layers name seed status test weights_sha256"
    );
    assert_eq!(page["notes"].as_array().unwrap().len(), 1);
    assert!(page["caveat"].as_str().unwrap().contains("measured at the network's output"));
}

#[test]
fn settings_are_those_that_all_runs_share() {
    let mut runs = four();
    runs[0].settings.workers = 5;
    let page = page(runs);
    let settings = page["groups"][0]["settings"].as_array().unwrap();
    let value =
        |name: &str| settings.iter().find(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap());
    assert_eq!(
        (value("epochs"), value("normalized.moment"), value("width")),
        (Some("10"), Some("raw"), Some("–"))
    );
    assert_eq!((value("workers"), value("seed"), value("activation")), (None, None, None));
}

#[test]
fn a_plain_run_of_two_groups_is_on_the_page_once() {
    let mut centered = finished("nrelu", 1, 0.5);
    let options = Options { moment: Some("centered".into()), ..Options::default() };
    centered.settings.normalized = Settings::of(options).unwrap().normalized;
    centered.folder = "centered".into();
    let page = page(vec![finished("relu", 1, 0.5), centered, finished("nrelu", 1, 0.5)]);
    assert_eq!(page["runs"].as_array().unwrap().len(), 3);
    assert_eq!((&page["groups"][0]["runs"], &page["groups"][1]["runs"]), (&json!([0, 1]), &json!([0, 2])));
    assert!(page["subtitle"].as_str().unwrap().starts_with("3 runs: resnet20"));
    assert_eq!(page["groups"][0]["settings_that_differ"], json!([["normalized.moment", "centered"]]));
}

#[test]
fn many_looks_are_said_to_be_thinned() {
    let mut runs = four();
    runs[0].layers =
        (0..300).map(|step| LayersLine { when: "training".into(), step, rows: Vec::new() }).collect();
    let page = page(runs);
    assert_eq!(page["looks_thinned"], true);
    assert_eq!(page["runs"][0]["layers"].as_array().unwrap().len(), 200);
}

/// Names that would end the script, or that look like parts of the template, stay text.
#[test]
fn names_cannot_break_out_of_the_page() {
    let mut runs = four();
    let evil = "</script><script>alert(1)</script>{{style}}{{report}}<!--";
    runs[0].classes = vec![evil.into()];
    let groups = groups(runs).unwrap();
    let report = Report::of(&groups, Some(evil.into()), None).unwrap();
    let html = report.to_html();
    assert!(!html.contains("<script>alert"), "a script got in");
    let plain = Report::of(&groups, Some("title".into()), None).unwrap().to_html();
    assert_eq!(html.matches("</script>").count(), plain.matches("</script>").count());
    let from = html.find("{\"format\":").unwrap();
    let mut read = serde_json::Deserializer::from_str(&html[from..]).into_iter::<Value>();
    assert_eq!(read.next().unwrap().unwrap(), serde_json::to_value(&report).unwrap());
}
