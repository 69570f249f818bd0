//! The fork: makes the child that becomes the command.

#![forbid(unsafe_code)]

use crate::child::exec::{self, Needs};
use crate::child::messages::{Message, Messages};
use crate::child::program::Program;
use crate::child::step::Step;
use crate::sys::{Errno, process, tty};
use crate::values::error::STATUS_FATAL;
use std::os::fd::OwnedFd;

/// The child, and the number by which it reports.
pub struct Child {
    /// Its process ID, which is also its process group's.
    pub pid: i32,
    number: OwnedFd,
}

impl Child {
    /// What the child has reported, once it has ended.
    ///
    /// # Errors
    /// None of the kernel's; what a seccomp filter gives.
    pub fn messages(&self) -> Result<Messages, Errno> {
        Messages::read(&self.number)
    }

    /// The descriptor that sexton keeps open for that.
    #[must_use]
    pub fn descriptor(&self) -> &OwnedFd {
        &self.number
    }
}

/// Makes a child that carries out the steps and executes the program. The child has a copy of the memory, and sexton
/// does not wait for it: a file system or a scanner may keep an exec for ever (docs/decisions/fork.md).
///
/// `number` is a [`fds::shared_number`](crate::sys::fds::shared_number), for the child's messages.
///
/// # Errors
/// No process can be made: EAGAIN (a limit on processes), ENOMEM.
pub fn spawn(program: &mut Program, steps: &[Step], number: OwnedFd) -> Result<Child, Errno> {
    // A session that has a terminal must give it up before another can have it.
    let terminal = if steps.contains(&Step::Terminal) { tty::detach() } else { Err(Errno::ENOTTY) };
    let mask = steps.iter().find_map(|step| match step {
        Step::Mask(mask) => Some(*mask),
        _ => None,
    });
    let needs = Needs { number, terminal, mask: mask.unwrap_or_default() };
    match process::fork()? {
        Some(pid) => Ok(Child { pid, number: needs.number }),
        None => {
            let failure = exec::become_command(program, steps, &needs);
            Message::Failure(failure).send(&needs.number);
            process::exit_now(STATUS_FATAL.into())
        }
    }
}
