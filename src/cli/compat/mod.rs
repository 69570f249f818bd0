//! Compatibility mode: sexton in the place of another init, with that program's options, variables, defaults and
//! messages.
//!
//! - `invocation`: what these programs have in common;
//! - `getopt`: options as getopt(3) reads them for these programs;
//! - `tini`, `dumb_init`, `catatonit`: the programs.
//!
//! Nothing behind the command line knows of it: the result is a plan like any other.

mod catatonit;
mod dumb_init;
mod getopt;
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
}

/// The names of these programs, for messages.
pub const NAMES: &str = "tini, docker-init, dumb-init, catatonit";

impl Program {
    /// The program of that name.
    pub fn named(name: &[u8]) -> Option<Program> {
        match name {
            b"tini" | b"tini-static" | b"docker-init" => Some(Program::Tini),
            b"dumb-init" => Some(Program::DumbInit),
            b"catatonit" => Some(Program::Catatonit),
            _ => None,
        }
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
            Program::Tini => layers::<tini::Options>,
            Program::DumbInit => layers::<dumb_init::Options>,
            Program::Catatonit => layers::<catatonit::Options>,
        };
        // None of these programs checks whether its text was written.
        read(call, own_variables, draft).map_err(|text| Printed { checked: false, ..text })
    }
}

fn layers<'a, O: Options<'a>>(
    call: &Invocation<'a, '_>,
    own_variables: &[&CStr],
    draft: &mut Draft<'a>,
) -> Result<(), Printed> {
    let options = O::read(call)?;
    options.set_defaults(draft);
    variables::read(own_variables, draft);
    draft.layer = Layer::default();
    options.set_options(draft);
    Ok(())
}
