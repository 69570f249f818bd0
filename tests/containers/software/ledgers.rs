//! Redis, a JVM and Node, which keep in memory what clients tell them, stopped while clients write: each
//! entry that was acknowledged is in the file that they leave.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use super::{Example, STOP};
use crate::engine::{self, Engine};
use crate::process::PATIENCE;

on_each!([docker_runc = crate::engine::DOCKER_RUNC] {
    redis_has_every_write_after_a_restart,
    a_jvm_runs_its_hook_and_its_143_is_mapped,
    node_handles_the_signal,
});
on_each!([podman_crun = crate::engine::PODMAN_CRUN] { redis_has_every_write_after_a_restart });

fn redis_has_every_write_after_a_restart(engine: &Engine) {
    let example = Example::build(engine, "redis");
    let socket = example.new_folder("run").join("socket");
    let data = engine::new_name(); // a volume, which gets its owner from the image
    let start = || {
        let options = ["--volume", &format!("{data}:/data")];
        let container = example.start(&["run:/run/redis"], &options);
        container.wait_for("ready to accept connections at");
        container
    };

    let mut container = start();
    let request = |writer, entry| format!("RPUSH {writer} {entry}");
    let writers = Writers::start(&socket, request, |_, entry| format!(":{entry}"));
    container.stop_within(STOP).assert_status(0);
    let acknowledged = writers.end();

    let mut container = start();
    for (writer, acknowledged) in acknowledged.into_iter().enumerate() {
        let mut client = Client::connect(&socket).unwrap();
        let length = client.ask(&format!("LLEN {writer}")).unwrap();
        let length: usize = length.strip_prefix(':').expect("a number").parse().unwrap();
        assert_complete(length, acknowledged);
        client.ask(&format!("LINDEX {writer} -1")).unwrap(); // the length of the answer
        assert_eq!(client.read().unwrap(), length.to_string());
    }
    container.stop_within(STOP).assert_status(0);
}

fn a_jvm_runs_its_hook_and_its_143_is_mapped(engine: &Engine) {
    let report = stop_a_ledger(engine, "java");
    assert!(report.contains(r#""status":143,"#), "{report}");
}

fn node_handles_the_signal(engine: &Engine) {
    let report = stop_a_ledger(engine, "node");
    assert!(report.contains(r#""status":0,"#), "{report}");
}

/// Stops one of the examples that are called ledger, which must exit with 0, and returns sexton's report.
fn stop_a_ledger(engine: &Engine, name: &str) -> String {
    let example = Example::build(engine, name);
    let socket = example.new_folder("run").join("socket");
    let data = example.new_folder("data");
    let options = ["--env", "SEXTON_REPORT=/data/report"];
    let mut container = example.start(&["run:/run/ledger", "data:/data"], &options);
    container.wait_for("ledger: ready");

    let line = |writer, entry| format!("{writer} {entry}");
    let writers = Writers::start(&socket, line, line);
    let ended = container.stop_within(STOP);
    let acknowledged = writers.end();

    ended.assert_status(0);
    assert!(ended.stdout.contains("ledger: saved"), "{ended:?}");
    assert_eq!(ended.stderr, "", "there is nothing else to say");
    let ledger = fs::read_to_string(data.join("ledger")).unwrap();
    for (writer, acknowledged) in acknowledged.into_iter().enumerate() {
        let prefix = format!("{writer} ");
        let entries: Vec<usize> =
            ledger.lines().filter_map(|line| line.strip_prefix(&prefix)?.parse().ok()).collect();
        assert_eq!(entries, (1..=entries.len()).collect::<Vec<_>>(), "entries of writer {writer}");
        assert_complete(entries.len(), acknowledged);
    }
    fs::read_to_string(data.join("report")).unwrap()
}

/// The last entry may have been made, and its acknowledgement cut off.
#[track_caller]
fn assert_complete(found: usize, acknowledged: usize) {
    assert!(
        [acknowledged, acknowledged + 1].contains(&found),
        "{found} entries, where {acknowledged} were acknowledged"
    );
}

/// A client of a program that answers each line with a line.
struct Client(BufReader<UnixStream>);

impl Client {
    fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// An error too if the connection ends instead.
    fn ask(&mut self, line: &str) -> io::Result<String> {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.read()
    }

    fn read(&mut self) -> io::Result<String> {
        let mut answer = String::new();
        self.0.read_line(&mut answer)?;
        match answer.strip_suffix('\n') {
            Some(line) => Ok(line.trim_end_matches('\r').to_string()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Clients that make one entry after the other until the program goes away.
struct Writers(Vec<JoinHandle<usize>>);

impl Writers {
    const COUNT: usize = 4;

    /// Starts them, and waits until the program has acknowledged some entries of each. `request` and `reply` are
    /// what goes to the program and what acknowledges it, of a writer and an entry, counted from 1.
    fn start(
        socket: &Path,
        request: fn(usize, usize) -> String,
        reply: fn(usize, usize) -> String,
    ) -> Self {
        let (tell, under_way) = mpsc::channel();
        let start = |writer| {
            let (socket, tell) = (PathBuf::from(socket), tell.clone());
            thread::spawn(move || write(&socket, writer, request, reply, tell))
        };
        let writers = (0..Self::COUNT).map(start).collect();
        for _ in 0..Self::COUNT {
            under_way.recv_timeout(PATIENCE).expect("the writers are served");
        }
        Self(writers)
    }

    /// How many entries of each were acknowledged.
    fn end(self) -> Vec<usize> {
        self.0.into_iter().map(|writer| writer.join().expect("the writer goes on")).collect()
    }
}

fn write(
    socket: &Path,
    writer: usize,
    request: fn(usize, usize) -> String,
    reply: fn(usize, usize) -> String,
    under_way: Sender<()>,
) -> usize {
    let mut client = Client::connect(socket).expect("the program listens");
    for entry in 1.. {
        match client.ask(&request(writer, entry)) {
            Ok(answer) if answer == reply(writer, entry) => {}
            Ok(answer) => panic!("entry {entry} was answered {answer:?}"),
            Err(_) => return entry - 1,
        }
        if entry == 100 {
            under_way.send(()).expect("the test goes on");
        }
    }
    unreachable!("the entries do not end")
}
