//! Figures as people name them: `a5`, `fig2`, `Figure 2`.

use crate::figure::catalogue::FigureCatalogue;

/// The catalogue's name of a figure; the text itself if no figure has that name.
pub(super) fn canonical(text: &str, catalogue: &FigureCatalogue) -> String {
    let lower = text.trim().to_lowercase();
    if lower == "all" {
        return lower;
    }
    let rest = lower.strip_prefix("figure").or_else(|| lower.strip_prefix("fig"));
    let rest = rest.unwrap_or(&lower).trim_start_matches([' ', '.', '-', '_']);
    let named = catalogue.figures.iter().find(|figure| figure.name.eq_ignore_ascii_case(rest));
    named.map_or_else(|| text.to_owned(), |figure| figure.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[test]
    fn a_figure_is_known_in_either_case_and_by_its_number_alone() {
        let catalogue = FigureCatalogue::new(&World::paper());
        for name in ["a5", "A5", "figA5", "Figure a5", "fig. A5", "figure-A5"] {
            assert_eq!(canonical(name, &catalogue), "A5", "{name}");
        }
        for name in ["2", "fig2", "Figure2", "figure 2"] {
            assert_eq!(canonical(name, &catalogue), "2", "{name}");
        }
        assert_eq!(canonical("All", &catalogue), "all");
        assert_eq!(canonical("A55", &catalogue), "A55");
    }
}
