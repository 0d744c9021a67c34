//! The nearest valid name to a wrong one, for messages that say what to do next.

/// The candidate that a writer of `wrong` most likely meant; `None` where nothing is near.
#[must_use]
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LEAST_SIMILARITY: f64 = 0.7;
    let wrong = wrong.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wrong, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

/// `, did you mean ...?`, or nothing where no candidate is near.
#[must_use]
pub(crate) fn did_you_mean<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(wrong, candidates).map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name_and_nonsense_finds_none() {
        let names = ["cifar10", "cifar100", "svhn"];
        assert_eq!(nearest("cifar_10", names), Some("cifar10"));
        assert_eq!(nearest("svnh", names), Some("svhn"));
        assert_eq!(nearest("CIFAR-10", names), Some("cifar10"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(did_you_mean("shvn", names), ", did you mean `svhn`?");
        assert_eq!(did_you_mean("", names), "");
    }
}
