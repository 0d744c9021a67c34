//! The report's page for its readers: checks of its text, and checks in a browser at 400 and at
//! 1,200 pixels if this machine has one (`CHROMIUM`, or chromium on the path).

use crate::common;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use repro::{
    claim::suite::Suite,
    evidence::Evidence,
    experiment::EvidenceKind,
    judge::judge,
    replication::compare,
    report::{Judged, html, write_html},
    world::World,
};

/// Every claim on the published log and on a copy of it as a user's log: two kinds of evidence.
fn write_page(folder: &Path) -> String {
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    let published = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    let mut log = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    log.kind = EvidenceKind::Log;
    let mut judged = Vec::new();
    for claim in suite.claims() {
        for evidence in [&published, &log] {
            let verdict = judge(claim, evidence);
            judged.push(Judged {
                claim,
                evidence,
                verdict,
                again: common::again(claim, evidence),
                on_a_log: common::on_a_log(claim),
                as_curve: common::as_curve(claim),
                under_choices: common::under_choices(claim, "smoke"),
            });
        }
    }
    let points = Evidence::published_points().unwrap_or_else(|error| panic!("{error}"));
    let comparisons = [compare(&published, &points), compare(&log, &points)];
    let file = write_html(folder, &judged, &comparisons, "repro verify").unwrap();
    std::fs::read_to_string(file).unwrap()
}

fn page() -> &'static str {
    static PAGE: LazyLock<String> =
        LazyLock::new(|| write_page(tempfile::tempdir().unwrap().path()));
    &PAGE
}

/// The opening tags of every element of a name.
fn elements<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!("<{name}");
    let parts = page.split(opening.as_str()).skip(1);
    parts
        .filter(|rest| rest.starts_with([' ', '>']))
        .map(|rest| rest.split('>').next().unwrap())
        .collect()
}

#[test]
fn a_page_of_two_kinds_of_evidence_with_every_table_is_under_4_mb() {
    let page = page();
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
}

#[test]
fn the_first_element_in_keyboard_order_is_a_link_that_skips_the_index() {
    let page = page();
    let (_, body) = page.split_once("<body>").unwrap();
    assert!(body.starts_with("<a class=\"skip\" href=\"#claims\">"), "{}", &body[..60]);
    // The keyboard follows the order on the page.
    for value in page.split("tabindex=\"").skip(1) {
        assert!(value.starts_with("0\""), "{}", &value[..10]);
    }
}

#[test]
fn every_scrolling_region_is_focusable_and_has_a_label() {
    let page = page();
    let regions: Vec<&str> =
        elements(page, "div").into_iter().filter(|div| div.contains("class=\"wide\"")).collect();
    assert!(regions.len() > 20, "{}", regions.len());
    for region in regions {
        for part in ["tabindex=\"0\"", "role=\"group\"", "aria-label=\""] {
            assert!(region.contains(part), "{region}");
        }
    }
}

#[test]
fn every_table_has_a_one_row_header_whose_cells_have_a_scope() {
    let page = page();
    let tables: Vec<&str> = page.split("<table").skip(1).collect();
    assert!(tables.len() > 20, "{}", tables.len());
    for table in tables {
        let table = table.split("</table>").next().unwrap();
        assert!(table.split('>').next().unwrap().contains("sortable"), "{}", &table[..80]);
        let (_, head) = table.split_once("<thead>").expect("a head");
        let head = head.split("</thead>").next().unwrap();
        assert_eq!(head.matches("<tr>").count(), 1);
        let heads = elements(head, "th");
        assert!(heads.iter().all(|head| head.contains("scope=\"col\"")), "{head}");
        // A row has a cell for each column of the header.
        for row in table.split("<tr").skip(2) {
            let cells = elements(row, "td").len() + elements(row, "th").len();
            let wide: usize = row
                .split("colspan=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().parse::<usize>().unwrap() - 1)
                .sum();
            assert_eq!(cells + wide, heads.len(), "{row}");
        }
    }
}

#[test]
fn there_is_one_top_heading_and_no_level_is_skipped() {
    let page = page();
    let mut levels = Vec::new();
    for part in page.split("<h").skip(1) {
        if let Some(level) = part.chars().next().and_then(|first| first.to_digit(10)) {
            levels.push(level);
        }
    }
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert_eq!(levels[0], 1);
    for pair in levels.windows(2) {
        assert!(pair[1] <= pair[0] + 1, "h{} after h{}", pair[1], pair[0]);
    }
}

/// The number at the beginning of a text.
fn number(text: &str) -> usize {
    let digits = text.chars().take_while(char::is_ascii_digit).collect::<String>();
    digits.parse().unwrap_or_else(|_| panic!("no number in {text}"))
}

#[test]
fn the_chips_of_each_evidence_add_up_to_its_claims() {
    let page = page();
    let tallies: Vec<&str> = page.split("<ul class=\"tally\">").skip(1).collect();
    assert_eq!(tallies.len(), 2);
    for tally in tallies {
        let tally = tally.split("</ul>").next().unwrap();
        let counts: Vec<usize> =
            tally.split("<span class=\"figure\">").skip(1).map(number).collect();
        let (all, rest) = counts.split_first().unwrap();
        assert_eq!(*all, rest.iter().sum::<usize>(), "{counts:?}");
        assert_eq!(*all, Suite::embedded(&World::paper()).unwrap().claims().len());
    }
}

#[test]
fn every_claim_has_its_marks_in_the_contents_and_its_power_beside_the_verdict() {
    let page = page();
    let (_, contents) = page.split_once("<nav class=\"contents\"").unwrap();
    let contents = contents.split("</nav>").next().unwrap();
    let claims = Suite::embedded(&World::paper()).unwrap().claims().len();
    assert_eq!(contents.matches("class=\"fig key\"").count(), 2 * claims);
    let answers: Vec<&str> = page.split("<div class=\"answer ").skip(1).collect();
    assert_eq!(answers.len(), 2 * claims);
    for answer in answers.iter().filter(|answer| !answer.starts_with("incomplete")) {
        assert!(answer.split("</div>").nth(1).unwrap().contains("<strong>Power: </strong>"));
    }
    assert!(page.contains("not supported: CIFAR-10 at 12,800 and 25,600 images;"));
}

#[test]
fn a_page_can_be_cited_as_bibtex_and_explains_its_words_one_click_away() {
    let page = page();
    for part in ["@software{repro,", "eprint = {2007.05869}", "id=\"legend\""] {
        assert!(page.contains(part), "{part}");
    }
    let (_, first) = page.split_once("class=\"badge ").unwrap();
    assert!(first.split('>').next().unwrap().contains(" title=\""), "{}", &first[..80]);
}

/// Every claim on smoke evidence without a record, for which only the set-up matters.
fn page_without_runs() -> String {
    let suite = Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"));
    let evidence = common::own_evidence(EvidenceKind::Smoke, Vec::new());
    let evidence = Evidence { world: World::smoke(), ..evidence };
    let judge_one = |claim| Judged {
        claim,
        evidence: &evidence,
        verdict: judge(claim, &evidence),
        again: common::again(claim, &evidence),
        on_a_log: common::on_a_log(claim),
        as_curve: common::as_curve(claim),
        under_choices: common::under_choices(claim, "smoke"),
    };
    let judged: Vec<Judged<'_>> = suite.claims().iter().map(judge_one).collect();
    html(&judged, &[], "repro verify")
}

#[test]
fn every_answer_says_how_it_depends_on_the_recipe_even_where_it_is_incomplete() {
    let smoke = page_without_runs();
    for page in [page(), smoke.as_str()] {
        let answers: Vec<&str> = page.split("<div class=\"answer ").skip(1).collect();
        assert!(answers.len() >= 14, "{}", answers.len());
        // A log of a user, about which the program knows no recipe, has none.
        let of_project = |answer: &&&str| !answer.contains("On log evidence");
        for answer in answers.iter().filter(of_project) {
            let text = answer.split("</section>").next().unwrap();
            assert!(text.contains("<strong>Sensitivity: </strong>"), "{}", &answer[..400]);
        }
    }
    assert!(smoke.contains("CelebA is not available in the smoke set-up"));
    assert!(!smoke.contains("Not available: "));
}

#[test]
fn code_in_a_text_is_shown_as_code_and_no_backquote_is_left() {
    let smoke = page_without_runs();
    for page in [page(), smoke.as_str()] {
        let (body, _) = page.split_once("<script>").unwrap();
        // What `repro sensitivity` printed is shown as it was.
        let outside = body.split("<pre").map(|part| part.rsplit("</pre>").next().unwrap());
        for part in outside {
            let quoted = part.find('`').map(|at| &part[..at]);
            let before = quoted.map(|text| text.chars().rev().take(80).collect::<String>());
            let before = before.map(|text| text.chars().rev().collect::<String>());
            assert!(before.is_none(), "a backquote after {before:?}");
        }
    }
}

/// The colours of the page in light or dark mode.
fn colours(page: &str, dark: bool) -> BTreeMap<String, [f64; 3]> {
    let list =
        page.split(":root{").nth(if dark { 2 } else { 1 }).unwrap().split('}').next().unwrap();
    let colour = |entry: &str| {
        let (name, value) = entry.strip_prefix("--")?.split_once(":#")?;
        let part = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).map(f64::from);
        Some((name.to_owned(), [part(0).ok()?, part(2).ok()?, part(4).ok()?]))
    };
    list.split(';').filter_map(colour).collect()
}

/// The contrast of two colours (WCAG 2.2).
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let linear = |value: f64| match value / 255.0 {
            value if value <= 0.040_45 => value / 12.92,
            value => ((value + 0.055) / 1.055).powf(2.4),
        };
        0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_has_enough_contrast_in_light_and_dark_mode() {
    let page = page();
    for dark in [false, true] {
        let colours = colours(page, dark);
        assert!(colours.len() > 20, "{}", colours.len());
        let verdicts = ["supported", "refuted", "inconclusive", "incomplete"];
        let tints: Vec<(String, String)> =
            verdicts.map(|name| (name.to_owned(), format!("{name}-tint"))).to_vec();
        let on_paper = ["ink", "muted", "link"].into_iter().chain(verdicts);
        let on_paper = on_paper.map(|name| (name.to_owned(), "paper".to_owned()));
        let raised = ["ink", "muted"].map(|name| (name.to_owned(), "raised".to_owned()));
        for (word, ground) in on_paper.chain(tints).chain(raised) {
            let ratio = contrast(colours[&word], colours[&ground]);
            assert!(ratio >= 4.5, "{word} on {ground}, dark {dark}: {ratio:.2}");
        }
        // Curves and marks need less contrast than text.
        for curve in ["c0", "c1", "c2", "c3", "c4", "c5", "axis"] {
            let ratio = contrast(colours[curve], colours["paper"]);
            assert!(ratio >= 3.0, "{curve}, dark {dark}: {ratio:.2}");
        }
    }
}

/// A browser, if this machine has one; `REPRO_REQUIRE=browser` requires it.
fn browser() -> Option<PathBuf> {
    let found = find_browser();
    if found.is_none() {
        assert!(!common::require::required("browser"), "chromium is missing");
        eprintln!("skipped: chromium is missing (set CHROMIUM to its path)");
    }
    found
}

fn find_browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let places = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.into_iter().find(|place| place.is_file())
}

/// Measures the page in a frame of some width, and writes the result as text.
const LOOK: &str = include_str!("look.html");

#[test]
fn in_a_browser_the_page_fits_sorts_works_by_keyboard_and_logs_no_error() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    write_page(folder.path());
    for width in ["400", "1200"] {
        let look = folder.path().join("look.html");
        std::fs::write(&look, LOOK.replace("WIDTH", width)).unwrap();
        let ran = Command::new(&browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"])
            // The frame may be read from a file in its own folder.
            .args(["--allow-file-access-from-files", "--enable-logging=stderr"])
            .args(["--virtual-time-budget=20000", "--dump-dom"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("file://{}", look.display()))
            .output()
            .unwrap();
        let (dom, log) =
            (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        let seen =
            dom.split("<pre id=\"seen\">").nth(1).and_then(|rest| rest.split("</pre>").next());
        let seen = seen.filter(|seen| !seen.is_empty());
        let seen = seen.unwrap_or_else(|| panic!("failed to load the page: {log}"));
        let expected = "low enough: true\nfits: true\nsticks out: nothing\n\
                        scrolls without a keyboard: 0\nheads without a button: 0\n\
                        sorted before: false\nfocus: true\nrises: true\nfalls: true\n\
                        rows kept: true\nout of reach: 0\nskip link shows: true\n\
                        unnamed figures: 0\ndead links: 0";
        assert_eq!(seen, expected, "at {width} pixels");
        let errors: Vec<&str> = log.lines().filter(|line| line.contains(":CONSOLE")).collect();
        assert!(errors.is_empty(), "at {width} pixels: {errors:?}");
    }
}

/// Writes the page as it prints on a paper of some size, and counts the pages.
fn printed(browser: &Path, folder: &Path, page: &str, paper: &str) -> usize {
    // Its policy allows no other style than its own.
    let (before, rest) = page.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let (_, after) = rest.split_once('>').unwrap();
    let size = format!("<style>@page{{size:{paper}}}</style></head>");
    let (html, pdf) = (folder.join("print.html"), folder.join("print.pdf"));
    std::fs::write(&html, [before, &after.replacen("</head>", &size, 1)].concat()).unwrap();
    let ran = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--print-to-pdf={}", pdf.display()))
        .arg(format!("file://{}", html.display()))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let bytes = std::fs::read(pdf).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    text.matches("/Type /Page\n").count() + text.matches("/Type /Page/").count()
}

#[test]
fn in_a_browser_a_page_of_two_kinds_of_evidence_prints_on_at_most_30_pages() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    for paper in ["A4", "letter"] {
        let pages = printed(&browser, folder.path(), page(), paper);
        assert!((5..=30).contains(&pages), "{pages} pages on {paper}");
    }
}
