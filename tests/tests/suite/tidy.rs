//! The rules of ARCHITECTURE.md and CONTRIBUTING.md that a machine can hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use autograd::check::Case;
use autograd::ops::OPS;
use autograd::ops::activation::ACTIVATIONS;
use toml::Table;

/// Every crate, and which crates of the workspace it may use.
pub(crate) const ARROWS: &[(&str, &[&str])] = &[
    ("autograd", &[]),
    ("layers", &["autograd"]),
    ("anact", &["autograd", "layers"]),
    ("datasets", &[]),
    ("bench-harness", &["autograd", "layers", "anact", "datasets"]),
    ("tests", &["autograd", "layers", "anact", "datasets", "bench-harness"]),
];

const MAX_LINES: usize = 500;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is inside the workspace").to_path_buf()
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) fn manifest(folder: &str) -> Table {
    read(root().join(folder).join("Cargo.toml"))
        .parse()
        .unwrap_or_else(|e| panic!("{folder}/Cargo.toml: {e}"))
}

/// Everything below `folder`, files and folders, in order; not what npm has fetched for the browser tests.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("a readable folder").path()).collect();
    paths.retain(|p| p.file_name().is_none_or(|name| name != "node_modules"));
    paths.sort();
    paths
        .into_iter()
        .flat_map(|p| if p.is_dir() { [vec![p.clone()], below(&p)].concat() } else { vec![p] })
        .collect()
}

/// Every file and folder of the crates.
fn paths() -> Vec<PathBuf> {
    ARROWS.iter().flat_map(|(name, _)| below(&root().join(name))).collect()
}

/// Every Rust file with its path below the root and its text.
pub(crate) fn sources() -> Vec<(String, String)> {
    let is_source = |p: &PathBuf| p.extension().is_some_and(|e| e == "rs");
    let files: Vec<_> = paths().into_iter().filter(is_source).map(|p| (short(&p), read(&p))).collect();
    assert!(files.len() > 100, "only {} source files found", files.len());
    files
}

fn short(path: &Path) -> String {
    let path = path.strip_prefix(root()).expect("the path is below the root");
    path.to_str().expect("names are UTF-8").replace('\\', "/")
}

/// A line without its comment and without what stands in string literals.
fn code(line: &str) -> String {
    let (mut kept, mut in_string, mut characters) = (String::new(), false, line.chars().peekable());
    while let Some(c) = characters.next() {
        match c {
            '\\' if in_string => drop(characters.next()),
            '"' => in_string = !in_string,
            '/' if !in_string && characters.peek() == Some(&'/') => break,
            _ if !in_string => kept.push(c),
            _ => {}
        }
    }
    kept
}

pub(crate) fn has_word(line: &str, word: &str) -> bool {
    code(line).split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word)
}

pub(crate) fn none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// The names in every table of dependencies, whatever it is for.
pub(crate) fn dependencies(table: &Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (key, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            names.extend(inner.keys().cloned());
        } else {
            // `target.'cfg(…)'.dependencies` and the like.
            names.extend(dependencies(inner));
        }
    }
    names
}

#[test]
fn crates_use_only_what_is_below_them() {
    let members: BTreeSet<_> = ARROWS.iter().map(|(name, _)| *name).collect();
    let listed = manifest(".")["workspace"]["members"].clone();
    let listed: BTreeSet<_> =
        listed.as_array().unwrap().iter().map(|m| m.as_str().unwrap().to_string()).collect();
    assert_eq!(listed, members.iter().map(ToString::to_string).collect(), "a crate has no row in this test");
    let mut broken = Vec::new();
    for (name, legal) in ARROWS {
        let used = dependencies(&manifest(name));
        let used = used.iter().filter(|d| members.contains(d.as_str()) && !legal.contains(&d.as_str()));
        broken.extend(used.map(|d| format!("{name} uses {d}")));
    }
    none(&broken, "arrows point from the later crate to the earlier one, see ARCHITECTURE.md");
}

#[test]
fn no_crate_is_published_and_all_are_of_one_edition() {
    let workspace = manifest(".")["workspace"]["package"].clone();
    assert_eq!(workspace["publish"].as_bool(), Some(false));
    assert_eq!(workspace["edition"].as_str(), Some("2024"));
    for (name, _) in ARROWS {
        let package = manifest(name)["package"].clone();
        let inherits =
            |key: &str| package.get(key).and_then(|v| v.get("workspace")).and_then(toml::Value::as_bool);
        for key in ["publish", "edition", "rust-version", "license", "version"] {
            assert_eq!(inherits(key), Some(true), "{name}: `{key}` must be the workspace's");
        }
        assert_eq!(manifest(name)["lints"]["workspace"].as_bool(), Some(true), "{name}: lints");
    }
}

#[test]
fn files_are_short() {
    let long = sources().into_iter().map(|(path, text)| (path, text.lines().count()));
    let long: Vec<_> =
        long.filter(|(_, n)| *n > MAX_LINES).map(|(path, n)| format!("{path} has {n} lines")).collect();
    none(&long, "a source file has at most 500 lines");
}

#[test]
fn names_say_what_is_inside() {
    let vague = ["utils", "util", "helpers", "helper", "misc", "common", "stuff"];
    let is_vague = |p: &PathBuf| p.file_stem().is_some_and(|stem| vague.iter().any(|v| stem == *v));
    let broken: Vec<_> = paths().iter().filter(|p| is_vague(p)).map(|p| short(p)).collect();
    none(&broken, "a file is named for what it holds");
}

#[test]
fn unsafe_code_lives_in_the_kernels_with_its_argument() {
    let mut broken = Vec::new();
    let mut found = 0;
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for i in (0..lines.len()).filter(|&i| has_word(lines[i], "unsafe")) {
            found += 1;
            let is_above = |l: &&&str| l.trim_start().starts_with("//") || l.trim_start().starts_with("#[");
            let above = lines[..i].iter().rev().take_while(is_above);
            if !path.starts_with("autograd/src/kernels/") {
                broken.push(format!("{path}:{}: outside of the kernels", i + 1));
            } else if !above.into_iter().any(|l| l.contains("SAFETY:") || l.contains("# Safety")) {
                broken.push(format!("{path}:{}: no SAFETY comment right above", i + 1));
            }
        }
    }
    assert!(found > 0, "no unsafe code found: either this test is blind, or it has become needless");
    none(&broken, "`unsafe` only in autograd/src/kernels/, with its argument");
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "autograd") {
        let lib = read(root().join(name).join("src/lib.rs"));
        assert!(lib.contains("#![forbid(unsafe_code)]"), "{name}/src/lib.rs does not forbid unsafe code");
    }
}

#[test]
fn nothing_is_left_undone() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().enumerate().map(|(i, line)| (i, code(line)));
        let marks = ["#[ignore", "todo!", "unimplemented!", "dbg!"];
        let undone = lines.filter(|(_, line)| marks.iter().any(|m| line.contains(m)));
        broken.extend(undone.map(|(i, line)| format!("{path}:{}: {}", i + 1, line.trim())));
    }
    none(&broken, "no ignored tests and nothing to be done later");
}

/// Files of `folder` that define an op or a function, by name; other files there are shared parts.
fn definitions(folder: &str, mark: &str) -> BTreeSet<String> {
    let own = |path: &str| {
        path.strip_prefix(folder)?.strip_suffix(".rs").filter(|s| !s.contains('/')).map(str::to_string)
    };
    let defining = sources().into_iter().filter(|(_, text)| text.lines().any(|l| code(l).starts_with(mark)));
    defining.filter_map(|(path, _)| own(&path)).collect()
}

#[test]
fn every_op_file_is_registered_under_its_name_with_cases() {
    let ops = "autograd/src/ops/";
    let of_a_function = definitions(ops, "impl<S: Scalar, E: Elementwise> Op<S> for");
    let with_kernel = &definitions(ops, "impl<S: Scalar> Op<S> for") | &of_a_function;
    // A function of one number gets its cases from the registry's line.
    let functions = definitions(ops, "impl Elementwise for");
    let registered: BTreeSet<_> = OPS.iter().map(|o| o.name.to_string()).collect();
    assert_eq!(
        &with_kernel | &functions,
        registered,
        "every file in {ops} that defines an op is a line in OPS, under the file's name"
    );
    let exporting = definitions(ops, "pub(super) fn cases() -> Vec<Case>");
    assert_eq!(exporting, with_kernel, "and exports its cases, if it is not a function of one number");

    let activations = "autograd/src/ops/activation/";
    let files = definitions(activations, "impl Elementwise for");
    let registered: BTreeSet<_> = ACTIVATIONS.iter().map(|a| a.name.to_string()).collect();
    assert_eq!(
        files, registered,
        "every file in {activations} is a line in its registry, under the file's name"
    );
}

#[test]
fn registered_names_are_unique_and_plain_and_have_formulas_and_cases() {
    type Row = (&'static str, &'static str, fn() -> Vec<Case>);
    let ops = OPS.iter().map(|o| (o.name, o.formula, o.cases));
    let activations = ACTIVATIONS.iter().map(|a| (a.name, a.formula, a.cases));
    let nodes = anact::NODES.iter().chain(anact::rivals::OPS).map(|o| (o.name, o.formula, o.cases));
    let rows: Vec<Row> = ops.chain(activations).chain(nodes).collect();
    let mut seen = BTreeSet::new();
    let all = ACTIVATIONS.iter().flat_map(|a| iter::once(a.name).chain(a.aliases.iter().copied()));
    for name in OPS.iter().chain(anact::NODES).chain(anact::rivals::OPS).map(|o| o.name).chain(all) {
        assert!(seen.insert(name), "{name} is registered twice");
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_plain), "{name}");
    }
    for (name, formula, cases) in rows {
        assert!(!formula.trim().is_empty(), "{name} has no formula");
        assert!(!cases().is_empty(), "{name} has no cases");
    }
}

/// The scanner itself: it must see what it looks for, and only that.
/// The table of equations in docs/PAPER.md: four columns, of which the third names tests that exist.
#[test]
fn every_test_that_the_paper_names_exists() {
    let sources = sources();
    let paper = read(root().join("docs/PAPER.md"));
    let table = paper.lines().skip_while(|line| !line.starts_with("| equation |")).skip(2);
    let rows: Vec<Vec<&str>> =
        table.take_while(|line| line.starts_with('|')).map(|line| line.split('|').collect()).collect();
    assert!(rows.len() > 20, "only {} equations found", rows.len());
    let mut broken = Vec::new();
    for row in &rows {
        assert_eq!(row.len(), 6, "{row:?}");
        // Names stand between backticks, as every second part.
        let names: Vec<&str> = row[3].split('`').skip(1).step_by(2).collect();
        let exists = |name: &&str| sources.iter().any(|(_, text)| text.contains(&format!("fn {name}(")));
        broken.extend(names.iter().filter(|name| !exists(name)).map(|name| format!("no test `{name}`")));
        if names.is_empty() {
            broken.push(format!("no test for {}", row[1]));
        }
    }
    none(&broken, "docs/PAPER.md names a test for every equation");
}

#[test]
fn comments_and_strings_are_not_code() {
    assert!(has_word("    unsafe { f() }", "unsafe"));
    assert!(has_word("pub unsafe fn f() {} // why", "unsafe"));
    assert!(!has_word("#![forbid(unsafe_code)]", "unsafe"));
    assert!(!has_word("let x = \"\\\"unsafe\"; // unsafe", "unsafe"));
    assert!(!has_word("/// The only home of `unsafe`.", "unsafe"));
}
