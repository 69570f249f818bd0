//! Servers that finish what they have begun.

use super::{Classic, UNDER_SEXTON, WORLDS, World, command, ends, fixture};
use crate::drain;
use crate::harness::{Folder, LIMIT, Running, wait_until};
use nix::libc;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

/// The server of `drain.rs`, which allows so many seconds for what it has begun.
fn asyncio(patience: &str) -> Classic {
    command(&["python3", drain::SERVER, patience])
}

/// A request that it answers only when it gets SIGUSR1. It has begun when this returns.
fn held_request(running: &mut Running) -> JoinHandle<drain::Request> {
    let port = running.line().parse().unwrap();
    let client = std::thread::spawn(move || drain::request(port, "/held"));
    running.expect("holding");
    client
}

#[test]
fn an_asyncio_server_finishes_what_it_has_begun() {
    asyncio("600").talk(&WORLDS, 0, |running, _| {
        let client = held_request(running);
        running.signal(libc::SIGTERM);
        running.expect("stopping");
        running.expect("closed");
        assert!(!client.is_finished());
        running.signal(libc::SIGUSR1);
        assert!(client.join().unwrap().answered);
    });
}

#[test]
fn an_asyncio_server_gives_up_at_its_own_time_out() {
    asyncio("0.2").talk(&WORLDS, 1, |running, _| {
        let client = held_request(running);
        running.signal(libc::SIGTERM);
        running.expect("stopping");
        running.expect("closed");
        running.expect("gave up");
        assert!(!client.join().unwrap().answered);
    });
}

/// The platform's part, if there is no sexton: here it is the test.
#[test]
fn an_asyncio_server_with_too_long_a_time_out_is_killed() {
    let server = asyncio("600").setting("SEXTON_GRACE=5s"); // enough for it to say `closed`
    for world in WORLDS {
        let mut running = server.start(world);
        let client = held_request(&mut running);
        running.signal(libc::SIGTERM);
        running.expect("stopping");
        running.expect("closed");
        if world == World::Alone {
            running.signal(libc::SIGKILL);
        } else {
            running.expect_log("command did not end within the grace period");
        }
        assert_eq!(running.end().status, 137);
        assert!(!client.join().unwrap().answered);
    }
}

#[test]
fn an_asyncio_server_with_too_long_a_time_out_is_hurried() {
    let server = asyncio("600").setting("SEXTON_GRACE=600s").setting("SEXTON_ESCALATE=INT:3s");
    server.talk(&WORLDS, 2, |running, world| {
        let client = held_request(running);
        running.signal(libc::SIGTERM);
        running.expect("stopping");
        running.expect("closed");
        if world == World::Alone {
            running.signal(libc::SIGINT);
        }
        running.expect("hurried");
        assert!(!client.join().unwrap().answered);
    });
}

const WORKERS: usize = 3;

/// A client of the pre-fork server.
struct Client(BufReader<UnixStream>);

impl Client {
    fn new(socket: &str) -> Client {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Client(BufReader::new(stream))
    }

    fn send(&mut self, line: &str) {
        writeln!(self.0.get_mut(), "{line}").unwrap();
    }

    /// The answer; empty if the connection was closed.
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// A worker has it when this returns.
    fn begin(socket: &str) -> Client {
        let mut client = Client::new(socket);
        client.send("begin");
        assert_eq!(client.answer(), "begun");
        client
    }

    fn end(mut self) {
        self.send("end");
        assert_eq!(self.answer(), "done");
        assert_eq!(self.answer(), "");
    }
}

/// The server with one request begun by each worker.
struct Prefork {
    running: Running,
    clients: Vec<Client>,
    socket: String,
    _folder: Folder,
}

impl Prefork {
    fn start(name: &str, world: World, settings: &[&str]) -> Prefork {
        let folder = Folder::new(&format!("{name}-{world:?}"));
        let socket = folder.at("socket");
        let server = fixture("prefork.py", &[&socket, &WORKERS.to_string()]);
        let server = settings.iter().fold(server, |server, setting| server.setting(setting));
        let mut running = server.start(world);
        running.expect("ready");
        let clients = (0..WORKERS).map(|_| Client::begin(&socket)).collect();
        Prefork { running, clients, socket, _folder: folder }
    }

    /// Ends the parent, and waits until sexton has the workers.
    fn end_parent(&self, signal: i32, parent: i32) {
        self.running.signal(signal);
        wait_until("the parent is gone", || {
            let children = self.running.children();
            !children.contains(&parent) && children.len() == WORKERS
        });
    }

    fn workers_stop(&mut self) {
        for _ in 0..WORKERS {
            self.running.expect("a worker stops");
        }
        let refused = UnixStream::connect(&self.socket).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "the listener is closed");
        self.clients.drain(..).for_each(Client::end);
    }
}

#[test]
fn workers_of_a_pre_fork_server_get_sigterm_when_their_parent_has_ended() {
    for (signal, status) in [(libc::SIGTERM, 0), (libc::SIGUSR1, 3)] {
        for world in UNDER_SEXTON {
            let mut server =
                Prefork::start("prefork", world, &["SEXTON_LINGER=600s", "SEXTON_GRACE=600s"]);
            server.running.signal(signal);
            server.workers_stop();
            ends(server.running, world, status, "");
        }
    }
}

/// So the test above shows something.
#[test]
fn workers_of_a_pre_fork_server_get_no_signal_without_sexton() {
    let mut server = Prefork::start("prefork", World::Alone, &[]);
    server.running.signal(libc::SIGTERM);
    wait_until("the parent ends", || server.running.has_ended());
    server.clients.drain(..).for_each(Client::end);
    Client::begin(&server.socket).end();
}

#[test]
fn with_wait_all_the_workers_of_a_pre_fork_server_go_on() {
    for world in UNDER_SEXTON {
        let mut server = Prefork::start("prefork-on", world, &["SEXTON_WAIT_ALL=1"]);
        let parent = server.running.children()[0];
        server.end_parent(libc::SIGUSR1, parent);
        server.clients.drain(..).for_each(Client::end);
        Client::begin(&server.socket).end();
        for left in (0..WORKERS).rev() {
            Client::new(&server.socket).send("quit");
            wait_until("a worker ends and is reaped", || server.running.children().len() <= left);
        }
        ends(server.running, world, 3, "");
    }
}

#[test]
fn with_wait_all_a_stop_reaches_the_workers_of_a_pre_fork_server() {
    for world in UNDER_SEXTON {
        let settings = ["SEXTON_WAIT_ALL=1", "SEXTON_GRACE=600s"];
        let mut server = Prefork::start("prefork-all", world, &settings);
        let parent = server.running.children()[0];
        server.end_parent(libc::SIGUSR1, parent);
        server.running.signal(libc::SIGTERM);
        server.workers_stop();
        ends(server.running, world, 3, "");
    }
}
