//! A plan's file: options that all runs share, and lists of which every combination is a run.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::expand::PlannedRun;
use crate::error::{Error, Result};
use crate::record::{RecordError, write_atomic};
use crate::run::{Options, unknown_key};

/// Keys of a plan.
const KEYS: [&str; 5] = ["name", "about", "output", "options", "grid"];

/// Many runs.
///
/// ```toml
/// name = "swish"
///
/// [options]            # those of anact train, under their names in a --config file
/// model = "resnet20"
/// epochs = 20
///
/// [grid]               # every combination is a run; [[grid]] may be there more than once
/// activation = ["swish", "nswish"]
/// seed = [1, 2, 3]
/// ```
///
/// Relative paths in it (`output`, `data`) are taken from the folder that the file lies in, so a run is the same from wherever
/// it is started.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The file, for messages and as where relative paths begin.
    path: PathBuf,
    /// What it is called; its runs are in a folder of that name, unless `output` says otherwise.
    pub name: String,
    /// One line about it.
    pub about: Option<String>,
    output: Option<PathBuf>,
    /// What all runs share.
    pub(super) options: Table,
    /// Of each grid, the options that vary with their values, in the order of [`Options::KEYS`].
    pub(super) grids: Vec<Vec<(String, Vec<Value>)>>,
}

impl Plan {
    /// The file of a plan that has a folder to itself.
    pub const FILE: &str = "plan.toml";

    /// Reads a plan.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, has a path that is not UTF-8, or has a key that is none of a plan or no option of a run.
    pub fn read(path: &Path) -> Result<Self> {
        let _ = absolute(path, "a plan's path")?;
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::File { path: path.into(), problem: format!("cannot be read: {e}") })?;
        Self::parse(&text, path)
    }

    /// The plan in `text`, which lies in `path` or might.
    ///
    /// # Errors
    /// As [`Plan::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        Self::of(text, path).map_err(|problem| Error::File { path: path.into(), problem })
    }

    /// A plan of these parts, that is going to lie in `path`.
    ///
    /// # Errors
    /// A name that names no folder.
    pub fn new(
        path: &Path,
        name: &str,
        options: Table,
        grid: impl IntoIterator<Item = (&'static str, Vec<Value>)>,
    ) -> Result<Self> {
        let grid = grid.into_iter().map(|(key, values)| (key.to_string(), Value::Array(values)));
        let parts = [
            ("name", Value::String(name.into())),
            ("options", Value::Table(options)),
            ("grid", Value::Table(grid.collect())),
        ];
        let table: Table = parts.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
        Self::parse(&table.to_string(), path)
    }

    fn of(source: &str, path: &Path) -> Result<Self, String> {
        let mut table: Table = toml::from_str(source).map_err(|e| e.to_string())?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(unknown_key(source, "key of a plan", key, &KEYS));
        }
        let text = |value: Option<Value>, key: &str| match value {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("{key} is {other}; want text")),
        };
        let name = text(table.remove("name"), "name")?.ok_or("has no name; want name = \"…\"")?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with(['.', '-']) || name.len() > 100 || !name.chars().all(is_plain)
        {
            return Err(format!(
                "name is {name:?}; want letters, digits, -, _ and ., the first of them no - or ., for a folder is named so"
            ));
        }
        let about = text(table.remove("about"), "about")?;
        let output = text(table.remove("output"), "output")?.map(PathBuf::from);
        let options = match table.remove("options") {
            None => Table::new(),
            Some(Value::Table(options)) => options,
            Some(other) => return Err(format!("options is {other}; want a table [options]")),
        };
        options.keys().try_for_each(|key| check_option(source, key))?;
        let grids = match table.remove("grid") {
            None => Vec::new(),
            Some(Value::Table(grid)) => vec![grid],
            Some(Value::Array(grids)) => grids
                .into_iter()
                .map(|grid| match grid {
                    Value::Table(grid) => Ok(grid),
                    other => Err(format!("grid holds {other}; want tables [[grid]]")),
                })
                .collect::<Result<_, _>>()?,
            Some(other) => return Err(format!("grid is {other}; want a table [grid]")),
        };
        let grids = grids.into_iter().map(|grid| axes(source, grid, &options)).collect::<Result<_, _>>()?;
        Ok(Self { path: path.into(), name, about, output, options, grids })
    }

    /// The plan as a file.
    pub fn to_toml(&self) -> String {
        let text = |text: &str| Value::String(text.into());
        let mut table = Table::new();
        table.insert("name".into(), text(&self.name));
        let about = self.about.as_deref().map(|about| ("about".to_string(), text(about)));
        let output = self.output.as_ref().map(|o| ("output".to_string(), text(&o.display().to_string())));
        table.extend(about.into_iter().chain(output));
        table.insert("options".into(), Value::Table(self.options.clone()));
        let axis = |(key, values): &(String, Vec<Value>)| (key.clone(), Value::Array(values.clone()));
        let mut grids =
            self.grids.iter().map(|grid| Value::Table(grid.iter().map(axis).collect())).collect::<Vec<_>>();
        match grids.len() {
            0 => {}
            1 => drop(table.insert("grid".into(), grids.remove(0))),
            _ => drop(table.insert("grid".into(), Value::Array(grids))),
        }
        table.to_string()
    }

    /// Puts the plan where it is going to lie, once all its runs are right, and returns it with them. One that lies there already
    /// must be the same, but for where data are: this plan's data if it names any, else those of the one that is there.
    ///
    /// # Errors
    /// As [`Plan::runs`]; another plan is there, or the file cannot be written.
    pub fn write(mut self) -> Result<(Self, Vec<PlannedRun>)> {
        let _ = absolute(&self.path, "a plan's path")?;
        let there = if self.path.exists() { Some(Self::read(&self.path)?) } else { None };
        if let Some(data) = there.as_ref().and_then(|there| there.options.get("data"))
            && !self.options.contains_key("data")
        {
            self.options.insert("data".into(), data.clone());
        }
        let runs = self.runs()?;
        if there.as_ref() == Some(&self) {
            return Ok((self, runs));
        }
        if let Some(mut there) = there {
            there.options.extend(self.options.get("data").map(|data| ("data".to_string(), data.clone())));
            if there != self {
                let problem = "is another plan; choose another folder, or move or delete that one".into();
                return Err(Error::File { path: self.path, problem });
            }
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(RecordError::io("create the folder", folder))?;
        }
        write_atomic(&self.path, self.to_toml())?;
        Ok((self, runs))
    }

    /// The same with its runs in the folder `runs_in` and its data in `data`, where given; both are taken from the present folder.
    ///
    /// # Errors
    /// A path that cannot be made absolute, or is not UTF-8.
    pub fn with_places(mut self, runs_in: Option<&Path>, data: Option<&Path>) -> Result<Self> {
        if let Some(folder) = runs_in {
            self.output = Some(absolute(folder, "--runs-in")?);
        }
        if let Some(data) = data {
            let text = absolute(data, "--data")?.display().to_string();
            self.options.insert("data".into(), Value::String(text));
        }
        Ok(self)
    }

    /// The same with its runs in the folder `runs` beside it, for a plan that has a folder to itself.
    #[must_use]
    pub fn with_runs_beside(self) -> Self {
        Self { output: Some("runs".into()), ..self }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the data are, if the plan says so for all runs.
    pub fn data(&self) -> Option<PathBuf> {
        Some(self.place(Path::new(self.options.get("data")?.as_str()?)))
    }

    /// The folder that holds the runs' folders.
    pub fn folder(&self) -> PathBuf {
        self.place(self.output.as_deref().unwrap_or(Path::new(&self.name)))
    }

    /// A path as it is written in the plan, from the present folder.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// The options that vary in one grid.
fn axes(source: &str, mut grid: Table, options: &Table) -> Result<Vec<(String, Vec<Value>)>, String> {
    grid.keys().try_for_each(|key| check_option(source, key))?;
    let mut axes = Vec::new();
    for name in Options::KEYS {
        match grid.remove(*name) {
            None => {}
            Some(_) if options.contains_key(*name) => {
                return Err(format!("{name} is in [options] and in [grid]; want it in one of them"));
            }
            Some(Value::Array(values)) if !values.is_empty() => axes.push((name.to_string(), values)),
            Some(other) => return Err(format!("{name} in [grid] is {other}; want a list of values")),
        }
    }
    Ok(axes)
}

fn check_option(source: &str, key: &str) -> Result<(), String> {
    match key {
        "output" => Err("output is no option of a plan's run, whose folder has a name of its own; the key output in front of \
                         [options] is the folder of all"
            .into()),
        _ if Options::KEYS.contains(&key) => Ok(()),
        _ => Err(unknown_key(source, "option", key, Options::KEYS)),
    }
}

/// The path from the root, as it is written into records and given to the processes of a sweep, which takes text.
fn absolute(path: &Path, setting: &'static str) -> Result<PathBuf> {
    let whole = std::path::absolute(path).map_err(RecordError::io("find the folder of", path))?;
    match whole.to_str() {
        Some(_) => Ok(whole),
        None => {
            let legal = "a path in UTF-8, for runs write it down".into();
            Err(Error::Setting { setting, value: whole.display().to_string(), legal })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "name = \"a\"\nabout = \"b\"\noutput = \"c\"\n[options]\nlr = 0.1\n[[grid]]\nseed = [1, 2]\n[[grid]]\nmodel = [\"mlp\"]\n";

    fn parse(text: &str) -> Result<Plan, String> {
        Plan::parse(text, Path::new("dir/plan.toml")).map_err(|e| e.to_string())
    }

    #[test]
    fn a_plan_reads_as_it_is_written() {
        let plan = parse(WHOLE).unwrap();
        assert_eq!((plan.name.as_str(), plan.about.as_deref()), ("a", Some("b")));
        assert_eq!((plan.folder(), plan.grids.len()), (PathBuf::from("dir/c"), 2));
        assert_eq!(parse(&plan.to_toml()).unwrap(), plan);
        let least = parse("name = \"least\"").unwrap();
        assert_eq!(least.folder(), PathBuf::from("dir/least"));
        assert_eq!(parse(&least.to_toml()).unwrap(), least);
        let moved = least.with_places(Some(Path::new("/elsewhere")), Some(Path::new("/data"))).unwrap();
        assert_eq!(moved.folder(), PathBuf::from("/elsewhere"));
        assert_eq!(moved.options["data"].as_str(), Some("/data"));
    }

    #[test]
    fn mistakes_are_named_with_what_would_be_right() {
        for (text, part) in [
            ("", "has no name"),
            ("name = 3", "name is 3; want text"),
            ("name = \"a/b\"", "name is \"a/b\"; want letters"),
            ("name = \".\"", "want letters"),
            ("name = \"-a\"", "name is \"-a\"; want letters"),
            ("name = \"a\"\n[option]", "unknown key of a plan `option`; did you mean options"),
            ("name = \"a\"\n[options]\nepoch = 3", "line 3: unknown option `epoch`; did you mean epochs"),
            ("name = \"a\"\n[grid]\nseeds = [1]", "unknown option `seeds`; did you mean seed"),
            ("name = \"a\"\n[grid]\nseed = 1", "seed in [grid] is 1; want a list of values"),
            ("name = \"a\"\n[grid]\nseed = []", "want a list of values"),
            ("name = \"a\"\n[options]\nseed = 1\n[grid]\nseed = [1]", "in [options] and in [grid]"),
            ("name = \"a\"\n[options]\noutput = \"x\"", "in front of [options]"),
            ("name = \"a\"\noptions = 1", "want a table [options]"),
            ("name = \"a\"\ngrid = [1]", "want tables [[grid]]"),
            ("name = \"a", "TOML parse error"),
        ] {
            let text = parse(text).unwrap_err();
            assert!(text.starts_with("dir/plan.toml: ") && text.contains(part), "no `{part}` in: {text}");
        }
    }

    #[test]
    fn another_plan_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/plan.toml");
        let plan = Plan::parse(WHOLE, &path).unwrap();
        let bytes = || std::fs::read_to_string(&path).unwrap();
        plan.clone().write().unwrap();
        let (same, runs) = plan.clone().write().unwrap();
        assert_eq!((Plan::read(&path).unwrap(), same, runs.len()), (plan.clone(), plan.clone(), 3));
        // Data may have moved, and stay where the file says if nobody says otherwise; the file keeps what people wrote into it.
        let moved = plan.clone().with_places(None, Some(Path::new("/data"))).unwrap();
        moved.clone().write().unwrap();
        assert_eq!(Plan::read(&path).unwrap(), moved);
        std::fs::write(&path, format!("# mine\n{}", bytes())).unwrap();
        let (written, _) = plan.clone().write().unwrap();
        assert!(written == moved && bytes().starts_with("# mine\n"), "{}", bytes());
        let other = Plan { name: "other".into(), ..plan };
        let text = other.write().unwrap_err().to_string();
        assert!(text.contains("plan.toml: is another plan"), "{text}");
        assert!(bytes().starts_with("# mine\n"));
    }

    #[test]
    #[cfg(unix)]
    fn paths_are_text() {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/odd-\xff/plan.toml"));
        let plan = Plan::parse(WHOLE, odd).unwrap();
        let text = |result: Result<Plan>| result.unwrap_err().to_string();
        assert!(text(Plan::read(odd)).contains("want a path in UTF-8"));
        assert!(text(plan.clone().write().map(|(plan, _)| plan)).contains("want a path in UTF-8"));
        for (setting, places) in [("--runs-in is", (Some(odd), None)), ("--data is", (None, Some(odd)))] {
            let text = text(plan.clone().with_places(places.0, places.1));
            assert!(text.starts_with(setting) && text.contains("want a path in UTF-8"), "{text}");
        }
    }

    #[test]
    fn options_become_a_table_and_come_back() {
        let options: Options = toml::from_str(
            "epochs = 3\nlr = 0.1\naugment = false\nmilestones = [1, 2]\njitter = \"0.4,0.3,0.2,0.1\"\n\
             group = [\"fc.*:rate=0.5,frozen\"]\ndata = \"x\"",
        )
        .unwrap();
        let table = Table::try_from(&options).unwrap();
        assert_eq!(table.len(), 7, "{table}");
        assert_eq!(Value::Table(table).try_into::<Options>().unwrap(), options);
    }
}
