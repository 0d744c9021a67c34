//! Measuring distances between features.

use std::{
    collections::BTreeMap,
    io::{Error, Write},
    path::Path,
};

use super::{
    super::{
        Failure, Outcome,
        distance::{Distance, WorldArgument},
        exit,
        messages::stdout,
    },
    pretrain::fashion,
};
use crate::{
    assets::bundled,
    data::Dataset,
    engine::{
        OnDevice,
        device::{self, Device},
        frechet::Moments,
        model::{Network, Weights},
    },
    experiment::{FeatureDistances, FeatureMoments, ImagesSeen, Resolution, TargetDistance},
    report::terminal,
    util::{named_file, shell::quoted},
    world::World,
};

/// The source model whose features are compared.
const SOURCE: &str = "natural";

impl Distance {
    pub(super) fn measure(&self) -> Result<Outcome, Failure> {
        let WorldArgument::Smoke = self.world;
        let world = World::smoke();
        let source = world.source.as_ref().expect("the smoke world has a source");
        let (_, test) = fashion(self.from.as_deref(), &self.data, source)?;
        // As everywhere on small images: sums are the same on any number of cores.
        device::set_threads(1);
        let unwritten = |path: &Path, cause: &Error| {
            let path = quoted(&path.display().to_string());
            Failure::new(exit::OUTPUT, miette::miette!("failed to write {path}: {cause}"))
        };
        if let Some(path) = &self.out {
            named_file::check(path).map_err(|cause| unwritten(path, &cause))?;
        }
        let distances = distances(&world, &test)?;
        let mut out = stdout();
        let rows = distances.targets.iter().map(|(target, of)| {
            vec![target.clone(), of.images.count.to_string(), format!("{:.3}", of.distance)]
        });
        writeln!(out, "{}", terminal::table(&["target", "test images", "Fréchet distance"], rows))?;
        let against = format!(
            "Between penultimate features of {SOURCE} (zoo 1) on each target's test images and on \
             the source's {}; a smaller distance is a target more like the source.",
            distances.source_images.count
        );
        writeln!(out, "{}", terminal::prose(&against))?;
        if let Some(path) = &self.out {
            let text = serde_json::to_string(&distances).expect("plain data") + "\n";
            named_file::write(path, text.as_bytes()).map_err(|cause| unwritten(path, &cause))?;
            writeln!(out, "written to {}", quoted(&path.display().to_string()))?;
        }
        Ok(Outcome::Done)
    }
}

/// Distances of every target from these images of the source.
fn distances(world: &World, test: &Dataset) -> Result<FeatureDistances, Failure> {
    let missing = |what: &str| {
        Failure::usage(
            format!("this build has no {what}"),
            "build it with \
         the feature `bundled`",
        )
    };
    let weights = bundled::weights(SOURCE).ok_or_else(|| missing("source models"))?;
    let card = bundled::card(SOURCE).expect("its card is always embedded");
    let network = world.protocol.network(Weights::from(weights));
    let network = network.expect("every device has single precision");
    let (of_source, source_images) = moments(&network, test, world.protocol.side);
    let mut targets = BTreeMap::new();
    for target in world.targets.keys() {
        let found = bundled::target(target).ok_or_else(|| missing("images of targets"))?;
        let (moments, images) = moments(&network, &found.test, world.protocol.side);
        let distance = of_source.distance(&moments).ok_or_else(|| {
            Failure::new(exit::INPUT, miette::miette!("features on {target} are not finite"))
        })?;
        targets.insert(target.clone(), TargetDistance { images, distance });
    }
    let (mean, covariance) = of_source.to_numbers();
    Ok(FeatureDistances {
        format_version: 1,
        command: format!("repro distance --world {}", world.id),
        world: world.id.clone(),
        source: SOURCE.to_owned(),
        weights: card.weights.clone(),
        targets,
        source_images,
        source_features: FeatureMoments { mean, covariance },
        engine: device::engine(),
    })
}

fn moments(network: &Network, images: &Dataset, side: u32) -> (Moments, ImagesSeen) {
    let on_device = OnDevice::new(images, Device::Cpu).resized(Resolution::Native, side);
    let seen = ImagesSeen { count: images.len() as u32, sha256: images.digest() };
    (Moments::of_images(network, &on_device), seen)
}
