//! The program to execute, laid out for execve(2) before the fork, because the child must not allocate.

#![forbid(unsafe_code)]

use crate::sys::exec::Strings;
use crate::sys::process;
use crate::text::fixed::Fixed;
use crate::values::environment::Naming;
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fmt::Write;

/// The shell that runs a script without a `#!` line (execvp(3)).
pub const SHELL: &CStr = c"/bin/sh";

/// What to execute, ready for execve(2).
pub struct Program<'a> {
    /// The command as the user wrote it.
    pub(super) command: &'a CStr,
    pub(super) candidates: &'a [CString],
    /// The command's argument vector.
    pub(super) argv: Strings<'a>,
    /// The shell's argument vector: its name, a place for the script, and the command's arguments.
    pub(super) shell_argv: Strings<'a>,
    pub(super) environment: Strings<'a>,
    /// The variables that are to name the child: place, name, and room for the whole. The room is leaked, because the
    /// environment borrows it.
    renamed: Vec<(usize, &'static str, Option<&'static mut Fixed>)>,
    /// Places of variables that are for another process, with its ID.
    foreign: &'a [(usize, i32)],
}

impl<'a> Program<'a> {
    /// Lays out the vectors. The strings are borrowed for as long as the program is.
    #[must_use]
    pub fn new(
        candidates: &'a [CString],
        argv: &[&'a CStr],
        environment: &'a [Cow<'a, CStr>],
        naming: &'a Naming,
    ) -> Program<'a> {
        let arguments = argv.get(1..).unwrap_or_default();
        let command = argv.first().copied().unwrap_or_default();
        Program {
            command,
            candidates,
            argv: vector(&[command], arguments),
            shell_argv: vector(&[SHELL, c""], arguments),
            environment: Strings::new(&mut environment.iter().map(AsRef::as_ref)),
            renamed: naming
                .renamed
                .iter()
                .map(|&(place, name)| (place, name, Some(Box::leak(Box::default()))))
                .collect(),
            foreign: &naming.foreign,
        }
    }

    /// In the child: sets the variables that name a process by its ID.
    pub(super) fn name_child(&mut self) {
        if self.renamed.is_empty() && self.foreign.is_empty() {
            return;
        }
        let pid = process::id();
        for (place, name, text) in &mut self.renamed {
            let Some(text) = text.take() else { continue };
            write!(text, "{name}={pid}\0").ok(); // there is room
            self.environment.replace(*place, text.as_c_str());
        }
        if self.foreign.iter().any(|&(_, named)| named == pid) {
            let foreign = self.foreign;
            self.environment.retain(|place| !foreign.contains(&(place, pid)));
        }
    }
}

fn vector<'a>(first: &[&'a CStr], rest: &[&'a CStr]) -> Strings<'a> {
    Strings::new(&mut first.iter().chain(rest).copied())
}
