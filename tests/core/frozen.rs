//! Records of version 0.1.0 stay valid: they have the names that today's recipes give them, so no
//! trial in them runs again. The bundle was made at commit 7e2f207 by `repro runs --target mnist
//! --images 100 --blocks 3 --export FILE`, from a ledger that `make verify` had filled.

use std::path::{Path, PathBuf};

use repro::{
    assets::{Assets as _, Bundled},
    claim::check,
    experiment::{EvidenceKind, Key, Recipe, Resolution, Seed, Trial, Verdict},
    judge::judge,
    plan::{
        campaign::{Campaign, Event, Runner},
        queue::Queue,
    },
    store::{Ledger, LedgerError, bundle},
    world::{FIRST_ZOO, World},
};

use crate::common::{Counted, gap_text, one_look};

fn records() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/store/records-0.1.0.jsonl.gz")
}

/// A runner that must not be used.
struct Idle;

impl Runner for Idle {
    type Error = LedgerError;

    fn processor(&self) -> Result<String, LedgerError> {
        panic!("nothing must run")
    }

    fn run(&self, queue: &dyn Queue, _: &(dyn Fn(Event<'_>) + Sync)) -> Result<(), LedgerError> {
        let trials = queue.waiting();
        panic!("must not run: {trials:?}")
    }
}

/// Reading a bundle computes each name from the record, and a name that differs is an error.
#[test]
fn records_of_0_1_0_have_the_names_of_current_recipes() {
    let entries = bundle::read(&records()).unwrap();
    assert_eq!(entries.len(), 31);
    let world = World::smoke_one_zoo();
    for entry in &entries {
        let Trial { recipe, seed } = &entry.trial;
        assert_eq!(world.recipe(recipe.key.clone()), *recipe);
        let named =
            Bundled.identify(Trial { recipe: recipe.clone(), seed: *seed }, FIRST_ZOO).unwrap();
        assert_eq!((&named.id, &named.weights), (&entry.id, &entry.weights));
        assert_eq!(named.data, entry.data);
    }
}

#[test]
fn no_trial_in_a_ledger_of_0_1_0_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    for entry in bundle::read(&records()).unwrap() {
        ledger.put(&entry).unwrap();
    }
    let world = World::smoke_one_zoo();
    let cells = "target = \"mnist\", images = 100, blocks = 3";
    let text = gap_text("smoke", "greater_than = 0.0", cells, &one_look(10));
    let claim = check::claim("gap.toml", &text, &world).unwrap_or_else(|error| panic!("{error}"));
    let (kind, assets) = (EvidenceKind::SmokeOneZoo, Bundled);
    let campaign = Campaign { kind, world: &world, assets: &assets, ledger: &ledger };
    let counted = Counted::default();
    let gathered = campaign.complete(&[&claim], &Idle, &counted).unwrap();
    assert_eq!((counted.ran(), gathered.damaged.len()), (0, 0));
    let verdict = judge(&claim, &gathered.evidence);
    assert_eq!(verdict.verdict, Verdict::Supported, "{}", verdict.reason);
    let cell = &verdict.cells[0];
    assert_eq!((cell.seeds, cell.missing_seeds), (10, 0));
}

/// World, influence, name of the record.
const NAMES: [(&str, bool, &str); 10] = [
    ("smoke", false, "1fae05e5429ef3c7cc789c1843f4c0869515055bca4fd60ce67a75f0f6ac58bd"),
    ("smoke", true, "d92166f1fea5057bca3d22f17e172bf6fa85b5fb126527761618868cdc16e88b"),
    ("smoke_one_zoo", false, "1fae05e5429ef3c7cc789c1843f4c0869515055bca4fd60ce67a75f0f6ac58bd"),
    ("smoke_one_zoo", true, "d92166f1fea5057bca3d22f17e172bf6fa85b5fb126527761618868cdc16e88b"),
    ("lab", false, "c93221f54966e0c41196618af6c8df8228d1db83aa05c4af59323811c60bcc8e"),
    ("lab", true, "a0a7dd259f20d2028e2f24abc75bd5a179a07a6e78d68f191db0ceb07590f5b9"),
    ("paper", false, "c5d2ebd6efa201f0c521611ad58f7cb24aec349450c29171a8cbe71c98a01834"),
    ("paper", true, "5efcf3f31989fa160b96801170d4495080e2694f790b080821f74fa57c70e717"),
    ("salman", false, "10f1c8286d4acd66b0aae965f963d651be5fce853840373d7f76d98ee17559d9"),
    ("salman", true, "2aac773aa53468b73d84b206030302222999a38beb9a8d64eb2b96f45eac4761"),
];

/// For each world a name with influence and one without, for the digests `weights` and `data`.
/// Recipes, keys, ids of worlds and the engine's version are part of a name. Made at commit
/// 7e2f207, which called the world `salman` `sister`.
#[test]
fn names_of_records_have_not_changed_in_any_world() {
    assert_eq!(NAMES.len(), 2 * World::all().len());
    for (id, influence, name) in NAMES {
        let world = World::all().into_iter().find(|world| world.id == id).unwrap();
        let target = if id.starts_with("smoke") { "kmnist" } else { "cifar10" };
        let key = Key { influence, ..Key::new(target, "l2_3", 3, 400) };
        // The smoke world measures adversarial accuracy after this fine-tune.
        let recipe = Recipe { adversarial: None, ..world.recipe(key) };
        let trial = Trial { recipe, seed: Seed(20_000_000) };
        assert_eq!(trial.id("weights", "data"), name, "{id}");
    }
}

/// Only the fine-tunes that a world lists carry the measure, so all others keep their names.
#[test]
fn the_measure_of_adversarial_accuracy_is_part_of_the_names_that_the_world_lists() {
    let smoke = World::smoke();
    let name = |recipe: Recipe| Trial { recipe, seed: Seed(20_000_000) }.id("weights", "data");
    let with = smoke.recipe(Key::new("kmnist", "l2_3", 3, 400));
    assert_eq!(
        name(with.clone()),
        "ae7c89bfdc411a250247f0f9f9f35153cf2d88f97436ab1ee8c38e4cf64102b2"
    );
    assert_ne!(name(Recipe { adversarial: None, ..with.clone() }), name(with));
    let mut carried = 0;
    for target in smoke.targets.keys() {
        for source in smoke.sources.keys() {
            for blocks in [0, 1, 3, 9] {
                for images in [100, 400, 1600] {
                    let key = Key::new(target, source, blocks, images);
                    let listed = ["natural", "l2_3"].contains(&source.as_str())
                        && (images, blocks > 0) == (400, true);
                    assert_eq!(smoke.recipe(key.clone()).adversarial.is_some(), listed, "{key}");
                    carried += u32::from(listed);
                    for other in [
                        Key { influence: true, ..key.clone() },
                        Key { seed_stream: 1, ..key.clone() },
                        Key { resolution: Resolution::Pixels(7), ..key },
                    ] {
                        assert_eq!(smoke.recipe(other.clone()).adversarial, None, "{other}");
                    }
                }
            }
        }
    }
    assert_eq!(carried, 18);
}
