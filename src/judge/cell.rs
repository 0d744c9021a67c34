//! The verdict on one cell, or on one average over cells: paired by seed and judged at the deciding
//! look (interim analysis), with flags and a reason.

use std::cell::OnceCell;

use super::{
    absences, ceiling,
    decide::{Answer, Group, Side, Test, decide_with},
    diverged,
    early::{self, Estimates},
    factors::factors_of,
    flag::Flag,
    floor, images,
    interim::Interim,
    per_image::PerImage,
    power,
    resolution::resolution,
    result::{CellVerdict, SeedsAndImages, Unpaired, UnpairedArm, Welch},
    same_numbers::{SameNumbers, same_numbers},
    targets,
};
use crate::{
    claim::{Cell, Contrast, Design, Hypothesis, Metric, Over, Relation, Term, Unit, keys},
    evidence::{Evidence, SamplingDesign},
    experiment::{Key, Verdict},
    judge::{
        join::{Independent, Joined, OfArm, Row, join},
        observe::{Censored, Unobservable},
    },
    stats::{
        AddedVariance, Alpha, Interval, Sample, e_value, paired_t, sign_flip_p, t_with_added,
        welch_contrast,
    },
};

/// How far rounding on another processor may move a mean, in the contrast's unit: twice the largest
/// difference that was observed, a point; on a logarithmic scale, what a point makes at 90 %.
pub(super) fn close(unit: &Unit) -> f64 {
    match unit {
        Unit::Points | Unit::Epochs | Unit::Nats => 1.0,
        Unit::LogOdds | Unit::LogError => 0.1,
        Unit::Own(_) => 0.0,
    }
}

/// A hypothesis with the design and the evidence that it is judged with.
#[derive(Clone, Copy)]
pub(super) struct Analysis<'a> {
    pub(super) hypothesis: &'a Hypothesis,
    pub(super) design: &'a Design,
    pub(super) evidence: &'a Evidence,
    /// Standard deviation of leads between checkpoints, in the metric's unit: 0, except in the
    /// question how far a verdict stands.
    pub(super) checkpoint_sd: f64,
    /// What varies in the interval: what the hypothesis asks for, except in the question whether
    /// test images would change its verdict.
    pub(super) over: Over,
}

/// One contrast in one cell, or averaged over several, with its values paired by seed.
pub(super) struct Paired<'a> {
    pub(super) contrast: &'a Contrast,
    named: Cell,
    pub(super) cells: Vec<Cell>,
    pub(super) joined: Joined,
    /// The smallest step of its values; their spread is at least half of it.
    pub(super) resolution: f64,
    /// That of each arm's values, where arms share no replicates.
    steps: Vec<f64>,
    per_image: OnceCell<PerImage>,
}

impl<'a> Analysis<'a> {
    pub(super) fn new(
        hypothesis: &'a Hypothesis,
        design: &'a Design,
        evidence: &'a Evidence,
    ) -> Self {
        Self { hypothesis, design, evidence, checkpoint_sd: 0.0, over: hypothesis.over }
    }

    /// Pairs the values of one contrast in one cell, or averaged over several, by seed.
    pub(super) fn paired(
        &self,
        contrast: &'a Contrast,
        named: Cell,
        cells: Vec<Cell>,
    ) -> Paired<'a> {
        let (terms, metric) = (&contrast.terms, &self.hypothesis.metric);
        let joined = join(terms, &cells, metric, self.evidence);
        let resolution = resolution(terms, &cells, metric, self.evidence);
        let step = |arm: &Independent| {
            let own: Vec<Term> = arm.terms.iter().map(|term| terms[*term].clone()).collect();
            self::resolution(&own, &cells, metric, self.evidence)
        };
        let steps = joined.independent.iter().map(step).collect();
        Paired { contrast, named, cells, joined, resolution, steps, per_image: OnceCell::new() }
    }

    /// The values of the first `count` replicates, of each arm where arms share none; `leaving_out`
    /// says which rows of a group are left out.
    pub(super) fn groups(
        unit: &Paired<'_>,
        count: usize,
        leaving_out: impl Fn(Option<&Independent>, &Row) -> bool,
    ) -> Vec<Group> {
        let group = |arm: Option<&Independent>, rows: &[Row], resolution: f64| {
            let rows = &rows[..rows.len().min(count)];
            let kept = rows.iter().filter(|row| !leaving_out(arm, row));
            let values: Vec<Censored> = kept.map(|row| row.contrast).collect();
            Group { left_out: rows.len() - values.len(), values, resolution }
        };
        let Paired { joined, resolution, steps, .. } = unit;
        match joined.independent.as_slice() {
            [] => vec![group(None, &joined.rows, *resolution)],
            arms => arms
                .iter()
                .zip(steps)
                .map(|(arm, step)| group(Some(arm), &arm.rows, *step))
                .collect(),
        }
    }

    /// How the first `seeds` replicates of a unit are tested.
    pub(super) fn test(&self, unit: &Paired<'_>, seeds: usize) -> Test {
        let replicates = &self.evidence.replicates;
        Test {
            relation: self.hypothesis.relation,
            alpha: self.level(),
            added: self.added(unit, seeds),
            test_to_train: replicates.structure.test_to_train(),
            each_end: replicates.planned.is_some(),
        }
    }

    /// The answer at each look. `shift` is added to every value, in the metric's unit: 0, except
    /// in the check for borderline verdicts.
    pub(super) fn interim(&self, unit: &Paired<'_>, shift: f64) -> Interim {
        let Paired { contrast, named, joined, .. } = unit;
        let contrasts = &self.hypothesis.contrasts;
        let judgeable = joined.mixed_recipes.is_none()
            && self.at_the_floor(contrast, joined).is_none()
            && self.same_numbers(unit, joined).deterministic.is_none();
        let seeds = if judgeable { self.looks(joined.replicates()) } else { Vec::new() };
        let answer = |seeds: usize| {
            let mut groups = Self::groups(unit, self.of_each(seeds), |_, _| false);
            for value in &mut groups[0].values {
                *value = value.shifted(shift);
            }
            decide_with(&groups, self.test(unit, seeds))
        };
        let name = self.hypothesis.cell_name(named);
        Interim {
            name: match contrasts.as_slice() {
                [_] => name,
                // The coordinates alone are ambiguous.
                _ => format!("{} at {name}", contrast.label),
            },
            answers: seeds.into_iter().map(answer).collect(),
            looks: match self.evidence.design {
                SamplingDesign::FixedSample => 1,
                SamplingDesign::GroupSequential => self.design.looks.count(),
            },
            incomplete: !joined.absent.is_empty() || joined.unread,
            can_continue: judgeable && joined.unobservable.is_none() && self.has_more_seeds(unit),
        }
    }

    /// The variance beside that over the first seeds. Without the bits of all of them, over seeds
    /// alone.
    pub(super) fn added(&self, unit: &Paired<'_>, seeds: usize) -> AddedVariance {
        let checkpoints = AddedVariance::known(self.checkpoint_sd);
        match self.over {
            Over::Seeds => checkpoints,
            Over::SeedsAndImages => self.per_image(unit).variance(seeds).unwrap_or(checkpoints),
        }
    }

    /// The contributions of test images to the contrast, read once.
    fn per_image<'b>(&self, unit: &'b Paired<'_>) -> &'b PerImage {
        let Paired { contrast, cells, joined, per_image, .. } = unit;
        let (metric, rows) = (&self.hypothesis.metric, &joined.rows);
        let looks = self.looks(rows.len());
        per_image.get_or_init(|| {
            PerImage::new(&contrast.terms, cells, metric, rows, self.evidence, &looks)
        })
    }

    /// The interval over seeds and test images together, over the seeds of `joined`.
    fn seeds_and_images(&self, unit: &Paired<'_>, joined: &Joined) -> Option<SeedsAndImages> {
        if joined.mixed_recipes.is_some() {
            return None;
        }
        let added = self.per_image(unit).variance(joined.rows.len())?;
        let values = joined.rows.iter().map(|row| row.contrast.exact());
        let sample = Sample::new(values.collect::<Option<Vec<f64>>>()?).ok()?;
        let sample = sample.with_resolution(unit.resolution);
        let test = t_with_added(&sample, 0.0, added);
        let Interval { low, high } = test.interval(self.level());
        let side = Side::from_bounds(low, high, self.hypothesis.relation);
        Some(SeedsAndImages { low, high, df: test.degrees_of_freedom, verdict: side.into() })
    }

    /// Whether the zoos of seeds after those of the evidence have a model of every arm, up to the
    /// next look.
    fn has_more_seeds(&self, Paired { contrast, cells, joined, .. }: &Paired<'_>) -> bool {
        let looks = self.design.looks.seeds();
        let Some(next) = looks.iter().find(|look| **look > joined.replicates()) else {
            return false;
        };
        let keys = keys(&contrast.terms, cells, &self.hypothesis.metric);
        self.evidence.world.seeds_with_models(&keys, *next) == *next
    }

    /// How many replicates of each arm the look of this many has: all of them in a fixed design,
    /// where arms that share none may have more than others.
    pub(super) fn of_each(&self, look: usize) -> usize {
        match self.evidence.design {
            SamplingDesign::FixedSample => usize::MAX,
            SamplingDesign::GroupSequential => look,
        }
    }

    /// Why a cell is at the metric's floor, by the seeds of the first look.
    fn at_the_floor(&self, contrast: &Contrast, joined: &Joined) -> Option<String> {
        let look = self.first_look(joined.rows.len());
        floor::at_the_floor(&self.hypothesis.metric, &contrast.terms, &joined.rows, look)
    }

    /// Seeds that change nothing; an arm is deterministic by the seeds of the first look. A record
    /// of our own says by its recipe and its weights that its seed was another.
    fn same_numbers(&self, unit: &Paired<'_>, joined: &Joined) -> SameNumbers {
        if self.evidence.kind.is_local() {
            return SameNumbers::default();
        }
        let Paired { contrast, cells, .. } = unit;
        let seeds = joined.seeds(self.evidence, |_| true);
        let (metric, look) = (&self.hypothesis.metric, self.first_look(seeds.len()));
        same_numbers(&contrast.terms, cells, metric, &seeds, look, self.evidence)
    }

    /// The number of seeds of the first look: all of them in a fixed design.
    fn first_look(&self, seeds: usize) -> usize {
        match self.evidence.design {
            SamplingDesign::FixedSample => seeds,
            SamplingDesign::GroupSequential => self.design.looks.seeds()[0],
        }
    }

    /// The numbers of seeds of the looks that `seeds` seeds reach: all of them in a fixed design.
    pub(super) fn looks(&self, seeds: usize) -> Vec<usize> {
        match self.evidence.design {
            SamplingDesign::FixedSample if seeds == 0 => Vec::new(),
            SamplingDesign::FixedSample => vec![seeds],
            SamplingDesign::GroupSequential => self.design.looks.reached_by(seeds).collect(),
        }
    }

    /// One-sided level of one look's confidence interval.
    pub(super) fn level(&self) -> Alpha {
        match self.evidence.design {
            SamplingDesign::FixedSample => self.design.alpha,
            SamplingDesign::GroupSequential => self.design.looks.level(self.design.alpha),
        }
    }

    /// The verdict on a cell after `looks_used` looks: that of the deciding look. Seeds after that
    /// look are not reported, whatever else the evidence holds.
    pub(super) fn verdict(
        &self,
        unit: &Paired<'_>,
        interim: &Interim,
        looks_used: usize,
    ) -> CellVerdict {
        let Paired { contrast, named, joined, .. } = unit;
        let sequential = self.evidence.design == SamplingDesign::GroupSequential;
        let decisive = interim.decisive(looks_used);
        let (index, answer) = (decisive.map(|(index, _)| index), decisive.map(|(_, it)| it));
        let look = index.filter(|_| sequential).map(|index| self.design.looks.seeds()[index]);
        let seeds_used = looks_used.checked_sub(1).map(|last| self.design.looks.seeds()[last]);
        let mut joined = joined.clone();
        joined.truncate(look.unwrap_or(usize::MAX));
        let side = answer.map_or(Side::Undecided, |answer| answer.side);
        let at_the_floor = self.at_the_floor(contrast, &joined);
        let same_numbers = self.same_numbers(unit, &joined);
        let unjudged = at_the_floor.as_ref().or(same_numbers.deterministic.as_ref());
        let judged = unjudged.is_none();
        let welch = self.welch(&contrast.terms, &joined).filter(|_| judged);
        let seeds_and_images = self.seeds_and_images(unit, &joined).filter(|_| judged);
        let stopped_early =
            side != Side::Undecided && look.is_some_and(|look| look < self.design.looks.last());
        let look_index = index.filter(|_| sequential);
        let estimates = self.estimates(&joined, unit.resolution, look_index, stopped_early);
        let mut flags =
            self.flags(contrast, &joined, answer, welch.as_ref(), seeds_and_images.as_ref());
        flags.extend(stopped_early.then_some(Flag::StoppedEarly));
        flags.extend(at_the_floor.is_some().then_some(Flag::AtTheFloor));
        let deterministic = same_numbers.deterministic.is_some();
        flags.extend(deterministic.then_some(Flag::Deterministic));
        let repeated = !deterministic && same_numbers.seeds > 0;
        flags.extend(repeated.then_some(Flag::SameNumbers));
        let near = ceiling::is_near(&self.hypothesis.metric, &joined, self.evidence);
        flags.extend((near && answer.is_some()).then_some(Flag::NearCeiling));
        let count = |of: &[OfArm]| of.iter().map(|of| of.count).sum();
        let interval = answer.filter(|answer| answer.low.is_some() || answer.high.is_some());
        let mut cell = CellVerdict {
            name: self.hypothesis.cell_name(named),
            target: named.target.as_deref().map(str::to_owned),
            images: named.images,
            blocks: named.blocks,
            resolution: named.resolution,
            repetition: named.repetition,
            factors: factors_of(named),
            contrast: contrast.label.clone(),
            unit: self.hypothesis.metric.unit(),
            seeds: joined.replicates(),
            mean: answer.and_then(|answer| answer.estimate),
            low: answer.and_then(|answer| answer.low),
            high: answer.and_then(|answer| answer.high),
            confidence: interval.map(|_| 100.0 * (1.0 - 2.0 * self.level().level())),
            t: answer.and_then(|answer| answer.t),
            p: answer.and_then(|answer| answer.p),
            p_adjusted: None,
            verdict: if interim.incomplete { Verdict::Incomplete } else { side.into() },
            detectable: None,
            reason: self.reason(unit, &joined, answer, unjudged.map(String::as_str)),
            flags,
            missing_seeds: joined.missing_seeds,
            spared_seeds: match side {
                Side::Undecided => 0,
                _ if !sequential => 0,
                _ => self.design.looks.last().saturating_sub(seeds_used.unwrap_or_default()),
            },
            unmatched_seeds: joined.unmatched_seeds,
            same_seeds: same_numbers.seeds,
            failed_seeds: joined.all_rows().filter(|row| failed(row)).count(),
            absent_runs: count(&joined.absent_runs),
            never_planned: count(&joined.never_planned),
            unpaired: self.unpaired(unit, &joined),
            look,
            e_value: self.e_value(&joined, unit.resolution).filter(|_| judged),
            welch,
            seeds_and_images,
            test_images: images::interval(
                &self.hypothesis.metric,
                self.per_image(unit),
                joined.rows.len(),
                self.design.alpha,
            ),
            seeds_ahead: answer.and_then(|_| self.seeds_ahead(&joined)),
            sign_flip_p: answer.and_then(|_| self.sign_flip_p(&joined)),
            median_unbiased: estimates.median_unbiased,
            stopping_bias: estimates.bias,
            range_over_targets: answer.and_then(|_| targets::range(self, unit, &joined.rows)),
        };
        if cell.verdict == Verdict::Inconclusive {
            cell.detectable = power::detectable_in(self, &cell, self.level().level());
        }
        cell
    }

    /// The threshold of a one-sided hypothesis; an equivalence has two.
    fn one_threshold(&self) -> Option<f64> {
        let relation = self.hypothesis.relation;
        let one = !matches!(relation, Relation::EquivalentWithin(_));
        one.then(|| relation.threshold())
    }

    fn seeds_ahead(&self, joined: &Joined) -> Option<usize> {
        let threshold = self.one_threshold().filter(|_| joined.independent.is_empty())?;
        Some(joined.rows.iter().filter(|row| row.contrast.low > threshold).count())
    }

    fn sign_flip_p(&self, joined: &Joined) -> Option<f64> {
        if self.are_folds() {
            return None;
        }
        let values: Option<Vec<f64>> = joined.rows.iter().map(|row| row.contrast.exact()).collect();
        sign_flip_p(&values?, self.one_threshold()?)
    }

    /// Whether replicates are folds, so that their differences are not independent.
    fn are_folds(&self) -> bool {
        self.evidence.replicates.structure.test_to_train() > 0.0
    }

    /// What Welch's t is made of, where arms share no replicates.
    fn unpaired(&self, unit: &Paired<'_>, joined: &Joined) -> Option<Unpaired> {
        if joined.independent.is_empty() || joined.replicates() == 0 {
            return None;
        }
        let (terms, overlap) =
            (&unit.contrast.terms, self.evidence.replicates.structure.test_to_train());
        let mut arms = Vec::new();
        let mut samples: Vec<Option<Sample>> = Vec::new();
        for (arm, step) in joined.independent.iter().zip(&unit.steps) {
            let of_group: Vec<f64> =
                arm.rows.iter().filter_map(|row| row.contrast.exact()).collect();
            let sample = Sample::new(of_group).ok();
            samples.push(sample.map(|of| of.with_resolution(*step).as_folds(overlap)));
            for (place, &term) in arm.terms.iter().enumerate() {
                let values = arm.rows.iter().filter_map(|row| row.arms[place].exact());
                let values: Vec<f64> = values.collect();
                let sample = Sample::new(values).ok();
                arms.push(UnpairedArm {
                    arm: terms[term].arm.name.clone(),
                    replicates: arm.rows.len(),
                    mean: sample.as_ref().map(Sample::mean),
                    standard_deviation: sample.as_ref().map(Sample::standard_deviation),
                });
            }
        }
        let samples: Option<Vec<Sample>> = samples.into_iter().collect();
        let df = samples.map(|samples| {
            let of: Vec<(f64, &Sample)> = samples.iter().map(|sample| (1.0, sample)).collect();
            welch_contrast(&of, 0.0).degrees_of_freedom
        });
        Some(Unpaired { df: df.filter(|df| df.is_finite()), arms })
    }

    /// The estimates of a sequential design at the look of this index.
    fn estimates(
        &self,
        joined: &Joined,
        resolution: f64,
        look: Option<usize>,
        early: bool,
    ) -> Estimates {
        let values: Option<Vec<f64>> = joined.rows.iter().map(|row| row.contrast.exact()).collect();
        let sample = values.and_then(|values| Sample::new(values).ok());
        match (sample, self.one_threshold(), look) {
            (Some(sample), Some(threshold), Some(look)) => {
                let sample = sample.with_resolution(resolution);
                early::estimates(&sample, threshold, self.design, look, early)
            }
            _ => Estimates::default(),
        }
    }

    /// Welch's unpaired test on the same seeds at the same level.
    fn welch(&self, terms: &[Term], joined: &Joined) -> Option<Welch> {
        if joined.mixed_recipes.is_some() {
            return None;
        }
        let overlap = self.evidence.replicates.structure.test_to_train();
        let samples: Vec<Sample> = (0..terms.len())
            .map(|arm| {
                joined.rows.iter().map(|row| row.arms[arm].exact()).collect::<Option<Vec<f64>>>()
            })
            .map(|values| Some(Sample::new(values?).ok()?.as_folds(overlap)))
            .collect::<Option<Vec<Sample>>>()?;
        let arms: Vec<(f64, &Sample)> =
            terms.iter().zip(&samples).map(|(term, sample)| (term.weight, sample)).collect();
        let interval = welch_contrast(&arms, 0.0).interval(self.level());
        let finite = interval.low.is_finite() && interval.high.is_finite();
        finite.then(|| Welch {
            low: interval.low,
            high: interval.high,
            verdict: Side::from_bounds(interval.low, interval.high, self.hypothesis.relation)
                .into(),
        })
    }

    fn e_value(&self, joined: &Joined, resolution: f64) -> Option<f64> {
        if joined.mixed_recipes.is_some()
            || self.are_folds()
            || matches!(self.hypothesis.relation, Relation::EquivalentWithin(_))
        {
            return None;
        }
        let values =
            joined.rows.iter().map(|row| row.contrast.exact()).collect::<Option<Vec<f64>>>()?;
        let sample = Sample::new(values).ok()?.with_resolution(resolution);
        let t = paired_t(&sample, self.hypothesis.relation.threshold()).t;
        Some(e_value(t, sample.len(), self.design.e_value_g)).filter(|value| value.is_finite())
    }

    fn flags(
        &self,
        contrast: &Contrast,
        joined: &Joined,
        answer: Option<&Answer>,
        welch: Option<&Welch>,
        seeds_and_images: Option<&SeedsAndImages>,
    ) -> Vec<Flag> {
        let diverged = joined.all_rows().any(diverged::has_diverged);
        let censored = joined.all_rows().any(|row| {
            let known = row.contrast.exact().is_some() || diverged::has_diverged(row);
            row.contrast.finished && !known
        });
        let metric = &self.hypothesis.metric;
        let best = contrast.terms.iter().any(|term| metric.is_best(term.arm.at));
        let disagrees = welch
            .zip(answer)
            .is_some_and(|(welch, answer)| welch.verdict != Verdict::from(answer.side));
        [
            (Flag::NoRecords, !joined.absent.is_empty()),
            (Flag::MixedRecipes, joined.mixed_recipes.is_some()),
            (
                Flag::ShareNotLogged,
                joined.unobservable.as_ref().is_some_and(Unobservable::is_far_from_share),
            ),
            (Flag::SingleSeed, joined.replicates() == 1),
            (Flag::MissingSeeds, joined.missing_seeds > 0),
            (Flag::UnmatchedSeeds, joined.unmatched_seeds > 0),
            (Flag::FailedTrials, joined.all_rows().any(failed)),
            (Flag::AbsentRuns, !joined.absent_runs.is_empty()),
            (Flag::Diverged, diverged),
            (Flag::Censored, censored),
            (Flag::ScheduleDiffers, joined.schedule_differs),
            (Flag::SubsetOverPool, joined.subset_over_pool),
            (Flag::BestOnTest, best),
            (Flag::SpreadFloored, answer.is_some_and(|answer| answer.spread_floored)),
            (Flag::WelchDisagrees, disagrees),
            (
                Flag::ChangedByTestImages,
                seeds_and_images.zip(answer).is_some_and(|(with_images, answer)| {
                    with_images.verdict != Verdict::from(answer.side)
                }),
            ),
            (
                Flag::SeedsAlone,
                self.over == Over::SeedsAndImages && answer.is_some() && seeds_and_images.is_none(),
            ),
            (Flag::Borderline, answer.is_some_and(|answer| self.is_borderline(answer))),
        ]
        .into_iter()
        .filter_map(|(flag, raised)| raised.then_some(flag))
        .collect()
    }

    /// Whether an end of the interval lies within [`close`] of the margin, of either margin of an
    /// equivalence. Local runs only: a published log has the same numbers on every processor.
    fn is_borderline(&self, answer: &Answer) -> bool {
        let by = close(&self.hypothesis.metric.unit());
        let margins = match self.hypothesis.relation {
            Relation::EquivalentWithin(margin) => [-margin, margin],
            relation => [relation.threshold(); 2],
        };
        let near = |end: f64| margins.into_iter().any(|margin| (end - margin).abs() < by);
        let close = |end: Option<f64>| end.is_some_and(near);
        self.evidence.design == SamplingDesign::GroupSequential
            && (close(answer.low) || close(answer.high))
    }

    /// The reason for the verdict on this cell.
    fn reason(
        &self,
        unit: &Paired<'_>,
        joined: &Joined,
        answer: Option<&Answer>,
        unjudged: Option<&str>,
    ) -> String {
        if let [first, rest @ ..] = joined.absent.as_slice() {
            let more =
                if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            return format!("no record of {first}{more}");
        }
        if let Some(mixed) = &joined.mixed_recipes {
            return format!("mixed recipes ({mixed}): the arms can't be compared");
        }
        if let Some(reason) = &joined.unobservable {
            return reason.to_string();
        }
        if let Some(why) = unjudged {
            return why.to_owned();
        }
        let Hypothesis { metric, relation, .. } = self.hypothesis;
        let unit_name = metric.unit().after();
        let absences = absences::in_words(joined, &self.evidence.replicates.name);
        let Some(answer) = answer else {
            let seeds = joined.replicates();
            let common =
                if joined.independent.is_empty() { " in common to all arms" } else { " of an arm" };
            let few = format!("too few seeds{common} ({seeds})");
            return self.evidence.world.with_its_replicate(&few) + &absences;
        };
        let Paired { contrast, cells, .. } = unit;
        let seeds = joined.seeds(self.evidence, diverged::has_diverged);
        let diverged = diverged::reason(&contrast.terms, cells, metric, &seeds, self.evidence);
        let boundless = self.boundless(joined);
        diverged.or(boundless).unwrap_or_else(|| {
            let answer = answer.in_words(*relation, &unit_name, &joined.counts());
            let answer = self.evidence.world.with_its_replicate(&answer);
            format!("{answer}{absences}")
        })
    }

    /// Why a cell has no interval where a run that stopped may have had any value at all.
    fn boundless(&self, joined: &Joined) -> Option<String> {
        let Metric::Study(of) = &self.hypothesis.metric else { return None };
        let rows = joined.independent.iter().flat_map(|arm| &arm.rows).chain(&joined.rows);
        let mut stopped = rows.filter(|row| failed(row));
        stopped.any(|row| !row.contrast.low.is_finite() || !row.contrast.high.is_finite()).then(
            || {
                format!(
                    "no confidence interval, since a run that stopped could have had any {}: \
                     log.toml states no `range` of it",
                    of.metric.name
                )
            },
        )
    }

    /// The reason for an incomplete hypothesis: missing records, or records without the metric.
    pub(super) fn incomplete(&self, judged: &[CellVerdict]) -> String {
        let keys = self.hypothesis.keys();
        let absent: Vec<&Key> =
            keys.iter().filter(|key| self.evidence.records.seeds(key).is_none()).collect();
        if absent.is_empty() {
            let unread = judged.iter().filter(|cell| cell.verdict == Verdict::Incomplete);
            let unread: Vec<&CellVerdict> = unread.collect();
            let (cell, why) = unread.first().map_or(("", ""), |cell| (&cell.name, &cell.reason));
            return format!(
                "the {} evidence has a record of every {}, but {} of {} {} can't be measured: \
                 {why} ({cell})",
                self.evidence.kind,
                self.evidence.world.records_of().trim_end_matches('s'),
                unread.len(),
                judged.len(),
                if self.hypothesis.average_over.is_empty() { "cells" } else { "averages" },
            );
        }
        let first = absent.first().map_or_else(String::new, |key| format!(", such as {key}"));
        let Hypothesis { metric, .. } = self.hypothesis;
        let world = &self.evidence.world;
        let unavailable = absent.iter().find_map(|key| metric.unavailable(key, world));
        let unavailable = unavailable.filter(|_| self.evidence.kind.is_local());
        let because = unavailable.map_or_else(String::new, |reason| format!(" ({reason})"));
        format!(
            "missing records of {} of {} {} in the {} evidence{first}{because}",
            absent.len(),
            keys.len(),
            world.records_of(),
            self.evidence.kind,
        )
    }
}

/// Whether a run of a row stopped early; absent runs are counted by themselves.
fn failed(row: &Row) -> bool {
    !row.contrast.finished && !row.absent
}
