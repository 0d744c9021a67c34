//! Suggestions for misspelt names in error messages.

/// The candidate that is most similar to `wrong` (Jaro-Winkler); `None` if none is similar.
#[must_use]
pub fn suggest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MIN_SIMILARITY: f64 = 0.7;
    let wrong = wrong.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wrong, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

/// `, did you mean ...?`, or nothing if no candidate is similar.
#[must_use]
pub(crate) fn did_you_mean<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    suggest(wrong, candidates).map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

/// serde's message, with a suggestion if it names an unknown key or value and the valid ones.
#[must_use]
pub(crate) fn with_suggestion(message: &str) -> String {
    let message = message.trim_end();
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    let quoted: Vec<&str> = first.split('`').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [wrong, valid @ ..] if first.starts_with("unknown ") => {
            let separator = if rest.is_empty() { "" } else { "\n" };
            format!("{first}{}{separator}{rest}", did_you_mean(wrong, valid.iter().copied()))
        }
        _ => message.to_owned(),
    }
}

/// The message of an error in a TOML text: with its line and a caret if it is at one place within a
/// line, and with a suggestion if it names an unknown key and the valid ones.
#[must_use]
pub(crate) fn in_toml(mut error: toml::de::Error, text: &str) -> String {
    let message = with_suggestion(error.message());
    let place = error.span().and_then(|span| text.get(span)).unwrap_or_default();
    // A missing key has the place of its table: at the top, of the whole text.
    if place.contains('\n') || (place.is_empty() && message.starts_with("missing field")) {
        return message;
    }
    error.set_input(Some(text));
    error.to_string().replace(error.message(), &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name_and_nonsense_finds_none() {
        let names = ["cifar10", "cifar100", "svhn"];
        assert_eq!(suggest("cifar_10", names), Some("cifar10"));
        assert_eq!(suggest("svnh", names), Some("svhn"));
        assert_eq!(suggest("CIFAR-10", names), Some("cifar10"));
        assert_eq!(suggest("zzz", names), None);
        assert_eq!(did_you_mean("shvn", names), ", did you mean `svhn`?");
        assert_eq!(did_you_mean("", names), "");
    }

    #[test]
    fn an_unknown_key_in_a_message_of_serde_gets_a_suggestion() {
        let message = "unknown field `lerning_rate`, expected one of `epochs`, `learning_rate`\nin `protocol`\n";
        let expected = "unknown field `lerning_rate`, expected one of `epochs`, `learning_rate`, did you mean \
                        `learning_rate`?\nin `protocol`";
        assert_eq!(with_suggestion(message), expected);
        assert_eq!(with_suggestion("missing field `key`"), "missing field `key`");
    }

    #[test]
    fn an_error_in_toml_has_a_caret_at_its_place_or_none() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its errors are read")]
        struct Example {
            title: String,
            number: u32,
        }
        let error = |text: &str| in_toml(toml::from_str::<Example>(text).unwrap_err(), text);
        assert_eq!(error("title = \"a\"\n"), "missing field `number`");
        let unknown = error("title = \"a\"\nnumbr = 1\n");
        assert!(unknown.contains("line 2") && unknown.contains("^^^^^"), "{unknown}");
        assert!(unknown.contains("did you mean `number`?"), "{unknown}");
    }
}
