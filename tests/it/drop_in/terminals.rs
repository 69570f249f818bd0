//! All three on a terminal: who has it, and what its keys do.

use super::{Case, Pair, Seen, case, living, wait_for_state};
use crate::harness::{Place, Setup, Terminal, children_of, python, wait_until};
use nix::libc;

const TAKEN: &str = "never takes a terminal from the foreground group";
const STOPPED: &str = "A key that stops the command also stops sexton";
const REDIRECTED: &str = "The terminal is the session's, whatever standard input is";
const LEVELS: &str = "The lines of `CATATONIT_DEBUG` are sexton's own";

fn pairs() -> [Pair; 3] {
    [("tini", libc::SIGRTMAX()), ("dumb-init", libc::SIGPWR), ("catatonit", libc::SIGRTMAX())]
        .map(|(name, last)| Pair::new(name, last))
}

/// What the command leaves in the background of a terminal's session that the init leads: the kernel hangs the
/// foreground group up when that session ends, and so it must still be the command's.
#[test]
fn a_session_is_hung_up_at_its_end() {
    const RUNS: &str = "until grep -qs sleep /proc/$!/comm; do :; done";
    for mut pair in pairs() {
        // dumb-init sends SIGTERM before.
        let options: &[&[&str]] = match pair.name {
            "tini" => &[&["--"], &["-s", "--"], &["-g", "--"]],
            "dumb-init" => &[&[], &["-c"]],
            _ => &[&["--"], &["-g", "--"]],
        };
        for &words in options {
            let obeys = words.is_empty();
            for (script, left) in [
                ("sleep 1000 & RUNS; exit 3", 0),
                ("sleep 1000 & RUNS; kill -KILL $$", 0),
                ("nohup sleep 1000 >/dev/null & RUNS; exit 3", u32::from(!obeys)),
                ("setsid sleep 1000 & RUNS; exit 3", 1),
                // A group of its own, in the background.
                ("bash -c 'set -m; sleep 1000 & RUNS'; exit 3", 1),
            ] {
                let script = script.replace("RUNS", RUNS);
                let case = case(&[words, &["sh", "-c", &script]].concat()).child();
                pair.compare("the end of a session", &case, |setup, pair| {
                    let terminal = Terminal::new();
                    let running = setup.terminal(&terminal.program).start();
                    wait_until("the init ends", || running.has_ended());
                    let living = || living(&running.adopted_by_init());
                    wait_until("only those are left that are to be", || {
                        living() == [left.to_string()]
                    });
                    Seen { output: living(), ..pair.seen(None, "", "") }
                });
            }
        }
        pair.finish(10);
    }
}

/// Whether main's group has the terminal, and which session it is in.
fn who_has_it(pair: &mut Pair, case: &Case, in_background: bool) {
    pair.compare("who has the terminal", case, |setup, pair| {
        let mut terminal = Terminal::new();
        let setup = setup.terminal(&terminal.program);
        let setup = if in_background { setup.in_background() } else { setup };
        let running = setup.start();
        terminal.expect("ready\r\n");
        let mut main = running.children()[0];
        if in_background {
            main = children_of(main)[0]; // what leads the session has the init as its child
        }
        // SAFETY: takes an integer only.
        let group = unsafe { libc::getpgid(main) };
        let stat = std::fs::read_to_string(format!("/proc/{main}/stat")).unwrap();
        // Behind the name: state, parent, group, session, terminal, and its foreground group.
        let terminals = stat.rsplit(") ").next().unwrap().split(' ').nth(4).unwrap() != "0";
        let seen = [
            format!("has the terminal: {}", terminal.foreground() == group),
            format!("is of its session: {terminals}"),
        ];
        Seen { output: seen.into(), ..pair.seen(None, "", "") }
    });
}

fn nothing_to_read() {
    // SAFETY: async-signal-safe calls, with a string that ends with a null byte.
    unsafe { libc::dup2(libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY), 0) };
}

#[test]
fn the_same_process_has_the_terminal() {
    for mut pair in pairs() {
        let options: &[&[&str]] =
            if pair.name == "dumb-init" { &[&[], &["-c"]] } else { &[&["--"]] };
        for &words in options {
            let takes = pair.name != "dumb-init";
            let looks = pair.name == "tini" || words.is_empty() && !takes;
            let plain = case(&[words, &["PROBE", "sleep"]].concat());
            let differing = |differs: bool, reason: &'static str| match differs {
                true => plain.clone().differs(reason),
                false => plain.clone(),
            };
            who_has_it(&mut pair, &plain, false);
            let case = differing(takes, TAKEN);
            who_has_it(&mut pair, &case, true);
            let case = differing(looks, REDIRECTED).with(|setup| setup.prepare(nothing_to_read));
            who_has_it(&mut pair, &case, false);
        }
        pair.finish(3);
    }
}

#[test]
fn ctrl_z_as_pid_1() {
    // catatonit leaves SIGTSTP blocked; dash, for one, unblocks it when it has a child.
    let program = "import os, signal\n\
        signal.signal(signal.SIGCONT, lambda *_: os.write(1, b'continued\\n'))\n\
        signal.pthread_sigmask(signal.SIG_SETMASK, [])\n\
        os.write(1, b'ready\\n')\n\
        wait()";
    let program = python(program);
    for name in ["tini", "catatonit"] {
        let mut pair = Pair::new(name, libc::SIGRTMAX());
        let case = case(&["--", "python3", "-c", &program]).differs(STOPPED);
        pair.compare("Ctrl-Z", &case, |setup, pair| {
            let mut terminal = Terminal::new();
            let running = setup.terminal(&terminal.program).start();
            terminal.expect("ready\r\n");
            let main = running.children()[0];
            let theirs = pair.is_theirs(running.pid);
            terminal.type_in("\x1a");
            let seen = if theirs {
                wait_until("it has taken its SIGCHLD", || running.has_taken_all());
                wait_for_state(main, "T")
            } else {
                terminal.expect("continued\r\n");
                "goes on".to_owned()
            };
            Seen { output: vec![seen], ..pair.seen(None, "", "") }
        });
        pair.finish(1);
    }
}

/// With a terminal catatonit has nothing at the level INFO to say.
#[test]
fn what_catatonit_says_on_a_terminal() {
    let mut pair = Pair::new("catatonit", libc::SIGRTMAX());
    let case = case(&["--", "true"]).variable("CATATONIT_DEBUG=").differs(LEVELS);
    pair.compare("on a terminal", &case, |setup, pair| {
        let mut terminal = Terminal::new();
        let running = setup.terminal(&terminal.program).start();
        wait_until("the init ends", || running.has_ended());
        let shown = terminal.shown().replace('\r', "");
        pair.seen(Some(running.end().status), "", &shown)
    });
    pair.finish(1);
}

/// What other threads have just opened, and not made close-on-exec yet; the harness's own are higher.
fn close_what_others_left_open() {
    // SAFETY: takes integers only.
    unsafe { libc::syscall(libc::SYS_close_range, 3, 499, 0) };
}

/// One descriptor besides the three standard streams is enough.
#[test]
fn with_room_for_one_descriptor() {
    for mut pair in pairs() {
        let few: fn(Setup) -> Setup = |setup| {
            setup.limit(libc::RLIMIT_NOFILE as i32, 4, 4).prepare(close_what_others_left_open)
        };
        for place in [Place::Init, Place::Child] {
            let mut cases = [&["PROBE", "exit", "3"][..], &["no-such-command"]].map(|words| {
                let dashes: &[&str] = if pair.name == "dumb-init" { &[] } else { &["--"] };
                case(&[dashes, words].concat()).with(few)
            });
            for case in &mut cases {
                case.place = place;
            }
            pair.run(&cases);
        }
        pair.finish(4);
    }
}
