//! SPEC 10: the same cases through another init and through sexton under its name, side by side.
//!
//! A case is a command line, variables, and what is done to the init. What is seen of both must be the
//! same: the exit status, what is on which stream, what the command was given, what it was sent. Left out is
//! what cannot be the same: versions, process IDs, where the program lies, and the words of messages behind
//! their prefix. Where sexton differs on purpose, the case says why, in the words of `docs/drop-in.md`.

mod catatonit;
mod dumb_init;
mod gosu;
mod terminals;
mod tini;

use crate::harness::{Ended, Folder, Place, Running, Setup, probe, sexton, wait_until};
use nix::libc;
use std::collections::BTreeSet;
use std::ffi::CStr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Another init, and sexton in its place.
pub struct Pair {
    name: &'static str,
    theirs: PathBuf,
    ours: PathBuf,
    /// A signal that comes to the command last: the highest that the other init forwards.
    last: i32,
    cases: usize,
    failed: Vec<String>,
    /// Lines that begin so are left out.
    left_out: Option<&'static str>,
    _folder: Folder,
}

/// What is seen of a run.
#[derive(PartialEq, Eq, Debug)]
pub struct Seen {
    /// The exit status, if it was waited for.
    status: Option<i32>,
    /// What is on standard output: the command's, mostly.
    output: Vec<String>,
    errors: Vec<String>,
    /// How log lines begin, on either stream.
    log_on_output: BTreeSet<String>,
    log_on_errors: BTreeSet<String>,
}

/// One case.
#[derive(Clone)]
pub struct Case {
    words: Vec<String>,
    change: Option<fn(Setup) -> Setup>,
    variables: Vec<String>,
    place: Place,
    /// Of each stream only so many lines count.
    first: usize,
    differs: Option<&'static str>,
}

/// Words with `PROBE` for the probe's path.
pub fn case(words: &[&str]) -> Case {
    let words = words.iter().map(|word| word.replace("PROBE", &probe())).collect();
    let variables = Vec::new();
    let (change, differs) = (None, None);
    Case { words, change, variables, place: Place::Init, first: usize::MAX, differs }
}

impl Case {
    pub fn variable(mut self, variable: &str) -> Case {
        self.variables.push(variable.to_owned());
        self
    }

    pub fn child(mut self) -> Case {
        self.place = Place::Child;
        self
    }

    pub fn with(mut self, change: fn(Setup) -> Setup) -> Case {
        self.change = Some(change);
        self
    }

    /// A long text: only its first lines are the other's too.
    pub fn first_lines(mut self, count: usize) -> Case {
        self.first = count;
        self
    }

    /// The two are not to be the same, for this reason.
    pub fn differs(mut self, reason: &'static str) -> Case {
        self.differs = Some(reason);
        self
    }

    fn setup(&self, program: &Path) -> Setup {
        let setup = Setup::program(program, &self.words).place(self.place);
        let setup = self.variables.iter().fold(setup, |setup, entry| setup.variable(entry));
        self.change.map_or_else(|| setup.clone(), |change| change(setup.clone()))
    }
}

impl Pair {
    pub fn new(name: &'static str, last: i32) -> Pair {
        let folder = Folder::new(&format!("drop-in-{name}"));
        let ours = Path::new(folder.path()).join(name);
        symlink(sexton(), &ours).unwrap();
        let places = ["/usr/bin", "/usr/sbin"].map(|folder| Path::new(folder).join(name));
        let theirs = places.into_iter().find(|place| place.exists());
        let theirs =
            theirs.unwrap_or_else(|| panic!("{name} is missing: tests/run.sh installs it"));
        Pair {
            name,
            theirs,
            ours,
            last,
            cases: 0,
            failed: Vec::new(),
            left_out: None,
            _folder: folder,
        }
    }

    /// Shows a case to both.
    pub fn compare(&mut self, what: &str, case: &Case, look: impl Fn(Setup, &Pair) -> Seen) {
        self.cases += 1;
        let see = |program: &Path| {
            let mut seen = look(case.setup(program), self);
            let place = program.to_str().unwrap();
            for lines in [&mut seen.output, &mut seen.errors] {
                let plain = |line: &String| normalised(line, place);
                lines.retain(|line| !self.left_out.is_some_and(|start| line.starts_with(start)));
                *lines = lines.iter().map(plain).take(case.first).collect();
            }
            seen
        };
        let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        let name = format!("{} {words:?} {:?} {what}", self.name, case.variables);
        println!("{name}"); // shown if a wait is in vain
        let (theirs, ours) = (see(&self.theirs), see(&self.ours));
        match case.differs {
            None if theirs != ours => {
                let (theirs, ours) = (format!("{theirs:#?}"), format!("{ours:#?}"));
                let only = |one: &str, other: &str| -> String {
                    one.lines().filter(|line| !other.lines().any(|l| l == *line)).collect()
                };
                let (theirs, ours) = (only(&theirs, &ours), only(&ours, &theirs));
                self.failed.push(format!("{name}\n  theirs: {theirs}\n  ours:   {ours}"));
            }
            Some(reason) if theirs == ours => {
                self.failed.push(format!("{name}: no difference any more: {reason}"));
            }
            Some(reason) => assert!(
                include_str!("../../../docs/drop-in.md").contains(reason),
                "docs/drop-in.md does not say: {reason}"
            ),
            None => {}
        }
    }

    /// Runs the cases to their ends.
    pub fn run(&mut self, cases: &[Case]) {
        for case in cases {
            self.compare("", case, |setup, pair| {
                let ended = setup.run();
                pair.seen(Some(full(&ended)), &ended.stdout, &ended.stderr)
            });
        }
    }

    /// Sends each signal to the init, then the last one; the command tells what comes.
    pub fn signals(&mut self, case: &Case, signals: impl Iterator<Item = i32>, differs: Differs) {
        for signal in signals {
            let reason = differs(signal);
            let case = Case { differs: reason, ..case.clone() };
            self.compare(&format!("signal {signal}"), &case, |setup, pair| {
                let mut running = setup.start();
                running.expect("main ready");
                running.signal(signal);
                wait_until("the signal is taken", || {
                    running.has_taken_all() || running.has_ended()
                });
                // In vain, if it ends at this moment.
                // SAFETY: takes integers only.
                unsafe { libc::kill(running.pid, pair.last) };
                let last = format!("got {} ", pair.last);
                let mut told = Vec::new();
                while let Some(line) = running.next_line() {
                    let done = line.contains(&last);
                    told.push(line);
                    if done {
                        break;
                    }
                }
                // It goes on, unless the command was told to end.
                let goes_on = told.last().is_some_and(|line| line.contains(&last));
                let ended = (!goes_on).then(|| full(&running.end()));
                Seen { output: told, ..pair.seen(ended, "", "") }
            });
        }
    }

    /// Does something with a started init, and lists what was seen.
    pub fn story(&mut self, what: &str, case: &Case, tell: impl Fn(&mut Running) -> Vec<String>) {
        self.compare(what, case, |setup, pair| {
            let mut running = setup.start();
            Seen { output: tell(&mut running), ..pair.seen(None, "", "") }
        });
    }

    /// Whether a process is the other init.
    fn is_theirs(&self, pid: i32) -> bool {
        std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == self.theirs)
    }

    fn seen(&self, status: Option<i32>, stdout: &str, stderr: &str) -> Seen {
        let (log_on_output, output) = self.sorted(stdout);
        let (log_on_errors, errors) = self.sorted(stderr);
        Seen { status, output, errors, log_on_output, log_on_errors }
    }

    /// The beginnings of the log lines, and the other lines.
    fn sorted(&self, text: &str) -> (BTreeSet<String>, Vec<String>) {
        let mut log = BTreeSet::new();
        let mut others = Vec::new();
        for line in text.lines() {
            match prefix(line) {
                Some(prefix) => _ = log.insert(prefix),
                // What tini's warning goes on with.
                None if line.starts_with("Zombie processes will not be re-parented")
                    || line.starts_with("To fix the problem, use the -s option") => {}
                None => others.push(line.to_owned()),
            }
        }
        (log, others)
    }

    /// No case has failed, and there were this many.
    pub fn finish(self, cases: usize) {
        let Pair { failed, name, .. } = self;
        assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), self.cases, failed.join("\n"));
        assert!(self.cases >= cases, "only {} cases of {name}", self.cases);
        println!("{} cases of {name}", self.cases);
    }
}

/// A look inside, by whatever name.
pub fn a_look_inside(pair: &mut Pair) {
    const STATUS: &str = "`--status` as the first word shows the processes of the container";
    pair.run(&[case(&["--status"]).differs(STATUS), case(&["--status=json"]).differs(STATUS)]);
    pair.run(&[case(&["--statu"]).first_lines(1), case(&["--", "--status"])]);
}

/// The exit status; 1000 + N if signal N has killed the init.
fn full(ended: &Ended) -> i32 {
    ended.signal.map_or(ended.status, |signal| 1000 + signal)
}

/// Why a signal is treated in another way, if it is.
pub type Differs = fn(i32) -> Option<&'static str>;

/// How a log line begins, without the process ID.
fn prefix(line: &str) -> Option<String> {
    let length = if line.starts_with("error: ") {
        "error: ".len() // gosu's
    } else if line.starts_with('[') {
        line.find("] ")? + 1
    } else {
        let at = line.find(" (catatonit:")?;
        at + line.get(at..)?.find("): ")? + 2
    };
    Some(line[..length].chars().filter(|c| !c.is_ascii_digit()).collect())
}

/// Without versions, numbers of pipes and namespaces, and the folder of the program.
fn normalised(line: &str, program: &str) -> String {
    // gosu 1.14 shows its name without the folder.
    let line = line.replace(program, "INIT").replace("Usage: gosu ", "Usage: INIT ");
    for version in ["tini version ", "dumb-init v"] {
        if let Some((before, after)) = line.split_once(version) {
            let end = if after.ends_with(')') { ")" } else { "" };
            let suffix = if after.contains("_catatonit") { "_catatonit" } else { "" };
            return format!("{before}{version}VERSION{suffix}{end}");
        }
    }
    if line.contains(" (go1.") || line.contains(" (sexton ") {
        return "gosu's VERSION".to_owned();
    }
    match (line.find(":["), line.find(']')) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &line[..from + 2], &line[to..]),
        _ => line,
    }
}

/// The state letter of a process, as seen from here.
pub fn state(pid: i32) -> String {
    crate::harness::status_field(pid, "State").chars().take(1).collect()
}

/// What all of them do with the command, apart from the process group and the session, which are in the report.
pub fn what_command_is_given(pair: &mut Pair, words: &[&str], inherited: Option<&'static str>) {
    let report = |more: &[&str]| case(&[words, more, &["PROBE", "report", "", "a b"]].concat());
    pair.run(&[
        report(&[]).variable("A=1").variable("LAST="),
        report(&[]).with(|setup| setup.no_variables()),
        report(&[]).child(),
        report(&[]).with(|setup| setup.directory("/usr")),
    ]);
    let mut closed = report(&[]).with(|setup| setup.closed(&[0]));
    closed.differs = (pair.name == "tini").then_some("With a closed standard input tini fails");
    pair.run(&[closed]);
    let mut mask = report(&[]).with(|setup| setup.mask(1 << 9 | 1 << 33));
    let mut ignored = report(&[]).with(|setup| setup.ignored(&[libc::SIGHUP, libc::SIGUSR1]));
    (mask.differs, ignored.differs) = (inherited, inherited);
    pair.run(&[mask, ignored]);
}

/// What the init itself holds of its standard streams while the command runs, and that the command's tree can use them.
pub fn what_pid_1_holds(pair: &mut Pair, words: &[&str]) {
    const USE: &str = "sh -c 'echo job >/proc/1/fd/1; echo trouble >/proc/1/fd/2'
        [ /proc/1/fd/0 -ef /dev/null ] && echo input";
    let tell = |change| case(&[words, &["--", "PROBE", "tell"]].concat()).with(change);
    let mut no_input = tell(|setup: Setup| setup.closed(&[0]));
    no_input.differs = (pair.name == "tini").then_some("With a closed standard input tini fails");
    for case in [
        tell(|setup| setup),
        tell(|setup| setup.place(Place::Child)),
        tell(|setup| setup.closed(&[2])),
        tell(|setup| setup.closed(&[1]).output_at(9)),
        tell(|setup| setup.closed(&[1, 2]).output_at(9)),
        no_input,
    ] {
        pair.compare("what it holds", &case, |setup, pair| {
            let mut running = setup.start();
            if running.next_line().is_none() {
                return pair.seen(Some(running.end().status), "", "");
            }
            let theirs = pair.is_theirs(running.pid);
            wait_until("it waits", || theirs || running.is_idle());
            let mut held = running.descriptors();
            // Where one is closed catatonit has a descriptor of its own: the queue of its signals.
            let is_signals = |what: &str| what.starts_with("anon_inode:");
            held.retain(|(fd, what)| *fd <= libc::STDERR_FILENO && !is_signals(what));
            held.sort();
            let output = held.iter().map(|(fd, what)| format!("{fd} {what}")).collect();
            Seen { output, ..pair.seen(None, "", "") }
        });
    }
    pair.run(&[case(&[words, &["--", "sh", "-c", USE]].concat())]);
}

/// A text is to be printed where it cannot be: each has its own idea of what status that is.
pub fn what_cannot_be_printed(pair: &mut Pair, texts: &[&[&str]]) {
    fn open(path: &CStr, at: i32) {
        // SAFETY: async-signal-safe calls with valid arguments.
        unsafe { libc::dup2(libc::open(path.as_ptr(), libc::O_WRONLY), at) };
    }
    fn break_pipe(at: i32) {
        let mut ends = [0; 2];
        // SAFETY: async-signal-safe calls with valid arguments.
        unsafe {
            libc::pipe(ends.as_mut_ptr());
            libc::dup2(ends[1], at);
            libc::close(ends[0]);
            libc::close(ends[1]);
        }
    }
    let worlds: [fn(Setup) -> Setup; 8] = [
        |setup| setup.prepare(|| open(c"/dev/full", 1)),
        |setup| setup.prepare(|| open(c"/dev/full", 2)),
        |setup| setup.prepare(|| break_pipe(1)),
        |setup| setup.prepare(|| break_pipe(2)),
        |setup| setup.prepare(|| break_pipe(1)).ignored(&[libc::SIGPIPE]),
        |setup| setup.prepare(|| break_pipe(1)).mask(1 << (libc::SIGPIPE - 1)),
        |setup| setup.closed(&[1]),
        |setup| setup.closed(&[2]),
    ];
    for words in texts {
        for world in worlds {
            // As PID 1 no signal of its own ends it.
            for case in [case(words), case(words).child()] {
                pair.run(&[case.with(world).first_lines(0)]);
            }
        }
    }
}

/// How the command's ends become statuses.
pub fn how_command_ends(pair: &mut Pair, words: &[&str]) {
    for status in ["0", "1", "2", "77", "125", "126", "127", "128", "143", "255"] {
        pair.run(&[case(&[words, &["PROBE", "exit", status]].concat())]);
    }
    for signal in ["1", "2", "6", "9", "10", "11", "15", "31", "34", "64"] {
        let case = case(&[words, &["PROBE", "die", signal]].concat());
        pair.run(&[case.clone(), case.child()]); // as a child, too, they make a status of it
    }
}

/// What cannot be executed.
pub fn what_is_no_command(pair: &mut Pair, words: &[&str], through_a_file: Option<&'static str>) {
    for name in ["nonexistent", "", "-", "/etc/passwd", "/", "./nonexistent", "/etc"] {
        pair.run(&[case(&[words, &["--", name]].concat())]);
    }
    let mut file = case(&[words, &["/etc/passwd/x"]].concat());
    file.differs = through_a_file;
    pair.run(&[file]);
    pair.run(&[case(&[words, &["sh"]].concat()).with(|s| s.no_variables().variable("PATH=/none"))]);
    pair.run(&[
        case(&[words, &["x"]].concat()).with(|setup| setup.bind("/etc/passwd", "/usr/bin/env"))
    ]);
}

/// How many of them there are that are no zombies, or about to be buried.
pub fn living(pids: &[i32]) -> Vec<String> {
    let ended = |pid: &&i32| ["", "Z", "X"].contains(&state(**pid).as_str());
    vec![pids.iter().filter(|pid| !ended(pid)).count().to_string()]
}

/// Waits for a state of a process that nobody tells.
pub fn wait_for_state(pid: i32, wanted: &str) -> String {
    wait_until(&format!("{pid} comes to state {wanted}"), || state(pid) == wanted);
    state(pid)
}
