//! Starting main: a child, the steps in it, exec; and what it tells if one fails.
//!
//! Nothing in the child allocates, and all that it needs is built before. The child reports a failure by a number
//! that it shares with sexton until the exec (an eventfd). sexton reads it only after the child has ended: it never
//! waits for a step or an exec that hangs, and goes on to handle signals meanwhile.

#![forbid(unsafe_code)]

use crate::child::steps::Step;
use crate::sys::exec::{Strings, execve};
use crate::sys::{Errno, credentials, files, limits, process, scheduling, signals, tty};
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
    number: OwnedFd,
}

/// What the child has reported.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Messages {
    /// A step that failed and that the program can do without.
    pub left_out: Option<(usize, Errno)>,
    /// What kept the child from becoming the command; `None` if it became the command.
    pub failure: Option<Failure>,
}

/// One message.
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

/// A part of the number that the messages are.
struct Field {
    at: u32,
    width: u32,
}

impl Field {
    // Of a failure:
    const KIND: Field = Field { at: 0, width: 2 };
    const ERRNO: Field = Field { at: 2, width: 12 };
    const INDEX: Field = Field { at: 14, width: 20 };
    // Of a step that was left out, if there is one:
    const IS_LEFT_OUT: Field = Field { at: 34, width: 1 };
    const WHY: Field = Field { at: 35, width: 12 };
    const STEP: Field = Field { at: 47, width: 12 };

    const fn mask(&self) -> u64 {
        (1 << self.width) - 1
    }

    const fn put(&self, value: u64) -> u64 {
        (value & self.mask()) << self.at
    }

    const fn get(&self, number: u64) -> u64 {
        number >> self.at & self.mask()
    }
}

impl Message {
    /// As a number that is not zero. Those of both kinds of message have no bit in common, so that their sum has both.
    fn to_number(self) -> u64 {
        let failure = |kind: u64, index: usize, errno: Errno| {
            Field::KIND.put(kind) | Field::ERRNO.put(errno as u64) | Field::INDEX.put(index as u64)
        };
        match self {
            Message::Failure(Failure::Step(index, errno)) => failure(1, index, errno),
            Message::Failure(Failure::Exec(index, errno)) => failure(2, index, errno),
            Message::Failure(Failure::NotFound) => failure(3, 0, Errno::ENOENT),
            Message::LeftOut(index, errno) => {
                let why = Field::WHY.put(errno as u64);
                Field::IS_LEFT_OUT.put(1) | why | Field::STEP.put(index as u64)
            }
        }
    }

    /// Adds it to the number that sexton reads; once for each kind. It cannot fail but by a seccomp filter.
    fn send(self, number: &OwnedFd) {
        nix::unistd::write(number, &self.to_number().to_ne_bytes()).ok();
    }
}

impl Messages {
    fn from_number(number: u64) -> Messages {
        let index = |field: Field| field.get(number) as usize;
        let errno = |field: Field| Errno::from_raw(field.get(number) as i32);
        Messages {
            left_out: (Field::IS_LEFT_OUT.get(number) != 0)
                .then(|| (index(Field::STEP), errno(Field::WHY))),
            failure: match Field::KIND.get(number) {
                0 => None,
                1 => Some(Failure::Step(index(Field::INDEX), errno(Field::ERRNO))),
                2 => Some(Failure::Exec(index(Field::INDEX), errno(Field::ERRNO))),
                _ => Some(Failure::NotFound),
            },
        }
    }
}

impl Child {
    /// What the child has reported, once it has ended.
    ///
    /// # Errors
    /// None of the kernel's; what a seccomp filter gives.
    pub fn messages(&self) -> Result<Messages, Errno> {
        let mut bytes = [0; size_of::<u64>()];
        match nix::unistd::read(&self.number, &mut bytes) {
            Ok(_) => Ok(Messages::from_number(u64::from_ne_bytes(bytes))),
            Err(Errno::EAGAIN) => Ok(Messages::default()), // it is still zero
            Err(errno) => Err(errno),
        }
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
            let failure = become_command(program, steps, &needs);
            Message::Failure(failure).send(&needs.number);
            process::exit_now(crate::values::error::STATUS_FATAL.into())
        }
    }
}

/// What the child needs besides the steps.
struct Needs {
    /// For messages.
    number: OwnedFd,
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
                Message::LeftOut(index, errno).send(&needs.number);
            }
            Err(errno) => return Failure::Step(index, errno),
        }
    }
    execute(program)
}

/// Whether a program runs as well without this step: it has its streams, and no keys that send signals. Some kernels
/// give no terminal to another session (gVisor has no TIOCSCTTY), and any terminal may go away meanwhile.
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
            files::close_others(*kept, &needs.number);
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
    fn the_number_has_all_that_the_child_has_reported() {
        let steps = [Failure::Step(0, Errno::EPERM), Failure::Step(300, Errno::EHWPOISON)];
        let execs = [Failure::Exec(131_072, Errno::ENOENT), Failure::NotFound];
        let failures = steps.into_iter().chain(execs).map(Some).chain([None]);
        for failure in failures {
            for left_out in [None, Some((0, Errno::ENOTTY)), Some((4, Errno::EHWPOISON))] {
                let sent = [
                    failure.map(Message::Failure),
                    left_out.map(|(index, errno)| Message::LeftOut(index, errno)),
                ];
                let fd = crate::sys::fds::shared_number().unwrap();
                sent.into_iter().flatten().for_each(|message| message.send(&fd));
                let child = Child { pid: 1, number: fd };
                assert_eq!(child.messages(), Ok(Messages { left_out, failure }));
            }
        }
    }
}
