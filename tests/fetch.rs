//! Fetching, from servers of our own on the loopback that cut, lie and stall, and from folders.

#[path = "fetch/archives.rs"]
mod archives;
#[path = "fetch/catalogue.rs"]
mod catalogue;
#[path = "fetch/checkpoint.rs"]
mod checkpoint;
#[path = "fetch/command.rs"]
mod command;
#[path = "fetch/download.rs"]
mod download;
#[path = "fetch/place.rs"]
mod place;
#[path = "fetch/resume.rs"]
mod resume;
#[path = "common/said.rs"]
mod said;
#[path = "fetch/secure.rs"]
mod secure;
#[path = "fetch/server.rs"]
mod server;
