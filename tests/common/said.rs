//! What a program says on standard error.

/// All of it but what a build for a GPU says first where there is none.
pub fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8(stderr.to_vec()).unwrap();
    text.split_inclusive('\n').filter(|line| !line.starts_with("running on the CPU:")).collect()
}
