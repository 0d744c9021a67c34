//! What text is laid out for: the width of the terminal and the letters that it can print, as the
//! environment says.

use crate::report::{summary::Glyphs, terminal::Screen};

/// The screen that standard output goes to. `COLUMNS` wins over the terminal.
pub(super) fn screen() -> Screen {
    let terminal = || terminal_size::terminal_size_of(std::io::stdout());
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| columns(&text))
        .or_else(|| terminal().map(|(columns, _)| columns.0.into()));
    let locale = [std::env::var("LC_ALL"), std::env::var("LC_CTYPE"), std::env::var("LANG")];
    let glyphs = glyphs(locale.map(Result::ok));
    let unknown = Screen::default();
    Screen { columns: columns.unwrap_or(unknown.columns), glyphs }
}

/// A width, of at most a thousand columns; `None` of anything else.
fn columns(text: &str) -> Option<usize> {
    let columns: usize = text.trim().parse().ok()?;
    (columns > 0).then_some(columns.min(1000))
}

/// ASCII where the locale, the first of these that is set, has another encoding than UTF-8.
fn glyphs(locale: [Option<String>; 3]) -> Glyphs {
    let Some(locale) = locale.into_iter().flatten().find(|name| !name.is_empty()) else {
        return Glyphs::Unicode;
    };
    let name = locale.split('@').next().unwrap_or_default().to_ascii_uppercase();
    if name.ends_with("UTF-8") || name.ends_with("UTF8") { Glyphs::Unicode } else { Glyphs::Ascii }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_says_which_signs_can_be_printed() {
        let of = |all: Option<&str>, ctype: Option<&str>, lang: Option<&str>| {
            glyphs([all, ctype, lang].map(|name| name.map(str::to_owned)))
        };
        assert_eq!(of(None, None, None), Glyphs::Unicode);
        assert_eq!(of(None, None, Some("de_DE.UTF-8")), Glyphs::Unicode);
        assert_eq!(of(None, None, Some("de_DE.utf8@euro")), Glyphs::Unicode);
        assert_eq!(of(Some("C"), None, Some("de_DE.UTF-8")), Glyphs::Ascii);
        assert_eq!(of(Some(""), Some("de_DE.ISO-8859-1"), None), Glyphs::Ascii);
        assert_eq!(of(None, None, Some("POSIX")), Glyphs::Ascii);
    }

    #[test]
    fn a_width_is_a_number_of_columns() {
        assert_eq!(["80", " 132 ", "99999"].map(columns), [Some(80), Some(132), Some(1000)]);
        assert_eq!(["", "0", "wide", "-1"].map(columns), [None; 4]);
    }
}
