//! The runs in some folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::run_record::RunRecord;
use crate::error::{Error, Result};
use crate::record::{RecordError, RunFolder};

/// The runs in `paths`, each of which is the folder of one or holds some, at any depth; every folder once. Beside them stands what
/// was passed over, in words: what is met on the way need not be a run, and one that was just begun need not have a line.
///
/// Links are followed where they are named, not where they are met.
///
/// # Errors
/// A path that is no folder, one without any run in it, or the folder of a run that cannot be read.
pub fn read_runs(paths: &[PathBuf]) -> Result<(Vec<RunRecord>, Vec<String>)> {
    let (mut runs, mut passed_over, mut known) = (Vec::new(), Vec::new(), BTreeSet::new());
    for path in paths {
        if is_run(path) {
            if known.insert(canonical(path)?) {
                runs.push(RunRecord::read(path)?);
            }
            continue;
        }
        let mut folders = Vec::new();
        collect(path, &mut folders)?;
        let (mut found, before) = (false, passed_over.len());
        for folder in folders {
            if !known.insert(canonical(&folder)?) {
                found = true;
                continue;
            }
            match RunRecord::read(&folder) {
                Ok(run) => {
                    runs.push(run);
                    found = true;
                }
                Err(error) => passed_over.push(format!("passed over: {error}")),
            }
        }
        if !found {
            let but = passed_over[before..].iter().map(|words| format!("; {words}")).collect::<String>();
            let problem = format!("holds no run: give the folder of a run, or one with runs in it{but}");
            return Err(Error::File { path: path.clone(), problem });
        }
    }
    Ok((runs, passed_over))
}

fn is_run(folder: &Path) -> bool {
    RunFolder::open(folder).is_ok()
}

fn canonical(path: &Path) -> Result<PathBuf> {
    Ok(path.canonicalize().map_err(RecordError::io("find", path))?)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let failed = || RecordError::io("read the folder", folder);
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        // Of a link this is the link, so that none leads around in a circle.
        if entry.file_type().map_err(failed())?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    for folder in folders {
        if is_run(&folder) {
            found.push(folder);
        } else {
            collect(&folder, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::run_record::tests::finished;
    use super::*;
    use serde_json::json;

    /// A folder with a run of this seed.
    fn run(folder: &Path, seed: u64) {
        fs::create_dir_all(folder).unwrap();
        let settings = finished("relu", seed, 0.5).settings;
        let card =
            json!({ "settings": settings, "input": [1, 28, 28], "classes": [], "mean": [], "deviation": [] });
        fs::write(folder.join("model.json"), card.to_string()).unwrap();
        let line = json!({ "kind": "config", "settings": settings });
        fs::write(folder.join("record.jsonl"), format!("{line}\n")).unwrap();
    }

    fn seeds(paths: &[&Path]) -> (Vec<u64>, Vec<String>) {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        let (runs, notes) = read_runs(&paths).unwrap();
        (runs.iter().map(|run| run.settings.seed).collect(), notes)
    }

    #[test]
    fn runs_are_found_at_any_depth_and_once() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for (seed, name) in (1..).zip(["a", "b/run", "c/d/run"]) {
            run(&root.join(name), seed);
        }
        fs::create_dir(root.join("empty")).unwrap();
        assert_eq!(seeds(&[root]), (vec![1, 2, 3], vec![]));
        assert_eq!(seeds(&[&root.join("c"), &root.join("a"), root, &root.join("empty/../a")]).0, [3, 1, 2]);
        // All that it holds is there already.
        assert_eq!(seeds(&[root, &root.join("b")]).0, [1, 2, 3]);
        let text = read_runs(&[root.join("empty")]).unwrap_err().to_string();
        assert!(text.contains("holds no run"), "{text}");
        assert!(read_runs(&[root.join("nowhere")]).is_err());
    }

    #[test]
    fn what_is_met_is_passed_over_and_what_is_named_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        run(&root.join("run"), 1);
        for (name, text) in
            [("begun", ""), ("study", "{\"kind\":\"config\",\"study\":{}}\n"), ("torn", "x\n")]
        {
            fs::create_dir(root.join(name)).unwrap();
            fs::write(root.join(name).join("record.jsonl"), text).unwrap();
            assert!(read_runs(&[root.join(name)]).is_err(), "{name}");
        }
        let (found, notes) = seeds(&[root]);
        assert_eq!((found, notes.len()), (vec![1], 3));
        // What lies under one path is not the fault of another.
        fs::create_dir(root.join("empty")).unwrap();
        let text = read_runs(&[root.to_path_buf(), root.join("empty")]).unwrap_err().to_string();
        assert!(text.contains("empty: holds no run") && !text.contains("passed over"), "{text}");
        assert!(notes[0].contains("has no line yet") && notes[1].contains("no record of a run"), "{notes:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        run(&root.join("runs/run"), 1);
        std::os::unix::fs::symlink(root, root.join("runs/around")).unwrap();
        std::os::unix::fs::symlink(root.join("runs/run"), root.join("link")).unwrap();
        assert_eq!(seeds(&[root]).0, [1]);
        assert_eq!(seeds(&[&root.join("link"), root]).0, [1]);
    }
}
