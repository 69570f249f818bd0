//! catatonit.

use super::{
    Pair, a_look_inside, case, how_command_ends, what_cannot_be_printed, what_command_is_given,
    what_is_no_command, what_pid_1_holds,
};
use crate::harness::{Place, Setup, sexton, wait_until};
use nix::libc;

const PERMUTED: &str = "catatonit reads options behind the command";
const MASK: &str = "catatonit leaves SIGTSTP, SIGTTIN and SIGTTOU blocked in the command";
const FAULTS: &str =
    "catatonit loses a SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP or SIGABRT";
const HIDDEN: &str = "The signals 32 and 33 are forwarded";

#[test]
fn command_lines_of_catatonit_have_the_same_effect() {
    let mut pair = Pair::new("catatonit", libc::SIGRTMAX());
    pair.run(&[
        case(&["-V"]),
        case(&["--version"]),
        case(&["--version", "x"]),
        case(&["--vers"]),
        case(&["-gV"]),
        case(&["-Vh"]),
        case(&["-PV"]),
        case(&["-h"]).first_lines(1),
        case(&["-gh", "x"]).first_lines(1),
        case(&["-L"]).first_lines(0),
        case(&["-Lh"]).first_lines(0),
        case(&[]).first_lines(1),
        case(&["--"]),
        case(&["-g"]),
        case(&["-gg", "--"]),
    ]);
    for words in [
        &["-x"][..],
        &["-x", "PROBE"],
        &["-gx", "PROBE"],
        &["-v", "x"],
        &["-e", "3", "x"],
        &["--help"],
        &["--foo", "x"],
        &["--g", "x"],
        &["--license"],
        &["--version=x"],
        &["--pause"],
    ] {
        pair.run(&[case(words)]);
    }
    pair.left_out = Some("SigBlk:"); // `under_catatonit_the_command_finds_the_same` looks at it
    pair.run(&[
        case(&["PROBE", "report", "a"]),
        case(&["--", "PROBE", "report", "-g", "--"]),
        case(&["-g", "--", "PROBE", "report", "-x"]),
        case(&["PROBE", "report", "-g", "--x"]).variable("POSIXLY_CORRECT="),
        case(&["PROBE", "report", "-g"]).differs(PERMUTED),
        case(&["sh", "-c", "exit 3"]).differs(PERMUTED),
        case(&["PROBE", "report", "--", "-x"]).differs(PERMUTED),
    ]);
    for variable in ["CATATONIT_DEBUG=1", "CATATONIT_DEBUG=", "CATATONIT_LOG=", "CATATONIT_LOG=x"] {
        pair.run(&[case(&["-V"]).variable(variable)]);
        // Its two processes write pieces of lines at the same time.
        pair.compare("", &case(&["--", "nonexistent"]).variable(variable), |setup, pair| {
            let ended = setup.run();
            let has = ["ERROR", "DEBUG"].map(|level| ended.stderr.contains(level).to_string());
            pair.seen(Some(ended.status), &ended.stdout, &has.join("\n"))
        });
    }
    what_is_no_command(&mut pair, &[], None);
    a_look_inside(&mut pair);
    how_command_ends(&mut pair, &["--"]);
    how_command_ends(&mut pair, &["-g", "--"]);
    what_cannot_be_printed(&mut pair, &[&["-V"], &["-h"], &["-L"], &[], &["-x"]]);
    pair.finish(80);
}

#[test]
fn under_catatonit_the_command_finds_the_same() {
    let mut pair = Pair::new("catatonit", libc::SIGRTMAX());
    pair.run(&[case(&["--", "PROBE", "report"]).differs(MASK)]);
    pair.left_out = Some("SigBlk:");
    what_command_is_given(&mut pair, &["--"], None);
    what_command_is_given(&mut pair, &["-g", "--"], None);
    what_pid_1_holds(&mut pair, &[]);
    what_pid_1_holds(&mut pair, &["-g"]);
    pair.finish(15);
}

fn differs(signal: i32) -> Option<&'static str> {
    match signal {
        libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGSEGV => Some(FAULTS),
        libc::SIGSYS | libc::SIGTRAP | libc::SIGABRT => Some(FAULTS),
        32 | 33 => Some(HIDDEN),
        _ => None,
    }
}

#[test]
fn signals_through_catatonit_come_to_the_same_processes() {
    let mut pair = Pair::new("catatonit", libc::SIGRTMAX());
    let all = || (1..64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal));
    pair.signals(&case(&["--", "PROBE", "tell"]), all(), differs);
    let some = [libc::SIGHUP, libc::SIGTERM, libc::SIGTSTP, libc::SIGTTIN, 40];
    pair.signals(&case(&["-g", "--", "PROBE", "tell"]), some.into_iter(), differs);
    pair.signals(&case(&["--", "PROBE", "tell"]).child(), some.into_iter(), differs);
    for (words, members) in [(&["--"][..], 1), (&["-g", "--"], 2)] {
        let case = case(&[words, &["PROBE", "family"]].concat());
        pair.story("who gets SIGUSR1", &case, move |running| {
            let mut ready: Vec<String> = (0..3).map(|_| running.line()).collect();
            running.signal(libc::SIGUSR1);
            let mut told: Vec<String> = (0..members).map(|_| running.line()).collect();
            running.signal(libc::SIGRTMAX());
            told.extend((0..members).map(|_| running.line()));
            ready.sort();
            told.sort();
            [ready, told].concat()
        });
    }
    pair.finish(70);
}

#[test]
fn catatonit_leaves_what_the_command_leaves_behind() {
    let mut pair = Pair::new("catatonit", libc::SIGRTMAX());
    for words in [&["--"][..], &["-g", "--"]] {
        for left in [&["PROBE", "desert", "7"][..], &["PROBE", "leave", "obey", "7"]] {
            let case = case(&[words, left].concat());
            pair.compare("the end as PID 1", &case, |setup, pair| {
                pair.seen(Some(setup.run().status), "", "")
            });
            pair.story("what is left", &case.child(), |running| {
                running.line();
                wait_until("the init ends", || running.has_ended());
                super::living(&running.adopted_by_init())
            });
        }
    }
    pair.run(&[case(&["--", "PROBE", "orphans", "3", "4", "1"])]);
    pair.finish(9);
}

#[test]
fn a_pause_ends_with_sigterm_or_sigint_and_with_nothing_else() {
    let mut pair = Pair::new("catatonit", libc::SIGRTMAX());
    for words in [&["-P"][..], &["-gP"], &["-P", "PROBE", "exit", "3"]] {
        for place in [Place::Init, Place::Child] {
            for signal in [libc::SIGTERM, libc::SIGINT] {
                let mut case = case(words);
                case.place = place;
                pair.compare(&format!("signal {signal}"), &case, |setup, pair| {
                    let running = setup.start();
                    wait_until("it waits", || {
                        super::state(running.pid) == "S" && waits(running.pid)
                    });
                    for other in [libc::SIGHUP, libc::SIGUSR1, libc::SIGQUIT, libc::SIGCHLD] {
                        running.signal(other);
                    }
                    running.signal(signal);
                    pair.seen(Some(running.end().status), "", "")
                });
            }
        }
    }
    pair.finish(12);
}

/// It has come to where it waits for a signal: sexton in a call that unblocks them all meanwhile, catatonit
/// with most of them blocked.
fn waits(pid: i32) -> bool {
    let blocked = crate::harness::status_field(pid, "SigBlk");
    let mask = u64::from_str_radix(&blocked, 16).unwrap_or(0);
    crate::harness::sleeps_for_ever(pid) || mask.count_ones() > 40
}

#[test]
fn sexton_pauses_under_any_name_and_reaps() {
    for (words, place) in
        [(["-P"], Place::Init), (["--pause"], Place::Init), (["--pause"], Place::Child)]
    {
        let running = Setup::program(&sexton(), &words).place(place).start();
        wait_until("it waits", || waits(running.pid));
        assert!(!running.has_ended());
        running.signal(libc::SIGUSR1);
        running.signal(libc::SIGTERM);
        let ended = running.end();
        assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    }
}
