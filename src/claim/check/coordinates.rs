//! Checks the coordinates of arms and cells: the world knows their names, no list has a value
//! twice, and an arm and its cells together fix every coordinate exactly once.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use toml::Spanned;

use super::{Checked, Checker, fault, of_study, unknown};
use crate::{
    claim::{
        Arm, Cell,
        raw::{Name, OneOrMany, RawArm, RawCells, ValueOrGroup},
    },
    experiment::{Factors, Moment, Resolution},
    study::Study,
    util::suggest::did_you_mean,
};

/// Limit of cells; a spec with more is taken for a mistake.
pub(super) const MOST_CELLS: usize = 10_000;

impl Checker<'_> {
    pub(super) fn cells(&self, raw: &RawCells, at: &Range<usize>) -> Checked<Vec<Cell>> {
        if let Some(study) = &self.world.study {
            return of_study::cells(study, &raw.factors, at);
        }
        of_study::no_factors(&raw.factors)?;
        fn each<T: Clone>(values: &[T]) -> Vec<Option<T>> {
            if values.is_empty() { vec![None] } else { values.iter().cloned().map(Some).collect() }
        }
        let target = self.targets(raw.target.as_ref())?;
        let images = self.images(raw.images.as_ref())?;
        let blocks = many(raw.blocks.as_ref(), at)?;
        let resolution = self.resolutions(raw.resolution.as_ref())?;
        let repetitions: Vec<u32> = match raw.repetitions {
            None => Vec::new(),
            Some(0) => return fault(at.clone(), "repetitions is 0: it must be at least 1"),
            // Before the list is made, which has an entry for each.
            Some(count) if count as usize > MOST_CELLS => {
                let what = format!("{count} repetitions: the limit is {MOST_CELLS} cells");
                return fault(at.clone(), what);
            }
            Some(count) => (1..=count).collect(),
        };
        let lists = [&images, &blocks, &repetitions].map(Vec::len);
        let count = [target.len(), resolution.len()]
            .into_iter()
            .chain(lists)
            .fold(1_usize, |count, values| count.saturating_mul(values.max(1)));
        if count > MOST_CELLS {
            return fault(at.clone(), format!("{count} cells: the limit is {MOST_CELLS}"));
        }
        let mut cells = Vec::new();
        for target in &each(&target) {
            for &images in &each(&images) {
                // A list of sizes serves every target of the world; a target may have fewer images.
                if let (Some(target), Some(images)) = (target, images)
                    && !self.world.draws(target, images)
                {
                    continue;
                }
                for &blocks in &each(&blocks) {
                    for &resolution in &each(&resolution) {
                        for &repetition in &each(&repetitions) {
                            let target = target.clone();
                            let factors = Factors::new();
                            cells.push(Cell {
                                target,
                                images,
                                blocks,
                                resolution,
                                repetition,
                                factors,
                            });
                        }
                    }
                }
            }
        }
        if cells.is_empty() {
            fault(at.clone(), format!("the {} set-up has none of these sizes", self.world.id))
        } else {
            Ok(cells)
        }
    }

    pub(super) fn arm(&self, name: &Name) -> Checked<Arm> {
        let Some((key, raw)) = self.arms.iter().find(|(arm, _)| arm.as_ref() == name.as_ref())
        else {
            let names = self.arms.keys().map(|arm| arm.as_ref().as_str());
            let hint = did_you_mean(name.as_ref(), names);
            return fault(name.span(), format!("unknown arm `{}`{hint}", name.as_ref()));
        };
        if let Some(study) = &self.world.study {
            return of_study::arm(study, key, raw);
        }
        let RawArm { source, target, blocks, images, resolution, seed_stream, zoo, at, factors } =
            raw;
        of_study::no_factors(factors)?;
        let Some(source) = source else {
            return fault(key.span(), format!("arm `{}` has no source", key.as_ref()));
        };
        for name in &source.as_ref().0 {
            self.source(name, &source.span())?;
        }
        let sources = many(Some(source.as_ref()), &source.span())?;
        Ok(Arm {
            name: key.as_ref().clone(),
            source: sources.into_iter().map(Arc::from).collect(),
            target: self.targets(target.as_ref())?,
            blocks: many(blocks.as_ref(), &key.span())?,
            images: self.images(images.as_ref())?,
            resolution: self.resolutions(resolution.as_ref())?,
            seed_stream: match seed_stream {
                None => 0,
                Some(stream @ (1 | 2)) => *stream,
                Some(_) => {
                    return fault(key.span(), "a repetition has two seed streams: 1 and 2");
                }
            },
            zoo: match zoo {
                Some(0) => return fault(key.span(), "zoo is 0: zoos are counted from 1"),
                zoo => *zoo,
            },
            factors: BTreeMap::new(),
            at: at.map(|at| moment(at, key.span())).transpose()?,
        })
    }

    pub(super) fn source(&self, name: &str, at: &Range<usize>) -> Checked<()> {
        if self.world.sources.contains_key(name) || self.world.absent.contains_key(name) {
            return Ok(());
        }
        let hint = did_you_mean(name, self.world.sources.keys().map(String::as_str));
        unknown(at.clone(), format!("unknown source `{name}`{hint}"))
    }

    fn images(&self, raw: Option<&Spanned<OneOrMany<ValueOrGroup<u32>>>>) -> Checked<Vec<u32>> {
        let sizes = listed(raw, "list of sizes", &self.world.sizes)?;
        match raw {
            Some(raw) if sizes.contains(&0) => {
                fault(raw.span(), "images is 0: it must be at least 1")
            }
            _ => Ok(sizes),
        }
    }

    fn resolutions(
        &self,
        raw: Option<&Spanned<OneOrMany<ValueOrGroup<Resolution>>>>,
    ) -> Checked<Vec<Resolution>> {
        listed(raw, "list of resolutions", &self.world.resolutions)
    }

    pub(super) fn targets(
        &self,
        raw: Option<&Spanned<OneOrMany<String>>>,
    ) -> Checked<Vec<Arc<str>>> {
        let Some(raw) = raw else { return Ok(Vec::new()) };
        let mut targets = Vec::new();
        for name in many(Some(raw.as_ref()), &raw.span())? {
            let Some(members) = self.world.expand(&name) else {
                let hint = did_you_mean(&name, self.world.target_names());
                return unknown(raw.span(), format!("unknown target `{name}`{hint}"));
            };
            targets.extend(members);
        }
        match first_twice(&targets) {
            Some(target) => fault(raw.span(), format!("target `{target}` is given twice")),
            None => Ok(targets),
        }
    }
}

/// Checks that each coordinate is fixed by the arm or by the cells: not by both, not by neither.
pub(super) fn fits(
    arm: &Arm,
    cells: &[Cell],
    at: &Range<usize>,
    study: Option<&Study>,
) -> Checked<()> {
    let first = &cells[0];
    if let Some(study) = study {
        return of_study::fits(study, arm, first, at);
    }
    let coordinates = [
        ("target", !arm.target.is_empty(), first.target.is_some()),
        ("images", !arm.images.is_empty(), first.images.is_some()),
        ("blocks", !arm.blocks.is_empty(), first.blocks.is_some()),
        ("resolution", !arm.resolution.is_empty(), first.resolution.is_some()),
    ];
    for (name, in_arm, in_cells) in coordinates {
        if in_arm && in_cells {
            let arm = &arm.name;
            let what = format!("both arm `{arm}` and the cells fix {name}: remove one of them");
            return fault(at.clone(), what);
        }
        // Resolution alone has a default, native.
        if !in_arm && !in_cells && name != "resolution" {
            let arm = &arm.name;
            return fault(at.clone(), format!("neither arm `{arm}` nor the cells fix {name}"));
        }
    }
    let repeated = first.repetition.is_some();
    match (repeated, arm.seed_stream) {
        (true, 0) => {
            let arm = &arm.name;
            fault(
                at.clone(),
                format!("the cells repeat, so arm `{arm}` needs a seed_stream, 1 or 2"),
            )
        }
        (false, 1..) => {
            let arm = &arm.name;
            fault(at.clone(), format!("arm `{arm}` has a seed_stream, but no cell repeats"))
        }
        _ => Ok(()),
    }
}

/// Values, with the values of the world's lists that are named.
fn listed<T: Clone + PartialEq + std::fmt::Debug>(
    raw: Option<&Spanned<OneOrMany<ValueOrGroup<T>>>>,
    what: &str,
    lists: &BTreeMap<String, Vec<T>>,
) -> Checked<Vec<T>> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let mut values = Vec::new();
    for named in &raw.as_ref().0 {
        match named {
            ValueOrGroup::Value(value) => values.push(value.clone()),
            ValueOrGroup::Name(name) => match lists.get(name) {
                Some(list) => values.extend(list.iter().cloned()),
                None => {
                    let hint = did_you_mean(name, lists.keys().map(String::as_str));
                    return fault(raw.span(), format!("unknown {what} `{name}`{hint}"));
                }
            },
        }
    }
    many(Some(&OneOrMany(values)), &raw.span())
}

fn many<T: Clone + PartialEq + std::fmt::Debug>(
    raw: Option<&OneOrMany<T>>,
    at: &Range<usize>,
) -> Checked<Vec<T>> {
    let Some(OneOrMany(values)) = raw else { return Ok(Vec::new()) };
    if values.is_empty() {
        return fault(at.clone(), "the list is empty: remove the field or list a value");
    }
    match first_twice(values) {
        Some(value) => fault(at.clone(), format!("{value:?} is given twice")),
        None => Ok(values.clone()),
    }
}

pub(super) fn first_twice<T: PartialEq>(values: &[T]) -> Option<&T> {
    values
        .iter()
        .enumerate()
        .find(|(index, value)| values[..*index].contains(value))
        .map(|(_, v)| v)
}

/// Whether two arms read the same evaluations of the same fine-tunes in every cell.
pub(super) fn same_runs(left: &Arm, right: &Arm) -> bool {
    (&left.source, &left.target, &left.blocks, &left.images, &left.resolution)
        == (&right.source, &right.target, &right.blocks, &right.images, &right.resolution)
        && left.factors == right.factors
        && (left.seed_stream, left.zoo, left.at) == (right.seed_stream, right.zoo, right.at)
}

pub(super) fn moment(at: Moment, span: Range<usize>) -> Checked<Moment> {
    match at {
        Moment::Epoch(0) => fault(span, "epoch is 0: epochs are counted from 1"),
        Moment::FromShare(share) if !(share > 0.0 && share <= 1.0) => {
            fault(span, "from_share must be a share of the schedule, above 0 and at most 1")
        }
        at => Ok(at),
    }
}
