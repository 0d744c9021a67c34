//! What may not work out, as a value: tch tells of whatever libtorch could not do by a panic.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    /// Whether a panic of this thread is somebody's to tell of.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
    /// Where the latest one was, as file and line.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a function; if it panics, that is not printed, and what it said comes back in one line.
///
/// # Errors
/// If it panicked.
pub fn attempt<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |told| match (EXPECTED.get(), told.location()) {
            (true, Some(at)) => PLACE.set(format!("{}:{}", at.file(), at.line())),
            (true, None) => PLACE.set(String::new()),
            (false, _) => loud(told),
        }));
    });
    let before = EXPECTED.replace(true);
    let ran = catch_unwind(AssertUnwindSafe(run));
    EXPECTED.set(before);
    ran.map_err(|panic| words(&*panic))
}

/// What libtorch said, without what it and tch put around that; or what another panic said, and where.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let line = text.unwrap_or("a panic without words").lines().next().unwrap_or_default();
    // An error of libtorch as Rust prints it, whose lines after the first say where in libtorch it was.
    match line.split_once("Torch(\"") {
        Some((_, said)) => said.split("\\n").next().unwrap_or_default().to_owned(),
        None => format!("{line} ({})", PLACE.take()),
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn what_works_out_comes_back_and_what_does_not_says_why_in_one_line() {
        assert_eq!(attempt(|| 7), Ok(7));
        let said = attempt(|| panic!("first\nsecond")).unwrap_err();
        assert!(said.starts_with("first (src/engine/catch_torch_panic.rs:"), "{said}");
        let ones = |size: i64| Tensor::ones([size], (Kind::Float, Device::Cpu));
        let said = attempt(|| ones(2) + ones(3)).unwrap_err();
        assert!(said.starts_with("The size of tensor a (2) must match"), "{said}");
        assert!(!said.contains('\n') && !said.contains("frame"), "{said}");
    }

    #[test]
    fn only_what_is_attempted_is_quiet() {
        let inner = attempt(|| {
            let _ = attempt(|| panic!("inside"));
            EXPECTED.get()
        });
        assert_eq!((inner, EXPECTED.get()), (Ok(true), false));
    }
}
