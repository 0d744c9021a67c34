//! Downloads from local test servers that cut connections, send wrong data and stall, and imports
//! from folders.

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
