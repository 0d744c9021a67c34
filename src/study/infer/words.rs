//! Words by which columns of a log are recognised. A word proposes; what a column holds decides.

/// What repeats a run, whatever it holds.
const REPLICATES: [&str; 13] = [
    "seed",
    "seeds",
    "fold",
    "folds",
    "replicate",
    "rep",
    "repeat",
    "repetition",
    "subject",
    "participant",
    "patient",
    "session",
    "replica",
];

/// What repeats a run if it is a whole number.
const COUNTED: [&str; 5] = ["run", "trial", "split", "cv", "year"];

/// How far a run is.
const PROGRESS: [&str; 10] = [
    "epoch",
    "step",
    "steps",
    "iteration",
    "iterations",
    "iter",
    "round",
    "timestep",
    "timesteps",
    "episode",
];

/// What is measured.
const METRICS: [&str; 44] = [
    "acc",
    "accuracy",
    "auc",
    "auroc",
    "auprc",
    "bleu",
    "cer",
    "correlation",
    "cost",
    "error",
    "err",
    "f1",
    "fid",
    "fpr",
    "iou",
    "kappa",
    "kl",
    "loss",
    "mae",
    "map",
    "mcc",
    "mse",
    "ndcg",
    "nll",
    "pass",
    "perplexity",
    "ppl",
    "precision",
    "psnr",
    "r2",
    "recall",
    "regret",
    "return",
    "reward",
    "rmse",
    "rouge",
    "score",
    "sensitivity",
    "specificity",
    "ssim",
    "tpr",
    "wer",
    "em",
    "exact",
];

/// Settings that are numbers.
const SETTINGS: [&str; 38] = [
    "lr",
    "rate",
    "batch",
    "width",
    "depth",
    "layers",
    "dropout",
    "decay",
    "lambda",
    "alpha",
    "beta",
    "gamma",
    "temperature",
    "noise",
    "budget",
    "shots",
    "samples",
    "images",
    "blocks",
    "dim",
    "dimension",
    "hidden",
    "heads",
    "epochs",
    "eps",
    "epsilon",
    "tau",
    "k",
    "n",
    "ratio",
    "fraction",
    "momentum",
    "size",
    "bits",
    "rank",
    "horizon",
    "level",
    "severity",
];

/// What compared things differ in, the likeliest first.
pub(super) const ARMS: [&str; 18] = [
    "method",
    "algorithm",
    "arm",
    "approach",
    "treatment",
    "model",
    "system",
    "variant",
    "condition",
    "classifier",
    "estimator",
    "learner",
    "agent",
    "policy",
    "optimizer",
    "optimiser",
    "architecture",
    "backbone",
];

/// How a run ended.
const STATUS: [&str; 2] = ["status", "state"];

/// Metrics that are shares, as 1 or as percent.
const SHARES: [&str; 22] = [
    "acc",
    "accuracy",
    "auc",
    "auroc",
    "auprc",
    "f1",
    "precision",
    "recall",
    "iou",
    "dice",
    "kappa",
    "em",
    "exact",
    "pass",
    "tpr",
    "fpr",
    "sensitivity",
    "specificity",
    "error",
    "err",
    "wer",
    "cer",
];

/// Moments and machines, which identify a run and say nothing of it.
const IDENTIFIERS: [&str; 14] = [
    "id",
    "uuid",
    "timestamp",
    "created",
    "date",
    "started",
    "host",
    "hostname",
    "hash",
    "url",
    "updated",
    "duration",
    "elapsed",
    "notes",
];

/// A column's name in words: `config.batchSize` is config, batch, size.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn last_is(name: &str, of: &[&str]) -> bool {
    words(name).last().is_some_and(|word| of.contains(&word.as_str()))
}

fn any_is(name: &str, of: &[&str]) -> bool {
    words(name).iter().any(|word| of.contains(&word.as_str()))
}

/// Whether a column may be the replicate by its name; `whole` if it holds whole numbers.
pub(super) fn replicate(name: &str, whole: bool) -> bool {
    last_is(name, &REPLICATES)
        || any_is(name, &["seed"])
        || words(name).join("_").ends_with("random_state")
        || (whole && last_is(name, &COUNTED))
}

pub(super) fn progress(name: &str) -> bool {
    last_is(name, &PROGRESS)
}

pub(super) fn metric(name: &str) -> bool {
    any_is(name, &METRICS)
}

pub(super) fn setting(name: &str) -> bool {
    last_is(name, &SETTINGS)
}

pub(super) fn status(name: &str) -> bool {
    last_is(name, &STATUS)
}

pub(super) fn identifier(name: &str) -> bool {
    last_is(name, &IDENTIFIERS)
}

/// Whether a metric is a share, as 1 or as percent, by its name.
pub(super) fn share(name: &str) -> bool {
    any_is(name, &SHARES)
}

/// Whether a text is a moment or a duration, such as `0:02:27` or `2024-01-31 12:00`.
pub(super) fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let part = |from: usize| {
        bytes.get(from..from + 2).is_some_and(|two| two.iter().all(u8::is_ascii_digit))
    };
    let clock =
        text.find(':').is_some_and(|at| at > 0 && part(at + 1) && bytes[at - 1].is_ascii_digit());
    let date =
        bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') && part(2) && part(5) && part(8);
    clock || date
}

/// How likely a metric is one that claims read: on test data first, on training data last, the
/// shorter path first.
pub(super) fn likelihood(name: &str) -> (u8, u8, usize) {
    let words = words(name);
    let has = |of: &[&str]| words.iter().any(|word| of.contains(&word.as_str()));
    let data = match () {
        () if has(&["test", "heldout", "eval"]) => 0,
        () if has(&["train", "training"]) => 3,
        () if has(&["val", "valid", "validation", "dev"]) => 2,
        () => 1,
    };
    (u8::from(!metric(name)), data, words.len())
}

/// The place of a factor's name among those of what is compared; `None` if it is none.
pub(super) fn arms(name: &str) -> Option<usize> {
    let words = words(name);
    ARMS.iter().position(|arm| words.last().is_some_and(|word| word == arm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_into_words() {
        assert_eq!(words("config.batchSize"), ["config", "batch", "size"]);
        assert_eq!(words("_step"), ["step"]);
        assert!(replicate("data_seed", true) && replicate("seed_everything", true));
        assert!(replicate("run", true) && !replicate("run", false));
        assert!(replicate("random_state", true) && !replicate("n_parameters", true));
        assert!(progress("best_epoch") && !progress("n_epochs"));
        assert!(is_time("0:02:27") && is_time("2024-01-31T12:00") && !is_time("pretrained:v2"));
        assert!(metric("val/top1_acc") && !metric("macro"));
        assert!(likelihood("test.score") < likelihood("train.score"));
    }
}
