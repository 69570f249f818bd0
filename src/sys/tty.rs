//! The controlling terminal: who has it, its modes, and handing it on (ioctl_tty(2), tcsetpgrp(3),
//! termios(3)).

use super::open::open;
use super::{Errno, fds, process, wait};
use crate::values::terminal_state::TerminalState;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::signal::kill;
use nix::sys::stat::Mode;
use nix::sys::termios::tcgetsid;
use nix::unistd::{Pid, getpgrp, read, setpgid, tcgetpgrp, tcsetpgrp};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

fn open_terminal() -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    open(c"/dev/tty", flags, Mode::empty())
}

/// The controlling terminal, opened once more, if that is what a descriptor is. It takes no right to the file by which
/// the terminal was opened before, and no /proc.
pub(super) fn open_again(fd: BorrowedFd) -> Option<OwnedFd> {
    tcgetsid(fd).ok()?; // ENOTTY for any other terminal
    open_terminal().ok()
}

/// Runs `action` on the controlling terminal, if there is one.
fn with_terminal<T>(action: impl FnOnce(BorrowedFd) -> T) -> Option<T> {
    let (fd, _opened) = terminal()?;
    // SAFETY: a descriptor that is open as long as `_opened` is there, or a standard stream, which the calls report if
    // it is closed.
    Some(action(unsafe { BorrowedFd::borrow_raw(fd) }))
}

/// What `/dev/tty` is, or, where that does not exist, whichever of descriptors 0 to 2 is the controlling terminal.
#[inline(never)]
fn terminal() -> Option<(RawFd, Option<OwnedFd>)> {
    match open_terminal() {
        Ok(terminal) => return Some((terminal.as_raw_fd(), Some(terminal))),
        Err(Errno::ENXIO) => return None, // the session has none
        Err(_) => {}
    }
    let is_terminal = |fd: &RawFd| {
        // SAFETY: a descriptor number that may be closed, which the call reports; it is not kept.
        tcgetpgrp(unsafe { BorrowedFd::borrow_raw(*fd) }).is_ok()
    };
    (0..=fds::STDERR).find(is_terminal).map(|fd| (fd, None))
}

/// How many columns the terminal has that a descriptor is; `None` if it is none. 80 if it does not know.
#[must_use]
pub fn width(fd: RawFd) -> Option<usize> {
    const USUAL: usize = 80;
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: writes one live structure.
    Errno::result(unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, size.as_mut_ptr()) }).ok()?;
    // SAFETY: zeroed memory is a valid winsize, and the kernel has filled it.
    let columns = usize::from(unsafe { size.assume_init() }.ws_col);
    Some(if columns == 0 { USUAL } else { columns })
}

/// How this process's group stands to the controlling terminal.
#[must_use]
pub fn terminal_state() -> TerminalState {
    let terminal_state = with_terminal(|terminal| match tcgetpgrp(terminal) {
        Ok(group) if is_own(group) => TerminalState::Foreground,
        Ok(_) => TerminalState::Background,
        Err(_) => TerminalState::NoTerminal,
    });
    terminal_state.unwrap_or(TerminalState::NoTerminal)
}

/// The number of a process group outside of the PID namespace, as the kernel shows it.
pub const OUTSIDE: i32 = 0;

fn is_own(group: Pid) -> bool {
    if group.as_raw() == OUTSIDE && own_group() == OUTSIDE {
        may_read()
    } else {
        group == getpgrp()
    }
}

/// Tells the foreground where both groups are outside of the PID namespace, and so have no number
/// but 0: for a background group that blocks SIGTTIN a read fails with EIO, even one of no bytes.
fn may_read() -> bool {
    open_terminal().is_ok_and(|terminal| read(&terminal, &mut []) != Err(Errno::EIO))
}

/// Whether the foreground group has no process any more, not even one that is a zombie.
#[must_use]
pub fn is_free() -> bool {
    let foreground = with_terminal(|terminal| tcgetpgrp(terminal).map_or(OUTSIDE, Pid::as_raw));
    foreground
        .is_some_and(|group| group > 1 && kill(Pid::from_raw(-group), None) == Err(Errno::ESRCH))
}

/// Makes a process group the foreground group. SIGTTOU must be blocked or ignored.
///
/// # Errors
/// ENOTTY without a controlling terminal; EPERM for a group of another session.
pub fn set_foreground(group: i32) -> Result<(), Errno> {
    with_terminal(|terminal| tcsetpgrp(terminal, Pid::from_raw(group)))
        .unwrap_or(Err(Errno::ENOTTY))
}

/// Whether `group` is the foreground group.
#[must_use]
pub fn is_foreground(group: i32) -> bool {
    with_terminal(|terminal| tcgetpgrp(terminal) == Ok(Pid::from_raw(group))).unwrap_or(false)
}

/// This process's group; [`OUTSIDE`] if its leader is outside of the PID namespace.
#[must_use]
pub fn own_group() -> i32 {
    getpgrp().as_raw()
}

/// A terminal's modes: echo, line editing, keys (termios(3)). All bits of them: `nix` keeps only those
/// that it has names for.
#[derive(Clone)]
pub struct Modes(libc::termios);

/// The modes of the controlling terminal.
#[must_use]
pub fn modes() -> Option<Modes> {
    with_terminal(|terminal| {
        let mut modes = MaybeUninit::<libc::termios>::zeroed();
        // SAFETY: takes a live descriptor, and writes one termios to live memory.
        Errno::result(unsafe { libc::tcgetattr(terminal.as_raw_fd(), modes.as_mut_ptr()) }).ok()?;
        // SAFETY: zeroed memory is a valid termios, and the call has filled it.
        Some(Modes(unsafe { modes.assume_init() }))
    })
    .flatten()
}

/// Sets the modes at once: to wait for output could take for ever. SIGTTOU must be blocked.
///
/// # Errors
/// ENOTTY without a controlling terminal; EIO if it is gone.
pub fn set_modes(modes: &Modes) -> Result<(), Errno> {
    with_terminal(|terminal| {
        // SAFETY: takes a live descriptor, and reads one termios.
        let result =
            unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, &raw const modes.0) };
        Errno::result(result).map(drop)
    })
    .unwrap_or(Err(Errno::ENOTTY))
}

/// Gives up the controlling terminal of the session that this process leads, all signals blocked, so
/// that another session can have it. The descriptor is the terminal's.
///
/// The kernel then sends SIGHUP and SIGCONT to the foreground group (TIOCNOTTY, ioctl_tty(2)). This
/// process's group may have members that these would kill, and for this process they would be signals
/// like any other. So the foreground group is made one that has nobody but the zombie of a child.
///
/// # Errors
/// There is no controlling terminal, or it is not this session's; the fork failed.
pub fn detach() -> Result<OwnedFd, Errno> {
    let terminal = fds::above_stdio(find_terminal()?)?;
    match process::fork()?.map(Pid::from_raw) {
        None => process::exit_now(0),
        Some(child) => {
            let handed = setpgid(child, child).and_then(|()| tcsetpgrp(&terminal, child));
            let result = handed.and_then(|()| {
                // SAFETY: takes a live descriptor and no argument.
                Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCNOTTY) })
            });
            if result.is_err() {
                tcsetpgrp(&terminal, getpgrp()).ok();
            }
            wait::reap_ended(child.as_raw());
            result.map(|_| terminal)
        }
    }
}

/// The controlling terminal as a descriptor of its own.
fn find_terminal() -> Result<OwnedFd, Errno> {
    open_terminal().or_else(|errno| {
        with_terminal(|terminal| terminal.try_clone_to_owned().map_err(|_| Errno::EMFILE))
            .unwrap_or(Err(errno))
    })
}

/// Makes a terminal the controlling terminal of the session that this process leads, and its group the
/// foreground group (TIOCSCTTY, ioctl_tty(2)). Never takes one from another session.
///
/// # Errors
/// EPERM if it is another session's.
pub fn attach(terminal: &OwnedFd) -> Result<(), Errno> {
    const DO_NOT_STEAL: libc::c_int = 0;
    // SAFETY: takes a live descriptor and an integer.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, DO_NOT_STEAL) })
        .map(drop)
}
