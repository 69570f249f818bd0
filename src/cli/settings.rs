//! What one source, the flags or the variables, says. Two of them and the defaults make a plan.

use crate::plan::{
    Attributes, EscalationStep, Given, Grouping, Linger, LogFormat, LogTo, Logging, Plan, Policy,
    StatusFormat, Statuses, Style, Subreaper, Target, TerminationLog,
};
use crate::values::capabilities::{self, List};
use crate::values::environment::Edits;
use crate::values::environment::Values;
use crate::values::exit_map::ExitMap;
use crate::values::rewrite::Rewrites;
use crate::values::rlimit::Spec;
use crate::values::scheduling::{Cpus, IoPriority, Scheduler};
use crate::values::signal::{Reason, Signal, SignalSet};
use crate::values::stdio::Redirection;
use crate::values::user;
use log::LevelFilter;
use std::ffi::{CStr, CString};
use std::time::Duration;

/// Everything that can be set; `None` where this source says nothing.
#[derive(Clone, Default)]
#[allow(clippy::missing_docs_in_private_items, reason = "each is what the flag of its name sets")]
pub struct Settings {
    pub forward_to: Option<Target>,
    pub rewrites: Rewrites,
    pub stop_signals: Option<SignalSet>,
    pub drain: Option<Duration>,
    pub grace: Option<Grace>,
    pub escalation: Option<Vec<EscalationStep>>,
    pub linger: Option<Grace>,
    pub wait_all: Option<bool>,
    pub subreaper: Option<Subreaper>,
    pub warn_on_reap: Option<bool>,
    pub limits: Vec<Spec>,
    pub user: Option<Given<user::Spec>>,
    pub groups: Option<Given<user::Groups>>,
    pub capabilities: capabilities::Spec,
    pub no_new_privs: Option<bool>,
    pub directory: Option<CString>,
    pub umask: Option<u32>,
    pub environment: Edits,
    pub nice: Option<i32>,
    pub cpus: Option<Box<Cpus>>,
    pub scheduler: Option<Scheduler>,
    pub io_priority: Option<IoPriority>,
    pub oom_score_adj: Option<i32>,
    pub grouping: Option<Grouping>,
    pub stdio: [Option<Redirection>; 3],
    pub close_fds: Option<bool>,
    pub parent_death_signal: Option<Signal>,
    pub dry_run: Option<Option<Values>>,
    pub exit_map: ExitMap,
    pub log_level: Option<LevelFilter>,
    pub log_to: Option<LogTo>,
    pub log_format: Option<LogFormat>,
    pub report: Option<CString>,
    pub termination_log: Option<Option<TerminationLog>>,
    pub verbose: Option<usize>,
    pub pause: Option<bool>,
    pub status: Option<Option<StatusFormat>>,
    pub check: Option<bool>,
    // What follows has no flag of its own.
    pub and_continue: Option<bool>,
    pub signal_at_end: Option<bool>,
    pub suspend_at: Option<SignalSet>,
    pub warn_if_not_adopting: Option<bool>,
    pub warn_of_trouble: Option<bool>,
    pub dies_alike: Option<bool>,
    pub statuses: Option<Statuses>,
    pub style: Option<Style>,
    /// These are the variables' settings.
    pub from_variables: bool,
}

/// `--grace` and `--linger`: a duration, or `None` for none at all.
pub type Grace = Option<Duration>;

/// Sets a single value, whatever was said before: the last one counts.
///
/// # Errors
/// None; so that it can end a function that has some.
pub fn set<T>(field: &mut Option<T>, value: T) -> Result<(), Reason> {
    *field = Some(value);
    Ok(())
}

/// Adds a limit. They stand in the order of the kernel's numbers.
///
/// # Errors
/// That one was set already.
pub fn add_limit(limits: &mut Vec<Spec>, limit: Spec) -> Result<(), Reason> {
    let number = limit.resource as usize;
    match limits.binary_search_by_key(&number, |other| other.resource as usize) {
        Ok(_) => Err(format!("{} is given twice", limit.resource.name()).into()),
        Err(place) => {
            limits.insert(place, limit);
            Ok(())
        }
    }
}

/// Adds to a list of capabilities.
///
/// # Errors
/// As for [`List::add`].
pub fn add_capabilities(field: &mut Option<List>, text: &str) -> Result<(), Reason> {
    field.get_or_insert_default().add(text)
}

impl Settings {
    /// A value that can only be looked up later, with the name of the flag or variable of this source.
    pub fn given<T>(&self, flag: &str, text: &str, value: T) -> Given<T> {
        let by =
            if self.from_variables { super::flags::variable(flag) } else { format!("--{flag}") };
        Given { value, text: text.to_owned(), by }
    }

    /// These settings, and those of `fallback` where these say nothing. Limits, variables, rewrites and
    /// exit mappings are taken one by one.
    pub fn lay_over(&mut self, mut fallback: Box<Settings>) {
        /// Takes the place of nothing. In place, as the whole is large.
        fn fill<T>(own: &mut Option<T>, fallback: &mut Option<T>) {
            if own.is_none() {
                std::mem::swap(own, fallback);
            }
        }
        macro_rules! fill {
            ($($field:ident),* $(,)?) => {
                // All fields are named, so that none is forgotten.
                let Settings {
                    capabilities, limits, stdio, rewrites, environment, exit_map, from_variables,
                    $($field),*
                } = self;
                $( fill($field, &mut fallback.$field); )*
                fill(&mut capabilities.drop, &mut fallback.capabilities.drop);
                fill(&mut capabilities.keep, &mut fallback.capabilities.keep);
                fill(&mut capabilities.ambient, &mut fallback.capabilities.ambient);
                for limit in fallback.limits {
                    add_limit(limits, limit).ok(); // one that is here already stays as it is
                }
                for (own, other) in stdio.iter_mut().zip(&mut fallback.stdio) {
                    fill(own, other);
                }
                *rewrites = std::mem::take(rewrites).over(fallback.rewrites);
                *environment = std::mem::take(environment).over(&fallback.environment);
                *exit_map = std::mem::take(exit_map).over(fallback.exit_map);
                *from_variables = false;
            };
        }
        fill!(
            forward_to,
            stop_signals,
            drain,
            grace,
            escalation,
            linger,
            wait_all,
            subreaper,
            warn_on_reap,
            user,
            groups,
            no_new_privs,
            directory,
            umask,
            nice,
            cpus,
            scheduler,
            io_priority,
            oom_score_adj,
            grouping,
            close_fds,
            parent_death_signal,
            dry_run,
            log_level,
            log_to,
            log_format,
            report,
            termination_log,
            verbose,
            pause,
            status,
            check,
            and_continue,
            signal_at_end,
            suspend_at,
            warn_if_not_adopting,
            warn_of_trouble,
            dies_alike,
            statuses,
            style,
        );
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
        let grouping = self.grouping.unwrap_or_default();
        let policy = Policy {
            forward_to: self.forward_to.unwrap_or(defaults.forward_to),
            rewrites: self.rewrites,
            stop_signals: self.stop_signals.unwrap_or(defaults.stop_signals),
            drain: self.drain.unwrap_or(defaults.drain),
            grace: self.grace.unwrap_or(defaults.grace),
            escalation: self.escalation.unwrap_or(defaults.escalation),
            linger: self.linger.map_or(defaults.linger, Linger::from),
            wait_all: self.wait_all.unwrap_or(defaults.wait_all),
            and_continue: self.and_continue.unwrap_or(defaults.and_continue),
            signal_at_end: self.signal_at_end.unwrap_or(defaults.signal_at_end),
            suspend_at: self.suspend_at.unwrap_or(defaults.suspend_at),
            command_gets_keys: grouping == Grouping::Shared,
        };
        policy.check()?;
        self.capabilities.check()?;
        let attributes = Attributes {
            limits: self.limits,
            user: self.user,
            groups: self.groups,
            capabilities: self.capabilities,
            no_new_privs: self.no_new_privs.unwrap_or(false),
            directory: self.directory,
            umask: self.umask,
            environment: self.environment,
            nice: self.nice,
            cpus: self.cpus,
            scheduler: self.scheduler,
            io_priority: self.io_priority,
            oom_score_adj: self.oom_score_adj,
            grouping,
            stdio: self.stdio,
            close_fds: self.close_fds.unwrap_or(false),
        };
        let level = self.log_level.unwrap_or(LevelFilter::Warn);
        let raised = level as usize + self.verbose.unwrap_or(0);
        Ok(Plan {
            argv,
            files: Vec::new(),
            environment,
            attributes,
            parent_death_signal: self.parent_death_signal,
            subreaper: self.subreaper.unwrap_or_default(),
            warn_on_reap: self.warn_on_reap.unwrap_or(false),
            warn_if_not_adopting: self.warn_if_not_adopting.unwrap_or(false),
            warn_of_trouble: self.warn_of_trouble.unwrap_or(true),
            dies_alike: self.dies_alike.unwrap_or(true),
            exit_map: self.exit_map,
            statuses: self.statuses.unwrap_or_default(),
            unknown_variables: Vec::new(),
            hint_if_not_found: None,
            logging: Logging {
                level: LevelFilter::iter().nth(raised).unwrap_or(LevelFilter::Trace),
                to: self.log_to.unwrap_or_default(),
                format: self.log_format.unwrap_or_default(),
                style: self.style.unwrap_or_default(),
            },
            report: self.report,
            termination_log: self.termination_log.flatten(),
            policy,
        })
    }
}
