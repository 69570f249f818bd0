//! Between fork and exec, in the child: the steps, then the command. Nothing here allocates.

#![forbid(unsafe_code)]

use crate::child::messages::{Failure, Letterbox, Message};
use crate::child::program::{Program, SHELL};
use crate::child::step::Step;
use crate::sys::exec::execve;
#[cfg(feature = "landlock")]
use crate::sys::landlock;
use crate::sys::{Errno, credentials, files, limits, process, scheduling, signals, tty};
use crate::values::executable::{Kind, LOOKED_AT};
use crate::values::signal::SignalSet;
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

/// What the child needs besides the steps.
pub(super) struct Needs {
    pub(super) letterbox: Letterbox,
    /// For [`Step::Terminal`].
    pub(super) terminal: Result<OwnedFd, Errno>,
    /// The signal mask that the command will have.
    pub(super) mask: SignalSet,
}

/// Carries out the steps and executes the program. Only returns if that fails.
pub(super) fn become_command(program: &mut Program, steps: &[Step], needs: &Needs) -> Failure {
    program.name_child();
    for (index, step) in steps.iter().enumerate() {
        match carry_out(step, needs) {
            Ok(()) => {}
            Err(errno) if is_dispensable(step, errno) => {
                Message::LeftOut(index, errno).send(&needs.letterbox);
            }
            Err(errno) => return Failure::Step(index, errno),
        }
    }
    execute(program)
}

/// Whether a program runs as well without this step: it keeps its streams, and only lacks the keys that send signals.
/// Some kernels give no terminal to another session (gVisor has no TIOCSCTTY), and any terminal may go away meanwhile.
fn is_dispensable(step: &Step, errno: Errno) -> bool {
    match step {
        Step::Terminal => true,
        Step::Foreground => matches!(errno, Errno::ENOTTY | Errno::ENXIO | Errno::EIO),
        _ => false,
    }
}

fn carry_out(step: &Step, needs: &Needs) -> Result<(), Errno> {
    match step {
        Step::Session => process::begin_session(),
        Step::Terminal => needs.terminal.as_ref().map_err(|&errno| errno).and_then(tty::attach),
        Step::ProcessGroup => process::create_group(),
        Step::Foreground => tty::set_foreground(process::id()),
        Step::Limit(resource, values) => limits::set(*resource, *values).or_else(|errno| {
            // gVisor refuses six limits, even where they are already so.
            if limits::get(*resource) == Ok(*values) { Ok(()) } else { Err(errno) }
        }),
        Step::OomScoreAdj(value) => scheduling::set_oom_score_adj(*value),
        Step::IoPriority(priority) => scheduling::set_io_priority(*priority),
        Step::Scheduler(scheduler) => scheduling::set_scheduler(*scheduler),
        Step::Nice(value) => scheduling::set_nice(*value),
        Step::Cpus(cpus) => scheduling::set_cpus(cpus),
        Step::Groups(groups) => credentials::set_groups(groups),
        Step::Gid(gid) => credentials::set_gid(*gid),
        Step::GiveStream(stream, uid) => {
            // Only to open the stream again takes ownership: the command has its descriptor in any case.
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
        Step::Directory(path) => process::change_directory(path),
        Step::Duplicate(from) => files::duplicate_all(from),
        Step::Open(stream, file) => {
            // To open a FIFO may take for ever: a signal that would end the command must end that wait, too.
            signals::set_mask(needs.mask)?;
            let opened = files::redirect(*stream, file);
            signals::block_all()?;
            opened
        }
        Step::ShareOutput => files::share_output(),
        #[cfg(feature = "landlock")]
        Step::Confine(ruleset, _) => landlock::restrict(*ruleset).or_else(|errno| match errno {
            // It takes either CAP_SYS_ADMIN or this.
            Errno::EPERM => {
                credentials::set_no_new_privs()?;
                landlock::restrict(*ruleset)
            }
            errno => Err(errno),
        }),
        Step::CloseOthers(kept) => {
            files::close_others(*kept, needs.letterbox.descriptor());
            Ok(())
        }
        Step::Ignore(signal) => signals::set_ignored(*signal, true),
        Step::Mask(mask) => signals::set_mask(*mask).map(drop),
    }
}

/// Tries the candidates as execvp(3) does. Only returns if none can be executed.
fn execute(program: &mut Program) -> Failure {
    let mut denied = None;
    for (index, candidate) in program.candidates.iter().enumerate() {
        match execve(candidate, &program.argv, &program.environment) {
            Errno::ENOEXEC => {
                if is_for_shell(candidate) {
                    program.shell_argv.replace(1, candidate);
                    execve(SHELL, &program.shell_argv, &program.environment);
                }
                return Failure::Exec(index, Errno::ENOEXEC);
            }
            Errno::EACCES => {
                denied.get_or_insert(index);
            }
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENODEV | Errno::ESTALE | Errno::ETIMEDOUT => {}
            errno => return Failure::Exec(index, errno),
        }
    }
    let exists = |path: &CString| files::exists(path);
    match (denied, program.candidates.iter().position(exists)) {
        (Some(index), _) => Failure::Exec(index, Errno::EACCES),
        (None, Some(index)) => Failure::Exec(index, Errno::ENOENT),
        (None, None) => Failure::NotFound { is_here: files::exists(program.command) },
    }
}

/// Whether a file that the kernel does not execute is a script without a `#!` line. Another file makes the shell report
/// a syntax error, or do what nobody has asked for.
fn is_for_shell(file: &CStr) -> bool {
    let mut buffer = [0; LOOKED_AT];
    match files::open_regular(file) {
        Ok(file) => {
            let beginning = files::read_at(&file, 0, &mut buffer).unwrap_or_default();
            Kind::of(beginning) == Kind::Text
        }
        Err(_) => true, // the shell says why it cannot read the file
    }
}
