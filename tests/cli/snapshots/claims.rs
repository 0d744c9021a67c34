//! Claims that are malformed or contradict themselves, and user-defined names that are refused.

use super::Transcript;
use crate::common::{claim_text, gap_text};

/// Parts of a valid claim, and the fault that replaces each.
const SPOILED: &[(&str, &str)] = &[
    ("format = 1", "format = 2"),
    ("format = 1\n", ""),
    ("id = \"gap\"", "id = \"Gap!\""),
    ("title =", "titel ="),
    ("title = \"a gap\"", "title = 3"),
    ("holds =", "hold ="),
    ("[hypothesis]", "[hypothesis"),
    ("[hypothesis]", "[[hypothesis]]"),
    ("source = \"l2_3\"", "source = \"l2_30\""),
    ("source = \"l2_3\"", "source = \"engstrom\""),
    ("source = \"l2_3\"", "blocks = 3"),
    ("target = \"svhn\"", "target = \"svnh\""),
    ("target = \"svhn\"", "target = [\"svhn\", \"dissimilar\"]"),
    ("robust = 1.0", "robst = 1.0"),
    ("robust = 1.0", "robust = 0.0"),
    ("robust = 1.0", "robust = 2.0"),
    ("source = \"natural\"", "source = \"l2_3\""),
    ("source = \"l2_3\"", "source = \"l2_3\", blocks = 1"),
    (", blocks = 3", ""),
    ("images = 100", "images = []"),
    ("images = 100", "images = [100, 100]"),
    ("images = 100", "images = -5"),
    ("images = 100", "images = 0"),
    ("images = 100", "images = \"feww\""),
    ("images = 100", "images = 123457"),
    ("blocks = 3 }", "blocks = 3, resolution = \"lowest\" }"),
    ("blocks = 3 }", "blocks = 3, repetitions = 2 }"),
    ("blocks = 3 }", "blocks = 3, repetitions = 0 }"),
    ("blocks = 3 }", "blocks = 3, repetitions = 4000000000 }"),
    ("source = \"l2_3\"", "source = \"l2_3\", seed_stream = 1"),
    ("source = \"l2_3\"", "source = \"l2_3\", seed_stream = 3"),
    ("accuracy = \"last\"", "accuracy = \"first\""),
    ("accuracy = \"last\"", "acuracy = \"last\""),
    ("accuracy = \"last\"", "accuracy = { epoch = 0 }"),
    ("accuracy = \"last\"", "accuracy = { from_share = 1.5 }"),
    ("accuracy = \"last\"", "epochs_to = { accuracy = 0.0 }"),
    ("accuracy = \"last\"", "epochs_to = { final_accuracy_of = \"natral\" }"),
    ("accuracy = \"last\"", "influence_match = { share = \"top_2\" }"),
    ("accuracy = \"last\"", "influence_match = { share = { rank = 101 } }"),
    ("accuracy = \"last\"", "influence_match = { share = \"top_1\", truncation = 0.2 }"),
    ("greater_than = 0.0", "greater_then = 0.0"),
    ("greater_than = 0.0", "greater_than = nan"),
    ("greater_than = 0.0", "not_worse_than = -1.0"),
    ("greater_than = 0.0", "equivalent_within = 0.0"),
    ("holds = \"every\"", "holds = { at_least = 2 }"),
    ("holds = \"every\"", "holds = { at_least_share = 0.0 }"),
    ("holds = \"every\"", "holds = \"every\"\naverage_over = [\"resolution\"]"),
    ("[hypothesis]", "[design]\nlooks = [5, 3]\n[hypothesis]"),
    ("[hypothesis]", "[design]\nlooks = []\n[hypothesis]"),
    ("[hypothesis]", "[design]\nlooks = [1, 3]\n[hypothesis]"),
    ("[hypothesis]", "[design]\nlooks = [3, 20000000]\n[hypothesis]"),
    ("[hypothesis]", "[design]\nreading_seeds = 2\n[hypothesis]"),
    ("[hypothesis]", "[design]\nalpha = 0.7\n[hypothesis]"),
    ("[hypothesis]", "[design]\ne_value_g = 0.0\n[hypothesis]"),
    ("[hypothesis]", "[spare]\n[hypothesis]"),
    ("natural = { source", "third = { source = \"linf_4\" }\nnatural = { source"),
    ("source = \"l2_3\" }", "source = \"l2_3\", at = { epoch = 0 } }"),
    ("contrasts = [{ terms = { robust = 1.0, natural = -1.0 } }]", "contrasts = []"),
    ("expected.log", "expected.logs"),
    ("\"supported\"", "\"suported\""),
];

/// Parts that are added to a valid claim.
const ADDED: [&str; 7] = [
    "[[reading]]\nid = \"loose\"\nstatement = \"s\"\n[[reading]]\nid = \"loose\"\nstatement = \"s\"\n",
    "[[reading]]\nid = \"../loose\"\nstatement = \"s\"\n",
    "[[reading]]\nid = \"loose\"\nstatement = \"s\"\nholds = { at_least = 9 }\n",
    "[[plot]]\nid = \"p\"\ntitle = \"t\"\nx = \"images\"\nlines = []\n\
     cells = { target = \"svhn\", images = 100, blocks = 3 }\n",
    "[[plot]]\nid = \"p\"\ntitle = \"t\"\nx = \"images\"\nlines = [\"robust\"]\n\
     cells = { target = \"svhn\", images = [100, 200], blocks = [1, 3] }\n",
    "[[plot]]\nid = \"p\"\ntitle = \"t\"\nx = \"epoch\"\nlines = [\"robust\"]\n\
     cells = { target = \"svhn\", images = 100, blocks = 3 }\n\
     [[plot]]\nid = \"p\"\ntitle = \"t\"\nx = \"epoch\"\nlines = [\"robust\"]\n\
     cells = { target = \"svhn\", images = 100, blocks = 3 }\n",
    "[[plot]]\nid = \"p\"\ntitle = \"t\"\nx = \"weight\"\nlines = [\"robust\"]\n\
     cells = { target = \"svhn\", images = 100, blocks = 3 }\n",
];

#[test]
fn each_mistake_in_a_claim_is_shown_with_its_line() {
    let good = claim_text("greater_than = 0.0");
    let mut mistakes = Transcript::new();
    mistakes.file("mine/gap.toml", &good);
    mistakes.run("repro show gap --claims mine");
    for (from, to) in SPOILED {
        assert!(good.contains(from), "{from}");
        mistakes.file("mine/gap.toml", good.replacen(from, to, 1));
        mistakes.note(&format!("in mine/gap.toml: {from:?} is {to:?}"));
        mistakes.run("repro show gap --claims mine");
    }
    let timed = good.replace("accuracy = \"last\"", "epochs_to = { accuracy = 50.0 }");
    mistakes.file("mine/gap.toml", timed.replacen("\"l2_3\"", "\"l2_3\", at = \"last\"", 1));
    mistakes.note("in mine/gap.toml: an arm has `at`, and epochs are counted");
    mistakes.run("repro show gap --claims mine");
    mistakes.file("mine/gap.toml", good.replace("svhn", "mnist").replace("100,", "60000,"));
    mistakes.note("in mine/gap.toml: sizes that the smoke world does not draw");
    mistakes.run("repro verify --evidence smoke --no-run --claims mine");
    for added in ADDED {
        mistakes.file("mine/gap.toml", format!("{good}{added}"));
        mistakes.note(&format!("in mine/gap.toml at its end: {added:?}"));
        mistakes.run("repro show gap --claims mine");
    }
    mistakes.snapshot("messages-claims");
}

#[test]
fn unusable_folders_of_claims_are_reported() {
    let mut folders = Transcript::new();
    folders.run("repro list --claims mine");
    folders.run("repro verify --claims mine --log runs.csv");
    folders.file("mine/readme.txt", "no claim");
    folders.run("repro list --claims mine");
    folders.run("repro list --claims mine/readme.txt");
    folders.file("mine/other.toml", claim_text("greater_than = 0.0"));
    folders.run("repro list --claims mine");
    folders.note("mine/other.toml is no text");
    folders.file("mine/other.toml", [0xff, 0xfe, 0x00]);
    folders.run("repro list --claims mine");
    folders.note("mine/other.toml is larger than a claim is");
    folders.file("mine/other.toml", "#".repeat((1 << 20) + 1));
    folders.run("repro list --claims mine");
    folders.note("mine/other.toml is empty");
    folders.file("mine/other.toml", "");
    folders.run("repro list --claims mine");
    folders.file("good/gap.toml", claim_text("greater_than = 0.0"));
    folders.run("repro show gpa --claims good");
    folders.run("repro verify --claims good --claim l2_best --evidence published");
    folders.run("repro verify --claims good --evidence published --expected");
    folders.snapshot("messages-folders-of-claims");
}

pub const OWN: &str = "format = 1
[targets.flowers]
title = \"Flowers\"
train = 1020
test = 6149
[sources.l2_5]
description = \"trained adversarially, L2 eps 5\"
files = { paper = \"imagenet_l2_5.pt\" }
";

#[test]
fn mistakes_in_user_defined_names_are_reported() {
    let mut own = Transcript::new();
    let cells = "target = \"flowers\", images = 100, blocks = 3";
    let claim = gap_text("log", "greater_than = 0.0", cells, "").replace("l2_3", "l2_5");
    own.file("mine/gap.toml", &claim);
    own.run("repro show gap --claims mine");
    own.file("mine/worlds/own.toml", OWN);
    own.note("mine/worlds/own.toml names both");
    own.run("repro show gap --claims mine");
    own.run("repro verify --evidence published --brief --claims mine");
    own.run("repro verify --evidence smoke --no-run --brief --claims mine");
    own.run("repro verify --evidence paper --no-run --brief --claims mine");
    for (from, to) in [
        ("format = 1", "format = 2"),
        ("format = 1\n", ""),
        ("[targets.flowers]", "[targets.flowers"),
        ("targets.flowers", "targets.svhn"),
        ("targets.flowers", "targets.zoos"),
        ("targets.flowers", "targets.\"../flowers\""),
        ("sources.l2_5", "sources.l2_3"),
        ("sources.l2_5", "sources.flowers"),
        ("sources.l2_5", "sources.\"l2 5\""),
        ("imagenet_l2_5.pt", "../l2_5.pt"),
        ("paper =", "papier ="),
        ("paper =", "smoke ="),
        ("description =", "descriptions ="),
        ("train = 1020", "train = 0"),
        ("train = 1020\n", ""),
    ] {
        assert!(OWN.contains(from), "{from}");
        own.file("mine/worlds/own.toml", OWN.replacen(from, to, 1));
        own.note(&format!("in mine/worlds/own.toml: {from:?} is {to:?}"));
        own.run("repro show gap --claims mine");
    }
    own.note("mine/worlds/own.toml is no text");
    own.file("mine/worlds/own.toml", [0xff, 0xfe]);
    own.run("repro show gap --claims mine");
    own.note("mine/worlds/own.toml is larger than such a file is");
    own.file("mine/worlds/own.toml", "#".repeat((1 << 20) + 1));
    own.run("repro show gap --claims mine");
    own.snapshot("messages-own-names");
}
