//! Claims, figures and other names on the command line.

use std::fs;

use super::Sandbox;
use crate::common::claim_text;

#[test]
fn claims_are_arguments_and_options_alike() {
    let sandbox = Sandbox::new();
    let shown = |arguments: &[&str]| {
        let ran = sandbox.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.out
    };
    let both = shown(&["show", "l2_best", "shape_bias"]);
    assert_eq!(shown(&["show", "l2_best,shape_bias"]), both);
    assert_eq!(shown(&["show", "--claim", "l2_best,shape_bias"]), both);
    assert_eq!(shown(&["show", "shape_bias", "--claim", "l2_best"]), both);
    assert!(shown(&["show"]).len() > 4 * both.len(), "without ids it shows all");
    let judge = ["verify", "--evidence", "published", "--brief"];
    let judged = shown(&[&judge[..], &["l2_best"]].concat());
    assert!(judged.contains("1 claim: 1 supported"), "{judged}");
    assert_eq!(shown(&[&judge[..], &["--claim", "l2_best"]].concat()), judged);
    assert!(shown(&["power", "l2_best"]).contains("l2_3 - linf_4"));
    assert!(sandbox.run(&["plan", "l2_best", "--figure", "A5"]).code == 64);
    assert_eq!(sandbox.run(&["sensitivity"]).code, 64);
}

#[test]
fn a_figure_is_named_in_any_spelling() {
    let sandbox = Sandbox::new();
    for name in ["a5", "A5", "figureA5", "2", "fig2", "Figure2", "fig2,a5"] {
        let ran = sandbox.run(&["figure", name, "--evidence", "published", "--format", "csv"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        assert!(ran.out.contains("-published.csv"), "{}", ran.out);
    }
}

#[test]
fn unknown_names_get_suggestions() {
    let sandbox = Sandbox::new();
    for (arguments, meant) in [
        (&["show", "l2_bets"][..], "did you mean `l2_best`?"),
        (&["verify", "--claim", "shape-bias"], "did you mean `shape_bias`?"),
        (&["figure", "A55"], "did you mean `A5`?"),
        (&["plan", "--figure", "A55"], "did you mean `A5`?"),
        (&["fetch", "cifra10"], "did you mean `cifar10`?"),
        (&["sensitivity", "l2_best", "--choice", "haed"], "did you mean `head`?"),
        (&["verify", "--evidence", "publishd"], "'published'"),
        (&["verify", "--format", "jsn"], "'json'"),
        (&["schema", "verdits"], "'verdicts'"),
        (&["fetch", "--world", "papr"], "'paper'"),
    ] {
        let ran = sandbox.run(arguments);
        assert_eq!(ran.code, 64, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(meant), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn a_claim_in_a_file_is_unknown_with_a_hint_at_its_folder() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path().join("mine");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("gap.toml"), claim_text("greater_than = 0.0")).unwrap();
    for name in ["gap", "mine/gap.toml", "mine/gap", "mine/gap.toml"] {
        let ran = sandbox.run(&["show", name]);
        assert_eq!(ran.code, 64);
        assert!(ran.err.contains("`gap --claims mine`"), "{name}: {}", ran.err);
    }
    let ran = sandbox.run(&["verify", "mine"]);
    assert!(ran.err.contains("`--claims mine`"), "{}", ran.err);
    assert_eq!(sandbox.run(&["show", "gap", "--claims", "mine"]).code, 0);
    // Where a file is no help, every claim can be listed.
    let other = sandbox.run(&["show", "gaps", "--claims", "mine"]);
    assert!(other.err.contains("did you mean `gap`?"), "{}", other.err);
    assert!(other.err.contains("`repro list`"), "{}", other.err);
}

#[cfg(not(feature = "engine"))]
#[test]
fn a_wrong_recipe_gets_suggestions() {
    let sandbox = Sandbox::new();
    let recipe = "world = \"smoke\"\n[key]\ntarget = \"mnist\"\nsource = \"natural\"\nblocks = 1\n\
                  images = 50\n[protocol]\nlearning_rate = 0.01\n";
    for (from, to, meant) in [
        ("smoke", "smkoe", "did you mean `smoke`?"),
        ("learning_rate", "lerning_rate", "did you mean `learning_rate`?"),
        ("target =", "targte =", "did you mean `target`?"),
        ("\"mnist\"", "\"mnits\"", "did you mean `mnist`?"),
        ("\"natural\"", "\"naturl\"", "did you mean `natural`?"),
    ] {
        fs::write(sandbox.path().join("mine.toml"), recipe.replace(from, to)).unwrap();
        let ran = sandbox.run(&["run", "--recipe", "mine.toml", "--seed", "1"]);
        assert_eq!(ran.code, 64, "{to}: {}", ran.err);
        assert!(ran.err.contains(meant), "{to}: {}", ran.err);
    }
}

#[test]
fn a_caret_is_at_the_wrong_field_or_nowhere() {
    let sandbox = Sandbox::new();
    let text = claim_text("greater_than = 0.0");
    let shown = |text: &str| {
        fs::write(sandbox.path().join("gap.toml"), text).unwrap();
        let output = sandbox.command().args(["show", "--claims", "."]).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        String::from_utf8(output.stderr).unwrap()
    };
    let wrong = shown(&text.replace("svhn", "svnh"));
    assert!(wrong.contains("here") && wrong.contains("target = \"svnh\""), "{wrong}");
    let missing = shown(&text.replace("holds = \"every\"\n", ""));
    assert!(missing.contains("missing field `holds`"), "{missing}");
    assert!(missing.contains("here") && missing.contains("[hypothesis]"), "{missing}");
    // The place of a key that is missing at the top would be the whole file.
    let missing = shown(&text.replace("title = \"a gap\"\n", ""));
    assert!(missing.contains("missing field `title`") && !missing.contains("here"), "{missing}");
    fs::create_dir(sandbox.path().join("worlds")).unwrap();
    fs::write(sandbox.path().join("worlds/own.toml"), "[targets.a]\ntrain = 1\n").unwrap();
    let missing = shown(&text);
    assert!(missing.contains("missing field"), "{missing}");
    fs::write(sandbox.path().join("worlds/own.toml"), "fromat = 1\n").unwrap();
    let wrong = shown(&text);
    assert!(wrong.contains("^^^^^^") && wrong.contains("did you mean `format`?"), "{wrong}");
}
