//! What a world's names stand for on this machine: its source models and its targets' images, those
//! that ship with the project or those that were fetched.

use crate::{
    model::Weights,
    shipped::{self, Target},
    trial::Trial,
    world::World,
};

/// Where source models and images are.
#[derive(Debug)]
pub enum Stock {
    /// In the program.
    Shipped,
}

/// What is not here, and what would bring it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{what}: {mend}")]
pub struct Lacking {
    /// What is missing or wrong.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

/// A trial with the name of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The trial.
    pub trial: Trial,
    /// Digest of the source's weights.
    pub weights: String,
    /// Digest of the target's files.
    pub data: String,
    /// The record's name.
    pub id: String,
}

impl Stock {
    /// A world's.
    #[must_use]
    pub fn of(_world: &World) -> Self {
        Self::Shipped
    }

    /// Names a trial.
    ///
    /// # Errors
    /// If its source or its target is not here.
    pub fn named(&self, trial: Trial) -> Result<Named, Lacking> {
        let key = &trial.recipe.key;
        let (weights, data) =
            (self.digest_of_weights(&key.source)?, self.digest_of_images(&key.target)?);
        let id = trial.id(&weights, &data);
        Ok(Named { trial, weights, data, id })
    }

    fn digest_of_weights(&self, source: &str) -> Result<String, Lacking> {
        match self {
            Self::Shipped => shipped::card(source)
                .map(|card| card.weights.clone())
                .ok_or_else(|| does_not_ship(source)),
        }
    }

    fn digest_of_images(&self, target: &str) -> Result<String, Lacking> {
        match self {
            Self::Shipped => shipped::target_digest(target).ok_or_else(|| does_not_ship(target)),
        }
    }

    /// A source model.
    ///
    /// # Errors
    /// If it is not here, or can't be read.
    pub fn weights(&self, source: &str) -> Result<Weights, Lacking> {
        match self {
            Self::Shipped => match shipped::source(source) {
                Some(Ok((weights, _))) => Ok(weights),
                Some(Err(error)) => Err(Lacking {
                    what: error.to_string(),
                    mend: "the program is damaged: build it again".to_owned(),
                }),
                None => Err(does_not_ship(source)),
            },
        }
    }

    /// A target's images.
    ///
    /// # Errors
    /// If they are not here, or can't be read.
    pub fn target(&self, target: &str) -> Result<Target, Lacking> {
        match self {
            Self::Shipped => shipped::target(target).ok_or_else(|| does_not_ship(target)),
        }
    }
}

fn does_not_ship(name: &str) -> Lacking {
    Lacking {
        what: format!("`{name}` does not ship with the project"),
        mend: "the smoke world's sources and targets do".to_owned(),
    }
}
