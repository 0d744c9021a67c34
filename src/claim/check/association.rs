//! Checks an association: a contrast by target and size, a similarity that the world can measure,
//! and a group that holds some of the targets and not all.

use std::{collections::BTreeSet, sync::Arc};

use toml::Spanned;

use super::{Checked, Checker, checked_id, fault};
use crate::claim::{
    Association, Axis, Cell, Similarity,
    association::{ACCURACY, RawAssociation, RawSimilarity},
    raw::{OneOrMany, RawCells, RawContrast},
};

impl Checker<'_> {
    pub(super) fn associations(&self, raw: &[RawAssociation]) -> Checked<Vec<Association>> {
        let mut seen = BTreeSet::new();
        let mut associations = Vec::new();
        for raw in raw {
            if !seen.insert(checked_id(&raw.id)?) {
                let what = format!("two associations have the id `{}`", raw.id.as_ref());
                return fault(raw.id.span(), what);
            }
            associations.push(self.association(raw)?);
        }
        Ok(associations)
    }

    fn association(&self, raw: &RawAssociation) -> Checked<Association> {
        let contrast = RawContrast { terms: raw.effect.as_ref().clone(), cells: None };
        let contrast = Spanned::new(raw.effect.span(), contrast);
        let effect = self.contrast(&contrast, &raw.cells, &ACCURACY)?;
        let at = raw.id.span();
        let whole = |cell: &Cell| cell.target.is_some() && cell.images.is_some();
        let rest = |cell: &Cell| cell.without(&Axis::Target).without(&Axis::Images);
        let rests: BTreeSet<Cell> = effect.cells.iter().map(rest).collect();
        if !effect.cells.iter().all(whole) || rests.len() > 1 {
            let what =
                "the cells of an association fix target and images, and vary in nothing else";
            return fault(at, what);
        }
        let group = RawCells {
            target: Some(Spanned::new(
                raw.similar.span(),
                OneOrMany(vec![raw.similar.as_ref().clone()]),
            )),
            ..RawCells::default()
        };
        let members = self.cells(&group, &raw.similar.span())?;
        let similar: BTreeSet<Arc<str>> =
            members.into_iter().filter_map(|cell| cell.target).collect();
        let targets: BTreeSet<Arc<str>> =
            effect.cells.iter().filter_map(|cell| cell.target.clone()).collect();
        if !similar.is_subset(&targets) || similar.len() == targets.len() {
            let what = "`similar` must be some of the association's targets, and not all of them";
            return fault(raw.similar.span(), what);
        }
        Ok(Association {
            id: raw.id.as_ref().clone(),
            statement: raw.statement.clone(),
            effect,
            similarity: self.similarity(&raw.similarity)?,
            similar,
            larger_on: raw.larger_on,
        })
    }

    fn similarity(&self, raw: &Spanned<RawSimilarity>) -> Checked<Similarity> {
        let of = match raw.as_ref() {
            RawSimilarity::HeadOnlyShare(of) => of,
            RawSimilarity::FrechetDistance(of) => {
                self.source(&of.source, &raw.span())?;
                return Ok(Similarity::FrechetDistance { source: of.source.as_str().into() });
            }
        };
        self.source(&of.source, &raw.span())?;
        let blocks: BTreeSet<u32> = of.blocks.iter().copied().collect();
        if blocks.len() != of.blocks.len() || blocks.len() < 2 || !blocks.contains(&0) {
            let what = "head_only_share compares at least two numbers of blocks, each once, and 0 \
                        among them";
            return fault(raw.span(), what);
        }
        let (source, blocks) = (of.source.as_str().into(), blocks.into_iter().collect());
        Ok(Similarity::HeadOnlyShare { source, blocks })
    }
}
