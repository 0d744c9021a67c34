//! The table of verdicts in LaTeX, without any package.

use super::{HEADER, caption, rows};
use crate::report::Judged;

/// What a table with other letters needs.
const FONTS: &str = "% some letters need XeLaTeX or LuaLaTeX, and a font that has them\n";

/// The table as a `tabular`, after a comment that says what its columns hold.
#[must_use]
pub fn latex(judged: &[Judged<'_>]) -> String {
    let line = |fields: &[String]| format!("{} \\\\\n", fields.join(" & "));
    let header = line(&HEADER.map(str::to_owned));
    let rows = rows(judged);
    let rows: String = rows
        .iter()
        .map(|row| {
            let [title, evidence, verdict, cells, n, mean, interval, unit] = row.fields();
            line(&[
                escaped(title),
                escaped(evidence),
                escaped(verdict),
                escaped(cells),
                escaped(n),
                numbers(mean),
                numbers(interval),
                escaped(unit),
            ])
        })
        .collect();
    let fonts = if in_its_fonts(&rows) { "" } else { FONTS };
    format!(
        "% {}\n{fonts}\\begin{{tabular}}{{lllrrrrl}}\n\\hline\n{header}\\hline\n{rows}\
         \\hline\n\\end{{tabular}}\n",
        caption(judged)
    )
}

/// Text that LaTeX prints as it is, in its own fonts where they have it.
pub(in crate::report) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '`' => escaped.push_str("\\textasciigrave{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '{' | '}' | '$' | '&' | '#' | '%' | '_' => escaped.extend(['\\', c]),
            // The end of a row takes the first as its option, and a star as its own.
            '[' | ']' | '*' => escaped.extend(['{', c, '}']),
            // Two of them would be a dash, or a quotation mark.
            '-' | '\'' if before == Some(c) => escaped.extend(['{', c, '}']),
            _ => match symbol(c) {
                Some(symbol) => escaped.extend(["$", symbol.as_str(), "$"]),
                None => escaped.push(c),
            },
        }
        before = Some(c);
    }
    escaped
}

/// What is in LaTeX's fonts for mathematics, and not in those for text.
fn symbol(c: char) -> Option<String> {
    const COMMANDS: [(char, &str); 50] = [
        ('α', "alpha"),
        ('β', "beta"),
        ('γ', "gamma"),
        ('δ', "delta"),
        ('ε', "varepsilon"),
        ('ζ', "zeta"),
        ('η', "eta"),
        ('θ', "theta"),
        ('ι', "iota"),
        ('κ', "kappa"),
        ('λ', "lambda"),
        ('μ', "mu"),
        ('ν', "nu"),
        ('ξ', "xi"),
        ('π', "pi"),
        ('ρ', "rho"),
        ('σ', "sigma"),
        ('τ', "tau"),
        ('υ', "upsilon"),
        ('φ', "varphi"),
        ('χ', "chi"),
        ('ψ', "psi"),
        ('ω', "omega"),
        ('Γ', "Gamma"),
        ('Δ', "Delta"),
        ('Θ', "Theta"),
        ('Λ', "Lambda"),
        ('Ξ', "Xi"),
        ('Π', "Pi"),
        ('Σ', "Sigma"),
        ('Φ', "Phi"),
        ('Ψ', "Psi"),
        ('Ω', "Omega"),
        ('ℓ', "ell"),
        ('≤', "le"),
        ('≥', "ge"),
        ('≠', "ne"),
        ('≈', "approx"),
        ('∼', "sim"),
        ('∈', "in"),
        ('∞', "infty"),
        ('√', "surd"),
        ('∂', "partial"),
        ('∇', "nabla"),
        ('∑', "sum"),
        ('⇒', "Rightarrow"),
        ('⊂', "subset"),
        ('⊕', "oplus"),
        ('«', "ll"),
        ('»', "gg"),
    ];
    let digit = |first: char| char::from_digit(u32::from(c) - u32::from(first), 10);
    match c {
        '−' => Some("-".to_owned()),
        '⁻' => Some("^-".to_owned()),
        '₀'..='₉' => digit('₀').map(|digit| format!("_{digit}")),
        '⁰' | '⁴'..='⁹' => digit('⁰').map(|digit| format!("^{digit}")),
        _ => COMMANDS
            .iter()
            .find(|(known, _)| *known == c)
            .map(|(_, command)| format!("\\{command}")),
    }
}

/// Whether the fonts of a document without any package have every letter of an escaped text.
fn in_its_fonts(text: &str) -> bool {
    let latin = |c: char| c <= '\u{17e}' && !"ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲų".contains(c);
    text.chars().all(|c| latin(c) || "–—‘’“”†‡•…‰€™→←↑↓".contains(c))
}

/// Text with signed numbers, each in mathematics, so that a minus is one.
fn numbers(text: &str) -> String {
    let number = |word: &str| match word.starts_with(['+', '-']) && word.len() > 1 {
        true => format!("${word}$"),
        false => escaped(word),
    };
    text.split(' ').map(number).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_escaped_and_a_minus_is_one() {
        assert_eq!(
            escaped("50 % of a_b & {c} #1 $x^2$"),
            "50 \\% of a\\_b \\& \\{c\\} \\#1 \\$x\\textasciicircum{}2\\$"
        );
        assert_eq!(escaped("\\input{x}"), "\\textbackslash{}input\\{x\\}");
        assert_eq!(escaped("[a] *b"), "{[}a{]} {*}b");
        assert_eq!(escaped("a--b --- it's ''"), "a-{-}b -{-}{-} it's '{'}");
        assert_eq!(escaped("?`ε ≥ 10⁻⁴"), "?\\textasciigrave{}$\\varepsilon$ $\\ge$ 10$^-$$^4$");
        assert_eq!(numbers("-0.22 to +2.73 (98.3 %)"), "$-0.22$ to $+2.73$ (98.3 \\%)");
        assert_eq!(numbers("- to +1"), "- to $+1$");
    }

    #[test]
    fn letters_that_latex_has_no_font_for_are_known() {
        assert!(in_its_fonts("méthode, łódź, “x” … ± ²"));
        assert!(in_its_fonts(&escaped("« ε ≥ α₁ »")));
        assert!(!in_its_fonts("метод"));
        assert!(!in_its_fonts("方法"));
    }
}
