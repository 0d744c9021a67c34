//! User-defined recipes that can't be run. Where there is an engine, each of these would wait for libtorch to say
//! the same.

use super::{Transcript, claims::OWN};
use crate::common::claim_text;

const RECIPE: &str = "world = \"smoke\"
[key]
target = \"kmnist\"
source = \"l2_3\"
blocks = 3
images = 400
[protocol]
learning_rate = 0.01
";

const RUN: &str = "repro run --recipe mine.toml --seed 1";

#[test]
fn each_mistake_in_a_recipe_is_reported() {
    let mut recipes = Transcript::new();
    recipes.run(RUN);
    for (from, to) in [
        ("world = \"smoke\"", "world = \"smoky\""),
        ("world = \"smoke\"\n", ""),
        ("[key]", "[keys]"),
        ("[key]", "[key"),
        ("target =", "targets ="),
        ("kmnist", "kmnst"),
        ("kmnist", "cifar10"),
        ("l2_3", "l2-3"),
        ("blocks = 3", "blocks = 30"),
        ("blocks = 3", "blocks = \"three\""),
        ("images = 400", "images = 90000"),
        ("images = 400", "images = 400\nresolution = 64"),
        ("images = 400", "images = 400\nseed_stream = 20000000"),
        ("[protocol]", "[[influence]]\ntruncation = 0.05\ndamping = 0.0\n[protocol]"),
        (
            "images = 400",
            "images = 400\ninfluence = true\n[[influence]]\ntruncation = 2.0\ndamping = 0.0",
        ),
        ("[protocol]\nlearning_rate = 0.01", "protocol = 3"),
        ("world = \"smoke\"", "world = \"smoke\"\nprotocol = 3\n#"),
        ("learning_rate = 0.01", "learning_rate = -0.1"),
        ("learning_rate = 0.01", "learning_rate = \"low\""),
        ("learning_rate = 0.01", "learning_rat = 0.01"),
        ("learning_rate = 0.01", "epochs = 0"),
        ("learning_rate = 0.01", "epochs = 3\nevaluate = [4]"),
        ("learning_rate = 0.01", "evaluate = []"),
        ("learning_rate = 0.01", "batch = 0"),
        ("learning_rate = 0.01", "momentum = 2.0"),
        ("learning_rate = 0.01", "weight_decay = -1.0"),
        ("learning_rate = 0.01", "side = 2000"),
        ("learning_rate = 0.01", "head = \"random\""),
        (
            "learning_rate = 0.01",
            "augmentation = { flip = 2.0, jitter = 0.0, degrees = 0.0, padding = 0 }",
        ),
        (
            "learning_rate = 0.01",
            "augmentation = { flip = 0.5, jitter = 2.0, degrees = 0.0, padding = 0 }",
        ),
        (
            "learning_rate = 0.01",
            "augmentation = { flip = 0.5, jitter = 0.0, degrees = 200.0, padding = 0 }",
        ),
        (
            "learning_rate = 0.01",
            "augmentation = { flip = 0.5, jitter = 0.0, degrees = 0.0, padding = 99 }",
        ),
        (
            "learning_rate = 0.01",
            "normalisation = { mean = [0.5, 0.5, 0.5], std = [0.0, 0.5, 0.5] }",
        ),
        ("learning_rate = 0.01", "precision = \"half\""),
    ] {
        assert!(RECIPE.contains(from), "{from}");
        recipes.file("mine.toml", RECIPE.replacen(from, to, 1));
        recipes.note(&format!("in mine.toml: {from:?} is {to:?}"));
        recipes.run(RUN);
    }
    recipes.note("mine.toml is a recipe");
    recipes.file("mine.toml", RECIPE);
    recipes.run("repro run --recipe mine.toml --seed 1000000000000");
    recipes.note("mine.toml is no text");
    recipes.file("mine.toml", [0xff, 0xfe]);
    recipes.run(RUN);
    recipes.snapshot("messages-recipes");
}

#[test]
fn missing_inputs_of_a_recipe_are_reported_with_the_command_to_run() {
    let mut here = Transcript::new();
    let recipe = |world: &str, target: &str, source: &str| {
        format!(
            "world = \"{world}\"\n[key]\ntarget = \"{target}\"\nsource = \"{source}\"\nblocks = 3\nimages = 100\n"
        )
    };
    for (world, target, source) in [
        ("paper", "cifar10", "natural"),
        ("sister", "cifar10", "l2_3"),
        ("lab", "cifar10", "natural"),
    ] {
        here.file("mine.toml", recipe(world, target, source));
        here.note(&format!("mine.toml asks for {target} from {source} in {world}"));
        here.run(RUN);
    }
    here.note("a checkpoint that is none");
    here.file("data/zoos/authors/resnet50-19c8e357.pth", "<html>");
    here.file("data/zoos/authors/imagenet_l2_3_0.pt", "<html>");
    here.file("mine.toml", recipe("paper", "cifar10", "l2_3"));
    here.run(RUN);
    here.note("a checkpoint of another network");
    here.golden("data/zoos/authors/imagenet_l2_3_0.pt", "checkpoint/plain-zip.pt");
    here.run(RUN);
    here.note("a card that is none");
    here.file("data/zoos/lab/natural.safetensors", "");
    here.file("mine.toml", recipe("lab", "cifar10", "natural"));
    here.run(RUN);
    here.file("data/zoos/lab/natural.json", "{}");
    here.run(RUN);
    here.run("repro run --key 0000");
    here.run("repro run --key 0");
    here.file("mine/worlds/own.toml", OWN);
    here.file("mine/gap.toml", claim_text("greater_than = 0.0"));
    here.note("mine/worlds/own.toml names a user-defined model");
    for world in ["sister", "paper"] {
        here.file("mine.toml", recipe(world, "flowers", "l2_5"));
        here.run(&format!("{RUN} --claims mine"));
    }
    here.file("data/zoos/authors/imagenet_l2_5.pt", "<html>");
    here.run(&format!("{RUN} --claims mine"));
    here.golden("data/zoos/authors/imagenet_l2_5.pt", "checkpoint/plain-zip.pt");
    here.run(&format!("{RUN} --claims mine"));
    here.snapshot("messages-what-recipes-need");
}
