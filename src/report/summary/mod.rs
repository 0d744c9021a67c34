//! The answer on one screen: a table of claims by evidence, and a sentence for each evidence.

mod bottom_line;

pub use bottom_line::bottom_line;
