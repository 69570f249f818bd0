//! The controlling terminal while the command runs: lent to the command, taken back for the shell, left as it was.
//!
//! sexton lends the terminal only if sexton's own group is the foreground group, or if the foreground group is gone and
//! there is no shell to take the terminal. It takes the terminal back only from the command. So a shell that has put
//! sexton into the background never loses it. `docs/terminals.md` has the cases.

#![forbid(unsafe_code)]

use crate::child::inherited::Inherited;
use crate::child::step::Step;
use crate::sys::{process, tty};
use crate::values::outcome::Outcome;
use crate::values::signal::Signal;
use crate::values::terminal_state::TerminalState;
use log::debug;

/// sexton's controlling terminal.
pub struct Terminal {
    /// There is one, and the command is in its session.
    is_shared: bool,
    /// The command may have the terminal: it was lent, and not taken back since.
    lent: bool,
    /// The keys' signals go, or once went, to the command without sexton.
    keys: bool,
    /// The command shares a job or a script's group with others, who keep the terminal until the command asks for it.
    shares_job: bool,
    /// The command was stopped because it used the terminal in the background.
    asked: bool,
    /// sexton leads the session.
    leads_session: bool,
    /// PID 1 is no shell's job, whatever its group is outside of the PID namespace.
    is_init: bool,
    /// The terminal's modes when it was lent.
    modes: Option<tty::Modes>,
}

impl Terminal {
    /// The terminal before the command is started.
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

    /// Whether the terminal can stop the command, so that sexton must notice it.
    #[must_use]
    pub fn can_stop_command(&self) -> bool {
        self.is_shared
    }

    /// Whether sexton may be a job that a shell stops and continues.
    #[must_use]
    pub fn is_job(&self) -> bool {
        self.is_shared && !self.is_init
    }

    /// Whether the terminal sends the keys' signals to the command itself.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.keys
    }

    /// Whether sexton's own group has the terminal now.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.is_shared && tty::terminal_state() == TerminalState::Foreground
    }

    /// The command was stopped by this signal.
    pub fn command_is_stopped(&mut self, signal: Signal) {
        self.asked = matches!(signal, Signal::TTIN | Signal::TTOU);
    }

    /// Lends the terminal to the command, which is about to be continued, if sexton's group has it or none has. If the
    /// command shares a job, a key that has stopped it is no reason to: the others need the keys as well.
    pub fn lend_on_request(&mut self, command: i32) {
        let is_ours = (self.asked || !self.shares_job) && self.is_here();
        if is_ours || (self.is_shared && tty::is_free()) {
            self.lend(command);
        }
    }

    /// Lends the terminal to the command again after the shell has given it to sexton's job.
    pub fn lend_again(&mut self, command: i32) {
        if !self.shares_job && self.is_here() {
            self.modes = None; // the shell may have set others
            self.lend(command);
        }
    }

    fn lend(&mut self, command: i32) {
        self.modes = self.modes.take().or_else(tty::modes);
        match tty::set_foreground(command) {
            Ok(()) => {
                self.lent = true;
                self.keys = true;
            }
            Err(errno) => {
                debug!("unable to give the command the terminal: {}", crate::sys::reason(errno))
            }
        }
    }

    /// Takes the terminal back for the shell before sexton stops, if the command has it; whether sexton may stop. It
    /// may not if the foreground group is inside of the PID namespace and sexton's own is not: no call gives the
    /// terminal back then, and a shell outside would never notice that a part of its job has stopped.
    #[must_use]
    pub fn take_back(&mut self, command: i32) -> bool {
        if self.lent && !self.is_init && tty::is_foreground(command) {
            self.own();
        }
        tty::own_group() != tty::OUTSIDE || tty::is_foreground(tty::OUTSIDE)
    }

    fn own(&mut self) {
        self.lent = tty::set_foreground(tty::own_group()).is_err();
    }

    /// Gives the terminal back to sexton's group when the command and its descendants are gone. If a signal has killed
    /// the command, which then could not restore the modes itself, they are restored as well.
    ///
    /// If sexton leads the session, the session ends with sexton, and no group is left to be given the terminal. The
    /// kernel sends SIGHUP to the foreground group then, as it would without sexton.
    pub fn restore(&mut self, command: i32, outcome: Option<Outcome>) {
        if !self.lent || !(tty::is_foreground(command) || tty::is_free()) {
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
