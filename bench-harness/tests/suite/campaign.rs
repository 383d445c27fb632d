//! `anact check --campaign`.

use serde_json::Value;

use crate::program::{anact, fails, refuses, succeeds, text};

#[test]
fn a_campaign_counts_ops_and_says_where_errors_are_worst() {
    let folder = tempfile::tempdir().unwrap();
    let campaign = "check --campaign 30 --geometries 20 --seed 7";
    let said = succeeds(folder.path(), campaign);
    for part in ["30 random graphs and 20 random sizes", "dual numbers", "conv2d", "near a kink", "all right"]
    {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }
    assert_eq!(said, succeeds(folder.path(), &format!("--threads 1 {campaign}")));

    let json: Value = serde_json::from_str(&succeeds(folder.path(), &format!("{campaign} --json"))).unwrap();
    assert_eq!((&json["right"], &json["graphs"]), (&Value::from(true), &Value::from(30)), "{json}");
    let counts = json["ops"].as_object().unwrap().values().map(|n| n.as_u64().unwrap());
    assert_eq!(Value::from(counts.sum::<u64>()), json["steps"]);
    // What is not among the ops is said to be missing.
    let missing = json["missing"].as_array().unwrap();
    assert!(missing.iter().all(|name| json["ops"].get(name.as_str().unwrap()).is_none()), "{json}");
    let worst = json["worst"].as_array().unwrap();
    assert_eq!(worst.len(), 5);
    for worst in worst {
        assert!(json["ops"].get(worst["op"].as_str().unwrap()).is_some(), "{worst}");
        // The function that is named has that very error.
        let only = format!("{campaign} --json --only {}", worst["index"]);
        let only: Value = serde_json::from_str(&succeeds(folder.path(), &only)).unwrap();
        let again = only["worst"].as_array().unwrap().iter().find(|w| w["route"] == worst["route"]);
        assert_eq!(again, Some(worst));
    }
}

/// What is planted is found and named, and the command that is printed shows it again.
#[test]
fn a_wrong_op_is_named_with_the_command_that_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let campaign = "check --campaign 12 --geometries 3 --seed 3 --planted sign";
    let output = anact(folder.path(), campaign);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("begins with planted square: %"), "{said}");
    let again = said.lines().find_map(|line| line.strip_prefix("again: anact ")).expect("a command");
    assert!(again.starts_with(&format!("{campaign} --only ")), "{again}");
    let words = said.lines().find(|line| line.starts_with("  dual numbers: ")).expect("the first failure");
    fails(folder.path(), again, 1, &["1 of 1 checks failed", words, "planted square"]);
    // Without the bug it is right, and listed.
    let right = again.replace(" --planted sign", "");
    assert!(succeeds(folder.path(), &right).starts_with("graph of inputs drawn from seed "));
}

#[test]
fn wrong_campaigns_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &str, part: &str| refuses(folder.path(), arguments, &[part]);
    refused("check --campaign 0", "--campaign is 0; want at least 1");
    refused("check --campaign 20 --only 22", "--only is 22; want below 22");
    refused("check --campaign 20 --planted all", "factor");
    refused("check --seed 3", "--campaign");
    refused("check --campaign 20 --op add", "--op");
}
