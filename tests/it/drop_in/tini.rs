//! tini, which Docker has as docker-init.

use super::{
    Pair, a_look_inside, case, how_command_ends, what_cannot_be_printed, what_command_is_given,
    what_is_no_command, what_pid_1_holds,
};
use crate::harness::wait_until;
use nix::libc;

const FAULTS: &str = "tini loses a SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS or SIGTRAP";
const FORWARDING: &str = "tini exits, and so ends the container, when forwarding a signal fails";
const HIDDEN: &str = "The signals 32 and 33 are forwarded";
const PERMUTED: &str = "tini reads options behind the command";
const THROUGH_A_FILE: &str = "A command whose path leads through a file";

#[test]
fn command_lines_of_tini_have_the_same_effect() {
    let mut pair = Pair::new("tini", libc::SIGRTMAX());
    // Texts.
    pair.run(&[
        case(&["--version"]),
        case(&["-h"]).first_lines(2),
        case(&["-h", "x"]).first_lines(2),
        case(&["-vgh"]).first_lines(2),
        case(&["-l"]).first_lines(0),
        case(&["-lh"]).first_lines(0),
        case(&[]).first_lines(2),
        case(&["--"]).first_lines(2),
        case(&["-g"]).first_lines(2),
        case(&["-g", "--"]).first_lines(2),
    ]);
    // Bad options.
    for words in [
        &["-x"][..],
        &["-x", "PROBE"],
        &["-gx", "PROBE"],
        &["-xh"],
        &["-p"],
        &["-e"],
        &["-ge"],
        &["--help"],
        &["--version", "x"],
        &["-v", "--version"],
        &["--verbose", "x"],
        &["-:", "x"],
        &["-1", "x"],
    ] {
        pair.run(&[case(words).first_lines(3)]);
    }
    for value in ["", " ", "x", "256", "-1", "3x", "99999999999999999999", "0x1", "1.5", "+", "-"] {
        pair.run(&[case(&["-e", value, "PROBE", "exit", "0"])]);
    }
    for value in ["KILL", "9", "sigkill", "SIGFOO", "", "SIGIO", "SIGPWR", "SIGRTMIN", "SIGSTKFLT"]
    {
        pair.run(&[case(&["-p", value, "PROBE", "exit", "0"])]);
    }
    for value in ["SIGKILL", "SIGCHLD", "SIGTTIN", "SIGSYS", "SIGTERM"] {
        pair.run(&[case(&["-p", value, "PROBE", "exit", "0"])]);
    }
    // Remapping.
    for (value, status) in [
        ("3", "3"),
        (" 3", "3"),
        ("+3", "3"),
        ("03", "3"),
        ("0", "0"),
        ("0", "3"),
        ("", "0"),
        ("255", "255"),
        ("3", "4"),
    ] {
        pair.run(&[case(&["-e", value, "--", "PROBE", "exit", status])]);
    }
    pair.run(&[
        case(&["-e3", "--", "PROBE", "exit", "3"]),
        case(&["-ge3", "--", "PROBE", "exit", "3"]),
        case(&["-e", "3", "-e", "4", "--", "PROBE", "exit", "3"]),
        case(&["-e", "3", "-e", "4", "--", "PROBE", "exit", "4"]),
        case(&["-e", "3", "-e", "3", "--", "PROBE", "exit", "3"]),
        case(&["-e", "143", "--", "PROBE", "die", "15"]),
        case(&["-e", "137", "--", "PROBE", "die", "9"]),
        case(&["-e", "127", "--", "nonexistent"]),
    ]);
    // Where the options end.
    pair.run(&[
        case(&["PROBE", "report", "a"]),
        case(&["PROBE", "--", "report", "a", "-g"]),
        case(&["--", "PROBE", "report", "--", "-g"]),
        case(&["--", "PROBE", "--", "report"]),
        case(&["-g", "PROBE", "--", "report", "-x"]),
        case(&["PROBE", "report", "-", "x"]),
        case(&["PROBE", "report", "-g", "--x"]).variable("POSIXLY_CORRECT="),
        case(&["PROBE", "report", "--", "x"]).variable("POSIXLY_CORRECT=1"),
        case(&["PROBE", "report", "-g"]).differs(PERMUTED),
        case(&["PROBE", "exit", "3", "-e3"]).differs(PERMUTED),
        case(&["sh", "-c", "exit 3"]).differs(PERMUTED),
        case(&["PROBE", "report", "a", "--", "-x"]).differs(PERMUTED),
    ]);
    what_is_no_command(&mut pair, &[], Some(THROUGH_A_FILE));
    a_look_inside(&mut pair);
    how_command_ends(&mut pair, &["-g", "--"]);
    what_cannot_be_printed(&mut pair, &[&["--version"], &["-h"], &["-l"], &[], &["-x"]]);
    pair.finish(90);
}

/// Whoever sets this and executes another program is one as that program, too.
fn be_a_subreaper() {
    nix::sys::prctl::set_child_subreaper(true).unwrap();
}

#[test]
fn tini_writes_as_much_to_the_same_streams() {
    let mut pair = Pair::new("tini", libc::SIGRTMAX());
    for flag in ["-v", "-vv", "-vvv", "-vvvv"] {
        pair.run(&[
            case(&[flag, "--", "PROBE", "exit", "3"]),
            case(&[flag, "--", "PROBE", "die", "9"]),
            case(&[flag, "--", "nonexistent"]),
        ]);
    }
    for value in ["", "0", "1", "2", "3", "4", "9", "-1", "x", " 2", "+2", "2x"] {
        let variable = format!("TINI_VERBOSITY={value}");
        pair.run(&[
            case(&["--", "PROBE", "exit", "3"]).variable(&variable),
            case(&["-vvv", "--", "PROBE", "exit", "3"]).variable(&variable),
        ]);
    }
    pair.run(&[
        case(&["--", "nonexistent"]).variable("TINI_VERBOSITY=0"),
        case(&["-w", "--", "PROBE", "orphans", "3", "4", "1"]),
        case(&["--", "PROBE", "orphans", "3", "4", "1"]),
        case(&["--", "PROBE", "exit", "0"]).child(),
        case(&["-s", "--", "PROBE", "exit", "0"]).child(),
        case(&["-v", "--", "PROBE", "exit", "0"]).child(),
        // The warning has nowhere to go; the other lines have.
        case(&["-v", "--", "PROBE", "exit", "0"]).child().with(|setup| setup.closed(&[2])),
        case(&["-vvv", "--", "PROBE", "exit", "0"]).child().with(|setup| setup.closed(&[2])),
        case(&["-vvv", "--", "PROBE", "exit", "0"]).with(|setup| setup.closed(&[1])),
        case(&["-vvv", "--", "PROBE", "exit", "0"]).with(|setup| setup.closed(&[1, 2])),
        case(&["--", "PROBE", "exit", "0"]).child().variable("TINI_SUBREAPER="),
        case(&["--", "PROBE", "exit", "0"]).child().variable("TINI_VERBOSITY=0"),
        case(&["-s", "--", "PROBE", "exit", "0"]),
    ]);
    // It adopts orphans then, whatever it was told.
    for words in [&["--"][..], &["-s", "--"], &["-v", "--"]] {
        let case = case(&[words, &["PROBE", "exit", "0"]].concat());
        pair.run(&[case.child().with(|setup| setup.prepare(be_a_subreaper))]);
    }
    pair.finish(43);
}

#[test]
fn under_tini_the_command_finds_the_same() {
    let mut pair = Pair::new("tini", libc::SIGRTMAX());
    what_command_is_given(&mut pair, &["--"], None);
    what_command_is_given(&mut pair, &["-g", "-s", "--"], None);
    what_pid_1_holds(&mut pair, &["-g", "-s"]);
    what_pid_1_holds(&mut pair, &[]);
    pair.run(&[case(&["--", "PROBE", "report"]).variable("TINI_SUBREAPER=1")]);
    pair.finish(15);
}

fn differs(signal: i32) -> Option<&'static str> {
    match signal {
        libc::SIGABRT | libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGSEGV => Some(FAULTS),
        libc::SIGSYS | libc::SIGTRAP => Some(FAULTS),
        32 | 33 => Some(HIDDEN),
        _ => None,
    }
}

#[test]
fn signals_through_tini_come_to_the_same_processes() {
    let mut pair = Pair::new("tini", libc::SIGRTMAX());
    let all = || (1..64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal));
    pair.signals(&case(&["--", "PROBE", "tell"]), all(), differs);
    let fails =
        case(&["--", "PROBE", "tell"]).with(|s| s.failing(libc::SYS_kill, None, libc::EPERM));
    pair.compare("forwarding fails", &fails.differs(FORWARDING), |setup, pair| {
        let mut running = setup.start();
        running.expect("main ready");
        let theirs = pair.is_theirs(running.pid);
        running.signal(libc::SIGUSR1);
        if theirs {
            return pair.seen(Some(running.end().status), "", "");
        }
        running.expect_log("unable to send SIGUSR1 to the command");
        pair.seen(None, "", "")
    });
    for words in [&["-g", "--", "PROBE", "tell"][..], &["-s", "--", "PROBE", "tell"]] {
        let some = [libc::SIGHUP, libc::SIGTERM, libc::SIGUSR1, libc::SIGCHLD, libc::SIGTTIN, 40];
        pair.signals(&case(words), some.into_iter(), differs);
        let child = case(words).child();
        // tini itself dies of others.
        pair.signals(&child, [libc::SIGHUP, libc::SIGCONT, libc::SIGTSTP, 40].into_iter(), differs);
    }
    for (words, variable, members) in [
        (&["--"][..], "A=1", vec!["main"]),
        (&["-g", "--"], "A=1", vec!["child", "main"]),
        (&["--"], "TINI_KILL_PROCESS_GROUP=", vec!["child", "main"]),
        (&["--"], "TINI_KILL_PROCESS_GROUP=0", vec!["child", "main"]),
    ] {
        let case = case(&[words, &["PROBE", "family"]].concat()).variable(variable);
        pair.story("who gets SIGUSR1", &case, |running| {
            let mut ready: Vec<String> = (0..3).map(|_| running.line()).collect();
            running.signal(libc::SIGUSR1);
            let mut told: Vec<String> = members.iter().map(|_| running.line()).collect();
            running.signal(libc::SIGRTMAX());
            told.extend(members.iter().map(|_| running.line()));
            ready.sort();
            told.sort();
            [ready, told].concat()
        });
    }
    pair.finish(70);
}

#[test]
fn tini_leaves_what_the_command_leaves_behind() {
    let mut pair = Pair::new("tini", libc::SIGRTMAX());
    for words in [&["--"][..], &["-s", "--"], &["-g", "--"]] {
        let case = case(&[words, &["PROBE", "desert", "7"]].concat());
        pair.compare("the end as PID 1", &case, |setup, pair| {
            pair.seen(Some(setup.run().status), "", "")
        });
        pair.story("the child lives on", &case.child(), |running| {
            running.line(); // its process ID
            running.expect("child ready");
            wait_until("the init ends", || running.has_ended());
            // A process that had been sent SIGTERM would have said so, and ended.
            let left = running.adopted_by_init();
            left.iter().map(|&pid| super::wait_for_state(pid, "S")).collect()
        });
    }
    for (words, subreaper) in [(&["--"][..], false), (&["-s", "--"], false), (&["--"], true)] {
        let mut case = case(&[words, &["PROBE", "leave", "obey", "7"]].concat()).child();
        if subreaper {
            case = case.with(|setup| setup.prepare(be_a_subreaper));
        }
        pair.story("who adopts a daemon", &case, |running| {
            running.line();
            wait_until("the init ends", || running.has_ended());
            super::living(&running.adopted_by_init())
        });
    }
    pair.finish(9);
}
