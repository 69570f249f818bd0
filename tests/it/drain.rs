//! SPEC 4.1 with a real server: nothing that arrived before the drain ended is lost.

use crate::harness::{LIMIT, Setup};
use nix::libc;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// See its beginning.
pub const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/drain_server.py");

const DRAIN: Duration = Duration::from_secs(1);

/// One request of a client: when it had arrived or was refused, and whether it was answered in full.
pub struct Request {
    arrived: Instant,
    pub answered: bool,
}

pub fn request(port: u16, path: &str) -> Request {
    let stream = TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), LIMIT);
    let arrived = Instant::now();
    let answer = || -> std::io::Result<String> {
        let mut stream = stream?;
        stream.set_read_timeout(Some(LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answered = answer().is_ok_and(|answer| answer.ends_with("\r\n\r\nok"));
    Request { arrived, answered }
}

/// Sends one request after the other until one fails.
fn client(port: u16, path: &'static str) -> std::thread::JoinHandle<Vec<Request>> {
    std::thread::spawn(move || {
        let mut requests = Vec::new();
        while requests.last().is_none_or(|last: &Request| last.answered) {
            requests.push(request(port, path));
        }
        requests
    })
}

#[test]
fn no_request_that_arrived_before_the_drain_ended_is_lost() {
    // A busy machine does not serve as many in one run.
    const RUNS: usize = 20;
    let mut during = 0;
    for _ in 0..RUNS {
        during += served_during_the_drain();
        if during > 20 {
            return;
        }
    }
    panic!("only {during} requests were served during the drain");
}

/// How many requests arrived during the drain of one run. None of them is lost.
fn served_during_the_drain() -> usize {
    let mut running = Setup::new(&["--drain=1s", "--grace=20s", "python3", SERVER]).start();
    let port = running.line().parse().unwrap();
    assert!(request(port, "/").answered && request(port, "/slow").answered);
    let clients = ["/", "/", "/slow", "/slow", "/slow"].map(|path| client(port, path));
    let stop = Instant::now();
    running.signal(libc::SIGTERM);
    running.expect("stopping");
    assert!(stop.elapsed() >= DRAIN, "the server was told too early");
    let ended = running.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    let requests: Vec<Request> = clients.into_iter().flat_map(|c| c.join().unwrap()).collect();
    let (early, late): (Vec<_>, Vec<_>) =
        requests.into_iter().partition(|request| request.arrived < stop + DRAIN);
    let during = early.iter().filter(|request| request.arrived > stop).count();
    assert!(early.iter().all(|request| request.answered), "one that came early was lost");
    assert!(late.iter().any(|request| !request.answered), "the server was gone at last");
    println!("{during} requests during the drain, {} after it", late.len());
    during
}
