//! The controlling terminal while the command runs: lent to the command, taken back for the shell, left as it was.
//!
//! It is lent only by who has it: if sexton's own group is the foreground group, or if the group that
//! was is gone and there is no shell to take it. It is taken back only from the command. So nothing is ever
//! taken from a shell that has put sexton into the background. `docs/terminals.md` has the cases.

#![forbid(unsafe_code)]

use crate::child::steps::{Inherited, Step};
use crate::sys::{process, tty};
use crate::values::outcome::Outcome;
use crate::values::signal::Signal;
use crate::values::terminal_state::TerminalState;
use log::debug;

/// sexton's controlling terminal.
pub struct Terminal {
    /// There is one, and the command is in its session.
    is_shared: bool,
    /// The command may have it: it was lent, and not taken back since.
    lent: bool,
    /// The keys' signals go to the command past sexton, or did.
    keys: bool,
    /// The command shares a job or a script's group with others, who keep the terminal until the command asks for it.
    shares_job: bool,
    /// The command was stopped because it used the terminal in the background.
    asked: bool,
    /// sexton leads the session.
    leads_session: bool,
    /// PID 1 is no shell's job, whatever its group is outside of the PID namespace.
    is_init: bool,
    /// The modes in which the command was given it.
    modes: Option<tty::Modes>,
}

impl Terminal {
    /// Looks at it before the command is started.
    #[must_use]
    pub fn new(inherited: &Inherited, steps: &[Step]) -> Terminal {
        let given_away = steps.contains(&Step::Terminal);
        let same_session = !steps.contains(&Step::Session);
        let lent = steps.contains(&Step::Foreground);
        Terminal {
            is_shared: inherited.terminal_state != TerminalState::NoTerminal && same_session,
            lent,
            keys: lent || given_away,
            shares_job: inherited.shares_job,
            asked: false,
            leads_session: inherited.leads_session,
            is_init: inherited.pid == process::INIT,
            modes: lent.then(tty::modes).flatten(),
        }
    }

    /// Whether the terminal can stop the command, so that sexton has to know.
    #[must_use]
    pub fn can_stop_command(&self) -> bool {
        self.is_shared
    }

    /// Whether sexton may be a job that a shell stops and continues.
    #[must_use]
    pub fn is_job(&self) -> bool {
        self.is_shared && !self.is_init
    }

    /// Whether the command gets the keys' signals from the terminal itself.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.keys
    }

    /// Whether sexton has it now.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.is_shared && tty::terminal_state() == TerminalState::Foreground
    }

    /// The command was stopped by this signal.
    pub fn command_is_stopped(&mut self, signal: Signal) {
        self.asked = matches!(signal, Signal::TTIN | Signal::TTOU);
    }

    /// Lends it to the command, which is to go on, if sexton has it or nobody. Where there are others who need the
    /// keys as well, a key that has stopped the command is no reason to.
    pub fn lend_on_request(&mut self, main: i32) {
        let is_ours = (self.asked || !self.shares_job) && self.is_here();
        if is_ours || (self.is_shared && tty::is_free()) {
            self.lend(main);
        }
    }

    /// Lends it to the command again after the shell has given it to sexton's job.
    pub fn lend_again(&mut self, main: i32) {
        if !self.shares_job && self.is_here() {
            self.modes = None; // the shell may have set others
            self.lend(main);
        }
    }

    fn lend(&mut self, main: i32) {
        self.modes = self.modes.take().or_else(tty::modes);
        match tty::set_foreground(main) {
            Ok(()) => {
                self.lent = true;
                self.keys = true;
            }
            Err(errno) => debug!("main is not given the terminal: {}", crate::sys::reason(errno)),
        }
    }

    /// Takes it back if the command has it: for the shell, before sexton stops. Whether sexton may stop: if the
    /// foreground group is inside of the PID namespace and sexton's own is not, no call gives the terminal back, and a
    /// shell outside never learns that a part of its job has stopped.
    #[must_use]
    pub fn take_back(&mut self, main: i32) -> bool {
        if self.lent && !self.is_init && tty::is_foreground(main) {
            self.own();
        }
        tty::own_group() != tty::OUTSIDE || tty::is_foreground(tty::OUTSIDE)
    }

    fn own(&mut self) {
        self.lent = tty::set_foreground(tty::own_group()).is_err();
    }

    /// Leaves it as the command was given it, when the command and its descendants are gone: to sexton's group, and, if
    /// a signal has killed the command before it could do so itself, in the modes that it had.
    ///
    /// If sexton leads the session, that ends with it, and nobody is left to be given the terminal. The kernel then
    /// sends SIGHUP to the foreground group: as without sexton to what the command has left there.
    pub fn restore(&mut self, main: i32, outcome: Option<Outcome>) {
        if !self.lent || !(tty::is_foreground(main) || tty::is_free()) {
            return;
        }
        if let (Some(Outcome::Killed { .. }), Some(modes)) = (outcome, &self.modes) {
            tty::set_modes(modes).ok();
        }
        if !self.is_init && !self.leads_session {
            self.own();
        }
    }
}
