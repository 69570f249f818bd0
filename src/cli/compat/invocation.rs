//! What the programs in whose place sexton can be have in common.

use crate::cli::draft::Draft;
use crate::cli::texts::{ABOUT, LICENCE, Text};
use crate::plan::request::Printed;
use crate::plan::{Linger, Prefix, Style};
use crate::values::environment;
use crate::values::error::printable;
use std::ffi::CStr;
use std::fmt;
use std::time::Duration;

/// The command line and variables of a program.
pub struct Invocation<'a, 'w> {
    /// The program's name as `argv[0]` has it.
    pub program: &'a [u8],
    /// The arguments behind the name.
    pub arguments: &'w [&'a CStr],
    /// The environment.
    pub environment: &'w [&'a CStr],
    /// sexton's own process ID, for messages.
    pub pid: i32,
}

impl Invocation<'_, '_> {
    /// The program's name, for messages.
    pub fn program(&self) -> String {
        printable(self.program)
    }

    /// The value of a variable.
    pub fn variable(&self, name: &[u8]) -> Option<&[u8]> {
        environment::variable(self.environment, name).map(|(_, value)| value)
    }

    /// Whether a variable is set, perhaps to nothing.
    pub fn has_variable(&self, name: &[u8]) -> bool {
        self.variable(name).is_some()
    }

    /// A message of the program's own, on standard error, with the prefix of its fatal errors.
    pub fn fatal(&self, style: &Style, text: &str, status: u8) -> Printed {
        let prefix = Prefix(style.fatal, self.pid);
        Printed::on_stderr(format!("{prefix}{text}"), status)
    }
}

/// The options of a program in whose place sexton can be.
pub trait Options<'a> {
    /// Reads the program's own command line and variables.
    ///
    /// # Errors
    /// The text that the program would print instead of running a command.
    fn read(&mut self, call: &Invocation<'a, '_>) -> Result<(), Printed>;

    /// Sets what the program does without options: the lowest layer.
    fn set_defaults(&self, draft: &mut Draft<'a>);

    /// Sets what the options ask for: the highest layer.
    ///
    /// # Errors
    /// As for [`Options::read`].
    fn set_options(&mut self, draft: &mut Draft<'a>) -> Result<(), Printed>;
}

/// Sets the defaults that these programs have in common. They have no time-outs and kill no process: processes that the
/// command leaves behind are left to the kernel. They do not comment on the end of the command, and they exit where it
/// was killed by a signal.
pub fn set_common_defaults(draft: &mut Draft) {
    draft.plan.policy.grace = None;
    draft.plan.policy.slow_stop_after = Some(Duration::ZERO);
    draft.plan.policy.linger = Linger::Leave;
    draft.plan.policy.and_continue = false;
    draft.plan.warn_of_trouble = false;
    draft.plan.reraise_signal = false;
}

/// A usage text: how the program is called, what sexton is, and the program's options.
pub fn usage(call: fmt::Arguments, options: Text) -> String {
    format!("{call}\n{}\n{options}", about())
}

/// What the usage texts say about sexton.
pub fn about() -> String {
    format!("This is sexton {}{ABOUT}", env!("CARGO_PKG_VERSION"))
}

/// The text of their options that print a licence.
pub fn licence() -> String {
    format!("sexton {}\n{LICENCE}", env!("CARGO_PKG_VERSION"))
}
