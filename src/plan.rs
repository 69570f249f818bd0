//! What to run and how: plain data, made by the command line and read by everything after it.

#![forbid(unsafe_code)]

use crate::exit_map::ExitMap;
use crate::rewrite::Rewrites;
use crate::rlimit;
use crate::signal::{Signal, SignalSet};
use log::LevelFilter;
use std::ffi::CStr;
use std::time::Duration;

/// One run of sexton.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan<'a> {
    /// Main's argument vector; the first element is the command. Never empty.
    pub argv: Vec<&'a CStr>,
    /// Main's environment, in the order and with the bytes that sexton was given, without `SEXTON_*`.
    pub environment: Vec<&'a CStr>,
    /// Limits to set for main.
    pub limits: Vec<rlimit::Spec>,
    /// Whether to become a child subreaper.
    pub subreaper: Subreaper,
    /// Log each reaped orphan as a warning.
    pub warn_on_reap: bool,
    /// The exit status for each end of main.
    pub exit_map: ExitMap,
    /// Variables that look like sexton's own and are not: most likely a typing error.
    pub unknown_variables: Vec<&'a CStr>,
    /// How much to log.
    pub log_level: LevelFilter,
    /// What to do about signals and ends.
    pub policy: Policy,
}

/// Whether sexton asks the kernel for the orphans of its descendants (PR_SET_CHILD_SUBREAPER, prctl(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Subreaper {
    /// Unless it is PID 1, which gets them anyway.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How the supervisor treats signals and ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Who gets what sexton receives.
    pub forward_to: Target,
    /// Signals that become others on the way.
    pub rewrites: Rewrites,
    /// Signals that begin a stop.
    pub stop_signals: SignalSet,
    /// How long the first stop signal is held back.
    pub drain: Duration,
    /// How long main may take after the stop signal; `None` is for ever.
    pub grace: Option<Duration>,
    /// Further signals within the grace.
    pub escalation: Vec<Rung>,
    /// How long the rest of the tree may take once main has ended.
    pub linger: Duration,
    /// Let orphans end by themselves after main has ended.
    pub wait_all: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            forward_to: Target::Main,
            rewrites: Rewrites::default(),
            stop_signals: SignalSet::EMPTY.with(Signal::TERM),
            drain: Duration::ZERO,
            grace: Some(Duration::from_secs(30)),
            escalation: Vec::new(),
            linger: Duration::from_secs(5),
            wait_all: false,
        }
    }
}

/// Whom a signal is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Main alone.
    Main,
    /// Main's process group.
    Group,
    /// Every process in the tree.
    Tree,
}

/// One rung of `--escalate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rung {
    /// What is sent.
    pub signal: Signal,
    /// How long after the stop signal, or after the rung before; more than zero.
    pub after: Duration,
}
