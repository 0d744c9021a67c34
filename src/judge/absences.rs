//! What a verdict says of runs that are not in a log: those that the study planned, and those that
//! it never planned for an arm.

use super::{
    cell::Paired,
    join::{Joined, OfArm},
};

/// `; 3 seeds of natural were never planned, says log.toml; 2 planned runs of robust are not in the
/// log and count as anything in the metric's range`; empty where nothing is absent.
pub(super) fn in_words(joined: &Joined, replicate: &str) -> String {
    let never = joined.never_planned.iter().map(|of| never_planned(of, replicate, ""));
    let absent = joined.absent_runs.iter().map(|of| absent(of, ""));
    never.chain(absent).map(|words| format!("; {words}")).collect()
}

/// The same over all units of a hypothesis, with the number of units for each arm.
pub(super) fn of_all(units: &[Paired<'_>], replicate: &str) -> Option<String> {
    let lists = |of: fn(&Joined) -> &Vec<OfArm>| -> Vec<(OfArm, usize)> {
        let mut all: Vec<(OfArm, usize)> = Vec::new();
        for one in units.iter().flat_map(|unit| of(&unit.joined)) {
            match all.iter_mut().find(|(known, _)| known.arm == one.arm) {
                Some((known, cells)) => {
                    known.count += one.count;
                    *cells += 1;
                }
                None => all.push((one.clone(), 1)),
            }
        }
        all
    };
    let place = |cells: usize| format!(" in {cells} of {} cells", units.len());
    let never = lists(|joined| &joined.never_planned).into_iter();
    let never = never.map(|(of, cells)| never_planned(&of, replicate, &place(cells)));
    let lost = lists(|joined| &joined.absent_runs).into_iter();
    let lost = lost.map(|(of, cells)| absent(&of, &place(cells)));
    let all: Vec<String> = never.chain(lost).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn never_planned(OfArm { arm, count }: &OfArm, replicate: &str, place: &str) -> String {
    let (plural, were) = if *count == 1 { ("", "was") } else { ("s", "were") };
    format!("{count} {replicate}{plural} of {arm}{place} {were} never planned, says log.toml")
}

fn absent(OfArm { arm, count }: &OfArm, place: &str) -> String {
    let (plural, are, count_as) =
        if *count == 1 { ("", "is", "counts") } else { ("s", "are", "count") };
    format!(
        "{count} planned run{plural} of {arm}{place} {are} not in the log and {count_as} as \
         anything in the metric's range"
    )
}
