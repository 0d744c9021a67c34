//! What claims cost: their primary hypotheses at small sizes, and apart from these what is asked beside
//! them.

use std::collections::BTreeSet;

use crate::{
    claim::Claim,
    evidence::Evidence,
    experiment::{Key, Seed, Trial},
    plan::{
        self,
        cost::{Price, Speed},
    },
    report::terminal,
    world::World,
};

/// Sizes that are priced apart from the larger ones, which cost most and show least.
const SMALL: u32 = 6400;

/// Said below the table: its words for the parts.
const PARTS: &str = "\
Primary hypotheses and readings to 6,400 images a fine-tune; larger sizes are apart. Readings and \
larger sizes are with every look, without what is counted above them; next is what is needed now.";

/// Fine-tunes without those who want them.
pub(super) type Trials = BTreeSet<(Key, Seed)>;

/// What fine-tunes cost, those of one family side by side.
pub(super) fn price<'a>(trials: impl IntoIterator<Item = &'a (Key, Seed)>, world: &World) -> Price {
    let trial =
        |(key, seed): &(Key, Seed)| Trial { recipe: world.recipe(key.clone()), seed: *seed };
    let trials: Vec<Trial> = trials.into_iter().map(trial).collect();
    Price::of_all(&trials, world)
}

/// A table of what each claim costs in parts, all of them together at its end: claims share fine-tunes, so
/// that this is less than a sum. `to_run` are all that are to be run next.
pub(super) fn by_claim(
    claims: &[&Claim],
    world: &World,
    evidence: &Evidence,
    to_run: &Trials,
    speed: Speed,
) -> String {
    let rows = |name: &str, claims: &[&Claim]| {
        let next = plan::outstanding(claims, evidence).into_keys();
        let next = next.filter(|trial| to_run.contains(trial)).collect();
        let parts = parts(claims, world).into_iter().chain([("next", next)]);
        let mut rows: Vec<Vec<String>> = parts
            .filter(|(_, trials)| !trials.is_empty())
            .map(|(part, trials)| {
                let price = price(&trials, world);
                vec![
                    String::new(),
                    part.to_owned(),
                    trials.len().to_string(),
                    format!("{:.2e}", price.trained + price.tested),
                    format!("{:.2e}", price.operations),
                    hours(speed.seconds(price)),
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

/// All that claims could ask for: what each primary hypothesis needs to be looked at once, and at most,
/// then what is left of readings and of larger sizes.
fn parts(claims: &[&Claim], world: &World) -> [(&'static str, Trials); 4] {
    let (mut first, mut every) = (Trials::new(), Trials::new());
    for claim in claims {
        let primary = Claim { readings: Vec::new(), ..(*claim).clone() };
        let looked_at = primary.design.looks.seeds()[0];
        let seeds: BTreeSet<Seed> = (0..looked_at).map(World::seed).collect();
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
    let (readings, larger) = others.partition(|(key, _)| key.images <= SMALL);
    [
        ("primary, first look", first),
        ("primary, every look", every),
        ("readings", readings),
        ("larger sizes", larger),
    ]
}

/// Hours to two digits, or more where there are many.
fn hours(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours >= 100.0 { format!("{hours:.0}") } else { format!("{hours:.2}") }
}
