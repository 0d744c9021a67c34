//! The text of a claim that a person completes.

use std::fmt::Write;

use super::{FIRST_CLAIM, TODO, columns, comment, list, log::in_file, quoted, value};
use crate::study::{
    Study,
    infer::{Factor, Survey, arms_of},
};

/// The text of a first claim about a surveyed log. It is marked as chosen with the log at hand.
#[must_use]
pub fn first(survey: &Survey) -> String {
    let mut text = head(FIRST_CLAIM, &["Chosen with the log at hand."]);
    let arms = arms_of(&survey.factors);
    let name = arms.map_or(TODO, |factor| factor.named.name.as_str());
    text += "\n[arms]    # what each side of the comparison fixes\n";
    let mut terms = ["one", "other"].map(str::to_owned);
    let mut pair = None;
    match arms {
        Some(Factor { values, number, .. }) if values.len() == 2 => {
            pair = Some(values);
            let words = [0, 1].map(|index| word(&values[index]));
            if words[0] != words[1] {
                terms = words;
            }
            for (term, of) in terms.iter().zip(values) {
                let _ = writeln!(text, "{term} = {{ {name} = {} }}", value(of, *number));
            }
        }
        Some(Factor { values, .. }) => {
            let known = columns(values.iter().take(30).map(String::as_str));
            text += &comment(&format!("Values of {name}: {known}"));
            for term in &terms {
                let _ = writeln!(text, "{term} = {{ {name} = \"{TODO}\" }}");
            }
        }
        None => {
            let known = columns(survey.factors.iter().map(|factor| factor.named.name.as_str()));
            text += &comment(&format!("What is compared: a factor and its value, of {known}."));
            for term in &terms {
                let _ = writeln!(text, "{term} = {{ {TODO} = \"{TODO}\" }}");
            }
        }
    }
    let [one, other] = &terms;
    let _ = write!(
        text,
        "\n[hypothesis]\nstatement = {}\n\
         # A contrast above 0 means that the first arm is better, by the metric's direction.\n\
         contrasts = [{{ terms = {{ {one} = 1.0, {other} = -1.0 }} }}]\n",
        quoted(&format!("{TODO}: {one} is better than {other} in every cell."))
    );
    let metrics = in_file(&survey.metrics).0.iter();
    let metrics: Vec<&str> = metrics.map(|metric| metric.named.name.as_str()).collect();
    match &metrics[..] {
        [only] => {
            let _ = writeln!(text, "metric = \"{only}\"");
        }
        several => {
            let _ = writeln!(text, "metric = \"{TODO}\"    # of log.toml: {}", several.join(", "));
        }
    }
    text += RELATION;
    let rest = survey.factors.iter().enumerate().filter(|(_, of)| Some(*of) != arms);
    if arms.is_none() && survey.factors.len() > 1 {
        text += &comment("Every factor but that which the arms fix: remove it here.");
    }
    text += &cells(survey, &rest.collect::<Vec<_>>(), arms, pair.map(Vec::as_slice));
    text
}

const RELATION: &str = "\
relation = { greater_than = 0.0 }    # or not_worse_than, equivalent_within, with a margin
holds = \"every\"                      # or { at_least = 4 }, { at_least_share = 0.9 }
";

/// What every claim begins with.
fn head(id: &str, caveats: &[&str]) -> String {
    let mut text = format!(
        "format = 1\nid = \"{id}\"\ntitle = \"{TODO}\"\nstatement = \"{TODO}\"    # the claim in one \
         sentence\n"
    );
    if !caveats.is_empty() {
        let caveats: Vec<String> = caveats.iter().map(|caveat| quoted(caveat)).collect();
        text += &list("caveats", &caveats);
        text += "\n";
    }
    text
}

/// The cells: every value of the other factors, or, where one factor alone is left, those on which
/// both arms have runs.
fn cells(
    survey: &Survey,
    rest: &[(usize, &Factor)],
    arms: Option<&Factor>,
    pair: Option<&[String]>,
) -> String {
    let every = |(_, factor): &(usize, &Factor)| format!("{} = \"every\"", factor.named.name);
    let all: Vec<String> = rest.iter().map(every).collect();
    let every = format!("cells = {{ {} }}\n", all.join(", ")).replace("{  }", "{}");
    let at = arms.and_then(|arms| survey.factors.iter().position(|factor| factor == arms));
    let (Some(at), Some(pair), [(other, factor)]) = (at, pair, rest) else {
        let missing = survey.cells.possible.is_none_or(|all| all > survey.cells.points.len());
        let note = "Some combinations have no run: name the values that both arms have.";
        return if missing { comment(note) + &every } else { every };
    };
    let has = |of: &str, value: &String| {
        survey.cells.points.iter().any(|point| point[at] == of && point[*other] == *value)
    };
    let both: Vec<&String> =
        factor.values.iter().filter(|value| pair.iter().all(|of| has(of, value))).collect();
    if both.len() == factor.values.len() || both.is_empty() {
        return every;
    }
    let values: Vec<String> = both.iter().map(|text| value(text, factor.number)).collect();
    let note = format!("The values of {} that both arms have.", factor.named.name);
    format!("{}cells = {{ {} = [{}] }}\n", comment(&note), factor.named.name, values.join(", "))
}

/// A value as the name of an arm.
fn word(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let word: String = text.chars().map(letter).collect();
    let word = word.trim_matches('_');
    match word.chars().next() {
        Some(first) if first.is_ascii_lowercase() => word.to_owned(),
        _ => format!("arm_{word}"),
    }
}

/// An empty claim about a study's log, with its factors, groups and metrics in comments.
#[must_use]
pub fn blank_of_study(id: &str, study: &Study) -> String {
    let mut text = head(id, &[]);
    let factors: Vec<&str> = study.factors.iter().map(|factor| factor.name.as_str()).collect();
    text += "\n";
    text += &comment(&format!("Factors of log.toml: {}.", factors.join(", ")));
    for (name, (factor, values)) in &study.groups {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        let values = columns(values.iter().map(String::as_str));
        text += &comment(&format!("Group `{name}` of {}: {values}.", study.factors[*factor].name));
    }
    let factor = factors.first().copied().unwrap_or(TODO);
    let _ = write!(
        text,
        "[arms]    # what each side of the comparison fixes\n\
         one = {{ {factor} = \"{TODO}\" }}\nother = {{ {factor} = \"{TODO}\" }}\n\n\
         [hypothesis]\nstatement = \"{TODO}\"\n\
         contrasts = [{{ terms = {{ one = 1.0, other = -1.0 }} }}]\n"
    );
    let metrics: Vec<&str> = study.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let _ = writeln!(text, "metric = \"{TODO}\"    # of log.toml: {}", metrics.join(", "));
    text += RELATION;
    let cells = factors.iter().skip(1).map(|factor| format!("{factor} = \"{TODO}\""));
    let cells: Vec<String> = cells.collect();
    text += &comment(
        "A value, a list of values, a group, or \"every\", of each factor that no arm has.",
    );
    text += &format!("cells = {{ {} }}\n", cells.join(", ")).replace("{  }", "{}");
    text
}

/// An empty claim about fine-tunes, as the project's own are.
#[must_use]
pub fn blank(id: &str) -> String {
    head(id, &[])
        + &format!(
            "# paper = {{ figures = [\"2\"] }}    # where it is in the paper\n\n\
             [arms]    # what each side of the comparison fixes\n\
             one = {{ source = \"{TODO}\" }}      # a source model, such as l2_3\n\
             other = {{ source = \"{TODO}\" }}    # such as natural\n\n\
             [hypothesis]\nstatement = \"{TODO}\"\n\
             contrasts = [{{ terms = {{ one = 1.0, other = -1.0 }} }}]\n\
             metric = {{ accuracy = \"last\" }}     # or \"best\"; or loss, epochs_to\n\
             {RELATION}\
             # Targets, or a group such as similar; sizes, or a list such as few; blocks.\n\
             cells = {{ target = \"{TODO}\", images = \"{TODO}\", blocks = 3 }}\n"
        )
}
