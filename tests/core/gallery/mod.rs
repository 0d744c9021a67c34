//! Every figure of the paper and of its reproduction, by name: the list, the drawings, their
//! captions, and the help where evidence is missing.

mod differences;
mod whole;

use crate::common;

use std::{collections::BTreeMap, sync::LazyLock};

use common::{Run, log, rows};
use proptest::prelude::*;
use repro::{
    cli::hints::{missing_of_figure, spelled},
    evidence::{
        Evidence, Records, SamplingDesign,
        means::{Points, TABLE},
    },
    experiment::EvidenceKind,
    figure::{
        catalogue::{Content, FigureCatalogue},
        chart,
        curves::{Chart, Point},
        png::{SCALE, png},
        svg::{self, PANEL_WIDTH},
    },
    report::gallery::{
        self, RenderedContent, chart_of, page, render_figures, table, write_gallery,
    },
    util::Folders,
    world::World,
};
use whole::whole;

const NAMES: [&str; 18] = [
    "2", "3", "4", "5", "6", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11",
    "A12", "A13",
];

static PUBLISHED: LazyLock<Evidence> =
    LazyLock::new(|| Evidence::published().unwrap_or_else(|error| panic!("{error}")));
static FIGURES: LazyLock<Points> =
    LazyLock::new(|| Evidence::published_points().unwrap_or_else(|error| panic!("{error}")));

fn names() -> Vec<String> {
    NAMES.map(str::to_owned).to_vec()
}

/// Every figure on one kind of evidence, by name.
fn all(evidence: &Evidence) -> BTreeMap<String, gallery::RenderedFigure<'_>> {
    let all = render_figures(&names(), &[evidence], &FIGURES, &Folders::default());
    all.into_iter().map(|exhibit| (exhibit.figure.name.clone(), exhibit)).collect()
}

fn svg_of(exhibit: &gallery::RenderedFigure<'_>) -> String {
    svg::file(&exhibit.drawn.as_ref().unwrap().1, &exhibit.figure.origin())
}

#[test]
fn the_catalogue_of_every_world_has_every_figure_of_both_documents() {
    for world in World::all() {
        let gallery = FigureCatalogue::new(&world);
        let listed: Vec<&str> = gallery.figures.iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(listed, NAMES, "{}", world.id);
    }
    let gallery = FigureCatalogue::new(&World::paper());
    let select = |name: &str| gallery.select(&[name.to_owned()]);
    assert_eq!(select("all").unwrap().len(), NAMES.len());
    assert_eq!(select("A10").unwrap()[0].name, "A10");
    assert_eq!(select("a5").unwrap_err().to_string(), "unknown figure `a5`, did you mean `A5`?");
}

#[test]
fn published_means_have_the_arms_and_the_epoch_of_their_figure() {
    // Figures 2 and 3 are of the last and of a named epoch, figures 4 and 5 of the best epoch.
    for figure in FigureCatalogue::new(&World::paper()).figures {
        let Content::Curves(curves) = figure.content else { continue };
        let Some(published) = curves.published_figure else { continue };
        let best = curves.plot.lines.iter().all(|line| line.at.is_some());
        assert_eq!(best, ["4", "5"].contains(&published.as_str()), "{}", figure.name);
    }
}

#[test]
fn the_authors_logs_draw_their_figures_and_the_others_name_a_command() {
    let all = all(&PUBLISHED);
    for (name, exhibit) in &all {
        let without = ["6", "A8", "A11", "A12", "A13"].contains(&name.as_str());
        assert_eq!(exhibit.drawn.is_none(), without, "{name}");
        if without {
            let missing = exhibit.missing.as_ref().unwrap_or_else(|| panic!("{name}"));
            assert!(
                missing.commands.iter().all(|command| spelled(command).starts_with("repro ")),
                "{missing:?}"
            );
        }
    }
    let help = |name: &str| missing_of_figure(all[name].missing.as_ref().unwrap());
    assert!(help("A8").contains("repro fetch celeba --from DIR"), "{}", help("A8"));
    assert!(help("A8").ends_with("`repro figure A8 --evidence paper --run`"), "{}", help("A8"));
    assert!(help("A13").ends_with("`repro figure A13 --evidence paper --run`"), "{}", help("A13"));
    assert_eq!(all["2"].missing, None);
}

#[test]
fn commands_that_make_a_figure_repeat_the_given_folders() {
    let folders = Folders { ledger: Some("my ledger".into()), data: Some("/big/data".into()) };
    let commands = |kind: EvidenceKind, name: &str| {
        let empty = Evidence { records: Records::default(), ..whole(kind) };
        let exhibits = render_figures(&[name.to_owned()], &[&empty], &FIGURES, &folders);
        let commands = &exhibits[0].missing.as_ref().unwrap().commands;
        commands.iter().map(spelled).collect::<Vec<_>>()
    };
    let run = |kind| {
        format!("repro figure A1 --evidence {kind} --run --ledger 'my ledger' --data /big/data")
    };
    let [fetch, paper] = &commands(EvidenceKind::Paper, "A1")[..] else { panic!("two commands") };
    assert!(fetch.starts_with("repro fetch ") && fetch.ends_with(" --data /big/data"), "{fetch}");
    assert_eq!(*paper, run(EvidenceKind::Paper));
    let [pack, pretrain, lab] = &commands(EvidenceKind::Lab, "A1")[..] else { panic!("three") };
    assert!(pack.starts_with("python3 scripts/pack_lab.py --out /big/data/lab "), "{pack}");
    assert_eq!(pretrain, "repro pretrain --world lab --data /big/data");
    assert_eq!(*lab, run(EvidenceKind::Lab));
    assert_eq!(commands(EvidenceKind::Smoke, "A1"), [run(EvidenceKind::Smoke)]);
}

#[test]
fn an_empty_ledger_draws_nothing_and_names_the_command_to_run() {
    for kind in EvidenceKind::LOCAL {
        let empty = Evidence { records: Records::default(), ..whole(kind) };
        for (name, exhibit) in all(&empty) {
            assert!(exhibit.drawn.is_none(), "{name} on {kind}");
            let missing = missing_of_figure(&exhibit.missing.unwrap());
            let run = format!("repro figure {name} --evidence {kind} --run");
            let elsewhere = ["A8", "A11"].contains(&name.as_str());
            assert!(missing.contains(&run) || elsewhere, "{missing}");
        }
    }
}

#[test]
fn every_world_draws_every_figure_that_it_can() {
    for kind in EvidenceKind::LOCAL {
        let whole = whole(kind);
        for (name, exhibit) in all(&whole) {
            let never = match kind {
                EvidenceKind::Smoke | EvidenceKind::SmokeOneZoo | EvidenceKind::Lab => {
                    ["A8", "A11"].contains(&name.as_str())
                }
                _ => false,
            };
            assert_eq!(exhibit.drawn.is_none(), never, "{name} on {kind}");
            assert_eq!(exhibit.missing.is_none(), !never, "{name} on {kind}");
        }
    }
}

#[test]
fn a_substitute_target_is_named_in_title_and_caption() {
    let smoke = whole(EvidenceKind::Smoke);
    let all = all(&smoke);
    let chart = all["A2"].chart().unwrap();
    assert!(chart.title.starts_with("Fashion-MNIST, four held-out classes:"), "{}", chart.title);
    assert!(
        chart.notes[0].starts_with(
            "Fashion-MNIST, four held-out classes replaces CIFAR-10, which is not available in \
             the smoke set-up"
        ),
        "{:?}",
        chart.notes
    );
    let missing = all["A8"].missing.as_ref().unwrap();
    assert!(missing.why.contains("28 pixels are not a high resolution"), "{missing:?}");
}

#[test]
fn captions_name_evidence_and_seeds_and_every_panel_shows_how_many() {
    for evidence in [&*PUBLISHED, &whole(EvidenceKind::Smoke)] {
        for (name, exhibit) in all(evidence) {
            let Some((RenderedContent::Chart(chart), drawing)) = &exhibit.drawn else { continue };
            let caption = drawing.notes.join(" ");
            let evidence = format!("Evidence ({}): {}", evidence.kind, evidence.title);
            assert!(caption.contains(&evidence), "{name}: {caption}");
            assert!(caption.contains("seeds per point"), "{name}: {caption}");
            assert!(!drawing.subtitle.is_empty(), "{name}");
            for (panel, drawn) in chart.panels.iter().zip(&drawing.panels) {
                let body = drawn.body.clone().into_string();
                let shown = body.contains(">n</text>") || body.contains(", n = ");
                assert_eq!(shown, panel.seeds().is_some(), "{name}: {}", panel.title);
            }
        }
    }
}

#[test]
fn a_single_seed_has_no_band_and_a_note() {
    let all = all(&PUBLISHED);
    let chart = all["A1"].chart().unwrap();
    let last = chart.panels[0].curves[0].points.last().unwrap();
    assert_eq!((last.x, last.seeds, last.low, last.high), (60_000.0, 1, None, None));
    assert_eq!(chart.panels[0].ticks.last().unwrap().label, "all");
    assert!(chart.notes.iter().any(|note| note.contains("one seed")), "{:?}", chart.notes);
}

#[test]
fn published_curves_are_behind_local_ones_or_alone_without_records() {
    let all = all(&PUBLISHED);
    let chart = all["4"].chart().unwrap();
    let titles = |of: &dyn Fn(&repro::figure::curves::Panel) -> bool| -> Vec<&str> {
        chart.panels.iter().filter(|panel| of(panel)).map(|panel| panel.title.as_str()).collect()
    };
    assert_eq!(titles(&|panel| panel.seeds().is_some()), ["CIFAR-10", "SVHN"]);
    let points = |panel: &repro::figure::curves::Panel| {
        panel.published.iter().map(|curve| curve.points.len()).collect::<Vec<_>>() == [10; 4]
            && panel.published_differences[0].points.len() == 10
    };
    assert_eq!(titles(&points).len(), 6);
    assert!(
        chart.notes.iter().any(|note| note.starts_with("Published means only")
            && note.ends_with("CIFAR-100, KMNIST, Fashion-MNIST, MNIST.")),
        "{:?}",
        chart.notes
    );
    let legend = &all["4"].drawn.as_ref().unwrap().1.legend;
    assert!(legend.iter().any(|(_, label)| label == "published means, the paper's figure 4"));
    // SVHN, 3 blocks, 800 images, l2_3: the value in figures.csv.
    let chart = all["2"].chart().unwrap();
    let svhn = chart.panels.iter().find(|panel| panel.title == "SVHN").unwrap();
    let at = |points: &[Point]| points.iter().copied().find(|point| point.x == 800.0).unwrap();
    let difference = at(&svhn.published_differences[0].points);
    assert_eq!(
        (difference.mean, difference.low, difference.high),
        (22.024, Some(20.455), Some(23.667))
    );
    assert_eq!(difference.seeds, 0);
    let ours = at(&svhn.differences[0].points);
    assert!((ours.mean - difference.mean).abs() < 5e-4, "{ours:?}");
}

#[test]
fn every_published_point_of_figures_2_to_5_is_drawn_in_its_figure() {
    let all = all(&PUBLISHED);
    let drawn = |of: &dyn Fn(&Chart) -> usize| -> usize {
        ["2", "3", "4", "5"].iter().map(|name| of(all[*name].chart().unwrap())).sum()
    };
    let count = |curves: &[repro::figure::curves::Curve]| {
        curves.iter().map(|curve| curve.points.len()).sum::<usize>()
    };
    let means = drawn(&|chart| chart.panels.iter().map(|panel| count(&panel.published)).sum());
    let differences =
        drawn(&|chart| chart.panels.iter().map(|panel| count(&panel.published_differences)).sum());
    let of_figures = FIGURES.means.iter().filter(|mean| mean.figure != TABLE).count();
    assert_eq!((means, differences), (of_figures, FIGURES.differences.len()));
    assert_eq!(means + differences, 810);
}

#[test]
fn a_png_shows_its_svg_with_its_text() {
    for (name, exhibit) in all(&PUBLISHED) {
        if exhibit.drawn.is_none() {
            continue;
        }
        let svg = svg_of(&exhibit);
        let bytes = png(&svg).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let side = |attribute: &str| -> f64 {
            let (_, rest) = svg.split_once(&format!(" {attribute}=\"")).unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        let size = [side("width"), side("height")].map(|side| side * f64::from(SCALE));
        assert_eq!([info.width, info.height].map(f64::from), size.map(f64::round), "{name}");
        let row = info.width as usize * 3;
        let dark = |from: usize, to: usize| {
            let pixels = pixels[from * row..to * row].chunks(3);
            pixels.filter(|pixel| pixel.iter().all(|channel| *channel < 100)).count()
        };
        // The title is the only ink in the first rows of pixels: without a font there is none.
        assert!(dark(20, 64) > 500, "{name}: the title has {} dark pixels", dark(20, 64));
        let coloured = pixels
            .chunks(3)
            .filter(|pixel| pixel.iter().max().unwrap() - pixel.iter().min().unwrap() > 60);
        assert!(coloured.count() > 1000, "{name} has no curves");
    }
}

#[test]
fn figures_have_only_characters_of_the_bundled_font() {
    for evidence in [&*PUBLISHED, &whole(EvidenceKind::Paper), &whole(EvidenceKind::Smoke)] {
        for exhibit in all(evidence).into_values().filter(|exhibit| exhibit.drawn.is_some()) {
            let strange = |c: char| {
                !matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{ff}') && !"–—‘’“”…−".contains(c)
            };
            let strange: Vec<char> = svg_of(&exhibit).chars().filter(|c| strange(*c)).collect();
            assert!(strange.is_empty(), "{}: {strange:?}", exhibit.figure.name);
        }
    }
}

#[test]
fn drawings_of_the_authors_logs_are_the_reviewed_ones() {
    let all = all(&PUBLISHED);
    for name in ["A1", "A4", "A5", "A10"] {
        insta::with_settings!({
            snapshot_path => "../../../goldens/report/figures",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, svg_of(&all[name]).replace("><", ">\n<"));
        });
    }
}

#[test]
fn the_table_has_a_line_for_every_point() {
    for exhibit in all(&PUBLISHED).into_values() {
        let Some(chart) = exhibit.chart() else { continue };
        let points: usize = chart
            .panels
            .iter()
            .flat_map(|panel| {
                let ours = panel.curves.iter().chain(&panel.differences);
                ours.chain(&panel.published).chain(&panel.published_differences)
            })
            .map(|curve| curve.points.len())
            .sum();
        let table = table(chart);
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), points, "{}", exhibit.figure.name);
        assert!(rows.iter().all(|row| row[4].parse::<f64>().unwrap().is_finite()));
    }
}

#[test]
fn the_page_has_every_figure_and_every_file_that_it_links_to() {
    let folder = tempfile::tempdir().unwrap();
    let smoke = whole(EvidenceKind::Smoke);
    let exhibits = render_figures(&names(), &[&*PUBLISHED, &smoke], &FIGURES, &Folders::default());
    let file =
        write_gallery(folder.path(), &exhibits, "repro verify --report report", spelled).unwrap();
    let page_text = std::fs::read_to_string(file).unwrap();
    assert_eq!(page_text, page(&exhibits, "figures", "repro verify --report report", spelled));
    for name in NAMES {
        assert!(page_text.contains(&format!("id=\"figure-{name}\"")), "{name}");
    }
    let mut files = 0;
    for link in page_text.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        if let Some(id) = link.strip_prefix('#') {
            assert!(page_text.contains(&format!("id=\"{id}\"")), "{link}");
        } else if !link.starts_with("data:") && link != "index.html" {
            assert!(folder.path().join(link).is_file(), "{link}");
            files += 1;
        }
    }
    let drawn = exhibits.iter().filter(|exhibit| exhibit.drawn.is_some()).count();
    assert_eq!(files, drawn * 3);
    for exhibit in exhibits.iter().filter_map(|exhibit| exhibit.missing.as_ref()) {
        assert!(page_text.contains(&spelled(&exhibit.commands[0])), "{exhibit:?}");
    }
    // Thumbnails are the files of the figures.
    for image in page_text.split(" src=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(image.starts_with("figures/") && folder.path().join(image).is_file(), "{image}");
    }
    for outside in ["http:", "https:", "<script", "NaN"] {
        assert!(!page_text.contains(outside), "{outside}");
    }
}

/// The coordinates of a path, in pairs.
fn places(path: &str) -> Vec<(f64, f64)> {
    let absolute = path.split(['m', 'h', 'l']).next().unwrap();
    let numbers: Vec<f64> = absolute
        .split(['M', 'L', 'Z', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().unwrap_or_else(|_| panic!("{path}")))
        .collect();
    numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// For all logged accuracies, curves are drawn within the panel, and a higher mean is higher.
    #[test]
    fn points_are_within_the_plot(
        accuracies in prop::collection::vec((0.0..100.0_f64, 0.0..100.0_f64), 8..=8),
        seeds in 1_u64..4,
    ) {
        let mut runs = Vec::new();
        for (place, (robust, natural)) in accuracies.iter().enumerate() {
            for seed in 0..seeds {
                #[expect(clippy::cast_precision_loss, reason = "a handful of seeds")]
                let near = |accuracy: f64| (accuracy + seed as f64 * 0.37).min(100.0);
                for (source, accuracy) in [("l2_3", near(*robust)), ("natural", near(*natural))] {
                    runs.push(Run {
                        target: "kmnist",
                        source,
                        blocks: 3,
                        images: 100 << place,
                        seed: World::seed(seed as usize).0,
                        accuracy: vec![(1, accuracy / 2.0), (100, accuracy)],
                    });
                }
            }
        }
        let evidence = common::evidence(&log(&rows(&runs)), SamplingDesign::FixedSample);
        let gallery = FigureCatalogue::new(&evidence.world);
        let figure = gallery.select(&["A1".to_owned()]).unwrap()[0];
        let chart = chart_of(figure, &evidence, &FIGURES).unwrap();
        let drawing = chart::draw(&chart, "a".to_owned()).unwrap();
        let panel = &drawing.panels[0];
        let body = panel.body.clone().into_string();
        for path in body.split(" d=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            if path.contains('H') || path.contains('V') {
                continue;
            }
            for (x, y) in places(path) {
                prop_assert!((34.0..=PANEL_WIDTH).contains(&x), "{path}");
                prop_assert!((0.0..=panel.height).contains(&y), "{path}");
            }
        }
        let circles: Vec<f64> = body
            .split("<title>l2_3, ")
            .skip(1)
            .map(|rest| rest.split(" cy=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        let points = &chart.panels[0].curves[0].points;
        prop_assert_eq!(points.len(), 8);
        // Published points are before the title, local ones after it.
        let ours = &circles[circles.len() - 8..];
        for (left, at) in points.iter().zip(ours) {
            for (right, other) in points.iter().zip(ours) {
                if left.mean > right.mean + 2.0 {
                    prop_assert!(at < other, "{left:?} {right:?}");
                }
            }
        }
    }
}
