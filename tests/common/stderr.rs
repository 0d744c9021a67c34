//! The standard error output of a program.

/// The text without the note that a build for a GPU prints first on a machine without one.
pub fn stderr_text(stderr: &[u8]) -> String {
    let text = String::from_utf8(stderr.to_vec()).unwrap();
    text.split_inclusive('\n').filter(|line| !line.starts_with("running on the CPU:")).collect()
}
