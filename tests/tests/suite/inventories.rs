//! The tables in `docs/` that say what the sources hold: unsafe code and dependencies.

use std::collections::{BTreeMap, BTreeSet};

use toml::Table;

use super::tidy::{ARROWS, dependencies, has_word, manifest, none, read, root, sources};

/// The rows of the table in `docs/NAME` whose head begins with `head`, by columns.
fn rows(name: &str, head: &str) -> Vec<Vec<String>> {
    let text = read(root().join("docs").join(name));
    let table = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_start_matches("| ").trim_end_matches(" |");
        line.split(" | ").map(str::to_string).collect()
    };
    let rows: Vec<Vec<String>> = table.take_while(|line| line.starts_with('|')).map(cells).collect();
    assert!(rows.len() > 10, "docs/{name}: only {} rows found", rows.len());
    rows
}

/// What stands between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_unsafe_line_has_its_row() {
    let sources = sources();
    let mut listed: BTreeMap<String, usize> = BTreeMap::new();
    let mut broken = Vec::new();
    for row in rows("UNSAFE.md", "| file | lines |") {
        let [file, lines, _, _, tests] = &row[..] else { panic!("docs/UNSAFE.md: {row:?} has five columns") };
        let file = names(file).next().unwrap_or_else(|| panic!("docs/UNSAFE.md: {row:?} names no file"));
        *listed.entry(format!("autograd/src/kernels/{file}")).or_default() +=
            lines.parse::<usize>().unwrap_or_else(|e| panic!("docs/UNSAFE.md, {file}: {lines}: {e}"));
        let exists = |test: &&str| sources.iter().any(|(_, text)| text.contains(&format!("fn {test}(")));
        broken.extend(
            names(tests).filter(|test| !exists(test)).map(|test| format!("{file}: no test `{test}`")),
        );
        if names(tests).next().is_none() {
            broken.push(format!("{file}: a row without a test"));
        }
    }
    none(&broken, "docs/UNSAFE.md names tests that exist");
    let count = |text: &str| text.lines().filter(|line| has_word(line, "unsafe")).count();
    let found: BTreeMap<String, usize> =
        sources.iter().map(|(path, text)| (path.clone(), count(text))).filter(|(_, n)| *n > 0).collect();
    assert_eq!(listed, found, "docs/UNSAFE.md counts the lines with `unsafe` of every file");
}

/// Every version of every package in `Cargo.lock`.
fn locked() -> BTreeSet<(String, String)> {
    let lock: Table = read(root().join("Cargo.lock")).parse().expect("Cargo.lock is TOML");
    let of = |package: &toml::Value, key: &str| package[key].as_str().expect("a string").to_string();
    let packages = lock["package"].as_array().expect("a list of packages").iter();
    packages.filter(|p| p.get("source").is_some()).map(|p| (of(p, "name"), of(p, "version"))).collect()
}

#[test]
fn every_dependency_has_its_row() {
    let workspace = manifest(".")["workspace"].clone();
    let all = workspace["dependencies"].as_table().expect("a table");
    let is_ours = |name: &str| ARROWS.iter().any(|(ours, _)| *ours == name);
    let wanted: BTreeSet<&str> = all.keys().map(String::as_str).filter(|name| !is_ours(name)).collect();
    let rows = rows("DEPENDENCIES.md", "| crate | version |");
    let listed: Vec<&str> = rows.iter().filter_map(|row| names(&row[0]).next()).collect();
    assert_eq!(listed, Vec::from_iter(wanted), "docs/DEPENDENCIES.md has one row for each, in order");

    let locked = locked();
    let used: Vec<(&str, BTreeSet<String>)> =
        ARROWS.iter().map(|(ours, _)| (*ours, dependencies(&manifest(ours)))).collect();
    let mut broken = Vec::new();
    for row in &rows {
        let [name, version, _, users, why, instead] = &row[..] else { panic!("{row:?} has six columns") };
        let name = names(name).next().expect("listed above");
        if !locked.contains(&(name.to_string(), version.clone())) {
            broken.push(format!("{name} {version} is not in Cargo.lock"));
        }
        let said: BTreeSet<&str> = users.split(", ").map(|user| user.trim_end_matches(" (tests)")).collect();
        let true_users: BTreeSet<&str> =
            used.iter().filter(|(_, names)| names.contains(name)).map(|(ours, _)| *ours).collect();
        if said != true_users {
            broken.push(format!("{name} is used by {true_users:?}"));
        }
        if why.is_empty() || instead.is_empty() {
            broken.push(format!("{name}: no reason"));
        }
    }
    let count = format!("`Cargo.lock` names {} packages from the registry", locked.len());
    if !read(root().join("docs/DEPENDENCIES.md")).contains(&count) {
        broken.push(format!("it does not say: {count}"));
    }
    none(&broken, "docs/DEPENDENCIES.md is true");
}

/// Licences go with every package, and are those of the workspace.
#[test]
fn every_crate_carries_its_licences() {
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "tests") {
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert_eq!(read(root().join(name).join(licence)), read(root().join(licence)), "{name}/{licence}");
        }
    }
}
