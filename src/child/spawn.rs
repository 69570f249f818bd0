//! The start: makes the child that becomes the command.

#![forbid(unsafe_code)]

use crate::child::exec::{self, Needs};
use crate::child::messages::{Letterbox, Message, Messages};
use crate::child::program::Program;
use crate::child::step::Step;
use crate::sys::{Errno, process, shared, tty};
use crate::values::error::STATUS_FATAL;
use crate::values::outcome::Outcome;
use std::os::fd::{AsRawFd, RawFd};

/// The child, and where it leaves its messages.
pub struct Child<'a> {
    /// Its process ID, which is also its process group's.
    pub pid: i32,
    letterbox: &'a Letterbox,
    /// It has shared sexton's memory, and may still do so.
    is_shared: bool,
}

impl Child<'_> {
    /// What the child has reported, once it has ended.
    ///
    /// # Errors
    /// ENOSYS: its end is like that of a failed start, and an emulator has given it a copy of the memory instead of a
    /// share. What a seccomp filter gives.
    pub fn messages(&self, outcome: Outcome) -> Result<Messages, Errno> {
        let may_have_failed = outcome == Outcome::Exited(STATUS_FATAL);
        if self.is_shared && may_have_failed && !shared::has_left() {
            return Err(Errno::ENOSYS);
        }
        self.letterbox.read()
    }

    /// Gives back the memory that only the child needed, if the child has left it.
    pub fn release_stack(&self) {
        if self.is_shared {
            shared::release();
        }
    }

    /// The descriptor that sexton keeps open for its messages.
    #[must_use]
    pub fn descriptor(&self) -> Option<RawFd> {
        self.letterbox.descriptor().map(AsRawFd::as_raw_fd)
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
        Message::Failure(failure).send(&self.needs.letterbox);
        process::exit_now(STATUS_FATAL.into())
    }
}

/// Whether the child can share sexton's memory (docs/decisions/fork.md), which takes less time than a copy.
/// `changes_it` says that sexton changes what the kernel keeps for a memory as a whole.
#[must_use]
pub fn may_share(changes_it: bool, steps: &[Step]) -> bool {
    !changes_it && steps.iter().all(leaves_memory_alone) && shared::is_safe()
}

/// Makes a child that carries out the steps and executes the program. sexton does not wait for it: a file system or a
/// scanner may keep an exec for ever. So what the child reads is leaked.
///
/// The child has a copy of the memory if the letterbox is open, and shares it otherwise.
///
/// # Errors
/// No process can be made: EAGAIN (a limit on processes), ENOMEM. EMFILE, ENFILE.
pub fn spawn<'a>(
    program: Program<'a>,
    steps: &'a [Step],
    letterbox: Letterbox,
) -> Result<Child<'a>, Errno> {
    // A session that has a terminal must give it up before another can have it.
    let terminal = if steps.contains(&Step::Terminal) { tty::detach() } else { Err(Errno::ENOTTY) };
    let mask = steps.iter().find_map(|step| match step {
        Step::Mask(mask) => Some(*mask),
        _ => None,
    });
    let needs: &Needs =
        Box::leak(Box::new(Needs { letterbox, terminal, mask: mask.unwrap_or_default() }));
    let letterbox = &needs.letterbox;
    let mut task = Task { program, steps, needs };
    if letterbox.descriptor().is_none() {
        task = match shared::spawn(task) {
            Ok(pid) => return Ok(Child { pid, letterbox, is_shared: true }),
            Err(task) => task,
        };
        letterbox.open()?;
    }
    match process::fork()? {
        Some(pid) => Ok(Child { pid, letterbox, is_shared: false }),
        None => shared::Task::run(&mut task),
    }
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
