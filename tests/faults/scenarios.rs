//! The runs in which calls are made to fail.

use crate::harness::{Folder, Place, Setup, Terminal};
use nix::libc;

/// A run, and how it ends if no call fails.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    place: Place,
    /// Of sexton; `FOLDER` stands for the run's own.
    flags: &'static [&'static str],
    /// What the shell is to do that is the command; `None` if there is no command.
    main: Option<&'static str>,
    /// What sexton gets when the command is ready.
    pub signal: Option<i32>,
    pub with_value: bool,
    pub status: i32,
    world: fn(Setup) -> Setup,
    pub on_terminal: bool,
}

impl Scenario {
    const fn new(
        name: &'static str,
        flags: &'static [&'static str],
        main: &'static str,
    ) -> Scenario {
        Scenario {
            name,
            place: Place::Init,
            flags,
            main: Some(main),
            signal: None,
            with_value: false,
            status: 3,
            world: |setup| setup,
            on_terminal: false,
        }
    }

    const fn without_command(name: &'static str, flags: &'static [&'static str]) -> Scenario {
        Scenario { main: None, status: 0, ..Scenario::new(name, flags, "") }
    }

    /// As a subreaper.
    const fn child(self) -> Scenario {
        Scenario { place: Place::Child, ..self }
    }

    const fn signal(self, signal: i32, status: i32) -> Scenario {
        Scenario { signal: Some(signal), status, ..self }
    }

    const fn queue(self, signal: i32, status: i32) -> Scenario {
        Scenario { with_value: true, ..self.signal(signal, status) }
    }

    const fn ends_with(self, status: i32) -> Scenario {
        Scenario { status, ..self }
    }

    const fn on_terminal(self) -> Scenario {
        Scenario { on_terminal: true, ..self }
    }

    const fn world(self, world: fn(Setup) -> Setup) -> Scenario {
        Scenario { world, ..self }
    }

    pub fn has_command(&self) -> bool {
        self.main.is_some()
    }

    /// Whether the command tells that it is ready before it gets the signal.
    pub fn has_ready_command(&self) -> bool {
        self.main.is_some_and(|script| script.contains("echo ready"))
    }

    pub fn setup(&self, folder: &Folder, terminal: Option<&Terminal>) -> Setup {
        let flags = self.flags.iter().map(|flag| flag.replace("FOLDER", folder.path()));
        let main = self.main.map(|script| match script.strip_prefix("= ") {
            Some(command) => vec![command.to_owned()],
            None => ["sh", "-c", script].map(str::to_owned).into(),
        });
        let words: Vec<String> = flags.chain(main.into_iter().flatten()).collect();
        let mut setup = (self.world)(Setup::new(&words).place(self.place)).watched();
        if self.main.is_none() {
            setup = setup.mask(u64::MAX); // a signal may come before the first instruction
        }
        match terminal {
            Some(terminal) => setup.terminal(&terminal.program),
            None => setup,
        }
    }
}

const STEPS: &[&str] = &[
    "--user=1000:1000",
    "--groups=5",
    "--cap-drop=all",
    "--cap-ambient=net_bind_service",
    "--no-new-privs",
    "--rlimit=nofile=100",
    "--nice=1",
    "--cpus=0",
    "--oom-score-adj=5",
    "--ionice=idle",
    "--sched=batch",
    "--chdir=/",
    "--umask=022",
    "--stdin=/dev/null",
    "--stdout=/dev/null",
    "--stderr=/dev/null",
    "--close-fds",
    "--setsid",
    "--",
];

const OBEYS: &str = "echo ready; exec sleep 1000";
const DEAF: &str = "trap '' TERM; echo ready; while :; do sleep 1000; done";
const LEAVES: &str = "trap '' TERM; setsid sleep 1000 & exit 3";
const TOLD: &str = "trap 'exit 4' USR1; sleep 5 & echo ready; wait; exit 5";
/// A command that obeys may be late.
const KILL_LATER: &[&str] = &["--grace=3s", "--slow-stop-after=0", "--linger=200ms", "--"];
const KILL_SOON: &[&str] = &["--grace=200ms", "--slow-stop-after=0", "--linger=200ms", "--"];

pub const ALL: &[Scenario] = &[
    Scenario::new("a run", &["--"], "exit 3"),
    Scenario::new("a run, subreaper", &["--"], "exit 3").child(),
    Scenario::new("stop", KILL_LATER, OBEYS).signal(libc::SIGTERM, 143),
    Scenario::new("stop, subreaper", KILL_LATER, OBEYS).signal(libc::SIGTERM, 143).child(),
    Scenario::new("kill", KILL_SOON, DEAF).signal(libc::SIGTERM, 137),
    Scenario::new("kill, subreaper", KILL_SOON, DEAF).signal(libc::SIGTERM, 137).child(),
    Scenario::new("linger", KILL_SOON, LEAVES),
    Scenario::new("linger, subreaper", KILL_SOON, LEAVES).child(),
    Scenario::new("kill, subreaper, no /proc", KILL_SOON, DEAF)
        .signal(libc::SIGTERM, 137)
        .child()
        .world(Setup::without_proc),
    Scenario::new("--wait-all", &["--wait-all", "--"], "(sleep 0.02; exit 1) & exit 3"),
    Scenario::new("--wait-all, subreaper", &["--wait-all", "--"], "(sleep 0.02; exit 1) & exit 3")
        .child(),
    Scenario::new("orphans, -vv", &["-vv", "--"], "(: &); (: &); exit 3"),
    Scenario::new("value to main", &["--linger=200ms", "--"], TOLD).queue(libc::SIGUSR1, 4),
    Scenario::new("value to all", &["--forward-to=all", "--linger=200ms", "--"], TOLD)
        .queue(libc::SIGUSR1, 4),
    Scenario::new("value to the group", &["--forward-to=group", "--linger=200ms", "--"], TOLD)
        .queue(libc::SIGUSR1, 4),
    Scenario::new("signal to all, subreaper", &["--forward-to=all", "--linger=200ms", "--"], TOLD)
        .signal(libc::SIGUSR1, 4)
        .child(),
    Scenario::new("steps", STEPS, "exit 3"),
    Scenario::new("--pdeathsig", &["--pdeathsig=TERM", "--"], "exit 3"),
    Scenario::new("terminal", &["--"], "exit 3").on_terminal(),
    Scenario::new("terminal, --setsid", &["--setsid", "--"], "exit 3").on_terminal(),
    Scenario::new("terminal, stopped", &["--"], "(sleep 2; kill -CONT $$) & kill -TSTP $$; exit 3")
        .on_terminal(),
    Scenario::new(
        "reports",
        &["--report=FOLDER/report", "--termination-log=FOLDER/log", "--"],
        "exit 3",
    ),
    Scenario::new("syslog", &["-vv", "--log-to=syslog", "--"], "exit 3"),
    Scenario::new("syslog, UDP", &["-vv", "--log-to=udp://127.0.0.1:9", "--"], "exit 3"),
    Scenario::new("syslog, TCP", &["-vv", "--log-to=tcp://127.0.0.1:9", "--"], "exit 3"),
    Scenario::new("large environment", &["--"], "exit 3").world(|setup| {
        (0..300).fold(setup, |setup, n| setup.variable(format!("V{n}={}", "x".repeat(1000))))
    }),
    Scenario::new("dumb-init's place", &["--"], "exit 3").world(|setup| setup.called("dumb-init")),
    Scenario::new("no such command", &["--"], "= no-such-command").ends_with(127),
    Scenario::without_command("--pause", &["--pause"]).signal(libc::SIGTERM, 0),
    Scenario::without_command("--status", &["--status"]),
    Scenario::without_command("--status=json", &["--status=json"]),
    Scenario::without_command("--dry-run", &["--dry-run", "--chdir=/", "--", "sh"]),
    Scenario::without_command("--help", &["--help"]),
];
