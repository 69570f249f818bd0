//! nginx, stopped while responses are under way: they are completed.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use super::{Example, STOP};
use crate::engine::Engine;
use crate::process::{self, PATIENCE};

on_each!([docker_runc = crate::engine::DOCKER_RUNC] { requests_under_way_are_completed });
on_each!([podman_crun = crate::engine::PODMAN_CRUN] { requests_under_way_are_completed });

/// More than all buffers between nginx and a client that does not read.
const LARGE: usize = 16 << 20;
const SMALL: usize = 1000;

fn requests_under_way_are_completed(engine: &Engine) {
    let example = Example::build(engine, "nginx");
    let socket = example.new_folder("run").join("socket");
    let site = example.new_folder("site");
    fs::write(site.join("large"), vec![b'x'; LARGE]).unwrap();
    fs::write(site.join("small"), vec![b'x'; SMALL]).unwrap();
    let mut container = example.start(&["run:/run/web", "site:/srv/web"], &[]);
    process::eventually("nginx listens", || UnixStream::connect(&socket).is_ok());

    let mut downloads: Vec<_> =
        (0..8).map(|_| Response::begin(&socket, "large").unwrap()).collect();
    let stopping = AtomicBool::new(false);
    let (tell, served) = mpsc::channel();
    let ended = thread::scope(|scope| {
        let visitors: Vec<_> = (0..4)
            .map(|_| {
                let tell = tell.clone();
                scope.spawn(|| visit_until_the_stop(&socket, &stopping, tell))
            })
            .collect();
        for _ in 0..100 {
            served.recv_timeout(PATIENCE).expect("visitors are served");
        }
        stopping.store(true, Ordering::SeqCst);
        let stop = scope.spawn(|| container.stop_within(STOP));
        process::eventually("nginx no longer listens", || UnixStream::connect(&socket).is_err());
        for download in &mut downloads {
            assert_eq!(download.rest(), LARGE, "a download under way");
        }
        for visitor in visitors {
            visitor.join().expect("every visitor is served in full");
        }
        stop.join().expect("the stop succeeds")
    });
    ended.assert_status(0);
    assert_eq!(ended.stderr, "", "neither nginx nor sexton has anything to say");
}

/// Sends one request after the other, each on a connection of its own, until nginx does not listen
/// any more. A response that has begun is complete; only after the stop may there be none.
fn visit_until_the_stop(socket: &Path, stopping: &AtomicBool, served: Sender<()>) {
    loop {
        match Response::begin(socket, "small") {
            Ok(mut response) => assert_eq!(response.rest(), SMALL),
            Err(error) => {
                assert!(stopping.load(Ordering::SeqCst), "refused before the stop: {error}");
                return;
            }
        }
        let _ = served.send(()); // nobody listens after the stop
    }
}

/// A response whose head has come.
struct Response {
    stream: UnixStream,
    body: Vec<u8>,
}

impl Response {
    /// An error if nginx is not there, or closes the connection before it has begun.
    fn begin(socket: &Path, file: &str) -> io::Result<Self> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /{file} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")?;
        let mut received = Vec::new();
        let mut chunk = [0; 512];
        loop {
            if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                assert!(received.starts_with(b"HTTP/1.1 200 OK\r\n"));
                return Ok(Self { stream, body: received.split_off(at + 4) });
            }
            let length = stream.read(&mut chunk)?;
            if length == 0 {
                assert!(received.is_empty(), "a response that ends within its head");
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            received.extend(&chunk[..length]);
        }
    }

    /// Reads to the end, and returns how long the body was.
    fn rest(&mut self) -> usize {
        self.stream.read_to_end(&mut self.body).expect("read the response");
        assert!(self.body.iter().all(|&byte| byte == b'x'));
        self.body.len()
    }
}
