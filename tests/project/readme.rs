//! What documents show is what comes out. Outputs in README.md and in the guides are compared with
//! the program, tables and numbers with the judge, the specs and the goldens. `docs` compares what
//! documents say of the command line, the formats and each other.
//!
//! `REPRO_UPDATE_DOCS=1` rewrites the marked blocks and tables (`CONTRIBUTING.md` lists the
//! markers).

mod commands;
mod numbers;
mod outputs;
mod page;
mod source_models;
mod tables;
