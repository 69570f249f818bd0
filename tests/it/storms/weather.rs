//! One run of sexton in bad weather: what comes over it, and what must hold all the same.

use crate::harness::{
    Folder, LIMIT, Place, Running, Setup, Terminal, Traced, children_of, full_pipe, probe, queue,
    sexton, status_field, wait_until,
};
use nix::libc;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What sexton's standard error is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stderr {
    Read,
    /// A pipe that is full, and nobody reads.
    FullPipe,
    /// A terminal that nobody reads.
    DeafTerminal,
    /// That too, and sexton may not open it again: it is another user's.
    ForeignTerminal,
}

/// What there is little of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scarce {
    Nothing,
    /// Process IDs, in all of the namespace.
    Ids,
    /// Processes, by the pids cgroup.
    Processes,
    /// Memory, by the memory cgroup: it is at its limit all the time.
    Memory,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ending {
    /// The command exits at SIGTERM.
    Stop,
    /// The command does not, and is killed after the grace.
    Kill,
    /// Somebody else kills the command.
    Death,
}

/// One thing that comes over sexton.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// The command makes orphans, so many times 500.
    Orphans(u64),
    /// So many threads queue so many realtime signals each, as fast as they can.
    Queued(usize, usize),
    /// So many threads send signals that coalesce, so many each.
    Plain(usize, usize),
    /// sexton is stopped meanwhile.
    Stopped,
    /// A debugger holds the command meanwhile.
    CommandHeld,
    /// A debugger looks at every system call of sexton's meanwhile.
    Traced,
    /// Orphans that stay, until no more can be forked.
    Filled,
}

#[derive(Debug, Clone)]
pub struct Weather {
    pub place: Place,
    pub flags: Vec<&'static str>,
    pub stderr: Stderr,
    pub scarce: Scarce,
    /// A user of the run's own: all processes of one share the room for queued signals.
    pub user: Option<u32>,
    /// RLIMIT_SIGPENDING.
    pub queue: Option<u64>,
    pub events: Vec<Event>,
    pub ending: Ending,
}

/// What has happened.
#[derive(Debug, Default)]
pub struct Tally {
    pub runs: AtomicU64,
    pub queued: AtomicU64,
    /// Queued signals that the kernel did not take from the sender, as sexton's queue was full.
    pub refused: AtomicU64,
    pub plain: AtomicU64,
    pub orphans: AtomicU64,
    pub stops: AtomicU64,
    pub traces: AtomicU64,
    /// The longest time from the end's cause to the end, in milliseconds.
    pub longest_end: AtomicU64,
    /// The most that sexton's own memory has grown by, in KiB.
    pub growth: AtomicU64,
}

impl Tally {
    fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

impl Weather {
    pub fn fair() -> Weather {
        Weather {
            place: Place::Init,
            flags: Vec::new(),
            stderr: Stderr::Read,
            scarce: Scarce::Nothing,
            user: None,
            queue: None,
            events: Vec::new(),
            ending: Ending::Stop,
        }
    }

    /// Lets it come, and fails if sexton does not weather it.
    pub fn run(&self, tally: &Tally) {
        let full_queue = self.queue.is_some();
        assert!(!full_queue || self.stderr == Stderr::Read, "what is lost must be seen");
        let mut sky = Sky::new(self, tally);
        // Each way has been gone once when memory is measured for the first time.
        sky.orphans(libc::SIGUSR1);
        sky.send_queued(2, 50);
        sky.send_plain(2, 50);
        sky.settle();
        let before = own_memory(sky.running.pid);
        for &event in &self.events {
            sky.let_come(event);
        }
        sky.settle();
        let after = own_memory(sky.running.pid);
        tally.growth.fetch_max(after.saturating_sub(before), Ordering::Relaxed);
        assert!(
            after <= before + STACK,
            "sexton's own memory has grown from {before} to {after} KiB"
        );
        sky.end();
        Tally::add(&tally.runs, 1);
    }
}

/// KiB of stack and data that are written to for the first time in what the first measurement comes after.
const STACK: u64 = 16;

/// The command's exit status where it may end by itself.
const STATUS: i32 = 42;

/// The numbers that senders use, one each in turn: what is queued with the same number stays in order.
const NUMBERS: std::ops::RangeInclusive<i32> = 34..=64;

struct Sky<'a> {
    weather: &'a Weather,
    tally: &'a Tally,
    running: Running,
    main: i32,
    /// How many queued signals sexton's queue has taken.
    accepted: u64,
    senders: usize,
    _cgroup: Option<Cgroup>,
    _folder: Option<Folder>,
    _stuck: (Option<(OwnedFd, OwnedFd)>, Option<Terminal>),
}

impl<'a> Sky<'a> {
    fn new(weather: &'a Weather, tally: &'a Tally) -> Sky<'a> {
        let cgroup = match weather.scarce {
            Scarce::Processes => Some(Cgroup::new("pids", "pids.max", "60", weather.user)),
            Scarce::Memory => {
                Some(Cgroup::new("memory", "memory.limit_in_bytes", "134217728", weather.user))
            }
            Scarce::Nothing | Scarce::Ids => None,
        };
        let folder = (weather.scarce == Scarce::Memory)
            .then(|| Folder::new(&format!("memory-{:?}", weather.user)).open_to_all());
        let (probe, status) = (probe(), STATUS.to_string());
        // A command that obeys has all the time that it needs, and what it leaves behind obeys nobody.
        let times: &[&str] = match weather.ending {
            Ending::Stop => &["--grace=20s", "--linger=200ms"],
            Ending::Kill | Ending::Death => &["--grace=200ms"],
        };
        let mut words: Vec<String> = times.iter().map(|&flag| flag.to_owned()).collect();
        words.extend(weather.flags.iter().map(|&flag| flag.to_owned()));
        if let Some(folder) = &folder {
            // What it has written stays in memory as long as there is room.
            let script = "head -c 160M /dev/zero >\"$0\" && exec \"$@\"";
            words.extend(["sh", "-c", script, &folder.at("filler")].map(str::to_owned));
        }
        words.extend([probe, "storm".into(), status]);
        if weather.ending == Ending::Kill {
            words.push("stubborn".into());
        }
        let mut setup = match &cgroup {
            Some(cgroup) => cgroup.sexton(&words),
            None => Setup::new(&words),
        };
        setup = setup.place(weather.place);
        if weather.scarce == Scarce::Ids {
            setup = setup.few_pids();
        }
        if let Some(limit) = weather.queue {
            setup = setup.limit(libc::RLIMIT_SIGPENDING as i32, limit, limit);
        }
        if let Some(user) = weather.user {
            setup = setup.user(user);
        }
        let pipe = (weather.stderr == Stderr::FullPipe).then(full_pipe);
        let terminal = matches!(weather.stderr, Stderr::DeafTerminal | Stderr::ForeignTerminal)
            .then(Terminal::new);
        if let Some((_, end)) = &pipe {
            setup = setup.stderr(end);
        }
        if let Some(terminal) = &terminal {
            if weather.stderr == Stderr::DeafTerminal {
                std::os::unix::fs::fchown(&terminal.program, weather.user, None).unwrap();
            }
            setup = setup.stderr(&terminal.program);
        }
        let mut running = setup.start();
        running.expect("ready");
        let main = running.children()[0];
        Sky {
            weather,
            tally,
            running,
            main,
            accepted: 0,
            senders: 0,
            _cgroup: cgroup,
            _folder: folder,
            _stuck: (pipe, terminal),
        }
    }

    fn let_come(&mut self, event: Event) {
        match event {
            Event::Orphans(times) => (0..times).for_each(|_| self.orphans(libc::SIGUSR1)),
            Event::Queued(senders, each) => self.send_queued(senders, each),
            Event::Plain(senders, each) => self.send_plain(senders, each),
            Event::Filled => self.orphans(libc::SIGHUP),
            Event::Stopped => {
                self.running.signal(libc::SIGSTOP);
                let pid = self.running.pid;
                wait_until("sexton is stopped", || status_field(pid, "State").starts_with('T'));
                self.ask_command(libc::SIGUSR1);
                self.send_some();
                self.running.signal(libc::SIGCONT);
                Tally::add(&self.tally.stops, 1);
            }
            Event::CommandHeld => {
                let main = Traced::seize(self.main);
                self.send_some();
                let pid = self.running.pid;
                let none = "0000000000000000";
                if self.weather.queue.is_none() {
                    wait_until("all is sent on", || status_field(pid, "ShdPnd") == none);
                }
                main.release();
                Tally::add(&self.tally.traces, 1);
            }
            Event::Traced => {
                let sexton = Traced::seize(self.running.pid);
                self.send_some();
                for _ in 0..20 {
                    sexton.step();
                }
                sexton.release();
                Tally::add(&self.tally.traces, 1);
            }
        }
    }

    /// Queues a few signals, and does not mind if they are not taken.
    fn send_some(&mut self) {
        let sender = self.new_sender();
        for count in 0..50 {
            if queue(self.running.pid, number(sender), value(sender, count)).is_err() {
                Tally::add(&self.tally.refused, 1);
                return;
            }
            self.accept(1);
        }
    }

    fn accept(&mut self, count: u64) {
        self.accepted += count;
        Tally::add(&self.tally.queued, count);
    }

    fn new_sender(&mut self) -> usize {
        self.senders += 1;
        assert!(self.senders < 256, "the probe counts no more");
        self.senders
    }

    fn send_queued(&mut self, senders: usize, each: usize) {
        let pid = self.running.pid;
        let senders: Vec<usize> = (0..senders).map(|_| self.new_sender()).collect();
        let refused: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = senders
                .iter()
                .map(|&sender| scope.spawn(move || queue_all(pid, sender, each)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        self.accept((senders.len() * each) as u64);
        Tally::add(&self.tally.refused, refused);
    }

    fn send_plain(&mut self, senders: usize, each: usize) {
        const SIGNALS: [i32; 6] = [
            libc::SIGWINCH,
            libc::SIGALRM,
            libc::SIGCHLD,
            libc::SIGURG,
            libc::SIGIO,
            libc::SIGCONT,
        ];
        let running = &self.running;
        let pid = running.pid;
        std::thread::scope(|scope| {
            for _ in 0..senders {
                scope.spawn(move || {
                    for signal in SIGNALS.iter().cycle().take(each) {
                        assert_eq!(unsafe { libc::kill(pid, *signal) }, 0);
                    }
                });
            }
        });
        Tally::add(&self.tally.plain, (senders * each) as u64);
    }

    fn orphans(&mut self, signal: i32) {
        self.running.signal(signal);
        self.count_orphans();
    }

    /// Past sexton.
    fn ask_command(&mut self, signal: i32) {
        assert_eq!(unsafe { libc::kill(self.main, signal) }, 0);
        self.count_orphans();
    }

    fn count_orphans(&mut self) {
        let line = self.running.line();
        let (what, count) = line.split_once(' ').expect("what and how many");
        assert!(["made", "filled"].contains(&what), "{line}");
        Tally::add(&self.tally.orphans, count.parse().unwrap());
    }

    /// Waits until the command has got all, and nobody is left to be buried.
    fn settle(&mut self) {
        let until = Instant::now() + 2 * LIMIT;
        loop {
            self.running.signal(libc::SIGUSR2);
            let line = self.running.line();
            let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [taken, gaps, late] = numbers[..].try_into().expect("three numbers");
            assert_eq!(late, 0, "out of order");
            // What came without its value for lack of room has been told.
            let mut lost = 0;
            wait_until(&format!("what {gaps} gaps are is told"), || {
                lost = self.weather.queue.map_or(0, |_| self::lost(self.running.log()));
                gaps <= lost
            });
            if taken + lost == self.accepted {
                break;
            }
            let (accepted, log) = (self.accepted, self.running.log());
            assert!(Instant::now() < until, "{line} and {lost} lost of {accepted}; {log}");
        }
        let pid = self.running.pid;
        wait_until("every orphan is reaped", || {
            !children_of(pid).iter().any(|&pid| status_field(pid, "State").starts_with('Z'))
        });
    }

    fn end(self) {
        let begin = Instant::now();
        let expected = match self.weather.ending {
            Ending::Stop => {
                self.running.signal(libc::SIGTERM);
                STATUS
            }
            Ending::Kill => {
                self.running.signal(libc::SIGTERM);
                128 + libc::SIGKILL
            }
            Ending::Death => {
                assert_eq!(unsafe { libc::kill(self.main, libc::SIGKILL) }, 0);
                128 + libc::SIGKILL
            }
        };
        let ended = self.running.end_with_its_tree();
        let took = begin.elapsed().as_millis() as u64;
        self.tally.longest_end.fetch_max(took, Ordering::Relaxed);
        assert_eq!(ended.status, expected, "{ended:?}");
        assert!(!ended.stderr.contains("panic"), "{ended:?}");
    }
}

/// How many signals a log tells of that had to leave their value behind. A line that was lost itself stands for one.
fn lost(log: &str) -> u64 {
    let lines_lost =
        |line: &str| line.strip_suffix(" log lines lost")?.rsplit(' ').next()?.parse().ok();
    let of_line = |line: &str| {
        lines_lost(line).unwrap_or(u64::from(line.contains("the command without its value")))
    };
    log.lines().map(of_line).sum()
}

fn number(sender: usize) -> i32 {
    NUMBERS.start() + sender as i32 % (NUMBERS.end() - NUMBERS.start() + 1)
}

fn value(sender: usize, count: usize) -> usize {
    (sender << 32) + count
}

/// Queues them all, again and again what is refused; how often that was.
fn queue_all(pid: i32, sender: usize, each: usize) -> u64 {
    let mut refused = 0;
    for count in 0..each {
        wait_until("sexton's queue has room", || {
            match queue(pid, number(sender), value(sender, count)) {
                Ok(()) => true,
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
                    refused += 1;
                    false
                }
            }
        });
    }
    refused
}

/// KiB that are a process's own: not those of the program's file, which may be dirty too, just after it was built.
fn own_memory(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A cgroup (v1) of one run's own.
pub struct Cgroup(std::path::PathBuf);

impl Cgroup {
    pub fn new(controller: &str, file: &str, limit: &str, user: Option<u32>) -> Cgroup {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sexton-storm-{}-{count}", std::process::id());
        let path = std::path::Path::new("/sys/fs/cgroup").join(controller).join(name);
        std::fs::create_dir(&path)
            .unwrap_or_else(|error| panic!("CANNOT RUN: {controller} of cgroup v1: {error}"));
        std::fs::write(path.join(file), limit).unwrap();
        if let Some(user) = user {
            std::os::unix::fs::chown(path.join("cgroup.procs"), Some(user), None).unwrap();
        }
        Cgroup(path)
    }

    /// sexton with these arguments, in this cgroup from its start.
    pub fn sexton(&self, words: &[String]) -> Setup {
        let script = "echo 0 >\"$0/cgroup.procs\" && exec \"$@\"".to_owned();
        let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
        let mut all = vec!["-c".to_owned(), script, path(&self.0), path(&sexton())];
        all.extend_from_slice(words);
        Setup::program(std::path::Path::new("/bin/sh"), &all)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // What was in it may still be on its way out.
        wait_until("the cgroup is left", || std::fs::remove_dir(&self.0).is_ok());
    }
}
