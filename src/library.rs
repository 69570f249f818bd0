//! sexton as a library: a program that is its own init, or the init of another program.

#![forbid(unsafe_code)]

use crate::plan::{Attributes, EscalationStep, Linger, Logging, Plan, Policy, Target};
use crate::runtime;
use crate::sys::{self, itself, process, signals};
use crate::values::duration;
use crate::values::error::Error;
use crate::values::error::Reason;
use crate::values::exit_map::{self, ExitMap};
use crate::values::rewrite::{self, catchable};
use crate::values::rlimit::{Limits, Resource, Spec};
use crate::values::signal::{Signal, SignalSet};
use log::LevelFilter;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// An init for this very program, or for another one, and its settings.
///
/// [`Init::run`] makes a program its own init. Called as PID 1, it starts the program a second time as its child. The
/// first process then stays the init: it forwards signals, reaps orphans, and exits with the child's exit status. In
/// the child, and wherever the program is not PID 1, the call returns immediately and the program continues.
/// [`Init::supervise`] starts other programs.
///
/// ```no_run
/// use sexton::{Init, Resource, Limits, Signal};
/// use std::time::Duration;
///
/// # fn serve() {}
/// fn main() -> Result<(), sexton::Error> {
///     Init::new()
///         .stop_signals([Signal::TERM, Signal::INT])
///         .drain(Duration::from_secs(5)) // time for load balancers to send requests elsewhere
///         .grace(Duration::from_secs(20))
///         .rlimit(Resource::Nofile, Limits { soft: 65_536, hard: 65_536 })
///         .run()?;
///     serve();
///     Ok(())
/// }
/// ```
///
/// # Requirements
///
/// - The call must come **first in `main`**, before threads, files, and anything that must not be done twice, because
///   the child repeats `main` from its beginning. More than one thread is an error, where /proc is mounted to show
///   threads. An async runtime must be started after the call, so `#[tokio::main]` cannot be used.
/// - The init does not continue `main`: no destructors and no `atexit` handlers run, every descriptor but the
///   standard streams and those of the log is closed, and the working directory is `/`. The call never returns there,
///   and the init ends with `_exit`.
/// - A signal that arrives before the call has the program's disposition, and PID 1 drops a signal whose disposition is
///   the default. From the call on no signal is lost. The program `sexton` has no such gap, because its first
///   instruction blocks signals.
///
/// # The child
///
/// The child has the program's arguments, environment, descriptors, signal mask, limits and terminal, and a process
/// group of its own. Rust's start-up ignores SIGPIPE, whatever its disposition was before. The child is started with
/// the default, as by [`std::process::Command`], and a Rust program then ignores SIGPIPE again.
///
/// # Logging
///
/// If the program has set a logger of the [`log`] facade before the call, that logger gets sexton's lines, down to the
/// program's level. It must write to standard error, must not need a thread, and should not block, because the init
/// then waits for it. Otherwise warnings go to standard error and never block. A run that ends by itself, or
/// obeys a stop, logs nothing.
#[must_use = "nothing happens before `run` or `supervise`"]
#[derive(Clone, Debug)]
pub struct Init {
    policy: Policy,
    always: bool,
    exit_map: ExitMap,
    limits: Vec<Spec>,
    warn_on_reap: bool,
    report: Option<CString>,
    level: LevelFilter,
    /// The first value that cannot be used.
    refused: Option<Error>,
}

impl Default for Init {
    fn default() -> Init {
        Init::new()
    }
}

/// The variable by which a child knows that it is one. Its value is the process ID of the init, which only the child
/// has as its parent. It is removed before the program goes on.
const PARENT: &str = "SEXTON_PARENT";

impl Init {
    /// An init as PID 1 only. SIGTERM begins a stop, with a grace period of 30 seconds; processes that the program
    /// leaves behind have 5 seconds.
    pub fn new() -> Init {
        Init {
            policy: Policy::default(),
            always: false,
            exit_map: ExitMap::default(),
            limits: Vec::new(),
            warn_on_reap: false,
            report: None,
            level: LevelFilter::Warn,
            refused: None,
        }
    }

    /// [`Init::run`] makes an init where the program is not PID 1, too: a child subreaper (`PR_SET_CHILD_SUBREAPER`,
    /// prctl(2)), which only signals its own descendants. It needs /proc to find descendants that detach
    /// themselves.
    ///
    /// If the child dies of a signal, such an init dies of the same signal, so that its parent sees the same status as
    /// without an init; unless [`Init::map_exit`] or [`Init::map_signal`] gives that end an exit status.
    ///
    /// The variable `SEXTON_PARENT` marks the child, and the child removes the variable. A program that starts itself
    /// for other purposes, such as a worker, should not make this call there, because each worker would have an init.
    pub fn always(mut self) -> Init {
        self.always = true;
        self
    }

    /// The grace period: the time from a stop signal to SIGKILL for all processes. `None` never kills; the longest time
    /// is 31 years. Default: 30 seconds.
    pub fn grace(mut self, time: impl Into<Option<Duration>>) -> Init {
        self.policy.grace = time.into().map(bounded);
        self
    }

    /// The time for which the first stop signal is delayed; a second stop signal ends the delay. Default: 0.
    pub fn drain(mut self, time: Duration) -> Init {
        self.policy.drain = bounded(time);
        self
    }

    /// The time from SIGTERM to SIGKILL for processes that outlive the program; `None` does not kill them (the kernel
    /// does, if this is PID 1). Default: 5 seconds; during a stop the rest of the grace period, or 5 seconds if all of
    /// them ignore SIGTERM.
    pub fn linger(mut self, time: impl Into<Option<Duration>>) -> Init {
        self.policy.linger = Linger::from(time.into().map(bounded));
        self
    }

    /// After the program's end, waits without limit until all other processes have ended by themselves.
    pub fn wait_all(mut self) -> Init {
        self.policy.wait_all = true;
        self
    }

    /// The signals that begin a stop, instead of SIGTERM. Not SIGKILL, SIGSTOP or SIGCHLD.
    pub fn stop_signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Init {
        let mut set = SignalSet::EMPTY;
        for signal in signals {
            match catchable(signal) {
                Ok(signal) => set = set.with(signal),
                Err(reason) => self = self.refuse("stop signal", reason),
            }
        }
        self.policy.stop_signals = set;
        self
    }

    /// The processes that signals are forwarded to. Default: [`Target::Command`].
    pub fn forward_to(mut self, target: Target) -> Init {
        self.policy.forward_to = target;
        self
    }

    /// Forwards another signal in place of this one, or nothing (`None`). Each can be rewritten once; not SIGKILL,
    /// SIGSTOP or SIGCHLD.
    pub fn rewrite(mut self, from: Signal, to: impl Into<Option<Signal>>) -> Init {
        let rule = catchable(from).map(|from| rewrite::Rule::new(from, to.into()));
        match rule.and_then(|rule| self.policy.rewrites.add(rule)) {
            Ok(()) => self,
            Err(reason) => self.refuse("signal to rewrite", reason),
        }
    }

    /// An escalation step: sends a further signal this long after the stop signal, or after the step before. Each time
    /// must be more than zero, and their sum less than the grace period.
    pub fn escalate(mut self, signal: Signal, after: Duration) -> Init {
        if after.is_zero() {
            return self.refuse("escalation", "its time must be more than 0".into());
        }
        self.policy.escalation.push(EscalationStep { signal, after: bounded(after) });
        self
    }

    /// Exits with the status `to` instead of `from`. Each status can be mapped once.
    pub fn map_exit(self, from: u8, to: u8) -> Init {
        self.map(exit_map::Rule::status(from, to))
    }

    /// Exits with this status if that signal has killed the program. Otherwise PID 1 exits with 128 plus the
    /// signal's number, and an init that is not PID 1 dies of the same signal. Applied before [`Init::map_exit`].
    pub fn map_signal(self, signal: Signal, to: u8) -> Init {
        self.map(exit_map::Rule::signal(signal, to))
    }

    fn map(mut self, rule: exit_map::Rule) -> Init {
        match self.exit_map.add(rule) {
            Ok(()) => self,
            Err(reason) => self.refuse("exit status to map", reason),
        }
    }

    /// Sets a limit of the child (setrlimit(2)), in the kernel's units: bytes, seconds (`Cpu`), microseconds
    /// (`Rttime`), or a count; [`UNLIMITED`](crate::UNLIMITED). Raising the hard limit needs CAP_SYS_RESOURCE.
    /// Without an init, [`Init::run`] sets no limit either.
    pub fn rlimit(mut self, resource: Resource, limits: Limits) -> Init {
        match Spec::new(resource, limits) {
            Ok(spec) => {
                self.limits.retain(|other| other.resource != resource);
                self.limits.push(spec);
                self
            }
            Err(reason) => self.refuse(resource.name(), reason),
        }
    }

    /// Logs each reaped orphan as a warning.
    pub fn warn_on_reap(mut self) -> Init {
        self.warn_on_reap = true;
        self
    }

    /// Writes the exit report as JSON to this file, replacing it, or appends it to standard output or standard error,
    /// if the path is `-`, `/dev/stdout` or `/dev/stderr`. A file that cannot be written is an error of [`Init::run`].
    pub fn report(mut self, path: impl AsRef<Path>) -> Init {
        match CString::new(path.as_ref().as_os_str().as_bytes()) {
            Ok(path) if !path.is_empty() => {
                self.report = Some(path);
                self
            }
            _ => self.refuse("report", "expected a path".into()),
        }
    }

    /// The log level on standard error, if the program has set no logger. Default: warnings.
    pub fn log_level(mut self, level: LevelFilter) -> Init {
        self.level = level;
        self
    }

    fn refuse(mut self, what: &str, reason: Reason) -> Init {
        self.refused.get_or_insert_with(|| Error::usage(format!("invalid {what}: {reason}")));
        self
    }

    /// As PID 1, starts the program a second time as a child and never returns: it ends with the child's exit status,
    /// or with 128 plus the number of the signal that killed it. In the child, and where this is not PID 1 (but see
    /// [`Init::always`]), it returns `Ok` immediately.
    ///
    /// The child executes the same file as this process (`/proc/self/exe`), even if that has been replaced or deleted
    /// since, with the same first argument. Then, and only then, its name for `ps` is `exe`.
    ///
    /// # Errors
    /// An invalid value, whether or not this is PID 1; there are other threads; the report cannot be written; a limit
    /// cannot be set; no process can be created; there is no /proc, and the program is the interpreter of a script, so
    /// its own file is unknown. Signal mask and dispositions are unchanged, except that SIGCHLD is no longer ignored.
    pub fn run(self) -> Result<(), Error> {
        self.check()?;
        if process::id() != process::INIT && !self.always {
            return Ok(());
        }
        is_alone()?;
        if self.always && is_child() {
            return Ok(());
        }
        let files = itself::files();
        if files.is_empty() {
            return Err(Error::unable("start the program again", "/proc is not mounted"));
        }
        let mut environment = itself::environment();
        if self.always {
            environment.extend(CString::new(format!("{PARENT}={}", process::id())));
        }
        Err(self.become_init(&itself::arguments(), &environment, files))
    }

    /// Starts another program as a child, with a command as execvp(3) takes it. This process stays as its init and ends
    /// with its exit status, so the call returns only with an error. An init that is not PID 1 is a child subreaper;
    /// see [`Init::always`].
    ///
    /// If the command cannot be executed, an error is logged, and the exit status is 127 or 126, as in a shell.
    ///
    /// ```no_run
    /// use std::process::ExitCode;
    ///
    /// fn main() -> ExitCode {
    ///     let error = sexton::Init::new().supervise(["nginx", "-g", "daemon off;"]);
    ///     eprintln!("{error}");
    ///     ExitCode::from(error.status())
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`Init::run`]; a command that is empty, or contains a zero byte.
    #[must_use = "it only returns if it has failed"]
    pub fn supervise<S: AsRef<OsStr>>(self, command: impl IntoIterator<Item = S>) -> Error {
        let words = command.into_iter().map(|word| CString::new(word.as_ref().as_bytes()));
        let argv = match words.collect::<Result<Vec<CString>, _>>() {
            Ok(argv) if !argv.is_empty() => argv,
            Ok(_) => return Error::usage("no command given"),
            Err(_) => return Error::usage("a command cannot contain a zero byte"),
        };
        match self.check().and_then(|()| is_alone()) {
            Ok(()) => self.become_init(&argv, &itself::environment(), Vec::new()),
            Err(error) => error,
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.refused.clone().map_or(Ok(()), Err)?;
        self.policy.check().map_err(Error::usage)
    }

    /// Only returns if it fails.
    fn become_init(self, argv: &[CString], environment: &[CString], files: Vec<CString>) -> Error {
        let plan = Plan {
            argv: argv.iter().map(CString::as_c_str).collect(),
            files,
            environment: environment.iter().map(CString::as_c_str).collect(),
            attributes: Attributes { limits: self.limits, ..Attributes::default() }.into(),
            warn_on_reap: self.warn_on_reap,
            exit_map: self.exit_map,
            logging: Logging { level: self.level, ..Logging::default() },
            report: self.report,
            policy: self.policy,
            ..Plan::default()
        };
        itself::flush_output();
        let mask = match signals::block_all() {
            Ok(mask) => mask,
            Err(errno) => return Error::unable("block signals", sys::reason(errno)),
        };
        let pipe_ignored = signals::is_ignored(Signal::PIPE);
        if pipe_ignored {
            signals::set_ignored(Signal::PIPE, false).ok(); // it cannot fail for SIGPIPE
        }
        crate::log::start(&plan.logging, process::id());
        crate::log::give_way();
        let error = match runtime::attempt(&plan, mask) {
            Ok(ending) => {
                crate::log::finish();
                process::exit_now(runtime::end(ending).into());
            }
            Err(error) => error,
        };
        if pipe_ignored {
            signals::set_ignored(Signal::PIPE, true).ok();
        }
        signals::set_mask(mask).ok();
        error
    }
}

/// A time that can be added to any point in time.
fn bounded(time: Duration) -> Duration {
    time.min(duration::LONGEST)
}

/// Checks that there is one thread: others would take the init's signals, and go on with the program.
fn is_alone() -> Result<(), Error> {
    match itself::threads() {
        Some(threads) if threads > 1 => Err(Error::unable(
            "become the init",
            format_args!("there are {threads} threads: call it first in main"),
        )),
        _ => Ok(()),
    }
}

/// Whether an init has started this process.
fn is_child() -> bool {
    let Some(value) = itself::take_variable(PARENT) else { return false };
    value.to_str().and_then(|value| value.parse().ok()) == Some(process::parent())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(init: Init) -> String {
        init.run().unwrap_err().to_string()
    }

    /// A developer's machine, where the program is not PID 1, shows the error before the container does.
    #[test]
    fn what_cannot_be_used_is_an_error_wherever_it_is() {
        let second = Duration::from_secs(1);
        let init = Init::new;
        let limits = Limits { soft: 2, hard: 1 };
        for (init, expected) in [
            (init().stop_signals([Signal::TERM, Signal::KILL]), "SIGKILL cannot be caught"),
            (init().rewrite(Signal::CHLD, Signal::TERM), "SIGCHLD"),
            (init().rewrite(Signal::HUP, None).rewrite(Signal::HUP, Signal::INT), "already"),
            (init().escalate(Signal::INT, Duration::ZERO), "more than 0"),
            (init().grace(second).escalate(Signal::INT, second), "less than the grace of 1s"),
            (init().map_exit(1, 2).map_exit(1, 3), "already"),
            (init().map_signal(Signal::TERM, 0).map_signal(Signal::TERM, 1), "already"),
            (init().rlimit(Resource::Nofile, limits), "nofile: the soft limit is above"),
            (init().report(""), "expected a path"),
            (init().report("a\0b").map_exit(1, 2).map_exit(1, 2), "expected a path"),
        ] {
            let text = refused(init);
            assert!(text.contains(expected), "{text}");
        }
        let text = init().report("").supervise(["true"]).to_string();
        assert!(text.contains("expected a path"), "{text}");
    }

    #[test]
    fn a_command_is_words_without_zero_bytes() {
        assert!(Init::new().supervise([""; 0]).to_string().contains("no command"));
        assert!(Init::new().supervise(["a\0"]).to_string().contains("zero byte"));
    }

    /// The tests have threads, and are not PID 1.
    #[test]
    fn nothing_is_done_elsewhere_and_an_init_has_one_thread() {
        assert_eq!(Init::new().run(), Ok(()));
        for error in [Init::new().always().run().unwrap_err(), Init::new().supervise(["true"])] {
            assert!(error.to_string().contains("threads"), "{error}");
            assert_eq!(error.status(), 125);
        }
    }

    #[test]
    fn no_time_is_too_long() {
        let forever = Duration::MAX;
        let init = Init::new().grace(forever).linger(forever).drain(forever);
        let Policy { grace, linger, drain, .. } = init.policy;
        assert_eq!([grace, Some(drain)], [Some(duration::LONGEST); 2]);
        assert_eq!(linger, Linger::For(duration::LONGEST));
        assert_eq!(Init::new().grace(None).policy.grace, None);
    }
}
