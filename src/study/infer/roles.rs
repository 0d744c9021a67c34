//! From columns as seen to what they may mean.

use super::{
    Factor, Metric, Progress, Shape, Survey, Unused, cells,
    names::Names,
    observed::{Column, Observed},
    words,
};
use crate::util::shown::{fault_of_name, shown};

/// A number with more distinct values is no factor.
const MOST_SETTINGS: usize = 64;

/// Why a log has no runs to judge, and what makes one that has.
type NoRuns = (String, String);

/// Columns by what they may mean, as places among the observed ones.
#[derive(Default)]
struct Roles {
    factors: Vec<usize>,
    replicates: Vec<usize>,
    /// Whether the candidates have names of replicates.
    by_name: bool,
    numbers: Vec<usize>,
    progress: Vec<usize>,
    status: Option<usize>,
    unused: Vec<(usize, Unused)>,
}

/// What an observed log may mean.
pub(super) fn survey(
    mut shape: Shape,
    seen: &Observed,
    mut notes: Vec<String>,
) -> Result<Survey, NoRuns> {
    refuse(seen)?;
    let roles = roles(seen);
    if roles.numbers.is_empty() {
        return Err((
            "no column of numbers varies between runs".to_owned(),
            "a log has a row a run, or a row an evaluation, with a metric in a column".to_owned(),
        ));
    }
    notes.extend(faults(seen, &roles));
    let cells = cells::count(seen, &roles.factors, &roles.replicates, &roles.progress);
    let columns = &seen.columns;
    let mut names = Names::new(columns.iter().map(|column| column.name.as_str()));
    let factors = roles.factors.iter().map(|index| factor(&columns[*index], &mut names)).collect();
    let replicates = roles.replicates.iter().map(|index| names.of(&columns[*index].name)).collect();
    let progress = roles.progress.iter().map(|index| {
        let column = &columns[*index];
        Progress { named: names.of(&column.name), low: column.low, high: column.high }
    });
    let progress = progress.collect();
    let mut metrics: Vec<usize> = roles.numbers;
    metrics.sort_by_key(|index| words::likelihood(&columns[*index].name));
    let metrics = metrics.iter().map(|index| {
        let column = &columns[*index];
        Metric {
            named: names.of(&column.name),
            low: column.low,
            high: column.high,
            empty: column.empty + column.not_finite,
            known: words::metric(&column.name),
            share: words::share(&column.name),
        }
    });
    let metrics = metrics.collect();
    let status = roles.status.map(|index| {
        let column = &columns[index];
        let values = column.values.iter().cloned().zip(column.counts()).collect();
        (names.of(&column.name), values)
    });
    if roles.replicates.is_empty() || !roles.by_name {
        notes.push("no column has the name of a replicate, such as seed or fold".to_owned());
    }
    for (index, _) in roles.unused.iter().filter(|(index, _)| columns[*index].in_path) {
        shape.files = shape.files.replace(&format!("{{{}}}", columns[*index].name), "*");
    }
    let unused = roles.unused.into_iter();
    Ok(Survey {
        shape,
        files: seen.files.len(),
        rows: seen.rows(),
        factors,
        replicates,
        replicate_by_name: roles.by_name,
        metrics,
        progress,
        status,
        unused: unused.map(|(index, why)| (columns[index].name.clone(), why)).collect(),
        cells,
        notes,
    })
}

/// Logs that hold no runs: means in place of runs, or a column a run.
fn refuse(seen: &Observed) -> Result<(), NoRuns> {
    if seen.rows() == 0 {
        return Err(("it has no rows".to_owned(), "give a log with a row a run".to_owned()));
    }
    let spread = seen.columns.iter().find(|column| {
        let texts = seen.rows() - column.empty - column.numbers - column.not_finite;
        column.spreads > 0 && 2 * column.spreads >= texts
    });
    if let Some(column) = spread {
        let text = column.text.as_deref().unwrap_or_default();
        return Err((
            format!(
                "`{}` holds a mean and a spread in one cell (`{}`): the runs are gone",
                shown(&column.name),
                shown(text)
            ),
            "give the runs that the means were taken of, a row each".to_owned(),
        ));
    }
    let columns = seen.columns.iter().map(|column| column.name.as_str());
    let is_numbered = |name: &&str| {
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
        word.len() < name.len() && words::replicate(word, true)
    };
    let mut numbered = columns.clone().filter(is_numbered);
    if let (Some(one), Some(other)) = (numbered.next(), numbered.next()) {
        return Err((
            format!("it has a column for each replicate: `{}`, `{}`", shown(one), shown(other)),
            "write a row for each: pandas.melt makes rows of columns".to_owned(),
        ));
    }
    if columns.clone().any(|name| name.ends_with("__MIN") || name.ends_with("__MAX")) {
        return Err((
            "it has a column for each run, as an exported chart of W&B has".to_owned(),
            "export the table of runs as CSV in place of the chart".to_owned(),
        ));
    }
    Ok(())
}

fn roles(seen: &Observed) -> Roles {
    let columns = &seen.columns;
    let mut roles = Roles::default();
    let (mut texts, mut numbers, mut progress) = (Vec::new(), Vec::new(), Vec::new());
    for (index, column) in columns.iter().enumerate() {
        if let Some(why) = plain(column, seen.rows()) {
            roles.unused.push((index, why));
        } else if words::progress(&column.name) && column.is_number() && column.empty == 0 {
            progress.push(index);
        } else if words::status(&column.name) && !column.is_number() && roles.status.is_none() {
            roles.status = Some(index);
        } else if is_replicate(column) {
            roles.replicates.push(index);
        } else if column.is_number() {
            numbers.push(index);
        } else {
            texts.push(index);
        }
    }
    drop_equal(seen, &mut roles);
    roles.by_name = !roles.replicates.is_empty();
    // A part of the path that is a whole number, and settings, are factors as texts are.
    let is_setting = |index: &usize| {
        let column = &columns[*index];
        let few = column.distinct().is_some_and(|count| count <= MOST_SETTINGS);
        column.empty + column.not_finite == 0
            && (column.in_path || (few && words::setting(&column.name)))
    };
    let (settings, rest): (Vec<usize>, Vec<usize>) = numbers.into_iter().partition(is_setting);
    texts.extend(settings);
    let texts = by_path(seen, texts, &mut roles, &progress);
    // What does not differ between rows of one run need not be looked at in every row.
    let rows = {
        let few = |index: &&usize| !columns[**index].codes.is_empty();
        let of: Vec<usize> = texts.iter().chain(&roles.replicates).filter(few).copied().collect();
        seen.firsts(&of)
    };
    roles.factors = independent(seen, texts, &roles.replicates, &rows, &mut roles.unused);
    let within = |roles: &Roles| [&roles.factors[..], &roles.replicates].concat();
    let all: Vec<usize> = (0..seen.rows()).collect();
    // Progress varies within a run.
    for index in progress {
        let of = within(&roles);
        let runs = seen.count(&of, &all);
        let varies = columns[index].codes.is_empty()
            || seen.count(&[&of[..], &[index]].concat(), &all) > runs;
        if varies && runs < seen.rows() {
            roles.progress.push(index);
        } else {
            roles.numbers.push(index);
        }
    }
    let rest = split(seen, rest, &mut roles, &all);
    // A number that is one for each combination of factors follows from them.
    let combinations = seen.count(&roles.factors, &all);
    for index in rest {
        let column = &columns[index];
        let follows = !column.codes.is_empty()
            && combinations < seen.rows()
            && !words::metric(&column.name)
            && seen.count(&[&roles.factors[..], &[index]].concat(), &all) == combinations;
        if follows {
            roles.unused.push((index, Unused::OfCombinations));
        } else {
            roles.numbers.push(index);
        }
    }
    if roles.replicates.is_empty() {
        structural(seen, &mut roles);
    }
    roles.unused.sort_by_key(|(index, _)| *index);
    roles
}

/// Why a column says nothing, by itself.
fn plain(column: &Column, rows: usize) -> Option<Unused> {
    let given = rows - column.empty;
    let texts = given - column.numbers - column.not_finite;
    let distinct = column.distinct();
    let replicate = words::replicate(&column.name, false);
    match distinct {
        _ if column.name.is_empty() => Some(Unused::Unnamed),
        _ if given == 0 => Some(Unused::Empty),
        Some(1) if rows > 1 => Some(Unused::Constant(column.values[0].clone())),
        _ if column.numbers > 0 && texts > 0 && column.numbers >= texts && !column.in_path => {
            let text = column.text.clone().unwrap_or_default();
            Some(Unused::Mixed(text))
        }
        _ if replicate => None,
        _ if words::identifier(&column.name) && !column.in_path => Some(Unused::Identifier),
        Some(distinct) if texts > 0 && distinct == given && given > 2 => Some(Unused::Identifier),
        Some(_) if column.values.iter().all(|text| words::is_time(text)) => {
            Some(Unused::Identifier)
        }
        None if texts > 0 => Some(Unused::Identifier),
        _ => None,
    }
}

fn is_replicate(column: &Column) -> bool {
    let whole = column.is_whole();
    column.empty == 0
        && (whole || !column.is_number())
        && column.distinct().is_some()
        && words::replicate(&column.name, whole)
}

/// Of replicates that are one column twice, the first counts; and one that has another value in
/// every row is a run's number where another column repeats.
fn drop_equal(seen: &Observed, roles: &mut Roles) {
    let columns = &seen.columns;
    let mut kept: Vec<usize> = Vec::new();
    for index in std::mem::take(&mut roles.replicates) {
        match kept.iter().find(|other| columns[**other].equals(&columns[index])) {
            Some(other) => {
                let same = Unused::SameAs(columns[*other].name.clone());
                roles.unused.push((index, same));
            }
            None => kept.push(index),
        }
    }
    let is_number = |index: &usize| columns[*index].distinct() == Some(seen.rows());
    if kept.iter().any(|index| !is_number(index)) {
        let numbers = kept.iter().copied().filter(is_number);
        roles.unused.extend(numbers.map(|index| (index, Unused::Identifier)));
        kept.retain(|index| !is_number(index));
    }
    roles.replicates = kept;
}

/// Where the files' path identifies runs, no other column is needed for it.
fn by_path(
    seen: &Observed,
    texts: Vec<usize>,
    roles: &mut Roles,
    progress: &[usize],
) -> Vec<usize> {
    let (path, others): (Vec<usize>, Vec<usize>) =
        texts.iter().copied().partition(|index| seen.columns[*index].in_path);
    let all: Vec<usize> = (0..seen.rows()).collect();
    let runs = [&path[..], &roles.replicates].concat();
    let in_path = runs.iter().any(|index| seen.columns[*index].in_path);
    let rows = [&runs[..], progress].concat();
    let many = progress.iter().any(|index| seen.columns[*index].codes.is_empty());
    if !in_path || path.is_empty() || !(many || seen.count(&rows, &all) == seen.rows()) {
        return texts;
    }
    roles.unused.extend(others.into_iter().map(|index| (index, Unused::Unneeded)));
    path
}

/// The columns that no others determine. A column that has a value for each run, such as a run's
/// name, is determined by the others and the replicate; a column of a family by the method.
fn independent(
    seen: &Observed,
    columns: Vec<usize>,
    replicates: &[usize],
    rows: &[usize],
    unused: &mut Vec<(usize, Unused)>,
) -> Vec<usize> {
    let distinct = |index: usize| seen.columns[index].distinct().unwrap_or(usize::MAX);
    let mut order: Vec<usize> =
        columns.iter().copied().filter(|index| distinct(*index) < usize::MAX).collect();
    // The column with most values first, and of equal ones the last, which is not in the path.
    order.sort_by_key(|index| {
        let column = &seen.columns[*index];
        let known = words::arms(&column.name).is_some() || column.name.starts_with("dataset");
        (std::cmp::Reverse(distinct(*index)), column.in_path, known, std::cmp::Reverse(*index))
    });
    let mut kept = order.clone();
    for index in order {
        let others: Vec<usize> = kept.iter().copied().filter(|other| *other != index).collect();
        let count = |of: &[usize]| seen.count(of, rows);
        let runs = [&others[..], replicates].concat();
        // It has another value for each replicate, and nothing that they have not.
        let names_runs = !replicates.is_empty()
            && count(&[index]) == count(&[&runs[..], &[index]].concat())
            && count(&runs) == count(&[&runs[..], &[index]].concat());
        let by = |of: &[usize]| count(of) == count(&[of, &[index]].concat());
        if names_runs && !seen.columns[index].in_path {
            unused.push((index, Unused::Identifier));
        } else if let Some(other) = others.iter().find(|other| by(&[**other])) {
            let name = seen.columns[*other].name.clone();
            let same = distinct(*other) == distinct(index);
            let why = if same { Unused::SameAs(name) } else { Unused::FollowsFrom(name) };
            unused.push((index, why));
        } else if others.len() > 1 && by(&others) {
            unused.push((index, Unused::OfCombinations));
        } else {
            continue;
        }
        kept = others;
    }
    columns.into_iter().filter(|index| kept.contains(index)).collect()
}

/// Numbers that rows differ in beyond factors, replicate and progress are factors as far as they
/// are needed; the others are returned.
fn split(seen: &Observed, mut rest: Vec<usize>, roles: &mut Roles, all: &[usize]) -> Vec<usize> {
    loop {
        let many = roles.progress.iter().any(|index| seen.columns[*index].codes.is_empty());
        let known = [&roles.factors[..], &roles.replicates, &roles.progress].concat();
        let now = seen.count(&known, all);
        if many || now == seen.rows() || roles.replicates.is_empty() {
            return rest;
        }
        let candidates = rest.iter().filter(|index| {
            let column = &seen.columns[**index];
            let few = column
                .distinct()
                .is_some_and(|count| count <= MOST_SETTINGS && 4 * count <= seen.rows());
            few && column.empty + column.not_finite == 0 && !words::metric(&column.name)
        });
        let gain = |index: &usize| seen.count(&[&known[..], &[*index]].concat(), all);
        let best = candidates.map(|index| (gain(index), *index)).max_by_key(|(gain, index)| {
            (*gain, std::cmp::Reverse(seen.columns[*index].values.len()), std::cmp::Reverse(*index))
        });
        match best {
            Some((gain, index)) if gain > now => {
                roles.factors.push(index);
                rest.retain(|other| *other != index);
            }
            _ => return rest,
        }
    }
}

/// Without a column that has the name of a replicate: those that may be it all the same are whole
/// numbers among the factors, parts of the path first.
fn structural(seen: &Observed, roles: &mut Roles) {
    let mut candidates: Vec<usize> = roles
        .factors
        .iter()
        .chain(&roles.numbers)
        .copied()
        .filter(|index| {
            let column = &seen.columns[*index];
            let repeats = column.distinct().is_some_and(|count| 2 * count <= seen.rows());
            column.is_whole()
                && column.empty == 0
                && repeats
                && !words::metric(&column.name)
                && !words::setting(&column.name)
        })
        .collect();
    candidates.sort_by_key(|index| !seen.columns[*index].in_path);
    // A single part of the path that is a number is the likeliest; it stays a candidate.
    roles.factors.retain(|index| !candidates.contains(index));
    roles.numbers.retain(|index| !candidates.contains(index));
    roles.replicates = candidates;
}

fn factor(column: &Column, names: &mut Names) -> Factor {
    let mut values = column.values.clone();
    let number = column.is_number() && column.not_finite == 0;
    if number {
        let of = |text: &String| text.parse::<f64>().unwrap_or(f64::NAN);
        values.sort_by(|one, other| of(one).total_cmp(&of(other)));
        values.dedup_by(|one, other| of(one) == of(other));
    }
    Factor { named: names.of(&column.name), number, values, empty: column.empty }
}

/// Names that the reader of a log refuses.
fn faults(seen: &Observed, roles: &Roles) -> Vec<String> {
    let named = roles.factors.iter().chain(&roles.replicates);
    let fault = |index: &usize| {
        let column = &seen.columns[*index];
        let (text, fault) =
            column.values.iter().find_map(|text| Some((text, fault_of_name(text)?)))?;
        Some(format!(
            "{} has `{}`, which {fault}: verify refuses it",
            shown(&column.name),
            shown(text)
        ))
    };
    named.filter_map(fault).collect()
}
