//! What libtorch found on this machine, in words.

use crate::engine::device;

pub(super) fn in_words(found: &device::Inventory) -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let version = found.libtorch_loaded.clone().unwrap_or_else(unknown);
    let folder = found.loaded_from.clone().unwrap_or_else(unknown);
    let linked = match &found.libtorch_linked {
        Some(linked) if found.libtorch_loaded.as_ref() != Some(linked) => {
            format!(" (built with {linked})")
        }
        _ => String::new(),
    };
    let cuda = match &found.cuda_missing {
        None if found.cuda_devices == 1 => "1 device".to_owned(),
        None => format!("{} devices", found.cuda_devices),
        Some(reason) => format!("none: {reason}"),
    };
    vec![
        ("repro", env!("CARGO_PKG_VERSION").to_owned()),
        ("libtorch", format!("{version}{linked}, from {folder}")),
        ("cpu", format!("{} kernels", found.cpu_capability)),
        (
            "threads",
            format!(
                "{} within an operation, {} between operations",
                found.intra_op_threads, found.inter_op_threads
            ),
        ),
        ("cuda", cuda),
    ]
}
