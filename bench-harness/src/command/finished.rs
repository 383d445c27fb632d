//! The runs that `compare` and `report` are about.

use std::path::PathBuf;

use super::plan_options::planned_runs;
use crate::error::Result;
use crate::lab::{Group, RunRecord, groups, read_runs};
use crate::plan::Plan;

/// The runs in these folders, as they may be compared; what was passed over is said on stderr.
///
/// # Errors
/// As [`read_runs`] and [`groups`].
pub(super) fn groups_in(folders: &[PathBuf]) -> Result<Vec<Group>> {
    let (runs, passed_over) = read_runs(folders)?;
    passed_over.iter().for_each(|words| eprintln!("note: {words}"));
    groups(runs)
}

/// The runs of a plan that were begun, as they may be compared.
///
/// # Errors
/// As [`planned_runs`] and [`groups`].
pub(super) fn groups_of_plan(plan: &Plan) -> Result<Vec<Group>> {
    groups(planned_runs(plan)?.iter().map(|folder| RunRecord::read(folder)).collect::<Result<_>>()?)
}
