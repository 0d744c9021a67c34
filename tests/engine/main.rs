//! Tests of the engine: fine-tunes, pretraining, attacks, influence, and commands that run them.

/// One thread for each operation, in every test thread: sums are then the same to the last bit, no
/// matter which tests run at the same time. libtorch has one number for the process, which each
/// thread reads at its first operation, so that it must be set before any test.
#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static ONE_THREAD: extern "C" fn() = {
    extern "C" fn one_thread() {
        tch::set_num_threads(1);
    }
    one_thread
};

#[path = "../common/mod.rs"]
mod common;

mod adversarial;
mod attack;
mod executor;
mod fidelity;
mod fine_tune;
mod frechet;
mod gpu;
mod influence;
mod lab;
mod model;
mod paper;
mod require;
mod resume;
mod smoke;
mod tensor;
mod transforms;
