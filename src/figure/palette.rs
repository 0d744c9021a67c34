//! The colours of figures and pages. Pages use them as CSS variables with a light and a dark value;
//! figure files contain the light values, since not every SVG viewer supports variables.
//!
//! Curves have the hues of Okabe and Ito (2008), which are distinguishable with any kind of colour
//! vision; curves and verdicts differ in shape as well.

/// The style of figures, which uses the variables below.
pub const FIGURE_STYLE: &str = include_str!("figure.css");

/// Number of distinct colours and shapes of curves; further curves repeat them.
pub const CURVES: usize = 6;

/// Number of distinct colours and shapes of differences.
pub const DIFFERENCES: usize = 3;

/// Name, light, dark.
const COLOURS: [(&str, &str, &str); 29] = [
    ("paper", "#ffffff", "#15181c"),
    ("raised", "#f6f7f9", "#1d2127"),
    ("ink", "#1b1f24", "#e6e9ed"),
    ("muted", "#59626d", "#a0a9b4"),
    ("line", "#dde1e6", "#343a42"),
    ("grid", "#e9ecef", "#2a2f36"),
    ("axis", "#8b949e", "#6c7681"),
    ("link", "#0b5cad", "#7db8f5"),
    ("c0", "#0072b2", "#56a9e0"),
    ("c1", "#d55e00", "#f08a3c"),
    ("c2", "#009e73", "#2fc79b"),
    ("c3", "#b4508c", "#dd8fbd"),
    ("c4", "#8a6d00", "#e0c341"),
    ("c5", "#4a5560", "#aab4be"),
    ("band", "0.16", "0.22"),
    ("supported", "#00724f", "#45cf9f"),
    ("supported-tint", "#e2f4ec", "#12352a"),
    ("supported-edge", "#a9dcc6", "#1f5a47"),
    ("refuted", "#b34700", "#ff9a5a"),
    ("refuted-tint", "#fdebdf", "#3d2312"),
    ("refuted-edge", "#f3c4a2", "#6b3c1d"),
    ("inconclusive", "#6f5600", "#e3c65a"),
    ("inconclusive-tint", "#faf1d3", "#352d10"),
    ("inconclusive-edge", "#e5d390", "#5d501f"),
    ("incomplete", "#55606b", "#a8b2bd"),
    ("incomplete-tint", "#edf0f3", "#262c33"),
    ("incomplete-edge", "#ccd3da", "#434b55"),
    ("code", "#f3f5f7", "#20252b"),
    ("margin", "#1b1f24", "#e6e9ed"),
];

/// The colours as CSS variables, light and dark.
#[must_use]
pub fn variables() -> String {
    let list = |of: fn(&(&str, &str, &str)) -> String| COLOURS.iter().map(of).collect::<String>();
    let light = list(|(name, light, _)| format!("--{name}:{light};"));
    let dark = list(|(name, _, dark)| format!("--{name}:{dark};"));
    format!(
        ":root{{color-scheme:light dark;{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
}

/// A style with the variables replaced by the light colours.
#[must_use]
pub fn concrete(style: &str) -> String {
    COLOURS.iter().fold(style.to_owned(), |style, (name, light, _)| {
        style.replace(&format!("var(--{name})"), light)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_file_has_no_variables() {
        assert!(FIGURE_STYLE.contains("var(--"));
        assert!(!concrete(FIGURE_STYLE).contains("var("), "{}", concrete(FIGURE_STYLE));
    }

    #[test]
    fn every_variable_of_the_page_has_a_colour() {
        for style in [FIGURE_STYLE, include_str!("../report/style.css")] {
            for part in style.split("var(--").skip(1) {
                let name = part.split(')').next().unwrap_or_default();
                assert!(COLOURS.iter().any(|(known, _, _)| *known == name), "{name}");
            }
        }
    }
}
