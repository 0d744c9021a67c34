//! The report: the contents of its page and its figures, not their appearance.

mod figures;
mod influence;
mod summary;

use crate::common;

use std::{collections::BTreeSet, path::Path};

use base64::Engine;
use common::{Run, claim, claim_text, evidence, log, own_evidence, rows, run};
use repro::{
    claim::{Claim, suite::Suite},
    evidence::{Evidence, SamplingDesign},
    experiment::{EvidenceKind, Verdict},
    figure::svg,
    judge::judge,
    replication::{Comparison, compare},
    report::{Judged, ReportError, citation, drawings, html, write_figures, write_html},
    world::World,
};
use sha2::Digest;

const COMMAND: &str = "repro verify --report report";

fn suite() -> Suite {
    Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"))
}

fn published() -> Evidence {
    Evidence::published().unwrap_or_else(|error| panic!("{error}"))
}

fn judged<'a>(claim: &'a Claim, evidence: &'a Evidence) -> Judged<'a> {
    Judged {
        claim,
        evidence,
        verdict: judge(claim, evidence),
        again: common::again(claim, evidence),
        on_a_log: common::on_a_log(claim),
        as_curve: common::as_curve(claim),
        under_choices: common::under_choices(claim, "smoke"),
    }
}

fn every<'a>(suite: &'a Suite, evidence: &'a Evidence) -> Vec<Judged<'a>> {
    suite.claims().iter().map(|claim| judged(claim, evidence)).collect()
}

fn comparison(evidence: &Evidence) -> Comparison {
    compare(evidence, &Evidence::published_points().unwrap_or_else(|error| panic!("{error}")))
}

/// The page of every claim on the published evidence.
fn page() -> String {
    let (suite, evidence) = (suite(), published());
    html(&every(&suite, &evidence), &[comparison(&evidence)], COMMAND)
}

/// Every value of an attribute in a document.
fn attributes<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    document.split(&opening).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// Every SVG element of a page, from its opening tag to its closing tag.
fn drawings_of(page: &str) -> Vec<&str> {
    let parts = page.split("<svg ").skip(1);
    parts.map(|part| part.split("</svg>").next().unwrap()).collect()
}

/// A gap on SVHN at 100 and 200 images, with a figure.
fn gap() -> Claim {
    let text = claim_text("greater_than = 0.0").replace("images = 100", "images = [100, 200]")
        + r#"
[[plot]]
id = "by_images"
title = "by images"
x = "images"
lines = ["robust", "natural"]
cells = { target = "svhn", images = [100, 200], blocks = 3 }
difference = true
"#;
    claim(&text)
}

fn ending(run: Run<'_>, images: u32, epochs: u32) -> Run<'_> {
    let last = run.accuracy.last().unwrap().1;
    Run { images, accuracy: vec![(1, last / 2.0), (epochs, last)], ..run }
}

/// Three pairs at 100 images, and three at 200 images with these schedules.
fn runs(schedules: [u32; 3]) -> Vec<Run<'static>> {
    let pair = |(seed, epochs): (u64, u32), images| {
        #[expect(clippy::cast_precision_loss, reason = "a handful of seeds")]
        let natural = 40.0 + seed as f64;
        [("l2_3", natural + 10.0 + natural / 20.0), ("natural", natural)]
            .map(|(source, accuracy)| ending(run(source, seed, accuracy), images, epochs))
    };
    let at_100 = (1..=3).flat_map(|seed| pair((seed, 100), 100));
    let at_200 = (1..=3).zip(schedules).flat_map(|run| pair(run, 200));
    at_100.chain(at_200).collect()
}

fn gap_evidence(schedules: [u32; 3]) -> Evidence {
    evidence(&log(&rows(&runs(schedules))), SamplingDesign::FixedSample)
}

#[test]
fn a_verdict_is_one_in_points_only_where_another_scale_disagrees() {
    let (suite, evidence) = (suite(), published());
    let page = |id: &str| {
        let claim = suite.claims().iter().find(|claim| claim.id.as_str() == id).unwrap();
        html(&[judged(claim, &evidence)], &[], COMMAND)
    };
    assert!(page("gap_shrinks_with_images").contains(">in points</span>"));
    let shared = page("gap_grows_with_dissimilarity");
    assert!(!shared.contains(">in points</span>"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert!(page() == page(), "two pages of one input differ");
    let (suite, evidence) = (suite(), published());
    let judged = every(&suite, &evidence);
    let files = || {
        let all = judged.iter().flat_map(|one| drawings(one, &judged));
        all.map(|drawing| svg::file(&drawing, "a claim")).collect::<Vec<String>>()
    };
    assert!(files() == files(), "two sets of figures of one input differ");
}

#[test]
fn the_summary_links_to_an_anchor_of_every_claim() {
    let page = page();
    let (ids, links) = (attributes(&page, "id"), attributes(&page, "href"));
    for claim in suite().claims() {
        assert!(ids.contains(&claim.id.as_str()), "{}", claim.id);
        assert!(links.contains(&format!("#{}", claim.id).as_str()), "{}", claim.id);
    }
    let distinct: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "an id stands on the page twice");
}

#[test]
fn every_link_of_the_page_leads_into_the_page_or_to_the_gallery() {
    let page = page();
    let ids = attributes(&page, "id");
    for link in attributes(&page, "href") {
        let within = link.strip_prefix('#').is_some_and(|id| ids.contains(&id));
        // The files that are written in the page's folder.
        let files = ["gallery.html", citation::FILE];
        let file = files.contains(&link) || link.starts_with("figures/");
        assert!(within || link.starts_with("data:") || file, "{link}");
    }
}

#[test]
fn the_page_is_self_contained() {
    let page = page();
    for outside in ["http:", "https:", "//cdn", " src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<script").count(), 1);
}

/// The page's content security policy allows exactly its one script and its one style, by digest.
#[test]
fn the_page_s_policy_names_its_own_style_and_script() {
    let page = page();
    let policy = attributes(&page, "content").into_iter().find(|text| text.contains("default-src"));
    let policy = policy.expect("the page has a policy").replace("&#39;", "'");
    for element in ["style", "script"] {
        let (_, rest) = page.split_once(&format!("<{element}>")).unwrap();
        let (text, _) = rest.split_once(&format!("</{element}>")).unwrap();
        let digest = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(text));
        assert!(policy.contains(&format!("{element}-src 'sha256-{digest}'")), "{policy}");
    }
    assert!(!page.contains(" style=\"") && !page.contains(" onclick="));
}

#[test]
fn every_drawing_has_a_title_and_a_description_and_finite_numbers() {
    let page = page();
    let drawings = drawings_of(&page);
    assert!(drawings.len() > 50, "{}", drawings.len());
    for drawing in drawings {
        let (opening, body) = drawing.split_once('>').unwrap();
        let decoration = opening.contains("aria-hidden=\"true\"");
        assert!(body.starts_with("<title>"), "{drawing}");
        assert!(decoration || opening.contains("role=\"img\""), "{opening}");
        assert!(decoration || body.contains("<desc>"), "{opening}");
        for wrong in ["NaN", "inf\"", "inf ", "<foreignObject", "style=\""] {
            assert!(!body.contains(wrong), "{wrong} in {drawing}");
        }
    }
}

#[test]
fn coordinates_have_at_most_one_decimal() {
    let page = page();
    for drawing in drawings_of(&page) {
        for path in ["x", "y", "cx", "cy", "r", "width", "height"] {
            for value in attributes(drawing, path) {
                let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                assert!(decimals <= 1 && value.parse::<f64>().is_ok(), "{path}=\"{value}\"");
            }
        }
    }
}

#[test]
fn the_page_has_light_and_dark_mode_and_stays_small() {
    const LARGEST_PAGE_BYTES: usize = 3_000_000;
    let page = page();
    assert!(page.contains("prefers-color-scheme:dark"));
    assert!(page.len() < LARGEST_PAGE_BYTES, "{} bytes", page.len());
}

#[test]
fn every_section_has_its_verdict_and_the_command_to_reproduce_it() {
    let (suite, evidence) = (suite(), published());
    let judged = every(&suite, &evidence);
    let page = html(&judged, &[], COMMAND);
    for one in &judged {
        let start =
            page.find(&format!("<section class=\"claim\" id=\"{}\"", one.claim.id)).unwrap();
        let section = page[start..].split("</section>").next().unwrap();
        let again = format!("repro verify --claim {}", one.claim.id);
        for part in [one.verdict.verdict.name(), &evidence.sha256, &evidence.title, &again] {
            assert!(section.contains(part), "{} says nothing of `{part}`", one.claim.id);
        }
        for reading in &one.verdict.readings {
            assert!(section.contains(&format!(">{}</code>", reading.id)), "{}", reading.id);
        }
        for caveat in one.claim.caveats.iter().filter(|caveat| !caveat.contains(['<', '&', '"'])) {
            // What stands between backquotes is shown as code.
            for part in caveat.split('`') {
                assert!(section.contains(part), "{caveat}");
            }
        }
    }
    assert!(page.contains(&format!("<code>{COMMAND}</code>")));
}

#[test]
fn the_page_says_what_both_zoos_at_the_paper_s_scale_say_together() {
    let suite = suite();
    let claim = suite.get("l2_best").unwrap();
    let [paper, salman] =
        [EvidenceKind::Paper, EvidenceKind::Salman].map(|kind| own_evidence(kind, Vec::new()));
    let one = [judged(claim, &paper)];
    assert!(!html(&one, &[], COMMAND).contains("Both zoos"));
    let page = html(&[judged(claim, &paper), judged(claim, &salman)], &[], COMMAND);
    let both = "<li><code>l2_best</code>: <strong>incomplete</strong>: incomplete on both zoos; ";
    assert!(page.contains("Both zoos") && page.contains(both), "{page}");
}

#[test]
fn a_claim_without_records_has_no_figure_but_a_command_that_makes_one() {
    let (suite, evidence) = (suite(), published());
    let one = judged(suite.get("natural_wins_at_high_resolution").unwrap(), &evidence);
    assert_eq!(one.verdict.verdict, Verdict::Incomplete);
    let all = [one];
    assert!(drawings(&all[0], &all).is_empty());
    let page = html(&all, &[], COMMAND);
    assert!(!page.contains("<figure"));
    assert!(page.contains("--claim natural_wins_at_high_resolution --log FILE"), "{page}");
    assert!(!page.contains("<code>resolution</code>"));
}

#[test]
fn claims_at_low_resolution_ask_for_a_log_and_claims_of_influence_do_not() {
    let (suite, evidence) = (suite(), published());
    let page = |id| html(&[judged(suite.get(id).unwrap(), &evidence)], &[], COMMAND);
    assert!(page("shape_bias").contains("<code>resolution</code>"));
    assert!(!page("influence_follows_class").contains("--log FILE"));
}

#[test]
fn text_from_a_spec_or_a_command_is_escaped() {
    const HOSTILE: &str = "<script>alert(\"1\")</script> & ' \u{0}";
    let mut claim = gap();
    claim.title = HOSTILE.to_owned();
    claim.statement = HOSTILE.to_owned();
    claim.caveats = vec![HOSTILE.to_owned()];
    claim.plots[0].title = HOSTILE.to_owned();
    let evidence = gap_evidence([100; 3]);
    let judged = [judged(&claim, &evidence)];
    let page = html(&judged, &[], HOSTILE);
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp;"));
    for drawing in drawings(&judged[0], &judged) {
        let file = svg::file(&drawing, HOSTILE);
        assert!(!file.contains("<script") && !file.contains('\u{0}'), "{file}");
    }
}

#[test]
fn figures_are_self_contained_files() {
    let folder = tempfile::tempdir().unwrap();
    let (suite, evidence) = (suite(), published());
    let files = write_figures(folder.path(), &every(&suite, &evidence)).unwrap();
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    let names: BTreeSet<String> = files.iter().map(|file| name(file)).collect();
    assert_eq!(names.len(), files.len(), "two figures have one name");
    for expected in ["robust_beats_natural-forest.svg", "faster_convergence-accuracy_by_epoch.svg"]
    {
        assert!(names.contains(expected), "{names:?}");
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("<svg ") && text.contains(" xmlns=\"http://www.w3.org/2000/svg\"")
        );
        assert!(text.contains("<title>") && text.contains("<desc>"), "{}", name(&file));
        let claim = suite.claims().iter().find(|claim| name(&file).starts_with(&claim.id)).unwrap();
        assert!(text.contains(&format!(">{}</text>", claim.title)), "{}", name(&file));
        for wrong in ["var(", "NaN", "<foreignObject", "href="] {
            assert!(!text.contains(wrong), "{wrong} in {}", name(&file));
        }
    }
}

#[test]
fn the_page_is_written_into_a_new_folder_without_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = gap_evidence([100; 3]);
    let claim = gap();
    let judged = [judged(&claim, &evidence)];
    let below = folder.path().join("a/b");
    // A second time: the existing page is replaced.
    for _ in 0..2 {
        let file = write_html(&below, &judged, &[], COMMAND).unwrap();
        assert_eq!(file, below.join("index.html"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), html(&judged, &[], COMMAND));
    }
    // The page, the verdicts to cite, and the files of its figures.
    assert_eq!(std::fs::read_dir(&below).unwrap().count(), 3);
    let page = html(&judged, &[], COMMAND);
    let links = attributes(&page, "href");
    let files: Vec<&&str> = links.iter().filter(|link| link.starts_with("figures/")).collect();
    assert!(!files.is_empty() && files.len().is_multiple_of(3), "{files:?}");
    assert_eq!(std::fs::read_dir(below.join("figures")).unwrap().count(), files.len());
    for file in files {
        let bytes = std::fs::read(below.join(file)).unwrap();
        let begins: &[u8] = match Path::new(file).extension().unwrap().to_str() {
            Some("svg") => b"<svg ",
            Some("png") => b"\x89PNG",
            _ => b"group,cell,mean",
        };
        assert!(bytes.starts_with(begins) || file.ends_with("by_images.csv"), "{file}");
    }
    let cited = std::fs::read_to_string(below.join(citation::FILE)).unwrap();
    assert_eq!(cited, citation::citation(&judged, COMMAND).text());
}

#[test]
fn a_page_that_can_t_be_written_is_an_error_with_help() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, "").unwrap();
    // A folder can't be made where a file is; a file can't be put where a folder is.
    std::fs::create_dir_all(folder.path().join("full/index.html/x")).unwrap();
    let evidence = gap_evidence([100; 3]);
    let claim = gap();
    let judged = [judged(&claim, &evidence)];
    let of = |result: Result<std::path::PathBuf, ReportError>| result.unwrap_err();
    let errors = [
        (of(write_html(&file, &judged, &[], COMMAND)), "taken"),
        (of(write_html(&folder.path().join("full"), &judged, &[], COMMAND)), "index.html"),
        (write_figures(&file, &judged).unwrap_err(), "taken"),
    ];
    for (error, path) in errors {
        let message = error.to_string();
        assert!(message.starts_with("failed to ") && message.contains(path), "{message}");
        assert!(miette::Diagnostic::help(&error).is_some(), "{message}");
    }
    assert_eq!(std::fs::read_dir(folder.path().join("full")).unwrap().count(), 1);
}
