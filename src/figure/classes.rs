//! The names of the classes of targets, as their authors give them.

const FASHION: [&str; 10] = [
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

/// The classes of Fashion-MNIST that the source of the smoke world leaves out, numbered from 0.
const HELD_OUT: [usize; 4] = [2, 5, 6, 9];

const CIFAR_10: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The letters of KMNIST, as they are read.
const KMNIST: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];

/// A class in words: `ankle boot`, `digit 3`, `letter ki`; `class 17` of a target whose classes
/// have no names here. `target` is the id of the target, `label` the number of the class from 0.
#[must_use]
pub fn class(target: &str, label: u32) -> String {
    let at = usize::try_from(label).unwrap_or(usize::MAX);
    let named = match target {
        "fmnist" => FASHION.get(at).map(|name| (*name).to_owned()),
        "fmnist_held_out" => HELD_OUT.get(at).map(|class| FASHION[*class].to_owned()),
        "cifar10" => CIFAR_10.get(at).map(|name| (*name).to_owned()),
        "kmnist" => KMNIST.get(at).map(|name| format!("letter {name}")),
        "mnist" | "svhn" if label < 10 => Some(format!("digit {label}")),
        _ => None,
    };
    named.unwrap_or_else(|| format!("class {label}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_their_names_and_unknown_ones_their_numbers() {
        assert_eq!(class("fmnist_held_out", 3), "ankle boot");
        assert_eq!(class("fmnist", 9), "ankle boot");
        assert_eq!(class("kmnist", 1), "letter ki");
        assert_eq!(class("svhn", 0), "digit 0");
        assert_eq!(class("fmnist_held_out", 4), "class 4");
        assert_eq!(class("cifar100", 17), "class 17");
    }
}
