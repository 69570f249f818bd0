//! From the fork of the test to the execution of sexton: the namespace, and all that is asked for in it.

use super::{Place, Setup};
use crate::filter;
use nix::libc;
use std::os::fd::RawFd;

/// As fork(2), with more flags, and without the C library's locks: another thread may hold them.
///
/// # Safety
/// The child may only make async-signal-safe calls.
pub unsafe fn raw_fork(flags: i32) -> i32 {
    // SAFETY: no stack and no pointers are passed.
    unsafe { libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0) as i32 }
}

/// Changes the user with raw system calls: those of the C library would tell threads that are not there.
///
/// # Safety
/// Only for a process that [`raw_fork`] made.
unsafe fn become_user(id: u32) {
    // SAFETY: the kernel reads one number.
    let results = unsafe {
        [
            libc::syscall(libc::SYS_setgroups, 1usize, &raw const id),
            libc::syscall(libc::SYS_setresgid, id, id, id),
            libc::syscall(libc::SYS_setresuid, id, id, id),
            // The change has cleared it.
            libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0),
        ]
    };
    if results != [0; 4] {
        // SAFETY: ends this process; the test then sees this status.
        unsafe { libc::_exit(94) };
    }
}

/// Keeps some short-lived children, and ends as soon as one was hit by a signal.
///
/// # Safety
/// Only for a process that [`raw_fork`] made.
unsafe fn churn() -> ! {
    const AT_ONCE: usize = 40;
    // SAFETY: async-signal-safe calls only.
    unsafe {
        let mut alive = 0;
        loop {
            if alive < AT_ONCE {
                match raw_fork(0) {
                    0 => {
                        libc::sched_yield();
                        libc::_exit(0);
                    }
                    pid if pid > 0 => {
                        alive += 1;
                        continue;
                    }
                    _ => {} // no process ID is free
                }
            }
            let mut raw = 0;
            if libc::waitpid(-1, &raw mut raw, 0) > 0 {
                alive -= 1;
                if !libc::WIFEXITED(raw) {
                    libc::_exit(1);
                }
            }
        }
    }
}

/// The part that runs in the cloned process. Only async-signal-safe calls from here on.
pub struct Child<'a> {
    pub setup: &'a Setup,
    pub argv: Vec<*const libc::c_char>,
    pub environment: Vec<*const libc::c_char>,
    pub stdout: RawFd,
    pub stderr: RawFd,
    pub status: RawFd,
    pub go: RawFd,
}

impl Child<'_> {
    pub fn run(&self) -> ! {
        // SAFETY: system calls with valid arguments, in a process of one thread.
        unsafe {
            // Should the test's thread end first, by a panic elsewhere, this namespace goes with it.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::mount(
                c"none".as_ptr(),
                c"/".as_ptr(),
                std::ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                std::ptr::null(),
            );
            let proc = if self.setup.proc_options.is_some() { c"proc" } else { c"tmpfs" };
            let options = self.setup.proc_options.unwrap_or_default();
            libc::mount(
                proc.as_ptr(),
                c"/proc".as_ptr(),
                proc.as_ptr(),
                0,
                options.as_ptr().cast(),
            );
            if let Some(pid_max) = self.setup.pid_max {
                let file = libc::open(c"/proc/sys/kernel/pid_max".as_ptr(), libc::O_WRONLY);
                if libc::write(file, pid_max.as_ptr().cast(), pid_max.len()) < 0 {
                    libc::_exit(97);
                }
                libc::close(file);
            }
            for (source, target) in &self.setup.binds {
                let (none, flags) = (std::ptr::null(), libc::MS_BIND);
                if libc::mount(source.as_ptr(), target.as_ptr(), none, flags, none.cast()) != 0 {
                    libc::_exit(96);
                }
            }
            if self.setup.place == Place::Init {
                self.execute();
            }
            let bystander = raw_fork(0);
            if bystander == 0 {
                libc::setsid();
                libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
                if self.setup.churning {
                    churn();
                }
                loop {
                    libc::pause();
                }
            }
            let sexton = raw_fork(0);
            if sexton == 0 {
                self.execute();
            }
            // Nothing of any test stays open here but the way to tell the status.
            let status = 3;
            libc::dup2(self.status, status);
            libc::syscall(libc::SYS_close_range, status + 1, u32::MAX, 0);
            loop {
                let mut raw = 0;
                let pid = libc::waitpid(-1, &raw mut raw, 0);
                if pid == sexton {
                    libc::write(status, (&raw const raw).cast(), 4);
                }
            }
        }
    }

    unsafe fn execute(&self) -> ! {
        let setup = self.setup;
        // SAFETY: as above.
        unsafe {
            libc::setsid();
            // Out of the way of the descriptors that are asked for.
            let [stdout, stderr, status, go] = [self.stdout, self.stderr, self.status, self.go]
                .map(|fd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 500));
            match setup.terminal {
                Some(terminal) => {
                    libc::ioctl(terminal, libc::TIOCSCTTY, 0);
                    for fd in 0..=2 {
                        libc::dup2(terminal, fd);
                    }
                    libc::close(terminal);
                    if setup.background {
                        // A child that is not the session's leader, in a group of its own.
                        let child = raw_fork(0);
                        if child > 0 {
                            // Another test may wait for the end of a pipe.
                            libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
                            let mut raw = 0;
                            libc::waitpid(child, &raw mut raw, 0);
                            let killed = libc::WIFSIGNALED(raw);
                            let status = if killed {
                                128 + libc::WTERMSIG(raw)
                            } else {
                                libc::WEXITSTATUS(raw)
                            };
                            libc::_exit(status);
                        }
                        libc::setpgid(0, 0);
                    }
                }
                None => {
                    match setup.stdin {
                        Some(stdin) => {
                            libc::dup2(stdin, 0);
                        }
                        None => {
                            let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY);
                            libc::dup2(null, 0);
                            libc::close(null);
                        }
                    }
                    libc::dup2(stdout, setup.output);
                    libc::dup2(stderr, 2);
                }
            }
            for &fd in &setup.inherited {
                libc::fcntl(fd, libc::F_SETFD, 0);
            }
            for &fd in &setup.closed {
                libc::close(fd);
            }
            for &(resource, soft, hard) in &setup.limits {
                libc::setrlimit(resource as _, &libc::rlimit { rlim_cur: soft, rlim_max: hard });
            }
            for signal in 1..=64 {
                // Rust's test harness ignores SIGPIPE; nothing else is as it should be by accident.
                let handler = if setup.ignored.contains(&signal) { 1u64 } else { 0 };
                let action = [handler, 0, 0, 0];
                libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), 0, 8);
            }
            if let Some(directory) = &setup.directory
                && libc::chdir(directory.as_ptr()) != 0
            {
                libc::_exit(95);
            }
            if let Some(prepare) = setup.prepare {
                prepare();
            }
            if setup.failing.iter().any(|failing| filter::fail(failing).is_err()) {
                libc::_exit(98);
            }
            if let Some(id) = setup.user {
                become_user(id);
            }
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &setup.mask, 0, 8);
            // Everything is in place: from here on the test may send signals.
            // The number that the listener will have.
            let free = libc::dup(0) as u8;
            libc::close(free.into());
            libc::write(status, (&raw const free).cast(), 1);
            libc::read(go, [0u8; 1].as_mut_ptr().cast(), 1);
            if setup.watched && filter::install_listener().ok() != Some(free.into()) {
                libc::_exit(93);
            }
            if !setup.filter.is_empty() && filter::install(&setup.filter).is_err() {
                libc::_exit(92);
            }
            libc::execve(setup.program.as_ptr(), self.argv.as_ptr(), self.environment.as_ptr());
            libc::_exit(99);
        }
    }
}
