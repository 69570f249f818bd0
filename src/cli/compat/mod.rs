//! Compatibility mode: sexton in the place of another program, with that program's options, variables, defaults and
//! messages.
//!
//! - `invocation`: what these programs have in common;
//! - `getopt`: options as getopt(3) reads them for these programs;
//! - `tini`, `dumb_init`, `catatonit`: other inits;
//! - `gosu`: gosu and su-exec, which execute a command as another user.
//!
//! Nothing behind the command line knows of it: the result is a plan like any other.

mod catatonit;
mod dumb_init;
mod getopt;
#[cfg(feature = "gosu")]
mod gosu;
mod invocation;
mod tini;

pub use self::invocation::Invocation;

use self::invocation::Options;
use super::draft::{Draft, Layer};
use super::variables;
use crate::plan::request::Printed;
use std::ffi::CStr;

/// A program in whose place sexton can be.
#[derive(Clone, Copy)]
pub enum Program {
    /// tini, or docker-init, which is tini.
    Tini,
    /// dumb-init.
    DumbInit,
    /// catatonit.
    Catatonit,
    /// gosu, or su-exec.
    #[cfg(feature = "gosu")]
    Gosu,
}

/// These programs by all their names.
const PROGRAMS: &[(&str, Program)] = &[
    ("tini", Program::Tini),
    ("tini-static", Program::Tini),
    ("docker-init", Program::Tini),
    ("dumb-init", Program::DumbInit),
    ("catatonit", Program::Catatonit),
    #[cfg(feature = "gosu")]
    ("gosu", Program::Gosu),
    #[cfg(feature = "gosu")]
    ("su-exec", Program::Gosu),
];

/// The names of these programs, for messages.
pub const NAMES: &str = if cfg!(feature = "gosu") {
    "tini, docker-init, dumb-init, catatonit, gosu, su-exec"
} else {
    "tini, docker-init, dumb-init, catatonit"
};

impl Program {
    /// The program of that name.
    pub fn named(name: &[u8]) -> Option<Program> {
        let found = PROGRAMS.iter().find(|(other, _)| other.as_bytes() == name);
        found.map(|&(_, program)| program)
    }

    /// Reads the program's defaults, then sexton's own variables, then the program's command line and variables.
    ///
    /// # Errors
    /// The text that the program would print instead of running a command.
    pub fn read<'a>(
        self,
        call: &Invocation<'a, '_>,
        own_variables: &[&CStr],
        draft: &mut Draft<'a>,
    ) -> Result<(), Printed> {
        let read = match self {
            Program::Tini => layers(&mut tini::Options::default(), call, own_variables, draft),
            Program::DumbInit => {
                layers(&mut dumb_init::Options::default(), call, own_variables, draft)
            }
            Program::Catatonit => {
                layers(&mut catatonit::Options::default(), call, own_variables, draft)
            }
            #[cfg(feature = "gosu")]
            Program::Gosu => layers(&mut gosu::Options::default(), call, own_variables, draft),
        };
        // None of these programs checks whether its text was written.
        read.map_err(|text| Printed { checked: false, ..text })
    }
}

fn layers<'a>(
    options: &mut dyn Options<'a>,
    call: &Invocation<'a, '_>,
    own_variables: &[&CStr],
    draft: &mut Draft<'a>,
) -> Result<(), Printed> {
    options.read(call)?;
    options.set_defaults(draft);
    variables::read(own_variables, draft);
    draft.layer = Layer::default();
    options.set_options(draft)
}
