//! sexton as the init of real containers: Docker with runc, Docker with crun, Podman with crun.
//!
//! `run.sh` beside this file is the one command: it builds the binary, starts the test bed
//! (`testbed.sh`) and runs this target, which plain `cargo test` leaves out. Without a test bed
//! every test here fails and says so; none is ever skipped.
//!
//! Each behaviour is a function of the engine, and `on_each_engine!` makes a named test of it for
//! every engine (`stop::podman_crun::a_program_that_obeys_ends_at_once`). A behaviour that is left
//! out there is dead code: a warning.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

macro_rules! on_each_engine {
    ($($behaviour:ident),+ $(,)?) => {
        on_each_engine!(@engine docker_runc DOCKER_RUNC $($behaviour)+);
        on_each_engine!(@engine docker_crun DOCKER_CRUN $($behaviour)+);
        on_each_engine!(@engine podman_crun PODMAN_CRUN $($behaviour)+);
    };
    (@engine $module:ident $engine:ident $($behaviour:ident)+) => {
        mod $module {
            $(#[test] fn $behaviour() { super::$behaviour(&crate::engine::$engine); })+
        }
    };
}

mod engine;
mod process;

mod dockerfile;
mod drop_in;
mod hardened;
mod host_pid;
mod inside;
mod no_proc;
mod oom;
mod reaping;
mod status;
mod stop;
mod surroundings;
mod terminal;
mod transparency;
