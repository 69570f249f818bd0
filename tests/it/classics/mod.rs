//! The classic programs of process handling. Each runs without sexton, with it as PID 1, and with it as a
//! subreaper: it must print the same and end in the same way. What may differ is that the stop is orderly and
//! that nothing is left; where that shows, the test says what is seen in which world.
//!
//! Settings are variables, so that another init can be put to the test: `IT_BIN=/usr/bin/tini cargo test --test it
//! classics`.

mod attributes;
mod children;
mod ipc;
mod servers;
mod shell;
mod signals;
mod tools;

use crate::harness::{Ended, Folder, Place, Running, Setup};
use nix::libc;
use std::process::Command;

/// What a program runs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum World {
    /// Without sexton: a child of a plain init that reaps.
    Alone,
    /// sexton is PID 1.
    Init,
    /// sexton is another child of that plain init.
    Subreaper,
}

pub const WORLDS: [World; 3] = [World::Alone, World::Init, World::Subreaper];
pub const UNDER_SEXTON: [World; 2] = [World::Init, World::Subreaper];

/// A command, and how it is started.
pub struct Classic {
    words: Vec<String>,
    settings: Vec<String>,
    change: fn(Setup) -> Setup,
    _compiled: Option<Folder>,
}

/// A command that is in `PATH`.
pub fn command(words: &[&str]) -> Classic {
    let words = words.iter().map(|&word| word.to_owned()).collect();
    Classic { words, settings: Vec::new(), change: |setup| setup, _compiled: None }
}

/// A program from this folder, with its arguments: in Python, Bash or C.
pub fn fixture(name: &str, arguments: &[&str]) -> Classic {
    let source = format!("{}/tests/it/classics/{name}", env!("CARGO_MANIFEST_DIR"));
    if name.ends_with(".c") {
        let (folder, program) = compiled(&source);
        let mut classic = command(&[&[program.as_str()], arguments].concat());
        classic._compiled = Some(folder);
        return classic;
    }
    let interpreter = if name.ends_with(".py") { "python3" } else { "bash" };
    command(&[&[interpreter, source.as_str()], arguments].concat())
}

/// Each test compiles its own: none removes another's.
fn compiled(source: &str) -> (Folder, String) {
    let folder = Folder::new("compiled");
    let program = folder.at("program");
    let compiler = Command::new("cc")
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", &program, source])
        .status();
    assert!(compiler.expect("cc").success(), "{source} does not compile");
    (folder, program)
}

impl Classic {
    /// A variable for sexton; it is not there without it.
    pub fn setting(mut self, variable: &str) -> Classic {
        self.settings.push(variable.to_owned());
        self
    }

    /// In a world that is changed in this way.
    pub fn with(mut self, change: fn(Setup) -> Setup) -> Classic {
        self.change = change;
        self
    }

    pub fn start(&self, world: World) -> Running {
        println!("{world:?}: {:?}", self.words); // shown if the test fails
        let setup = match world {
            // env(1) looks the command up in PATH, as sexton does, and executes it in its own place.
            World::Alone => Setup::program("/usr/bin/env".as_ref(), &self.words),
            World::Init | World::Subreaper => {
                let words: Vec<&str> =
                    ["--"].into_iter().chain(self.words.iter().map(|word| &word[..])).collect();
                self.settings.iter().fold(Setup::new(&words), Setup::variable)
            }
        };
        let place = if world == World::Init { Place::Init } else { Place::Child };
        (self.change)(setup).place(place).start()
    }

    /// In these worlds: starts it, talks with it, and waits for its end, which must be quiet and with this status.
    /// All that it prints must have been waited for.
    pub fn talk(&self, worlds: &[World], status: i32, talk: impl Fn(&mut Running, World)) {
        let signals = worlds.iter().filter_map(|&world| {
            let mut running = self.start(world);
            talk(&mut running, world);
            let signal = ends(running, world, status, "");
            // PID 1 makes a status of it.
            (world != World::Init).then_some(signal)
        });
        let signals: Vec<Option<i32>> = signals.collect();
        assert!(signals.windows(2).all(|pair| pair[0] == pair[1]), "killed by {signals:?}");
    }

    /// In every world it prints these lines and ends with this status.
    pub fn prints(&self, status: i32, lines: &str) {
        self.talk(&WORLDS, status, |running, _| expect_lines(running, lines));
    }
}

pub fn expect_lines(running: &mut Running, lines: &str) {
    for line in lines.lines() {
        running.expect(line);
    }
}

/// Waits for the end, with this status as a shell gives it, and this on standard error; the signal that has killed the
/// program or sexton.
pub fn ends(running: Running, world: World, status: i32, errors: &str) -> Option<i32> {
    let Ended { status: got, signal, stdout, stderr } = running.end();
    let expected = (status, "", errors);
    assert_eq!((got, stdout.as_str(), stderr.as_str()), expected, "{world:?}");
    signal
}

/// The process ID of the command, as seen from here.
pub fn command_of(running: &Running, world: World) -> i32 {
    match world {
        World::Alone => running.pid,
        World::Init | World::Subreaper => running.children()[0],
    }
}

/// To a process that is there: the command, or a child of sexton that was seen.
pub fn signal(pid: i32, signal: i32) {
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}
