//! Running programs and listening to them, and the processes that the host sees.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything is waited for: far longer than it takes, so that only what never comes fails a
/// test.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How a program ended and what it had written by then.
#[derive(Debug)]
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    /// How long it was waited for, from the call of [`Listener::end`] on (or from the stop that
    /// preceded it).
    pub took: Duration,
}

impl Ended {
    #[track_caller]
    pub fn assert_status(&self, status: i32) {
        assert_eq!(self.status, status, "the exit status of {self:#?}");
    }
}

/// Runs a program to its end, which must be a success, and returns what it wrote to stdout.
#[track_caller]
pub fn output_of(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed: {output:#?}");
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

/// What has come out of one of a program's streams so far.
#[derive(Default)]
struct Stream {
    written: Vec<u8>,
    /// How far `wait_for` has heard it.
    heard: usize,
    closed: bool,
}

impl Stream {
    /// Whether `text` has come, after the last text that was heard.
    fn hear(&mut self, text: &str) -> bool {
        let news = &self.written[self.heard..];
        let Some(at) = news.windows(text.len()).position(|window| window == text.as_bytes()) else {
            return false;
        };
        self.heard += at + text.len();
        true
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }
}

#[derive(Default)]
struct Transcript {
    stdout: Stream,
    stderr: Stream,
}

impl Transcript {
    fn closed(&self) -> bool {
        self.stdout.closed && self.stderr.closed
    }
}

type Shared = Arc<(Mutex<Transcript>, Condvar)>;

/// A running program whose every word is noted down as it comes.
pub struct Listener {
    child: Child,
    transcript: Shared,
}

impl Listener {
    pub fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let transcript = Shared::default();
        note_down(child.stdout.take().expect("piped"), &transcript, |transcript| {
            &mut transcript.stdout
        });
        note_down(child.stderr.take().expect("piped"), &transcript, |transcript| {
            &mut transcript.stderr
        });
        Self { child, transcript }
    }

    /// Waits until the program writes `text` to stdout or stderr, after the text that was waited
    /// for before.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("the text {text:?}"), |Transcript { stdout, stderr }| {
            stdout.hear(text) || stderr.hear(text)
        });
    }

    /// Whether the program has written `text` after the text that was waited for before.
    pub fn has_told(&self, text: &str) -> bool {
        let (transcript, _) = &*self.transcript;
        let Transcript { stdout, stderr } = &mut *transcript.lock().unwrap();
        stdout.hear(text) || stderr.hear(text)
    }

    /// Writes to the program's standard input.
    pub fn say(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("standard input is open");
        stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.flush())
            .expect("write to the program");
    }

    pub fn close_stdin(&mut self) {
        self.child.stdin = None;
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("look at the program").is_none()
    }

    /// Waits for the program's end.
    #[track_caller]
    pub fn end(&mut self) -> Ended {
        let begin = Instant::now();
        self.wait_until("the end of its output", |transcript| transcript.closed());
        let status =
            self.child.wait().expect("wait for the program").code().expect("it was not killed");
        let transcript = self.transcript.0.lock().unwrap();
        Ended {
            status,
            stdout: transcript.stdout.text(),
            stderr: transcript.stderr.text(),
            took: begin.elapsed(),
        }
    }

    #[track_caller]
    fn wait_until(&self, what: &str, mut condition: impl FnMut(&mut Transcript) -> bool) {
        let (transcript, changed) = &*self.transcript;
        let mut met = false;
        let go_on = |transcript: &mut Transcript| {
            met = condition(transcript);
            !met && !transcript.closed()
        };
        let (transcript, _) =
            changed.wait_timeout_while(transcript.lock().unwrap(), PATIENCE, go_on).unwrap();
        let Transcript { stdout, stderr } = &*transcript;
        assert!(
            met,
            "waited in vain for {what}; stdout: {:?}, stderr: {:?}",
            stdout.text(),
            stderr.text()
        );
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn note_down(
    mut source: impl Read + Send + 'static,
    transcript: &Shared,
    stream: fn(&mut Transcript) -> &mut Stream,
) {
    let transcript = Arc::clone(transcript);
    thread::spawn(move || {
        let (transcript, changed) = &*transcript;
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = source.read(&mut chunk) {
            stream(&mut transcript.lock().unwrap()).written.extend(&chunk[..length]);
            changed.notify_all();
        }
        stream(&mut transcript.lock().unwrap()).closed = true;
        changed.notify_all();
    });
}

/// Waits for a state of the system that no event announces.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The terminal that script(1) has made for the engine's client.
#[track_caller]
pub fn outer_terminal(script: &Listener) -> PathBuf {
    let clients = children_of(script.child.id());
    let terminal = clients.iter().find_map(|pid| fs::read_link(format!("/proc/{pid}/fd/0")).ok());
    terminal.filter(|path| path.starts_with("/dev/pts")).expect("the client has a terminal")
}

/// The children of a process, zombies included, as the host numbers them.
pub fn children_of(parent: u32) -> Vec<u32> {
    let children = processes().into_iter().filter(|process| process.parent == parent);
    children.map(|child| child.pid).collect()
}

/// Waits until a process has exactly so many children, zombies counted.
#[track_caller]
pub fn wait_for_children(parent: u32, count: usize) {
    eventually(&format!("{parent} has {count} children"), || children_of(parent).len() == count);
}

/// All processes of a process's PID namespace, zombies included, as the host numbers them.
pub fn namespace_of(member: u32) -> Vec<u32> {
    let namespace = |pid| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let own = namespace(member).expect("a living process");
    let pids = processes().into_iter().map(|process| process.pid);
    pids.filter(|&pid| namespace(pid).as_ref() == Some(&own)).collect()
}

pub fn command_line(pid: u32) -> String {
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    line.trim_end_matches('\0').replace('\0', " ")
}

/// The zombies among the descendants of a process.
pub fn zombies_below(ancestor: u32) -> Vec<u32> {
    let processes = processes();
    let mut family = vec![ancestor];
    let mut at = 0;
    while let Some(&parent) = family.get(at) {
        family
            .extend(processes.iter().filter(|child| child.parent == parent).map(|child| child.pid));
        at += 1;
    }
    let zombies = processes.iter().filter(|process| process.state == "Z");
    zombies.map(|zombie| zombie.pid).filter(|pid| family.contains(pid)).collect()
}

struct Process {
    pid: u32,
    parent: u32,
    state: String,
}

/// All that the host sees; what ends meanwhile may be left out.
fn processes() -> Vec<Process> {
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(") ")?;
        let mut fields = after_name.split(' ');
        let state = fields.next()?.to_string();
        Some(Process { pid, parent: fields.next()?.parse().ok()?, state })
    })
    .collect()
}
