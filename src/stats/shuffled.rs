//! What chance gives where labels are matched: the mean and the standard deviation of a number of
//! matches over all ways to shuffle the labels, computed and not simulated.

/// The number of matches when labels are shuffled over items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shuffled {
    /// Mean number of matches.
    pub mean: f64,
    /// Standard deviation of the number of matches.
    pub standard_deviation: f64,
}

/// Over all orders of the labels (Hoeffding 1951, theorem 2). `matches[item][class]` is the number
/// of matches if the item had that class, and `labels[class]` the number of items that have it.
/// `None` for fewer than two items, or if numbers of items or of classes do not agree.
#[must_use]
pub fn shuffled(matches: &[Vec<u32>], labels: &[u32]) -> Option<Shuffled> {
    let count: u32 = labels.iter().sum();
    let agree = matches.len() == count as usize
        && matches.iter().all(|of_item| of_item.len() == labels.len());
    if count < 2 || !agree {
        return None;
    }
    let items = f64::from(count);
    let over_labels = |value: &dyn Fn(usize) -> f64| {
        let each = labels.iter().enumerate();
        each.map(|(class, label)| f64::from(*label) * value(class)).sum::<f64>()
    };
    let of_items: Vec<f64> = matches
        .iter()
        .map(|of_item| over_labels(&|class| f64::from(of_item[class])) / items)
        .collect();
    let of_class =
        |class: usize| matches.iter().map(|of_item| f64::from(of_item[class])).sum::<f64>() / items;
    let of_classes: Vec<f64> = (0..labels.len()).map(of_class).collect();
    let mean: f64 = of_items.iter().sum();
    let square = |(of_item, item): (&Vec<u32>, &f64)| {
        over_labels(&|class| {
            (f64::from(of_item[class]) - item - of_classes[class] + mean / items).powi(2)
        })
    };
    let squares: f64 = matches.iter().zip(&of_items).map(square).sum();
    Some(Shuffled { mean, standard_deviation: (squares / (items - 1.0)).sqrt() })
}
