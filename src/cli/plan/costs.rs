//! What claims cost: their primary hypotheses at small sizes, and apart from these everything else.

use std::collections::BTreeSet;

use crate::{
    claim::Claim,
    evidence::Evidence,
    experiment::{Key, Seed, Trial},
    plan::{
        self,
        cost::{Cost, Throughput},
    },
    report::terminal,
    world::World,
};

/// Largest number of images of the small sizes. Larger ones cost most and show least.
const SMALL: u32 = 6400;

/// Explains the parts, below the table.
const PARTS: &str = "\
Primary and secondary hypotheses have up to 6,400 images a fine-tune; larger sizes are apart. \
Secondary hypotheses and larger sizes include every look, without what is counted above them; next \
is what is needed now.";

/// Fine-tunes.
pub(super) type Trials = BTreeSet<(Key, Seed)>;

/// The cost of fine-tunes, those of one family side by side.
pub(super) fn cost<'a>(trials: impl IntoIterator<Item = &'a (Key, Seed)>, world: &World) -> Cost {
    let trial =
        |(key, seed): &(Key, Seed)| Trial { recipe: world.recipe(key.clone()), seed: *seed };
    let trials: Vec<Trial> = trials.into_iter().map(trial).collect();
    Cost::of_trials(&trials, world)
}

/// A table of what each claim costs in parts, and of all together: claims share fine-tunes, so that
/// this is less than the sum. `to_run` are all fine-tunes that run next.
pub(super) fn by_claim(
    claims: &[&Claim],
    world: &World,
    evidence: &Evidence,
    to_run: &Trials,
    speed: Option<Throughput>,
) -> String {
    let rows = |name: &str, claims: &[&Claim]| {
        let next = plan::outstanding(claims, evidence).into_keys();
        let next = next.filter(|trial| to_run.contains(trial)).collect();
        let parts = parts(claims, world).into_iter().chain([("next", next)]);
        let mut rows: Vec<Vec<String>> = parts
            .filter(|(_, trials)| !trials.is_empty())
            .map(|(part, trials)| {
                let cost = cost(&trials, world);
                vec![
                    String::new(),
                    part.to_owned(),
                    trials.len().to_string(),
                    format!("{:.2e}", cost.trained + cost.tested),
                    format!("{:.2e}", cost.flops),
                    speed.map_or_else(|| "-".to_owned(), |speed| hours(speed.seconds(cost))),
                ]
            })
            .collect();
        if let Some(first) = rows.first_mut() {
            name.clone_into(&mut first[0]);
        }
        rows
    };
    let each = claims.iter().flat_map(|claim| rows(&claim.id, &[claim]));
    let all = (claims.len() > 1).then(|| rows("all of them", claims));
    let rows = each.chain(all.into_iter().flatten());
    let header = ["claim", "part", "fine-tunes", "images", "operations", "hours"];
    format!("{}\n\n{}\n", terminal::table(&header, rows), terminal::prose(PARTS))
}

/// Everything that claims could need: each primary hypothesis at its first look and at every look,
/// then what else secondary hypotheses and larger sizes need.
pub(super) fn parts(claims: &[&Claim], world: &World) -> [(&'static str, Trials); 4] {
    let (mut first, mut every) = (Trials::new(), Trials::new());
    for claim in claims {
        let primary = Claim { readings: Vec::new(), ..(*claim).clone() };
        let first_look = primary.design.looks.seeds()[0];
        let seeds: BTreeSet<Seed> = (0..first_look).map(World::seed).collect();
        for (key, seed) in plan::at_most(&[&primary], world).into_keys() {
            if key.images > SMALL {
                continue;
            }
            if seeds.contains(&seed) {
                first.insert((key.clone(), seed));
            }
            every.insert((key, seed));
        }
    }
    let others = plan::at_most(claims, world).into_keys().filter(|trial| !every.contains(trial));
    let (secondary, larger) = others.partition(|(key, _)| key.images <= SMALL);
    [
        ("primary, first look", first),
        ("primary, every look", every),
        ("secondary", secondary),
        ("larger sizes", larger),
    ]
}

/// Hours with two decimals, or without any from 100 on.
pub(super) fn hours(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours >= 100.0 { format!("{hours:.0}") } else { format!("{hours:.2}") }
}
