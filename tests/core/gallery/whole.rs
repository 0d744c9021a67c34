//! Evidence of a world with every fine-tune that figures show.

use repro::{
    evidence::{Evidence, Record, Status},
    experiment::{
        Counts, Evaluation, EvidenceKind, Found, InfluentialExample, Inverse, MeasuredInfluence,
        Pictured, RecipeDigest,
    },
    figure::catalogue::{Figure, FigureCatalogue},
    world::World,
};

use super::common::own_evidence;

/// Influence on one test image.
fn measured() -> Vec<MeasuredInfluence> {
    let pictured = |image| Pictured { image, label: 1, png: String::new() };
    let gallery = vec![InfluentialExample {
        test: pictured(0),
        predicted: 1,
        train: pictured(7),
        influence: 0.5,
    }];
    let counts = Counts {
        kept: 3,
        largest: 1.0,
        matches: vec![1; 100],
        three_of_five: 1,
        first: vec![true],
        chance: None,
        other_rankings: None,
        gallery,
    };
    vec![MeasuredInfluence { inverse: Inverse::AUTHORS, found: Found::Counts(counts) }]
}

/// Evidence with three seeds of every fine-tune that figures show and that the world has.
pub fn whole(kind: EvidenceKind) -> Evidence {
    let world = kind.world();
    let gallery = FigureCatalogue::new(&world);
    let figures: Vec<&Figure> = gallery.figures.iter().collect();
    let mut records = Vec::new();
    for (index, key) in repro::figure::catalogue::needed_keys(&figures).into_keys().enumerate() {
        if world.unavailable(&key).is_some() {
            continue;
        }
        for place in 0..3 {
            #[expect(clippy::cast_precision_loss, reason = "some hundred keys")]
            let accuracy = 40.0 + (index % 37) as f64 + place as f64;
            let protocol = world.protocol(key.images);
            let evaluations = protocol.evaluate.iter().map(|epoch| Evaluation {
                epoch: *epoch,
                test_accuracy: accuracy - 20.0 / f64::from(*epoch),
                test_loss: 1.0,
                train_accuracy: 50.0,
                train_loss: 1.0,
                seconds: 1.0,
            });
            let recipe = RecipeDigest { epochs: protocol.epochs, rest: "a test's".into() };
            let evaluations = evaluations.collect();
            let seed = World::seed(place);
            let record = Record::new(key.clone(), seed, recipe, Status::Finished, evaluations);
            let measured = if key.influence { measured() } else { Vec::new() };
            records.push(record.unwrap().with_influence(&measured));
        }
    }
    own_evidence(kind, records)
}
