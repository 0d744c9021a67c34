//! What a checkpoint says about the normalisation of its images, against that of its fine-tunes.

use std::path::Path;

use repro::{
    assets::{Assets, DataFolder, Missing, no_progress},
    experiment::{EvidenceKind, Key, Normalisation},
    util::Hint,
    world::{UserNames, World},
};

use super::wrappers::{network, tiny};

/// The paper's world with a thin network and a user's source model `own`, described by `more`.
fn world(folder: &Path, more: &str) -> World {
    std::fs::create_dir_all(folder.join("worlds")).unwrap();
    let text = format!(
        "format = 1\n[sources.own]\ndescription = \"mine\"\nfiles = {{ paper = \"own.pt\" }}\n{more}"
    );
    std::fs::write(folder.join("worlds/own.toml"), text).unwrap();
    let mut world = EvidenceKind::Paper.world().with(&UserNames::read(folder).unwrap());
    world.zoo.as_mut().unwrap().architecture = tiny();
    world
}

/// The digest of the source model's weights in a file that states a normaliser.
fn digest(stated: [f32; 2], more: &str) -> Result<(String, Vec<String>), Missing> {
    let [mean, std] = stated.map(|value| [value; 3]);
    let (mean, std) = if stated == [0.0; 2] {
        (Normalisation::IMAGENET.mean, Normalisation::IMAGENET.std)
    } else {
        (mean, std)
    };
    let beside = [
        ("module.normalizer.new_mean", &mean[..]),
        ("module.normalizer.new_std", &std[..]),
        ("module.steps", &[7.0]),
    ];
    digest_of(&network("module.model.", &beside), more)
}

/// The digest of the source model's weights in this file.
fn digest_of(file: &[u8], more: &str) -> Result<(String, Vec<String>), Missing> {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), more);
    let zoo = folder.path().join("zoos/authors");
    std::fs::create_dir_all(&zoo).unwrap();
    std::fs::write(zoo.join("own.pt"), file).unwrap();
    let assets = DataFolder::new(&world, folder.path(), no_progress);
    let digest = assets.weights_digest("own", 1)?;
    let said = assets.about_source("own");
    assert!(assets.about_source("own").is_empty(), "it is said once");
    Ok((digest, said))
}

#[test]
fn a_normaliser_that_differs_from_the_protocol_is_refused_until_the_source_states_it() {
    let (plain, said) = digest([0.0; 2], "").unwrap();
    assert_eq!(said, ["source `own`: `module.model.` is taken off every name"]);
    let missing = digest([0.5, 0.25], "").unwrap_err();
    for part in ["own.pt", "mean [0.5, 0.5, 0.5]", "[0.25, 0.25, 0.25]", "[0.485, 0.456, 0.406]"] {
        assert!(missing.what.contains(part), "{part}: {missing}");
    }
    // The help is the line to add, and with it the file is taken.
    let Hint::Manual(help) = missing.help else { panic!("{:?}", missing.help) };
    let (_, line) = help.split_once("own.toml`: ").unwrap();
    let (stated, _) = digest([0.5, 0.25], line).unwrap();
    assert_eq!(stated, plain, "the weights are the same");
    let folder = tempfile::tempdir().unwrap();
    let recipe = world(folder.path(), line).recipe(Key::new("cifar10", "own", 0, 100));
    assert_eq!(recipe.protocol.normalisation, Normalisation { mean: [0.5; 3], std: [0.25; 3] });
    // A statement in `own.toml` that the file contradicts is refused too.
    assert!(digest([0.0; 2], line).is_err());
    assert!(digest([0.5, 0.2], line).is_err());
    assert!(digest([0.5, 0.2502], line).is_ok());
}

/// The line that the help of an error asks for.
fn line(missing: Missing) -> String {
    let Hint::Manual(help) = missing.help else { panic!("{:?}", missing.help) };
    help.split_once("own.toml`: ").map_or(help.clone(), |(_, line)| line.to_owned())
}

#[test]
fn a_normaliser_is_found_wherever_it_is_beside_the_network() {
    for (prefix, mean, std) in [
        ("model.", "mu", "sigma"),
        ("model.", "mean", "std"),
        ("module.model.", "module.mu", "module.sigma"),
        ("1.", "0.mean", "0.std"),
        ("", "normalize.mean", "normalize.std"),
        ("", "mean", "std"),
    ] {
        let of = |values: [&[f32]; 2], more: &str| {
            let beside = [(mean, values[0]), (std, values[1])];
            digest_of(&network(prefix, &beside), more)
        };
        let Normalisation { mean: imagenet, std } = Normalisation::IMAGENET;
        of([&imagenet, &std], "").unwrap();
        // One value for all channels, and values for images in [0, 255].
        for values in [[&[0.5][..], &[0.25][..]], [&[127.5; 3], &[63.75; 3]]] {
            let missing = of(values, "").unwrap_err();
            let line = line(missing);
            assert_eq!(
                line,
                "normalisation = { mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25] }"
            );
            of(values, &line).unwrap();
        }
        let [means, deviations] = [imagenet, std].map(|values| values.map(|value| 255.0 * value));
        of([&means, &deviations], "").unwrap();
        // There is no line that would make these usable.
        for values in [[&[f32::NAN; 3][..], &[0.2; 3]], [&imagenet, &[0.0; 3]]] {
            let help = line(of(values, "").unwrap_err());
            assert!(help.contains("no image") && !help.contains('='), "{prefix}: {help}");
        }
    }
}
