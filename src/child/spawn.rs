//! The start: makes the child that becomes the command.

#![forbid(unsafe_code)]

use crate::child::exec::{self, Needs};
use crate::child::messages::{Message, Messages};
use crate::child::program::Program;
use crate::child::step::Step;
use crate::sys::{Errno, process, shared, tty};
use crate::values::error::STATUS_FATAL;
use std::os::fd::OwnedFd;

/// The child, and the number by which it reports.
pub struct Child<'a> {
    /// Its process ID, which is also its process group's.
    pub pid: i32,
    number: &'a OwnedFd,
    /// It has shared sexton's memory, and may still do so.
    is_shared: bool,
}

impl Child<'_> {
    /// What the child has reported, once it has ended.
    ///
    /// # Errors
    /// None of the kernel's; what a seccomp filter gives.
    pub fn messages(&self) -> Result<Messages, Errno> {
        Messages::read(self.number)
    }

    /// Gives back the memory that only the child needed, if the child has left it.
    pub fn release_stack(&self) {
        if self.is_shared {
            shared::release();
        }
    }

    /// The descriptor that sexton keeps open for that.
    #[must_use]
    pub fn descriptor(&self) -> &OwnedFd {
        self.number
    }
}

/// What the child is to do.
struct Task<'a> {
    program: Program<'a>,
    steps: &'a [Step],
    needs: &'a Needs,
}

impl shared::Task for Task<'_> {
    fn run(&mut self) -> ! {
        let failure = exec::become_command(&mut self.program, self.steps, self.needs);
        Message::Failure(failure).send(&self.needs.number);
        process::exit_now(STATUS_FATAL.into())
    }
}

/// Makes a child that carries out the steps and executes the program. sexton does not wait for it: a file system or a
/// scanner may keep an exec for ever. So what the child reads is leaked: it shares sexton's memory if that does no
/// harm, and has a copy otherwise (docs/decisions/fork.md).
///
/// `number` is a [`fds::shared_number`](crate::sys::fds::shared_number), for the child's messages. `may_share` says
/// that sexton changes nothing that is kept for the memory as a whole.
///
/// # Errors
/// No process can be made: EAGAIN (a limit on processes), ENOMEM.
pub fn spawn<'a>(
    program: Program<'a>,
    steps: &'a [Step],
    number: OwnedFd,
    may_share: bool,
) -> Result<Child<'a>, Errno> {
    // A session that has a terminal must give it up before another can have it.
    let terminal = if steps.contains(&Step::Terminal) { tty::detach() } else { Err(Errno::ENOTTY) };
    let mask = steps.iter().find_map(|step| match step {
        Step::Mask(mask) => Some(*mask),
        _ => None,
    });
    let needs: &Needs =
        Box::leak(Box::new(Needs { number, terminal, mask: mask.unwrap_or_default() }));
    let task = Box::leak(Box::new(Task { program, steps, needs }));
    let may_share = may_share && steps.iter().all(leaves_memory_alone) && shared::is_safe();
    let shared = if may_share { shared::spawn(task) } else { Err(Errno::EINVAL) };
    let is_shared = shared.is_ok();
    let pid = match shared {
        Ok(pid) => pid,
        Err(_) => match process::fork()? {
            Some(pid) => pid,
            None => shared::Task::run(task),
        },
    };
    Ok(Child { pid, number: &needs.number, is_shared })
}

/// Whether a step, and all that it brings about, is the child's alone even if it shares sexton's memory. Others change
/// what the kernel keeps for each memory: who may look into it, and how readily it is freed.
fn leaves_memory_alone(step: &Step) -> bool {
    matches!(
        step,
        Step::ProcessGroup
            | Step::Foreground
            | Step::ParentDeath(..)
            | Step::Ignore(_)
            | Step::Mask(_)
    )
}
