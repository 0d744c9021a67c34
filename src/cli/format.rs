//! Forms that commands print in, as values of `--format`.

use std::ffi::OsStr;

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

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
    Svg,
    Png,
}

/// A form with what a command's help says of it; nothing where its name is enough.
pub(super) type Offered = (Format, Option<&'static str>);

/// Text for people, one form for machines.
pub(super) const TEXT_OR_JSON: &[Offered] = &[(Format::Text, None), (Format::Json, None)];

/// Takes one of the forms that a command offers by its name.
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
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// For the rest of a `match`: forms that [`OneOf`] does not take for this command.
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
        // What is not UTF-8 is a wrong name like any other.
        let value = value.to_string_lossy().into_owned();
        let names = PossibleValuesParser::new(self.0.iter().map(possible));
        let name = names.parse(command, argument, value.into())?;
        let named = self.0.iter().find(|(format, _)| format.name() == name);
        Ok(named.expect("one of the names that are taken").0)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(possible)))
    }
}

fn possible((format, words): &Offered) -> PossibleValue {
    PossibleValue::new(format.name()).help(*words)
}
