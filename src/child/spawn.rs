//! Starting main: a child, the steps in it, exec; and what it tells if one fails.
//!
//! Nothing in the child allocates, and all that it needs is built before. A failure goes through a
//! close-on-exec pipe that is read only after the child has ended: so sexton never waits for a step or
//! an exec that hangs, and goes on to handle signals meanwhile.

#![forbid(unsafe_code)]

use crate::child::steps::Step;
use crate::sys::exec::{Strings, execve};
use crate::sys::{Errno, credentials, fds, files, limits, process, scheduling, signals, tty};
use crate::text::fixed::Fixed;
use crate::values::environment::Naming;
use crate::values::signal::SignalSet;
use nix::unistd::{AccessFlags, Pid, access, chdir, setpgid, setsid};
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fmt::Write;
use std::os::fd::OwnedFd;

/// The shell that runs a script without a `#!` line (execvp(3)).
const SHELL: &CStr = c"/bin/sh";

/// What to execute, ready for execve(2).
pub struct Program<'a> {
    candidates: &'a [CString],
    /// For main: the null-terminated argument vector.
    argv: Strings<'a>,
    /// For the shell: its name, a place for the script, and the command's arguments.
    shell_argv: Strings<'a>,
    environment: Strings<'a>,
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
            candidates,
            argv: vector(&[command], arguments),
            shell_argv: vector(&[SHELL, c""], arguments),
            environment: Strings::new(environment.iter().map(AsRef::as_ref)),
            renamed: naming
                .renamed
                .iter()
                .map(|&(place, name)| (place, name, Some(Box::leak(Box::default()))))
                .collect(),
            foreign: &naming.foreign,
        }
    }

    /// In the child: the variables that name a process by its ID.
    fn name_child(&mut self) {
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
    Strings::new(first.iter().chain(rest).copied())
}

/// The command, and what it may have to tell.
pub struct Child {
    /// Its process ID, which is also its process group's.
    pub pid: i32,
    pipe: OwnedFd,
}

/// What the child has reported.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Messages {
    /// A step that failed and that the program can do without.
    pub left_out: Option<(usize, Errno)>,
    /// What kept the child from becoming the command; `None` if it became the command.
    pub failure: Option<Failure>,
}

/// One message in the pipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Message {
    Failure(Failure),
    LeftOut(usize, Errno),
}

/// What kept the child from becoming the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The step of this index failed.
    Step(usize, Errno),
    /// The candidate of this index was found and could not be executed. With ENOENT or ENOTDIR it is
    /// what it needs that is missing: its interpreter or dynamic loader.
    Exec(usize, Errno),
    /// There is no such command.
    NotFound,
}

impl Message {
    const SIZE: usize = 12;

    fn to_bytes(self) -> [u8; Message::SIZE] {
        let words = match self {
            Message::Failure(Failure::Step(index, errno)) => [0, index as u32, errno as u32],
            Message::Failure(Failure::Exec(index, errno)) => [1, index as u32, errno as u32],
            Message::Failure(Failure::NotFound) => [2, 0, 0],
            Message::LeftOut(index, errno) => [3, index as u32, errno as u32],
        };
        let mut bytes = [0; Message::SIZE];
        for (slot, word) in bytes.chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Message {
        let mut words = [0u32; 3];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_ne_bytes(chunk.try_into().unwrap_or_default());
        }
        let [kind, index, errno] = words;
        let (index, errno) = (index as usize, Errno::from_raw(errno as i32));
        match kind {
            0 => Message::Failure(Failure::Step(index, errno)),
            1 => Message::Failure(Failure::Exec(index, errno)),
            2 => Message::Failure(Failure::NotFound),
            _ => Message::LeftOut(index, errno),
        }
    }

    /// A pipe takes such a message whole (pipe(7)); without anybody who reads it the child has nobody to report to.
    fn send(self, pipe: &OwnedFd) {
        nix::unistd::write(pipe, &self.to_bytes()).ok();
    }
}

impl Child {
    /// What the child has reported, once it has ended.
    ///
    /// # Errors
    /// None of the kernel's; what a seccomp filter gives.
    pub fn messages(&self) -> Result<Messages, Errno> {
        // All that there is comes at once: a step that was left out, and a failure.
        let mut bytes = [0; 2 * Message::SIZE];
        let length = nix::unistd::read(&self.pipe, &mut bytes)?;
        let mut messages = Messages::default();
        for bytes in bytes.get(..length).unwrap_or_default().chunks_exact(Message::SIZE) {
            match Message::from_bytes(bytes) {
                Message::Failure(failure) => messages.failure = Some(failure),
                Message::LeftOut(index, errno) => messages.left_out = Some((index, errno)),
            }
        }
        Ok(messages)
    }

    /// The descriptor that sexton keeps open for that.
    #[must_use]
    pub fn descriptor(&self) -> &OwnedFd {
        &self.pipe
    }
}

/// Makes a child that carries out the steps and executes the program. The child has a copy of the memory, and sexton
/// does not wait for it: a file system or a scanner may keep an exec for ever (docs/decisions/fork.md).
///
/// # Errors
/// The pipe or the child failed: EMFILE, ENFILE, EAGAIN (a limit on processes), ENOMEM.
pub fn spawn(program: &mut Program, steps: &[Step]) -> Result<Child, Errno> {
    let (read, write) = fds::pipe()?;
    // A session that has a terminal must give it up before another can have it.
    let terminal = if steps.contains(&Step::Terminal) { tty::detach() } else { Err(Errno::ENOTTY) };
    let mask = steps.iter().find_map(|step| match step {
        Step::Mask(mask) => Some(*mask),
        _ => None,
    });
    let needs = Needs { pipe: write, terminal, mask: mask.unwrap_or_default() };
    match process::fork()? {
        Some(pid) => Ok(Child { pid, pipe: read }),
        None => {
            let failure = become_command(program, steps, &needs);
            Message::Failure(failure).send(&needs.pipe);
            process::exit_now(crate::values::error::STATUS_FATAL.into())
        }
    }
}

/// What the child needs besides the steps.
struct Needs {
    /// For messages.
    pipe: OwnedFd,
    /// For [`Step::Terminal`].
    terminal: Result<OwnedFd, Errno>,
    /// The signal mask that the command will have.
    mask: SignalSet,
}

/// Only returns if something fails.
fn become_command(program: &mut Program, steps: &[Step], needs: &Needs) -> Failure {
    program.name_child();
    for (index, step) in steps.iter().enumerate() {
        match carry_out(step, needs) {
            Ok(()) => {}
            Err(errno) if is_dispensable(step, errno) => {
                Message::LeftOut(index, errno).send(&needs.pipe);
            }
            Err(errno) => return Failure::Step(index, errno),
        }
    }
    execute(program)
}

/// Whether a program runs as well without this step: it has its streams, and no keys that send signals. Some kernels give
/// no terminal to another session (gVisor has no TIOCSCTTY), and any terminal may go away meanwhile.
fn is_dispensable(step: &Step, errno: Errno) -> bool {
    match step {
        Step::Terminal => true,
        Step::Foreground => matches!(errno, Errno::ENOTTY | Errno::ENXIO | Errno::EIO),
        _ => false,
    }
}

fn carry_out(step: &Step, needs: &Needs) -> Result<(), Errno> {
    let this = Pid::from_raw(0);
    match step {
        Step::Session => setsid().map(drop),
        Step::Terminal => needs.terminal.as_ref().map_err(|&errno| errno).and_then(tty::attach),
        Step::ProcessGroup => setpgid(this, this),
        Step::Foreground => tty::set_foreground(process::id()),
        Step::Limit(resource, values) => limits::set(*resource, *values),
        Step::OomScoreAdj(value) => scheduling::set_oom_score_adj(*value),
        Step::IoPriority(priority) => scheduling::set_io_priority(*priority),
        Step::Scheduler(scheduler) => scheduling::set_scheduler(*scheduler),
        Step::Nice(value) => scheduling::set_nice(*value),
        Step::Cpus(cpus) => scheduling::set_cpus(cpus),
        Step::Groups(groups) => credentials::set_groups(groups),
        Step::Gid(gid) => credentials::set_gid(*gid),
        Step::GiveStream(stream, uid) => {
            // The command has the descriptor in any case; only to open it again takes the ownership.
            files::give_stream(*stream, *uid).ok();
            Ok(())
        }
        Step::DropBounding(set) => credentials::drop_bounding(*set),
        Step::KeepCapabilities => credentials::keep_capabilities(),
        Step::Uid(uid) => credentials::set_uid(*uid),
        Step::Capabilities(base) => credentials::set_capabilities(*base),
        Step::RaiseAmbient(set) => credentials::raise_ambient(*set),
        Step::NoNewPrivs => credentials::set_no_new_privs(),
        Step::ParentDeath(signal, parent) => process::set_parent_death_signal(*signal, *parent),
        Step::Umask(mask) => process::set_umask(*mask),
        Step::Directory(path) => chdir(path.as_c_str()),
        Step::Duplicate(from) => files::duplicate_all(from),
        Step::Open(stream, file) => {
            // To open a FIFO may take for ever: signals that would end the command end the wait.
            signals::set_mask(needs.mask)?;
            let opened = files::redirect(*stream, file);
            signals::block_all()?;
            opened
        }
        Step::ShareOutput => files::share_output(),
        Step::CloseOthers(kept) => {
            files::close_others(*kept, &needs.pipe);
            Ok(())
        }
        Step::Ignore(signal) => signals::set_ignored(*signal, true),
        Step::Mask(mask) => signals::set_mask(*mask).map(drop),
    }
}

/// Tries the candidates as execvp(3) does. Only returns if none could be executed.
fn execute(program: &mut Program) -> Failure {
    let mut denied = None;
    for (index, candidate) in program.candidates.iter().enumerate() {
        match execve(candidate, &program.argv, &program.environment) {
            Errno::ENOEXEC => {
                program.shell_argv.replace(1, candidate);
                execve(SHELL, &program.shell_argv, &program.environment);
                return Failure::Exec(index, Errno::ENOEXEC);
            }
            Errno::EACCES => {
                denied.get_or_insert(index);
            }
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENODEV | Errno::ESTALE | Errno::ETIMEDOUT => {}
            errno => return Failure::Exec(index, errno),
        }
    }
    let exists = |path: &CString| access(path.as_c_str(), AccessFlags::F_OK).is_ok();
    match (denied, program.candidates.iter().position(exists)) {
        (Some(index), _) => Failure::Exec(index, Errno::EACCES),
        (None, Some(index)) => Failure::Exec(index, Errno::ENOENT),
        (None, None) => Failure::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_pipe() {
        let exec = Failure::Exec(70_000, Errno::ENOENT);
        let failures = [Failure::Step(3, Errno::EPERM), exec, Failure::NotFound];
        let left_out = Message::LeftOut(1, Errno::ENOTTY);
        for message in failures.map(Message::Failure).into_iter().chain([left_out]) {
            assert_eq!(Message::from_bytes(&message.to_bytes()), message);
        }
    }

    #[test]
    fn all_that_the_child_has_reported_is_read_at_once() {
        let (read, write) = fds::pipe().unwrap();
        let child = Child { pid: 1, pipe: read };
        Message::LeftOut(1, Errno::ENOTTY).send(&write);
        Message::Failure(Failure::NotFound).send(&write);
        let left_out = Some((1, Errno::ENOTTY));
        let both = Messages { left_out, failure: Some(Failure::NotFound) };
        assert_eq!(child.messages(), Ok(both));
        Message::LeftOut(1, Errno::ENOTTY).send(&write);
        assert_eq!(child.messages(), Ok(Messages { left_out, failure: None }));
        drop(write);
        assert_eq!(child.messages(), Ok(Messages::default()));
    }
}
