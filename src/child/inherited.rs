//! What sexton was started with: looked up before the fork, because the command is to have it too, or because a step
//! changes it.

#![forbid(unsafe_code)]

use crate::child::identity::Credentials;
use crate::kernel::processes;
use crate::plan::Plan;
use crate::sys::{credentials, fds, files, process, reason, signals, tty};
use crate::values::capabilities::Sets;
use crate::values::error::Error;
use crate::values::signal::{Signal, SignalSet};
use crate::values::stdio::{OwnedStream, Stream};
use crate::values::terminal_state::TerminalState;

/// What sexton was started with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inherited {
    /// sexton's own process ID.
    pub pid: i32,
    /// The signal mask.
    pub mask: SignalSet,
    /// SIGCHLD was ignored; sexton has to undo that for itself.
    pub sigchld_ignored: bool,
    /// How sexton's process group stands to its controlling terminal.
    pub terminal_state: TerminalState,
    /// sexton leads its session: the terminal, if there is one, is its own to give away.
    pub leads_session: bool,
    /// Other processes are in the same job of a shell: a pipeline, a script.
    pub shares_job: bool,
    /// The signal for the end of sexton's parent: the command gets the same when sexton ends. `None` for PID 1, with
    /// which the kernel ends all others.
    pub parent_death_signal: Option<Signal>,
    /// The process that will be the command's parent: sexton, or sexton's own if the command takes its place.
    pub parent: i32,
    /// The effective user ID.
    pub uid: u32,
    /// The supplementary groups; only looked up if they are to be changed.
    pub groups: Vec<u32>,
    /// The capabilities; only looked up if they are to be changed.
    pub capabilities: Sets,
    /// How many descriptors from 3 on are meant for the command (sd_listen_fds(3)).
    pub listen_fds: i32,
    /// What the standard streams are; only looked up if the user is to be changed.
    pub streams: [Option<OwnedStream>; 3],
}

impl Inherited {
    /// Looks it up, as far as the plan needs it; `mask` is the signal mask, and `listen_fds` the number of descriptors
    /// that the environment counts.
    ///
    /// # Errors
    /// The supplementary groups or the capabilities are to be changed, and cannot be looked up.
    pub fn look_up(
        plan: &Plan,
        credentials: &Credentials,
        pid: i32,
        mask: SignalSet,
        listen_fds: i32,
    ) -> Result<Inherited, Error> {
        let groups = match credentials.groups {
            Some(_) => credentials::groups().map_err(|errno| {
                Error::unable("look up the supplementary groups", reason(errno))
            })?,
            None => Vec::new(),
        };
        let capabilities = if plan.attributes.changes_capabilities() {
            credentials::capabilities()
                .map_err(|errno| Error::unable("look up the capabilities", reason(errno)))?
        } else {
            Sets::default()
        };
        let terminal_state = tty::terminal_state();
        let has_terminal = terminal_state != TerminalState::NoTerminal;
        Ok(Inherited {
            pid,
            mask,
            sigchld_ignored: signals::is_ignored(Signal::CHLD),
            terminal_state,
            leads_session: has_terminal && process::leads_session(),
            shares_job: has_terminal && shares_job(),
            parent_death_signal: match plan.parent_death_signal {
                _ if pid == process::INIT && !plan.in_place => None,
                Some(signal) => Some(signal),
                None => process::parent_death_signal(),
            },
            parent: if plan.in_place { process::parent() } else { pid },
            uid: credentials::user(),
            groups,
            capabilities,
            listen_fds,
            streams: match credentials.user {
                Some(_) => Stream::ALL.map(files::owned_stream),
                None => Default::default(),
            },
        })
    }
}

/// Whether sexton's process group has other processes, which are to get the terminal's keys as well: a pipeline, the
/// script that started sexton, or the program that made the PID namespace (`unshare --fork`, `bwrap`). A pipeline whose
/// first process is sexton may have no others yet, but its pipe is there.
fn shares_job() -> bool {
    let is_first_of_pipeline = || fds::is_pipe(fds::STDOUT) && job_control_shell().is_some();
    process::id() != process::INIT && (!process::leads_group() || is_first_of_pipeline())
}

/// The shell whose job this process's group is, and which can continue it: the first ancestor outside of the group, if
/// that ancestor is in the same session. Without /proc only the parent is looked at.
fn job_control_shell() -> Option<i32> {
    const MOST: usize = 32;
    let (group, session) = (process::group(None).ok()?, process::session(None).ok()?);
    let mut ancestor = process::parent();
    for _ in 0..MOST {
        // 0 is outside of the PID namespace, and for the calls it would be this process.
        if ancestor == 0 || process::session(Some(ancestor)) != Ok(session) {
            return None;
        }
        if process::group(Some(ancestor)) != Ok(group) {
            return Some(ancestor);
        }
        ancestor = processes::is_own().then(|| processes::stat(ancestor))??.parent;
    }
    None
}

#[cfg(test)]
impl Inherited {
    /// As PID 1 and root, without anything that a step could depend on.
    pub(crate) fn of_init() -> Inherited {
        Inherited {
            pid: 1,
            mask: SignalSet::EMPTY,
            sigchld_ignored: false,
            terminal_state: TerminalState::NoTerminal,
            leads_session: false,
            shares_job: false,
            parent_death_signal: None,
            parent: 1,
            uid: crate::values::capabilities::ROOT,
            groups: vec![0],
            capabilities: Sets::default(),
            listen_fds: 0,
            streams: [None; 3],
        }
    }
}
