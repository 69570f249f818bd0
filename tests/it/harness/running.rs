//! A started sexton, and what is waited for.

use super::child::{Child, raw_fork};
use super::{
    LIMIT, Place, Setup, becomes_true, children_of, pipe, poll, queue, status_field, wait_readable,
    wait_until,
};
use nix::libc;
use std::ffi::CString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How sexton ended, and what it printed since the last line that was waited for.
#[derive(Debug)]
pub struct Ended {
    /// The exit status. If a signal has killed sexton, it is what a shell makes of that: as a child 128 and the
    /// signal's number, because so ends a sexton whose command was killed by a signal; as PID 1 1000 and the number.
    pub status: i32,
    /// The signal that has killed sexton.
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A started sexton. All that is left of its namespace is killed when this is dropped.
pub struct Running {
    /// The namespace's PID 1, as seen from here.
    init: i32,
    /// sexton, as seen from here.
    pub pid: i32,
    /// The process that must never be harmed (`Place::Child`).
    pub bystander: i32,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    logged: String,
    /// Reads the wait status of sexton from the namespace's init (`Place::Child`).
    ended: Option<File>,
    /// Is asked about each system call, if they are watched.
    pub listener: Option<OwnedFd>,
    /// The process that has entered the namespace.
    foreign: Option<Foreign>,
    reaped: bool,
}

struct Foreign {
    /// Its parent, outside, which waits for it.
    parent: std::process::Child,
    input: ChildStdin,
}

impl Foreign {
    fn enter(init: i32, script: &str) -> Foreign {
        let mut parent = Command::new("nsenter")
            .args(["-t", &init.to_string(), "-p", "-m", "sh", "-c"])
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = [0; 8];
        parent.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        let input = parent.stdin.take().unwrap();
        Foreign { parent, input }
    }

    fn signal_parent(&self, signal: i32) {
        // SAFETY: takes integers only; a child that is not reaped yet.
        assert_eq!(unsafe { libc::kill(self.parent.id() as i32, signal) }, 0);
    }
}

/// Sends the lines of a stream, one by one, until its end.
fn reader(fd: OwnedFd) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(File::from(fd));
        let mut line = Vec::new();
        while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

impl Running {
    pub(super) fn start(setup: Setup) -> Running {
        let (out, out_end) = pipe();
        let (err, err_end) = pipe();
        // Room for all that a test tells: on a busy machine the reader lags, and sexton then drops lines.
        // SAFETY: takes integers only.
        assert!(unsafe { libc::fcntl(err_end.as_raw_fd(), libc::F_SETPIPE_SZ, 1 << 20) } > 0);
        let (status, status_end) = pipe();
        let (go, go_end) = pipe();
        let words: Vec<CString> =
            setup.words.iter().map(|word| CString::new(word.clone()).unwrap()).collect();
        let variables: Vec<CString> =
            setup.variables.iter().map(|entry| CString::new(entry.clone()).unwrap()).collect();
        let vector = |strings: &[CString]| -> Vec<*const libc::c_char> {
            strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
        };
        let child = Child {
            setup: &setup,
            argv: vector(&words),
            environment: vector(&variables),
            stdout: out_end.as_raw_fd(),
            stderr: setup.stderr.unwrap_or(err_end.as_raw_fd()),
            status: status_end.as_raw_fd(),
            go: go.as_raw_fd(),
        };
        // SAFETY: the child only makes async-signal-safe calls.
        let init = unsafe { raw_fork(libc::CLONE_NEWPID | libc::CLONE_NEWNS) };
        if init == 0 {
            child.run();
        }
        assert!(
            init > 0,
            "these tests need root, to make PID namespaces: {}",
            std::io::Error::last_os_error()
        );
        drop((out_end, err_end, status_end, go));
        let mut running = Running {
            init,
            pid: init,
            bystander: 0,
            stdout: reader(out),
            stderr: reader(err),
            logged: String::new(),
            ended: None,
            listener: None,
            foreign: None,
            reaped: false,
        };
        let mut status = File::from(status);
        wait_readable(status.as_raw_fd());
        let mut free = [0];
        status.read_exact(&mut free).expect("sexton is about to be executed");
        if setup.place == Place::Child {
            running.ended = Some(status);
            let pids = children_of(init);
            [running.bystander, running.pid] = pids[..].try_into().expect("two children");
        }
        running.foreign = setup.foreign.map(|script| Foreign::enter(init, script));
        File::from(go_end).write_all(b"x").ok();
        if setup.watched {
            running.listener = Some(fetch_descriptor(running.pid, free[0].into()));
        }
        running
    }

    /// The next line of the command's standard output; `None` at its end.
    pub fn next_line(&mut self) -> Option<String> {
        match self.stdout.recv_timeout(LIMIT) {
            Ok(line) => Some(line.trim_end_matches('\n').to_owned()),
            Err(RecvTimeoutError::Timeout) => {
                panic!("no line came; sexton logged:\n{}", self.log())
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// The next line of the command's standard output.
    pub fn line(&mut self) -> String {
        let line = self.next_line();
        line.unwrap_or_else(|| panic!("the output ended; sexton logged:\n{}", self.log()))
    }

    /// Waits for exactly this line.
    pub fn expect(&mut self, line: &str) {
        let got = self.line();
        assert!(got == line, "got {got:?} instead of {line:?}; sexton logged:\n{}", self.log());
    }

    /// Waits for a line that sexton logs and that has this in it.
    pub fn expect_log(&mut self, part: &str) {
        let until = Instant::now() + LIMIT;
        while let Ok(line) =
            self.stderr.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.logged += &line;
            if line.contains(part) {
                return;
            }
        }
        panic!("{part:?} was not logged; this was:\n{}", self.logged);
    }

    /// Whether sexton has done all there was to do, and waits for a signal.
    pub fn is_idle(&self) -> bool {
        let waiting = libc::SYS_rt_sigtimedwait as u64;
        self.has_taken_all() && self.blocked_in().first() == Some(&waiting)
    }

    /// The descriptors that sexton has open, with what each is.
    pub fn descriptors(&self) -> Vec<(i32, String)> {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", self.pid)).unwrap();
        let target = |path: PathBuf| {
            let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            Some((number, path.read_link().ok()?.into_os_string().into_string().unwrap()))
        };
        entries.filter_map(|entry| target(entry.unwrap().path())).collect()
    }

    /// Waits until sexton has no descriptor but the standard streams, and the eventfd that it has for a child with a
    /// copy of its memory.
    pub fn wait_until_inherited_descriptors_are_closed(&self) {
        wait_until("inherited descriptors are closed", || {
            let mut others = self.descriptors().into_iter().filter(|(fd, _)| *fd > 2);
            others.all(|(_, what)| what == "anon_inode:[eventfd]")
        });
    }

    /// What was logged, for a test that fails: it waits a little for what is still on its way.
    pub fn log(&mut self) -> &str {
        while let Ok(line) = self.stderr.recv_timeout(Duration::from_millis(500)) {
            self.logged += &line;
        }
        &self.logged
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: takes integers only.
        assert_eq!(unsafe { libc::kill(self.pid, signal) }, 0);
    }

    /// sigqueue(3), for realtime signals that the C library would refuse too.
    pub fn queue(&self, signal: i32, value: usize) {
        queue(self.pid, signal, value).unwrap();
    }

    /// The parent, outside, of the process that has entered the namespace.
    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn parent_of_foreign(&self) -> i32 {
        self.foreign.as_ref().unwrap().parent.id() as i32
    }

    /// Stops that parent; when this returns, it reaps nothing.
    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn stop_parent_of_foreign(&self) {
        self.foreign.as_ref().unwrap().signal_parent(libc::SIGSTOP);
        let parent = self.parent_of_foreign();
        wait_until("it is stopped", || status_field(parent, "State").starts_with('T'));
    }

    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn continue_parent_of_foreign(&self) {
        self.foreign.as_ref().unwrap().signal_parent(libc::SIGCONT);
    }

    /// Gives the process that has entered the namespace the line that it reads.
    ///
    /// The end of its input would not do: another test's namespace may have inherited the pipe.
    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn let_foreign_end(&mut self) {
        self.foreign.as_mut().unwrap().input.write_all(b"\n").unwrap();
    }

    /// A field of /proc/PID/status of sexton.
    pub fn status(&self, field: &str) -> String {
        status_field(self.pid, field)
    }

    /// The children of sexton, as seen from here.
    pub fn children(&self) -> Vec<i32> {
        children_of(self.pid)
    }

    /// Whether the bystander is still there, and no zombie.
    pub fn bystander_lives(&self) -> bool {
        let state = status_field(self.bystander, "State");
        !state.is_empty() && !state.starts_with(['Z', 'X'])
    }

    /// The other processes of the namespace that are children of its init.
    ///
    /// A list that lacks the bystander, or that changes, may lack others too: it is read again.
    pub fn adopted_by_init(&self) -> Vec<i32> {
        let mut pids = Vec::new();
        wait_until("the init's list of children is complete", || {
            let before = std::mem::replace(&mut pids, children_of(self.init));
            pids == before && (self.bystander == 0 || pids.contains(&self.bystander))
        });
        pids.retain(|pid| ![self.pid, self.bystander].contains(pid));
        pids
    }

    /// Whether sexton is gone, or a zombie.
    pub fn has_ended(&self) -> bool {
        let state = self.status("State");
        state.is_empty() || state.starts_with('Z')
    }

    /// Whether sexton has taken every signal that was sent to it.
    pub fn has_taken_all(&self) -> bool {
        self.status("ShdPnd") == "0000000000000000"
    }

    /// The system call that sexton is blocked in, as [`super::blocked_in`] has it.
    pub fn blocked_in(&self) -> Vec<u64> {
        super::blocked_in(self.pid)
    }

    /// Waits for sexton's end, which as a child leaves the namespace's init nobody to adopt.
    pub fn end_with_its_tree(self) -> Ended {
        wait_until("sexton ends", || self.has_ended());
        if self.bystander != 0 {
            assert_eq!(self.adopted_by_init(), []);
        }
        self.end()
    }

    /// Waits for sexton's end.
    pub fn end(mut self) -> Ended {
        let raw = match &mut self.ended {
            Some(file) => {
                wait_readable(file.as_raw_fd());
                let mut raw = [0; 4];
                file.read_exact(&mut raw).expect("the status of sexton");
                i32::from_ne_bytes(raw)
            }
            None => {
                self.wait_init();
                let mut raw = 0;
                // SAFETY: our child, which is not reaped yet.
                assert_eq!(unsafe { libc::waitpid(self.init, &raw mut raw, 0) }, self.init);
                self.reaped = true;
                raw
            }
        };
        let signal = libc::WIFSIGNALED(raw).then(|| libc::WTERMSIG(raw));
        let base = if self.bystander == 0 { 1000 } else { 128 };
        let status = signal.map_or(libc::WEXITSTATUS(raw), |signal| base + signal);
        assert!(signal.is_none() || !libc::WCOREDUMP(raw), "sexton has left a core dump");
        // With the namespace gone nobody holds the pipes, and the readers come to their end.
        let bystander_lived = self.bystander == 0 || self.bystander_lives();
        self.kill();
        assert!(bystander_lived, "the bystander was harmed");
        let stderr = self.logged.clone() + &self.stderr.iter().collect::<String>();
        Ended { status, signal, stdout: self.stdout.iter().collect(), stderr }
    }

    fn wait_init(&mut self) {
        // SAFETY: takes integers only.
        let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, self.init, 0) } as RawFd;
        let ended = if pidfd >= 0 {
            // SAFETY: the descriptor is new.
            poll(unsafe { OwnedFd::from_raw_fd(pidfd) }.as_raw_fd())
        } else {
            let init = self.init; // gVisor has no pidfds
            becomes_true(|| status_field(init, "State").starts_with('Z'))
        };
        if !ended {
            panic!("sexton does not end; it logged:\n{}", self.log());
        }
    }

    fn kill(&mut self) {
        if let Some(foreign) = &self.foreign {
            foreign.signal_parent(libc::SIGCONT); // without it PID 1 would not be gone
        }
        if !self.reaped {
            // SAFETY: our child, which is not reaped yet.
            unsafe {
                libc::kill(self.init, libc::SIGKILL);
                libc::waitpid(self.init, std::ptr::null_mut(), 0);
            }
            self.reaped = true;
        }
        if let Some(mut foreign) = self.foreign.take() {
            foreign.parent.wait().ok();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Another process's descriptor, as soon as it has it (pidfd_getfd(2)).
fn fetch_descriptor(pid: i32, fd: RawFd) -> OwnedFd {
    // SAFETY: takes integers only.
    let process = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let mut found = -1;
    wait_until("a descriptor is there", || {
        // SAFETY: takes integers only.
        found = unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, fd, 0) };
        found >= 0
    });
    // SAFETY: both are new.
    unsafe { libc::close(process as RawFd) };
    // SAFETY: as above.
    unsafe { OwnedFd::from_raw_fd(found as RawFd) }
}
