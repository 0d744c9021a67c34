//! Fetching, from servers of our own on the loopback that cut, lie and stall, and from folders.

mod archives;
mod catalogue;
#[cfg(feature = "engine")]
mod checkpoint;
mod command;
mod download;
mod place;
mod resume;
mod secure;
mod server;
