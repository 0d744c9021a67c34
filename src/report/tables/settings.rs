//! Table A1: the recipe as the two documents have it (the paper's Table 3), beside the paper's
//! world, whose file names the code that each value is from.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    experiment::{BatchNorm, Head, Precision, Protocol},
    world::World,
};

/// The columns of a table of settings.
pub(super) const COLUMNS: [&str; 6] = ["images", "setting", "document", "code", "log", "differs"];

/// Notes below table A1.
pub(super) const NOTES: [&str; 3] = [
    "document: the hyper-parameters as printed. code: the paper's set-up \
     (claims/worlds/paper.toml), whose comments name the authors' code.",
    "A setting with an empty document is not in the printed table, and decides a fine-tune too.",
    "The third drop, after epoch 99 of 100, is from the code's `epochs // 3`; 150 epochs have two \
     drops.",
];

/// One setting: what the document says, what the code does, and what the log has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Setting {
    /// The numbers of training images that it is for; null for all.
    pub images: Option<String>,
    /// What is set.
    pub setting: String,
    /// What the document says; null where it says nothing.
    pub document: Option<String>,
    /// What the paper's set-up has, after the authors' code.
    pub code: String,
    /// What the records of the authors' log have; null where a log has no such field, or no record.
    pub log: Option<String>,
    /// Whether the document differs from code or log; null where it says nothing.
    pub differs: Option<bool>,
}

impl Setting {
    pub(super) fn fields(&self) -> Vec<String> {
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        let differs = match self.differs {
            Some(true) => "differs",
            Some(false) => "same",
            None => "",
        };
        vec![
            or_empty(&self.images),
            self.setting.clone(),
            or_empty(&self.document),
            self.code.clone(),
            or_empty(&self.log),
            differs.to_owned(),
        ]
    }
}

/// The rows of table A1.
#[must_use]
pub(super) fn recipe(world: &World) -> Vec<Setting> {
    let short = &world.protocol;
    let printed = [
        ("learning rate", "0.1", short.learning_rate.to_string()),
        ("batch", "128", short.batch.to_string()),
        ("momentum", "0.9", short.momentum.to_string()),
        ("weight decay", "0.0005", short.weight_decay.to_string()),
        ("tenfold drops", "at 1/3 and 2/3 of the epochs", drops(short)),
        ("adversarial training on the target", "no", "no".to_owned()),
        (
            "augmentation",
            "grayscale for MNIST and KMNIST; flips, rotations, jitter and crops for the others",
            format!("{}, on every target", augmentation(short)),
        ),
    ];
    let unprinted = [
        ("initial head", head(short.head)),
        ("batch norms", batch_norms(short.batch_norm)),
        ("input", format!("{0} x {0} pixels", short.side)),
        ("precision", precision(short.precision).to_owned()),
    ];
    let setting = |name: &str, document: Option<&str>, code: String| Setting {
        images: None,
        setting: name.to_owned(),
        document: document.map(str::to_owned),
        differs: document.map(|document| document != code),
        code,
        log: None,
    };
    let printed = printed.into_iter().map(|(name, says, code)| setting(name, Some(says), code));
    printed.chain(unprinted.into_iter().map(|(name, code)| setting(name, None, code))).collect()
}

/// After which epochs the rate drops (the authors' code: every `epochs // 3`); in the document's
/// words where that is at one and two thirds.
fn drops(protocol: &Protocol) -> String {
    let third = (protocol.epochs / 3).max(1);
    let after: Vec<u32> =
        (1..protocol.epochs).filter(|epoch| epoch.is_multiple_of(third)).collect();
    if after.len() == 2 {
        return "at 1/3 and 2/3 of the epochs".to_owned();
    }
    let after: Vec<String> = after.iter().map(u32::to_string).collect();
    format!("after epochs {} of {}", after.join(", "), protocol.epochs)
}

fn augmentation(protocol: &Protocol) -> String {
    let of = protocol.augmentation;
    format!(
        "crops with {} pixels of padding, flips ({}), jitter ({}), rotations by up to {} degrees",
        of.padding, of.flip, of.jitter, of.degrees
    )
}

fn head(head: Head) -> String {
    match head {
        Head::StandardNormal => "weights from N(0, 1), biases 0",
        Head::Linear => "PyTorch's nn.Linear",
    }
    .to_owned()
}

fn batch_norms(mode: BatchNorm) -> String {
    match mode {
        BatchNorm::Train => "in train mode, those of frozen blocks too",
        BatchNorm::Frozen => "with the source's statistics",
    }
    .to_owned()
}

fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::Fp32 => "single",
        Precision::Tf32 => "TF32",
        Precision::Bf16 => "bfloat16",
    }
}
