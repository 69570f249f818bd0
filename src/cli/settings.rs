//! What one source, the flags or the variables, says. Two of them and the defaults make a plan.

use crate::exit_map::ExitMap;
use crate::plan::{Plan, Policy, Rung, Subreaper, Target};
use crate::rewrite::Rewrites;
use crate::rlimit::Spec;
use crate::signal::{Reason, SignalSet};
use log::LevelFilter;
use std::ffi::CStr;
use std::time::Duration;

/// Everything that can be set; `None` where this source says nothing.
#[derive(Clone, Default)]
pub struct Settings {
    pub forward_to: Option<Target>,
    pub rewrites: Rewrites,
    pub stop_signals: Option<SignalSet>,
    pub drain: Option<Duration>,
    pub grace: Option<Grace>,
    pub escalation: Option<Vec<Rung>>,
    pub linger: Option<Duration>,
    pub wait_all: Option<bool>,
    pub subreaper: Option<Subreaper>,
    pub warn_on_reap: Option<bool>,
    pub limits: [Option<Spec>; 16],
    pub exit_map: ExitMap,
    pub log_level: Option<LevelFilter>,
    pub verbose: Option<usize>,
}

/// `--grace`: a duration, or `None` for ever.
pub type Grace = Option<Duration>;

/// Sets what was not set before.
///
/// # Errors
/// It was set already.
pub fn once<T>(field: &mut Option<T>, value: T) -> Result<(), Reason> {
    if field.is_some() {
        return Err("it is given twice".into());
    }
    *field = Some(value);
    Ok(())
}

impl Settings {
    /// These settings, and those of `fallback` where these say nothing. Limits, rewrites and exit
    /// mappings are taken one by one.
    #[must_use]
    pub fn over(self, fallback: Settings) -> Settings {
        let mut limits = self.limits;
        for (own, other) in limits.iter_mut().zip(fallback.limits) {
            *own = own.or(other);
        }
        Settings {
            forward_to: self.forward_to.or(fallback.forward_to),
            rewrites: self.rewrites.over(&fallback.rewrites),
            stop_signals: self.stop_signals.or(fallback.stop_signals),
            drain: self.drain.or(fallback.drain),
            grace: self.grace.or(fallback.grace),
            escalation: self.escalation.or(fallback.escalation),
            linger: self.linger.or(fallback.linger),
            wait_all: self.wait_all.or(fallback.wait_all),
            subreaper: self.subreaper.or(fallback.subreaper),
            warn_on_reap: self.warn_on_reap.or(fallback.warn_on_reap),
            limits,
            exit_map: self.exit_map.over(&fallback.exit_map),
            log_level: self.log_level.or(fallback.log_level),
            verbose: self.verbose.or(fallback.verbose),
        }
    }

    /// The plan to run a command so, with defaults for what is not set.
    ///
    /// # Errors
    /// Settings that contradict each other.
    pub fn into_plan<'a>(
        self,
        argv: Vec<&'a CStr>,
        environment: Vec<&'a CStr>,
    ) -> Result<Plan<'a>, String> {
        let defaults = Policy::default();
        let policy = Policy {
            forward_to: self.forward_to.unwrap_or(defaults.forward_to),
            rewrites: self.rewrites,
            stop_signals: self.stop_signals.unwrap_or(defaults.stop_signals),
            drain: self.drain.unwrap_or(defaults.drain),
            grace: self.grace.unwrap_or(defaults.grace),
            escalation: self.escalation.unwrap_or(defaults.escalation),
            linger: self.linger.unwrap_or(defaults.linger),
            wait_all: self.wait_all.unwrap_or(defaults.wait_all),
        };
        let climbed: Duration = policy.escalation.iter().map(|rung| rung.after).sum();
        if let Some(grace) = policy.grace
            && climbed >= grace
            && !policy.escalation.is_empty()
        {
            return Err(format!(
                "the escalation takes {climbed:?}, which must be less than the grace of {grace:?}"
            ));
        }
        let level = self.log_level.unwrap_or(LevelFilter::Warn);
        let raised = level as usize + self.verbose.unwrap_or(0);
        Ok(Plan {
            argv,
            environment,
            limits: self.limits.into_iter().flatten().collect(),
            subreaper: self.subreaper.unwrap_or_default(),
            warn_on_reap: self.warn_on_reap.unwrap_or(false),
            exit_map: self.exit_map,
            unknown_variables: Vec::new(),
            log_level: LevelFilter::iter().nth(raised).unwrap_or(LevelFilter::Trace),
            policy,
        })
    }
}
