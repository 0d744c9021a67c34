//! What becomes of a claim that can't be judged here.

use libtest_mimic::{Failed, Trial};

/// Ignored, with the reason; asked for all the same, it fails.
pub fn ignored(name: String, reason: String) -> Trial {
    eprintln!("ignored: {name}: {reason}");
    Trial::test(name, move || Err(Failed::from(reason)))
        .with_kind("no records")
        .with_ignored_flag(true)
}
