//! How often the most influential training images have the test image's class.

use tch::{Kind, Tensor};

use super::{Influence, Scores};
use crate::{
    experiment::{Chance, RANKS},
    stats::shuffled,
};

/// A majority of the most influential images: at least `THREE` of `FIVE`.
const FIVE: i64 = 5;
const THREE: i64 = 3;
/// Test images whose influences are formed and sorted at once.
const BATCH: i64 = 500;

/// How often the most influential training images have the test image's class. If all training
/// images have the same influence on a test image, it has no most influential one and counts as no
/// match.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// For each rank, from the most influential: how many test images have the class of that image.
    pub matches: Vec<u32>,
    /// How many test images have the class of at least three of the five most influential ones.
    pub three_of_five: u32,
    /// Whether each test image has the class of its most influential one.
    pub first: Vec<bool>,
    /// Each test image's most influential training image, and the influence of that image.
    pub strongest: Vec<(usize, f64)>,
    /// Whether each test image has a most influential one.
    pub distinct: Vec<bool>,
}

impl Shares {
    /// Counts, given the labels of the training images `[images]` and of the test images `[tests]`.
    ///
    /// # Panics
    /// If there are not as many labels as images, or there are no test images.
    #[must_use]
    pub fn new(influence: &Influence, train: &Tensor, test: &Tensor) -> Self {
        Self::by(influence.scores(), train, test)
    }

    /// Counts by any scores, in place of influences.
    ///
    /// # Panics
    /// As [`Shares::new`].
    #[must_use]
    pub fn by(scores: &Scores, train: &Tensor, test: &Tensor) -> Self {
        let parts: Vec<Self> = (0..scores.tests())
            .step_by(BATCH as usize)
            .map(|start| {
                let length = BATCH.min(scores.tests() - start);
                Self::count(&scores.on(start, length), train, &test.narrow(0, start, length))
            })
            .collect();
        parts.into_iter().reduce(Self::and).expect("there are test images")
    }

    /// Counts over a whole matrix of influences, `[tests, images]`. Among equal influences the
    /// earlier training image ranks first.
    ///
    /// # Panics
    /// As [`Shares::new`].
    #[must_use]
    pub fn count(influences: &Tensor, train: &Tensor, test: &Tensor) -> Self {
        let ranks = RANKS.min(train.size()[0]);
        let (sorted, order) = influences.sort_stable(true, 1, true);
        let order = order.narrow(1, 0, ranks);
        let classes = train.index_select(0, &order.reshape([-1])).view([-1, ranks]);
        let last = sorted.select(1, sorted.size()[1] - 1);
        let differ = sorted.select(1, 0).ne_tensor(&last).unsqueeze(1);
        let same = classes.eq_tensor(&test.unsqueeze(1)).logical_and(&differ);
        let five = same.narrow(1, 0, FIVE.min(ranks));
        let of_five = five.sum_dim_intlist([1].as_slice(), false, Kind::Int64);
        let counts = same.sum_dim_intlist([0].as_slice(), false, Kind::Int64);
        let counts = Vec::<i64>::try_from(counts).expect("one dimension");
        let first = Vec::<i64>::try_from(order.select(1, 0)).expect("one dimension");
        let highest = Vec::<f64>::try_from(sorted.select(1, 0)).expect("one dimension");
        Self {
            matches: counts.into_iter().map(|count| count as u32).collect(),
            three_of_five: of_five.ge(THREE).sum(Kind::Int64).int64_value(&[]) as u32,
            first: Vec::<bool>::try_from(same.select(1, 0)).expect("one dimension"),
            strongest: first.into_iter().map(|image| image as usize).zip(highest).collect(),
            distinct: Vec::<bool>::try_from(differ.squeeze_dim(1)).expect("one dimension"),
        }
    }

    /// Adds the counts of further test images.
    fn and(mut self, more: Self) -> Self {
        for (count, more) in self.matches.iter_mut().zip(more.matches) {
            *count += more;
        }
        self.three_of_five += more.three_of_five;
        self.first.extend(more.first);
        self.strongest.extend(more.strongest);
        self.distinct.extend(more.distinct);
        self
    }

    /// How many test images would have the class of their most influential training image if the
    /// labels of the training images were shuffled and their ranking stayed, over all orders.
    /// `None` for a single training image.
    ///
    /// # Panics
    /// If labels are of other images.
    #[must_use]
    pub fn by_chance(&self, train: &Tensor, test: &Tensor) -> Option<Chance> {
        let read = |labels: &Tensor| Vec::<i64>::try_from(labels).expect("one dimension");
        let (train, test) = (read(train), read(test));
        let classes = train.iter().chain(&test).max().map_or(0, |largest| *largest as usize + 1);
        let mut labels = vec![0_u32; classes];
        train.iter().for_each(|label| labels[*label as usize] += 1);
        // By training image and class: the test images of that class that it is the first of.
        let mut matches = vec![vec![0_u32; classes]; train.len()];
        for ((class, (first, _)), distinct) in test.iter().zip(&self.strongest).zip(&self.distinct)
        {
            matches[*first][*class as usize] += u32::from(*distinct);
        }
        let percent = 100.0 / test.len() as f64;
        shuffled(&matches, &labels).map(|found| Chance {
            mean: percent * found.mean,
            standard_deviation: percent * found.standard_deviation,
        })
    }
}
