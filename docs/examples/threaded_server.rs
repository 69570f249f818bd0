//! A server with threads that is its own init, and has an orderly stop.
//!
//! `threaded_server 127.0.0.1:8080` sends its process ID to every client.

use sexton::{Init, Limits, Resource, Signal};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Init::new()
        .stop_signals([Signal::TERM, Signal::INT])
        .grace(Duration::from_secs(10))
        .rlimit(Resource::Core, Limits { soft: 0, hard: 0 })
        .map_signal(Signal::TERM, 0) // an end by the stop signal is success
        .run()?;
    // Start threads, and runtimes with threads, only after the call.
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address)?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    for client in listener.incoming() {
        let client = client?;
        thread::spawn(move || greet(client));
    }
    Ok(())
}

fn greet(mut client: TcpStream) -> io::Result<()> {
    writeln!(client, "hello from process {}", std::process::id())
}
