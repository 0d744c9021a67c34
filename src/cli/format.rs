//! Forms of output, as values of `--format`.

use std::{ffi::OsStr, io::Write};

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use serde::Serialize;

use super::Failure;

/// A form of output. Each command offers some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
    /// A JSON object a line.
    Jsonl,
    Csv,
    Junit,
    Github,
    Badge,
    Markdown,
    Latex,
    Bibtex,
    Svg,
    Png,
}

/// A form with its description in a command's help; none where its name is enough.
pub(super) type Offered = (Format, Option<&'static str>);

/// Text for people, one form for programs.
pub(super) const TEXT_OR_JSON: &[Offered] = &[(Format::Text, None), (Format::Json, None)];

/// Accepts one of the forms that a command offers, by its name.
#[derive(Clone)]
pub(super) struct OneOf(pub &'static [Offered]);

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Badge => "badge",
            Self::Markdown => "markdown",
            Self::Latex => "latex",
            Self::Bibtex => "bibtex",
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// For the rest of a `match`: forms that [`OneOf`] does not accept for this command.
    pub(super) fn is_not_offered(self) -> ! {
        unreachable!("this command does not offer the form `{}`", self.name())
    }
}

impl TypedValueParser for OneOf {
    type Value = Format;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Format, Error> {
        // A name that is not UTF-8 is an unknown name like any other.
        let value = value.to_string_lossy().into_owned();
        let names = PossibleValuesParser::new(self.0.iter().map(possible));
        let name = names.parse(command, argument, value.into())?;
        let named = self.0.iter().find(|(format, _)| format.name() == name);
        Ok(named.expect("one of the names that are accepted").0)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(possible)))
    }
}

fn possible((format, description): &Offered) -> PossibleValue {
    PossibleValue::new(format.name()).help(*description)
}

/// Prints a value as JSON, indented.
pub(super) fn json(out: &mut impl Write, value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}
