//! Test images with their most influential training image, for each source model (figure A13 of the
//! reproduction report), as plain data and as a drawing.

use maud::{Markup, html};

use super::{
    classes::class,
    numbers::{place, value},
    svg::{Drawing, PANEL_WIDTH, PanelDrawing},
};
use crate::{
    claim::{Arm, Cell, Claim, Hypothesis, Metric},
    evidence::Evidence,
    experiment::{InfluentialExample, Key, Pictured, Resolution, Seed},
};

/// Size of an image in the drawing, in pixels.
const PICTURE: f64 = 44.0;
const ROW: f64 = 66.0;
const HEAD: f64 = 36.0;

/// The content of the figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Influential {
    /// Source models, in the order of the columns.
    pub sources: Vec<String>,
    /// One panel per cell for which every source has a record.
    pub panels: Vec<InfluentialPanel>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct InfluentialPanel {
    /// The cell in words.
    pub title: String,
    /// The target's id.
    pub target: String,
    /// The first seed that every source has.
    pub seed: Seed,
    /// One row per test image.
    pub rows: Vec<InfluentialRow>,
}

/// A test image.
#[derive(Clone, Debug, PartialEq)]
pub struct InfluentialRow {
    /// The test image.
    pub test: Pictured,
    /// By source: the predicted class of the test image, the most influential training image, and
    /// its influence in nats.
    pub most: Vec<InfluentialExample>,
}

/// The images of a claim about influence, for the cells of its primary and secondary hypotheses;
/// `None` if the claim has another metric or no cell has records.
#[must_use]
pub fn gallery(claim: &Claim, evidence: &Evidence) -> Option<Influential> {
    let readings = claim.readings.iter().map(|reading| &reading.hypothesis);
    let hypotheses = std::iter::once(&claim.hypothesis).chain(readings);
    let mut arms: Vec<&Arm> = Vec::new();
    let mut cells: Vec<(&Cell, &Metric)> = Vec::new();
    for Hypothesis { contrasts, metric, .. } in
        hypotheses.filter(|hypothesis| hypothesis.metric.is_of_influence())
    {
        for contrast in contrasts {
            for arm in contrast.terms.iter().map(|term| &term.arm).rev() {
                if !arms.iter().any(|known| known.source == arm.source) {
                    arms.push(arm);
                }
            }
            for cell in &contrast.cells {
                if !cells.iter().any(|(known, _)| *known == cell) {
                    cells.push((cell, metric));
                }
            }
        }
    }
    influential(&arms, &cells, evidence)
}

/// The images of arms in cells, each with its metric of influence; `None` if no cell has records.
#[must_use]
pub fn influential(
    arms: &[&Arm],
    cells: &[(&Cell, &Metric)],
    evidence: &Evidence,
) -> Option<Influential> {
    let panels: Vec<InfluentialPanel> = cells
        .iter()
        .filter_map(|(cell, metric)| {
            let keys: Vec<Key> = arms.iter().flat_map(|arm| arm.keys(cell, metric)).collect();
            panel(cell, &keys, evidence)
        })
        .collect();
    let sources = arms.iter().map(|arm| arm.source.join("|")).collect();
    (!panels.is_empty()).then_some(Influential { sources, panels })
}

fn panel(cell: &Cell, keys: &[Key], evidence: &Evidence) -> Option<InfluentialPanel> {
    let gallery_of = |key: &Key, seed: &Seed| {
        let record = evidence.records.seeds(key)?.get(seed)?;
        let inverse = record.influence.first()?.inverse;
        Some(record.counts(inverse).ok()??.gallery.clone())
    };
    let first = keys.first()?;
    let seeds = evidence.records.seeds(first)?.keys();
    let (seed, galleries) = seeds.into_iter().find_map(|seed| {
        let all = keys.iter().map(|key| gallery_of(key, seed)).collect::<Option<Vec<_>>>()?;
        Some((*seed, all))
    })?;
    let rows = galleries[0].iter().map(|of_first| {
        let same = |example: &&InfluentialExample| example.test.image == of_first.test.image;
        let most = galleries.iter().filter_map(|gallery| gallery.iter().find(same).cloned());
        InfluentialRow { test: of_first.test.clone(), most: most.collect() }
    });
    let rows: Vec<InfluentialRow> = rows.filter(|row| row.most.len() == keys.len()).collect();
    let target = evidence.world.title(&first.target);
    let resolution = match first.resolution {
        Resolution::Native => String::new(),
        Resolution::Pixels(pixels) => format!(" at {pixels} pixels"),
    };
    let images = cell.images.map(|images| format!(", {images} images")).unwrap_or_default();
    let title = format!("{target}{resolution}{images}");
    let target = first.target.to_string();
    (!rows.is_empty()).then_some(InfluentialPanel { title, target, seed, rows })
}

/// The drawing of the images.
#[must_use]
pub fn draw(gallery: &Influential, name: String) -> Drawing {
    let seeds: Vec<u64> = gallery.panels.iter().map(|panel| panel.seed.0).collect();
    let seed = match seeds.as_slice() {
        [first, rest @ ..] if rest.iter().all(|seed| seed == first) => format!(", seed {first}"),
        _ => String::new(),
    };
    Drawing {
        name,
        title: "Test images, each with its most influential training image".to_owned(),
        subtitle: String::new(),
        legend: Vec::new(),
        panels: gallery.panels.iter().map(|panel| draw_panel(gallery, panel)).collect(),
        notes: vec![
            format!(
                "The first test image of each of the first classes, not selected by result{seed}. \
                 A dashed frame marks a training image of a different class."
            ),
            "Influence: first-order increase of the test image's loss, in nats, if the training \
             image is removed. Below it (as): the predicted class of the test image."
                .to_owned(),
        ],
    }
}

fn draw_panel(gallery: &Influential, panel: &InfluentialPanel) -> PanelDrawing {
    let columns = gallery.sources.len() + 1;
    #[expect(clippy::cast_precision_loss, reason = "a handful of columns and rows")]
    let times = |count: usize, size: f64| count as f64 * size;
    let column = |index: usize| times(index, PANEL_WIDTH / times(columns, 1.0));
    let class = |label: u32| class(&panel.target, label);
    let body = html! {
        text.t x="0" y="12" { (panel.title) }
        text.s x="0" y="28" { "test image" }
        @for (index, source) in gallery.sources.iter().enumerate() {
            text.s x=(place(column(index + 1))) y="28" { "for " (source) }
        }
        @for (index, row) in panel.rows.iter().enumerate() {
            @let top = HEAD + times(index, ROW);
            (picture(&row.test, &panel.target, column(0), top, "test image"))
            text.s x=(place(column(0) + PICTURE + 6.0)) y=(place(top + 14.0)) {
                (class(row.test.label))
            }
            @for (index, example) in row.most.iter().enumerate() {
                @let left = column(index + 1);
                @let same_class = example.train.label == row.test.label;
                (picture(&example.train, &panel.target, left, top, "training image"))
                @if !same_class {
                    rect x=(place(left - 2.0)) y=(place(top - 2.0))
                        width=(place(PICTURE + 4.0)) height=(place(PICTURE + 4.0)) fill="none"
                        stroke="currentColor" stroke-width="1.5" stroke-dasharray="4 3" {}
                }
                text.s x=(place(left + PICTURE + 6.0)) y=(place(top + 14.0)) {
                    (class(example.train.label))
                }
                text.s.n x=(place(left + PICTURE + 6.0)) y=(place(top + 28.0)) {
                    (influence(example.influence))
                }
                text.s x=(place(left + PICTURE + 6.0)) y=(place(top + 42.0)) {
                    "as " (class(example.predicted))
                }
            }
        }
    };
    PanelDrawing {
        title: format!("{}: most influential training images", panel.title),
        description: in_words(gallery, panel),
        height: HEAD + times(panel.rows.len(), ROW),
        body,
    }
}

fn picture(of: &Pictured, target: &str, left: f64, top: f64, what: &str) -> Markup {
    html! {
        image x=(place(left)) y=(place(top)) width=(place(PICTURE)) height=(place(PICTURE))
            image-rendering="pixelated" href=(format!("data:image/png;base64,{}", of.png))
        {
            title { (what) " " (of.image) ", " (class(target, of.label)) }
        }
    }
}

/// An influence in nats, in scientific notation if very small or large: sources differ by powers of
/// ten.
fn influence(nats: f64) -> String {
    if nats == 0.0 || (0.01..1000.0).contains(&nats.abs()) {
        value(nats)
    } else {
        format!("{nats:.1e}").replace('-', "\u{2212}")
    }
}

fn in_words(gallery: &Influential, panel: &InfluentialPanel) -> String {
    let row = |row: &InfluentialRow| {
        let most: Vec<String> = row
            .most
            .iter()
            .zip(&gallery.sources)
            .map(|(example, source)| {
                let class = class(&panel.target, example.train.label);
                format!("{class} for {source} ({})", influence(example.influence))
            })
            .collect();
        format!("test image, {}: {}", class(&panel.target, row.test.label), most.join(", "))
    };
    panel.rows.iter().map(row).collect::<Vec<_>>().join("; ") + "."
}

/// The columns of [`table`].
pub const COLUMNS: [&str; 9] = [
    "cell",
    "seed",
    "test_image",
    "test_label",
    "source",
    "predicted",
    "training_image",
    "training_label",
    "influence_nats",
];

/// The content as CSV, one line per test image and source.
///
/// # Panics
/// Never: writing to memory can't fail.
#[must_use]
pub fn table(content: &Influential) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).expect("memory");
    for panel in &content.panels {
        for row in &panel.rows {
            for (most, source) in row.most.iter().zip(&content.sources) {
                let fields = [
                    panel.title.clone(),
                    panel.seed.0.to_string(),
                    row.test.image.to_string(),
                    row.test.label.to_string(),
                    source.clone(),
                    most.predicted.to_string(),
                    most.train.image.to_string(),
                    most.train.label.to_string(),
                    most.influence.to_string(),
                ];
                writer.write_record(fields).expect("memory");
            }
        }
    }
    let bytes = writer.into_inner().expect("memory");
    String::from_utf8(bytes).expect("made of text")
}
