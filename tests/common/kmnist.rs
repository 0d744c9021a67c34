//! The inputs of a short fine-tune: the smoke world's natural model and a few images of KMNIST.

use repro::{
    assets::bundled,
    data::{Dataset, Subset},
    engine::{OnDevice, fine_tune::Material, model::Weights},
    experiment::{
        Seed,
        random::{self, Purpose},
    },
};
use tch::Device;

pub struct Fixture {
    pub source: Weights,
    /// The training images.
    pub train: OnDevice,
    /// 200 test images.
    pub test: OnDevice,
}

impl Fixture {
    /// With a training subset of `images` images.
    pub fn on(device: Device, images: usize) -> Self {
        tch::set_num_threads(1);
        let target = bundled::target("kmnist").unwrap();
        let order = random::permutation(
            target.train.len(),
            &mut random::generator(Seed(5), Purpose::Subset),
        );
        let subset = Subset::draw(&target.train, images, &order).unwrap();
        let on_device = |dataset: &Dataset| OnDevice::new(dataset, device);
        Self {
            source: Weights::from(bundled::weights("natural").unwrap()).copy_to(device),
            train: on_device(&target.train).select(subset.images()),
            test: on_device(&target.test.first(200)),
        }
    }

    pub fn material(&self) -> Material<'_> {
        let Self { source, train, test } = self;
        Material { source, train, test, test_features: None, classes: 10 }
    }
}
