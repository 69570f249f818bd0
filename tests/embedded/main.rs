//! A program that is its own init, for the tests: `embedded WHAT,... PROGRAM [ARG...]`.
//!
//! WHAT is how to call the library. In the child the program becomes PROGRAM, with everything that it has; that is
//! told its `argv[0]` as the last argument, if the first is `report`.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

use log::{Level, LevelFilter, Log, Metadata, Record};
use sexton::{Init, Limits, Resource, Signal, Target};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut init = Init::new();
    let mut call: fn(Init, &[OsString]) -> Result<(), sexton::Error> = |init, _| init.run();
    for what in arguments[1].to_str().unwrap().split(',') {
        let (what, value) = what.split_once('=').unwrap_or((what, ""));
        let time = || Duration::from_millis(value.parse().unwrap());
        let signal = |name| Signal::parse(name).unwrap();
        let pair = || value.split_once(':').unwrap();
        init = match what {
            "run" => init,
            "plain" => {
                call = |_, _| Ok(());
                init
            }
            "supervise" => {
                call = |init, command| Err(init.supervise(command));
                init
            }
            "always" => init.always(),
            "grace" => init.grace(time()),
            "no-grace" => init.grace(None),
            "drain" => init.drain(time()),
            "linger" => init.linger(time()),
            "no-linger" => init.linger(None),
            "wait-all" => init.wait_all(),
            "stop" => init.stop_signals([signal(value)]),
            "group" => init.forward_to(Target::Group),
            "rewrite" => init.rewrite(signal(pair().0), signal(pair().1)),
            "ignore" => init.rewrite(signal(value), None),
            "escalate" => {
                let (name, after) = pair();
                init.escalate(signal(name), Duration::from_millis(after.parse().unwrap()))
            }
            "map" => init.map_exit(pair().0.parse().unwrap(), pair().1.parse().unwrap()),
            "map-signal" => init.map_signal(signal(pair().0), pair().1.parse().unwrap()),
            "nofile" => {
                let limit = value.parse().unwrap();
                init.rlimit(Resource::Nofile, Limits { soft: limit, hard: limit })
            }
            "warn-on-reap" => init.warn_on_reap(),
            "report" => init.report(value),
            "debug" => init.log_level(LevelFilter::Debug),
            "logger" => {
                log::set_logger(&Own).unwrap();
                log::set_max_level(LevelFilter::Info);
                init
            }
            "thread" => {
                std::thread::spawn(std::thread::park);
                init
            }
            "unlink" => {
                // The child has no file to remove any more.
                std::fs::remove_file(std::env::current_exe().unwrap()).ok();
                init
            }
            "replace" => {
                std::fs::rename(value, std::env::current_exe().unwrap()).ok();
                init
            }
            "print" => {
                print!("{value}"); // no end of line: it stays in the buffer
                init
            }
            other => panic!("embedded: unknown {other:?}"),
        };
    }
    if let Err(error) = call(init, &arguments[2..]) {
        eprintln!("{error} ({})", error.status());
    }
    if arguments[2] == "name" {
        println!("{}", std::fs::read_to_string("/proc/self/comm").unwrap().trim());
        return;
    }
    let name = arguments.first().filter(|_| arguments.get(3).is_some_and(|word| word == "report"));
    let words = arguments[2..].iter().chain(name);
    let words: Vec<CString> =
        words.map(|word| CString::new(word.clone().into_vec()).unwrap()).collect();
    // Not std's: that changes the mask and SIGPIPE.
    let errno = nix::unistd::execv(&words[0], &words).unwrap_err();
    panic!("embedded: {errno}");
}

/// A logger of the program's own.
struct Own;

impl Log for Own {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        let mark = if record.level() <= Level::Warn { "!" } else { "-" };
        eprintln!("own {mark} {}", record.args());
    }

    fn flush(&self) {}
}
