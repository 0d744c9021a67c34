//! Computing without gradients.

/// Runs a function without recording its operations for gradients.
///
/// Gradients are restored however it ends, also after a panic that is caught, such as out of memory. tch's own function would leave them off, and libtorch crash at the next step back.
pub fn without<T>(run: impl FnOnce() -> T) -> T {
    let _off = tch::no_grad_guard();
    run()
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn gradients_are_off_inside_and_as_they_were_behind_it_even_after_a_panic() {
        let leaf = Tensor::ones([1], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let kept = || (&leaf * 2.0).requires_grad();
        assert!(kept());
        assert!(!without(kept));
        let panicked = std::panic::catch_unwind(|| without(|| panic!("out of memory")));
        assert!(panicked.is_err() && kept());
        without(|| {
            without(|| ());
            assert!(!kept());
        });
        assert!(kept());
    }
}
