//! sexton as the init of real containers: Docker with runc, Docker with crun, Podman with crun
//! (for root and for other users); pods by containerd's CRI with both; runc and crun without an engine.
//!
//! `run.sh` beside this file is the one command: it builds the binary, starts the test bed
//! (`testbed.sh`) and runs this target, which plain `cargo test` leaves out. Without a test bed
//! every test here fails and says so; none is ever skipped.
//!
//! Each behaviour is a function of the engine, and `on_each_engine!` makes a named test of it for
//! every engine (`stop::podman_crun::a_program_that_obeys_ends_at_once`); so `on_each!` for what is not an
//! engine. A behaviour that is left out there is dead code: a warning.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

macro_rules! on_each {
    ([$($module:ident = $what:path),+] $behaviours:tt) => {
        $(on_each!($module $what, $behaviours);)+
    };
    ($module:ident $what:path, { $($behaviour:ident),+ $(,)? }) => {
        mod $module {
            $(#[test] fn $behaviour() { super::$behaviour(&$what); })+
        }
    };
}

macro_rules! on_each_engine {
    ($($behaviours:tt)+) => {
        on_each!([
            docker_runc = crate::engine::DOCKER_RUNC,
            docker_crun = crate::engine::DOCKER_CRUN,
            podman_crun = crate::engine::PODMAN_CRUN
        ] { $($behaviours)+ });
    };
}

macro_rules! on_each_engine_also_rootless {
    ($($behaviours:tt)+) => {
        on_each_engine!($($behaviours)+);
        on_each!([podman_rootless = crate::engine::PODMAN_ROOTLESS] { $($behaviours)+ });
    };
}

mod engine;
mod process;

#[path = "../it/book/blocks.rs"]
mod blocks;

mod archive;
mod bundle;
mod confine;
mod cri;
mod dockerfile;
mod drop_in;
mod hardened;
mod host_pid;
mod inside;
mod no_proc;
mod oom;
mod reaping;
mod seccomp;
mod software;
mod status;
mod stop;
mod attributes;
mod terminal;
mod transparency;
