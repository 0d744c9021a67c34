//! Turns a panic into an error: tch panics where libtorch reports an error.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    /// Whether a panic of this thread is caught by [`attempt`], and so is not printed.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
    /// File and line of the latest caught panic.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a function. A panic is not printed; its message becomes the error, in one line.
///
/// # Errors
/// If the function panicked.
pub fn attempt<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| match (EXPECTED.get(), info.location()) {
            (true, Some(at)) => PLACE.set(format!("{}:{}", at.file(), at.line())),
            (true, None) => PLACE.set(String::new()),
            (false, _) => loud(info),
        }));
    });
    let before = EXPECTED.replace(true);
    let ran = catch_unwind(AssertUnwindSafe(run));
    EXPECTED.set(before);
    ran.map_err(|panic| message(&*panic))
}

/// libtorch's message without the text that libtorch and tch put around it; or the message of another
/// panic, with its place.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let line = text.unwrap_or("a panic without a message").lines().next().unwrap_or_default();
    // An error of libtorch as Rust prints it: the lines after the first are its backtrace.
    match line.split_once("Torch(\"") {
        Some((_, message)) => message.split("\\n").next().unwrap_or_default().to_owned(),
        None => format!("{line} ({})", PLACE.take()),
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn a_result_is_returned_and_a_panic_becomes_one_line() {
        assert_eq!(attempt(|| 7), Ok(7));
        let said = attempt(|| panic!("first\nsecond")).unwrap_err();
        assert!(said.starts_with("first (src/engine/catch_torch_panic.rs:"), "{said}");
        let ones = |size: i64| Tensor::ones([size], (Kind::Float, Device::Cpu));
        let said = attempt(|| ones(2) + ones(3)).unwrap_err();
        assert!(said.starts_with("The size of tensor a (2) must match"), "{said}");
        assert!(!said.contains('\n') && !said.contains("frame"), "{said}");
    }

    #[test]
    fn only_caught_panics_are_quiet() {
        let inner = attempt(|| {
            let _ = attempt(|| panic!("inside"));
            EXPECTED.get()
        });
        assert_eq!((inner, EXPECTED.get()), (Ok(true), false));
    }
}
