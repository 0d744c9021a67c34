//! `repro complete-names`: names for the completions of a shell, one a line. It is hidden: the
//! scripts of [`super::completions`] call it.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::{
    Failure, Outcome, Suites, folders::LedgerArgument, messages::stdout, records::shortest,
};
use crate::{
    experiment::EvidenceKind, fetch::Catalogue, figure::catalogue::FigureCatalogue,
    plan::sensitivity::CHOICES, report::study_figures, store::Ledger, world::World,
};

#[derive(Args)]
pub(super) struct CompleteNames {
    /// What the names are of
    #[arg(value_enum)]
    names: Names,
    #[command(flatten)]
    ledger: LedgerArgument,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Names {
    Claims,
    Figures,
    /// Of `fetch`, with the names of zoos
    Items,
    /// Of `sensitivity`
    Choices,
    Records,
}

impl CompleteNames {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let mut out = stdout();
        let names = match self.names {
            Names::Records => records(&self.ledger.ledger())?,
            names => names.all(suites)?,
        };
        for name in names {
            writeln!(out, "{name}")?;
        }
        Ok(Outcome::Done)
    }
}

impl Names {
    /// Every name, in the order in which commands list them; none of records, which are in a
    /// ledger.
    pub(super) fn all(self, suites: &Suites<'_>) -> Result<Vec<String>, Failure> {
        Ok(match self {
            Self::Claims => {
                let suite = suites.suite(EvidenceKind::Published)?;
                suite.claims().iter().map(|claim| claim.id.clone()).collect()
            }
            Self::Figures => {
                if let Some((study, _)) = suites.study() {
                    let suite = suites.suite(EvidenceKind::Log)?;
                    let all = suite.claims().iter().flat_map(|claim| study_figures(claim, study));
                    return Ok(all.map(|of| of.name).chain(["all".to_owned()]).collect());
                }
                let figures = FigureCatalogue::new(&World::paper()).figures;
                figures.into_iter().map(|figure| figure.name).chain(["all".to_owned()]).collect()
            }
            Self::Items => {
                let items = Catalogue::embedded().items.into_iter().map(|item| item.id);
                items.chain(["authors", "salman"].map(str::to_owned)).collect()
            }
            Self::Choices => CHOICES.iter().map(|choice| choice.id.to_owned()).collect(),
            Self::Records => Vec::new(),
        })
    }
}

fn records(ledger: &Ledger) -> Result<Vec<String>, Failure> {
    Ok(ledger.names()?.iter().map(|name| shortest(name).to_owned()).collect())
}
