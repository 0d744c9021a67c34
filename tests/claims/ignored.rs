//! The test of a claim that can't be judged on this machine.

use libtest_mimic::{Failed, Trial};

/// An ignored test with the reason; if it is run explicitly, it fails.
pub fn ignored(name: String, reason: String) -> Trial {
    eprintln!("ignored: {name}: {reason}");
    Trial::test(name, move || Err(Failed::from(reason)))
        .with_kind("no records")
        .with_ignored_flag(true)
}
