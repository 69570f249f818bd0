//! How the world around sexton looks.

use super::{Ended, Running, sexton};
use crate::filter::Failing;
use nix::libc;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Which process of the namespace sexton is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// PID 1.
    Init,
    /// A child of PID 1, which also has a child that is none of sexton's business: the bystander.
    Child,
}

/// The world that sexton is started in.
#[derive(Clone)]
pub struct Setup {
    pub(super) program: CString,
    pub(super) words: Vec<Vec<u8>>,
    pub(super) variables: Vec<Vec<u8>>,
    pub(super) place: Place,
    pub(super) proc_options: Option<&'static CStr>,
    pub(super) pid_max: Option<&'static [u8]>,
    pub(super) churning: bool,
    pub(super) mask: u64,
    pub(super) ignored: Vec<i32>,
    pub(super) closed: Vec<RawFd>,
    pub(super) output: RawFd,
    pub(super) stdin: Option<RawFd>,
    pub(super) stderr: Option<RawFd>,
    pub(super) inherited: Vec<RawFd>,
    /// The controlling terminal, also standard input, output and error.
    pub(super) terminal: Option<RawFd>,
    pub(super) background: bool,
    pub(super) limits: Vec<(i32, u64, u64)>,
    pub(super) binds: Vec<(CString, CString)>,
    pub(super) directory: Option<CString>,
    pub(super) failing: Vec<Failing>,
    pub(super) watched: bool,
    pub(super) foreign: Option<&'static str>,
    pub(super) filter: Vec<libc::sock_filter>,
    pub(super) user: Option<u32>,
    pub(super) prepare: Option<fn()>,
}

impl Setup {
    /// sexton with these arguments, as PID 1, with no environment but `PATH`.
    pub fn new<S: AsRef<OsStr>>(arguments: &[S]) -> Setup {
        Setup::program(&sexton(), arguments)
    }

    /// Another program in sexton's place.
    pub fn program<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Setup {
        let program = program.as_os_str().as_bytes();
        let rest = arguments.iter().map(|word| word.as_ref().as_bytes().to_vec());
        Setup {
            program: CString::new(program).unwrap(),
            words: [program.to_vec()].into_iter().chain(rest).collect(),
            variables: vec![b"PATH=/usr/bin:/bin".to_vec()],
            place: Place::Init,
            proc_options: Some(c""),
            pid_max: None,
            churning: false,
            mask: 0,
            ignored: Vec::new(),
            closed: Vec::new(),
            output: 1,
            stdin: None,
            stderr: None,
            inherited: Vec::new(),
            terminal: None,
            background: false,
            limits: Vec::new(),
            binds: Vec::new(),
            directory: None,
            failing: Vec::new(),
            watched: false,
            foreign: None,
            filter: Vec::new(),
            user: None,
            prepare: None,
        }
    }

    /// With another `argv[0]` than its path.
    pub fn called(mut self, name: &str) -> Setup {
        self.words[0] = name.into();
        self
    }

    pub fn place(mut self, place: Place) -> Setup {
        self.place = place;
        self
    }

    pub fn variable(mut self, variable: impl AsRef<OsStr>) -> Setup {
        self.variables.push(variable.as_ref().as_bytes().to_vec());
        self
    }

    pub fn no_variables(mut self) -> Setup {
        self.variables.clear();
        self
    }

    /// The namespace has no /proc.
    pub fn without_proc(mut self) -> Setup {
        self.proc_options = None;
        self
    }

    /// /proc shows a user only its own processes.
    pub fn with_hidepid(mut self) -> Setup {
        self.proc_options = Some(c"hidepid=2");
        self
    }

    /// Process IDs in the namespace are so few that each is soon used again. Takes Linux 6.14, where
    /// the largest one is the namespace's own.
    pub fn few_pids(mut self) -> Setup {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap(), numbers.next().unwrap());
        assert!(
            version >= (6, 14),
            "CANNOT RUN: Linux {release} has one pid_max for all namespaces"
        );
        self.pid_max = Some(b"400");
        self
    }

    /// The bystander forks and buries children without a pause. One that is hit by a signal ends it.
    pub fn churning_bystander(mut self) -> Setup {
        self.churning = true;
        self
    }

    pub fn mask(mut self, bits: u64) -> Setup {
        self.mask = bits;
        self
    }

    pub fn ignored(mut self, signals: &[i32]) -> Setup {
        self.ignored.extend(signals);
        self
    }

    pub fn closed(mut self, fds: &[RawFd]) -> Setup {
        self.closed.extend(fds);
        self
    }

    /// Where the command's output goes if descriptor 1 is to be closed.
    pub fn output_at(mut self, fd: RawFd) -> Setup {
        self.output = fd;
        self
    }

    /// Standard input, in place of `/dev/null`.
    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn stdin(mut self, fd: &impl AsRawFd) -> Setup {
        self.stdin = Some(fd.as_raw_fd());
        self
    }

    pub fn stderr(mut self, fd: &impl AsRawFd) -> Setup {
        self.stderr = Some(fd.as_raw_fd());
        self
    }

    /// Open in sexton too, under the same number.
    pub fn inherit(mut self, fd: &impl AsRawFd) -> Setup {
        self.inherited.push(fd.as_raw_fd());
        self
    }

    pub fn limit(mut self, resource: i32, soft: u64, hard: u64) -> Setup {
        self.limits.push((resource, soft, hard));
        self
    }

    /// The file or folder `source` is seen in place of `target`, which must be there.
    pub fn bind(mut self, source: impl AsRef<OsStr>, target: &str) -> Setup {
        let source = CString::new(source.as_ref().as_bytes()).unwrap();
        self.binds.push((source, CString::new(target).unwrap()));
        self
    }

    /// sexton's working directory, instead of this process's.
    pub fn directory(mut self, path: &str) -> Setup {
        self.directory = Some(CString::new(path).unwrap());
        self
    }

    /// The system call fails with this errno; if an argument is given as index and value, then only with
    /// that.
    pub fn failing(mut self, call: i64, argument: Option<(u32, u32)>, errno: i32) -> Setup {
        self.failing.push(Failing { call, argument, errno });
        self
    }

    /// Each system call of sexton and of what it starts waits for [`Running::listener`].
    #[allow(dead_code, reason = "tests/faults uses it")]
    pub fn watched(mut self) -> Setup {
        self.watched = true;
        self
    }

    /// Before sexton is executed, a shell with this script enters the namespace, as `docker exec` does it: it is
    /// nobody's child there, and not under sexton's filters. It prints `entered` once it is as it shall be, and
    /// sexton goes on then. What it reads comes with [`Running::let_foreign_end`].
    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn foreign(mut self, script: &'static str) -> Setup {
        self.foreign = Some(script);
        self
    }

    /// sexton and all that it starts are under this seccomp filter.
    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn filter(mut self, filter: Vec<libc::sock_filter>) -> Setup {
        self.filter = filter;
        self
    }

    /// sexton runs as this user, with the group of the same number as its only one, and without any
    /// capabilities.
    pub fn user(mut self, id: u32) -> Setup {
        self.user = Some(id);
        self
    }

    /// Before sexton is executed, while there still are all privileges. Must be async-signal-safe.
    pub fn prepare(mut self, action: fn()) -> Setup {
        self.prepare = Some(action);
        self
    }

    /// sexton leads a session whose controlling terminal this is.
    pub fn terminal(mut self, fd: &impl AsRawFd) -> Setup {
        self.terminal = Some(fd.as_raw_fd());
        self
    }

    /// sexton's process group is not the terminal's foreground group.
    pub fn in_background(mut self) -> Setup {
        self.background = true;
        self
    }

    pub fn start(self) -> Running {
        Running::start(self)
    }

    /// Starts it and waits for its end.
    pub fn run(self) -> Ended {
        self.start().end()
    }
}
