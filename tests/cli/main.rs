//! The program as people use it: commands, their output and exit codes.

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod compare;
mod controls;
mod exhausted;
mod handoff;
mod interface;
mod own_names;
mod power;
mod price;
mod sensitivity;
mod snapshots;
mod status;
mod submit;
