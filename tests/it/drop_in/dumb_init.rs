//! dumb-init.

use super::{
    Pair, a_look_inside, case, how_command_ends, wait_for_state, what_cannot_be_printed,
    what_command_is_given, what_is_no_command, what_pid_1_holds,
};
use crate::harness::{Running, Setup, Terminal, wait_until};
use nix::libc;

/// What the command gets last: not the highest, as SIGSYS comes before all others that are pending.
const LAST: i32 = libc::SIGPWR;

const INHERITED: &str = "dumb-init unblocks all signals and resets ignored ones for the command";

#[test]
fn command_lines_of_dumb_init_have_the_same_effect() {
    let mut pair = Pair::new("dumb-init", LAST);
    pair.run(&[
        case(&["-V"]),
        case(&["--version"]),
        case(&["--vers", "x"]),
        case(&["-Vh"]),
        case(&["-h"]).first_lines(2),
        case(&["--help"]).first_lines(2),
        case(&["--he", "x"]).first_lines(2),
        case(&["-ch"]).first_lines(2),
        case(&[]),
        case(&["--"]),
        case(&["-c"]),
        case(&["-v", "--"]),
        case(&["--si"]),
    ]);
    for words in [
        &["-x"][..],
        &["-x", "PROBE"],
        &["-cx", "PROBE"],
        &["--ver", "x"],
        &["--v"],
        &["--foo", "x"],
        &["--foo=1", "x"],
        &["--single-child=x", "x"],
        &["--help=3"],
        &["-r"],
        &["--rewrite"],
        &["--rew"],
        &["-cr"],
        &["-1"],
    ] {
        pair.run(&[case(words)]);
    }
    for value in [
        "",
        "15",
        "15:",
        ":3",
        "15:x",
        "x:3",
        "0:1",
        "-1:1",
        "32:1",
        "1:32",
        "1:-1",
        "15 :3",
        "15:3",
        "15:0",
        "15:3x",
        " 15:3",
        "15: 3",
        "+15:+3",
        "015:03",
        "31:31",
        "1:1",
        "9:1",
        "17:1",
        "0xf:3",
        "99999999999:1",
        "1:64",
        "15:3:4",
    ] {
        pair.run(&[
            case(&["-r", value, "PROBE", "exit", "3"]),
            case(&[&format!("--rewrite={value}"), "PROBE", "exit", "3"]),
        ]);
    }
    pair.run(&[
        case(&["-r15:3", "PROBE", "exit", "3"]),
        case(&["-cr15:3", "PROBE", "exit", "3"]),
        case(&["-r", "15:3", "-r", "15:9", "PROBE", "exit", "3"]),
        case(&["--single", "PROBE", "exit", "3"]),
        case(&["PROBE", "report", "-c", "--", "--x"]),
        case(&["-c", "PROBE", "report", "-c", "--", "--x"]),
        case(&["--", "PROBE", "report", "--"]),
        case(&["-c", "--", "PROBE", "report", "-v"]),
    ]);
    what_is_no_command(&mut pair, &[], None);
    a_look_inside(&mut pair);
    what_is_no_command(&mut pair, &["-c"], None);
    a_look_inside(&mut pair);
    how_command_ends(&mut pair, &[]);
    what_cannot_be_printed(&mut pair, &[&["-V"], &["-h"], &[], &["-x"]]);
    pair.finish(120);
}

#[test]
fn dumb_init_writes_as_much_to_the_same_streams() {
    let mut pair = Pair::new("dumb-init", LAST);
    for words in [&["-v"][..], &["-cv"], &["--verbose"], &["--verb"], &[]] {
        pair.run(&[
            case(&[words, &["PROBE", "exit", "3"]].concat()),
            case(&[words, &["PROBE", "die", "9"]].concat()),
            case(&[words, &["nonexistent"]].concat()),
        ]);
    }
    for value in ["1", "0", "", "2", "11", "true"] {
        let variable = format!("DUMB_INIT_DEBUG={value}");
        pair.run(&[case(&["PROBE", "exit", "3"]).variable(&variable)]);
    }
    pair.run(&[case(&["PROBE", "exit", "3"]).child()]);
    pair.finish(20);
}

#[test]
fn under_dumb_init_the_command_finds_the_same() {
    let mut pair = Pair::new("dumb-init", LAST);
    what_command_is_given(&mut pair, &[], Some(INHERITED));
    what_command_is_given(&mut pair, &["-c"], Some(INHERITED));
    what_pid_1_holds(&mut pair, &[]);
    what_pid_1_holds(&mut pair, &["-c"]);
    for value in ["0", "", "1", "00", "false"] {
        let variable = format!("DUMB_INIT_SETSID={value}");
        pair.run(&[case(&["PROBE", "report"]).variable(&variable)]);
    }
    pair.finish(18);
}

const STOPS: [i32; 3] = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

#[test]
fn signals_through_dumb_init_come_to_the_same_processes() {
    let mut pair = Pair::new("dumb-init", LAST);
    let uncaught = [libc::SIGKILL, libc::SIGSTOP, LAST];
    let all = || (1..32).filter(move |n| !uncaught.contains(n) && !STOPS.contains(n));
    pair.signals(&case(&["PROBE", "tell"]), all(), |_| None);
    pair.signals(&case(&["-c", "PROBE", "tell"]), all(), |_| None);
    let some = || [libc::SIGHUP, libc::SIGTERM, libc::SIGABRT, libc::SIGCONT].into_iter();
    pair.signals(&case(&["PROBE", "tell"]).child(), some(), |_| None);
    pair.signals(&case(&["-c", "PROBE", "tell"]).child(), some(), |_| None);
    for words in [
        &["-r", "1:10"][..],
        &["-r", "1:0"],
        &["-r", "1:10", "-r", "15:1", "-r", "10:12"],
        &["-r", "1:10", "-r", "1:0"],
        &["-cr1:10"],
    ] {
        let case = case(&[words, &["PROBE", "tell"]].concat());
        pair.signals(&case, [1, 10, 15].into_iter(), |_| None);
    }
    for (words, variable, members) in [
        (&[][..], "A=1", 2),
        (&["-c"], "A=1", 1),
        (&[], "DUMB_INIT_SETSID=0", 1),
        (&[], "DUMB_INIT_SETSID=1", 2),
    ] {
        let case = case(&[words, &["PROBE", "family"]].concat()).variable(variable);
        pair.story("who gets SIGUSR1", &case, move |running| {
            let mut ready: Vec<String> = (0..3).map(|_| running.line()).collect();
            running.signal(libc::SIGUSR1);
            let mut told: Vec<String> = (0..members).map(|_| running.line()).collect();
            running.signal(LAST);
            told.extend((0..members).map(|_| running.line()));
            ready.sort();
            told.sort();
            [ready, told].concat()
        });
    }
    pair.finish(75);
}

#[test]
fn a_stop_signal_stops_the_command_and_dumb_init_until_they_are_continued() {
    let mut pair = Pair::new("dumb-init", LAST);
    for signal in STOPS {
        let own = format!("{signal}:{signal}");
        let dropped = format!("{signal}:0");
        let other = format!("{signal}:10");
        let plain: &[&str] = &[];
        // SIGCONT takes back a stop signal that is pending, so the command must have told of that before.
        for (words, commands_state, first) in [
            (plain, "T", 0),
            (&["-r", &own], "S", signal), // the command blocks it
            (&["-r", &dropped], "S", 0),
            (&["-r", &other], "S", libc::SIGUSR1),
            (&["-c"], "S", signal),
            (&["-c", "-r", &other], "S", libc::SIGUSR1),
        ] {
            let tell_first = |running: &mut Running| {
                if first != 0 {
                    running.expect(&format!("main got {first} value none"));
                }
            };
            let case = case(&[words, &["PROBE", "tell"]].concat());
            pair.story("PID 1 does not stop", &case, |running| {
                running.expect("main ready");
                let main = running.children()[0];
                running.signal(signal);
                // The SIGSTOP that it sends to itself in vain would take a pending SIGCONT with it.
                wait_until("the signal is taken", || running.has_taken_all());
                wait_until("it waits again", || super::state(running.pid) == "S");
                tell_first(running);
                let seen = wait_for_state(main, commands_state);
                running.signal(libc::SIGCONT);
                running.signal(LAST);
                let mut told = vec![seen];
                while told.last().is_none_or(|line| !line.starts_with("main got 30")) {
                    told.push(running.line());
                }
                told
            });
            pair.story("suspends itself", &case.child(), |running| {
                running.expect("main ready");
                let main = running.children()[0];
                running.signal(signal);
                let mut told = vec![wait_for_state(running.pid, "T")];
                tell_first(running);
                told.push(wait_for_state(main, commands_state));
                running.signal(libc::SIGCONT);
                wait_until("it goes on", || super::state(running.pid) == "S");
                running.signal(LAST);
                while told.last().is_none_or(|line| !line.starts_with("main got 30")) {
                    told.push(running.line());
                }
                told
            });
        }
    }
    pair.finish(36);
}

#[test]
fn when_the_command_ends_dumb_init_sends_sigterm_to_its_group() {
    let mut pair = Pair::new("dumb-init", LAST);
    for (words, got) in [
        (&[][..], Some("child got 15 value none")),
        (&["-r", "15:10"], Some("child got 10 value none")),
        (&["-r", "15:0"], None),
        (&["-c"], None),
        (&["-c", "-r", "15:10"], None),
    ] {
        let case = case(&[words, &["PROBE", "desert", "7"]].concat());
        pair.compare("the end as PID 1", &case, |setup, pair| {
            pair.seen(Some(setup.run().status), "", "")
        });
        pair.story("what the child gets", &case.child(), |running| {
            running.line(); // its process ID
            running.expect("child ready");
            if let Some(line) = got {
                running.expect(line);
            }
            wait_until("the init ends", || running.has_ended());
            // One that had got a signal without having told it would have ended, or be about to.
            let left = running.adopted_by_init();
            let left = left.iter().filter(|_| got.is_none());
            left.map(|&pid| wait_for_state(pid, "S")).collect()
        });
    }
    let leave = case(&["PROBE", "leave", "obey", "7"]).child();
    pair.story("a daemon in another session lives on", &leave, |running| {
        running.line();
        wait_until("the init ends", || running.has_ended());
        super::living(&running.adopted_by_init())
    });
    pair.finish(11);
}

/// Starts it on a terminal of its own, which the command writes to as well.
fn on_a_terminal(
    setup: Setup,
    look: impl Fn(&mut Running, &mut Terminal) -> Vec<String>,
) -> Vec<String> {
    let mut terminal = Terminal::new();
    let mut running = setup.terminal(&terminal.program).start();
    look(&mut running, &mut terminal)
}

#[test]
fn on_a_terminal_the_command_leads_the_session_and_gets_no_hangup() {
    let mut pair = Pair::new("dumb-init", LAST);
    for words in [&[][..], &["-c"]] {
        let report = case(&[words, &["PROBE", "report"]].concat());
        pair.compare("on a terminal", &report, |setup, pair| {
            let seen = on_a_terminal(setup, |_, terminal| {
                let report = terminal.expect("end");
                let field = |name: &str| {
                    let lines = report.lines().map(str::trim);
                    lines.filter_map(|line| line.strip_prefix(name)).next().unwrap().to_owned()
                };
                // sexton may have had another child before the command.
                let own = field("pid: ");
                let fields = ["group: ", "session: ", "terminal group: "].map(field);
                fields.map(|id| if id == own { "main's".to_owned() } else { id }).to_vec()
            });
            pair.seen(None, &seen.join("\n"), "")
        });
        let tell = case(&[words, &["PROBE", "tell"]].concat());
        for signals in [&[][..], &[libc::SIGHUP], &[libc::SIGCONT, libc::SIGHUP]] {
            pair.compare(&format!("signals {signals:?}"), &tell, |setup, pair| {
                let seen = on_a_terminal(setup, |running, terminal| {
                    terminal.expect("main ready");
                    // Those of the terminal that it has given up: one that comes now would be one with them.
                    wait_until("it has taken its own signals", || running.has_taken_all());
                    let mut told = Vec::new();
                    for &signal in signals {
                        running.signal(signal);
                        told.push(terminal.expect(&format!("main got {signal} value none")));
                    }
                    running.signal(LAST);
                    told.push(terminal.expect("main got 30"));
                    told
                });
                pair.seen(None, &seen.join("|").replace("\r\n", " "), "")
            });
        }
    }
    pair.finish(8);
}

/// As in gVisor.
#[test]
fn a_command_runs_without_a_terminal_that_it_cannot_take_over() {
    let mut pair = Pair::new("dumb-init", LAST);
    let command = case(&["sh", "-c", "echo main was run; exit 3"]);
    for (what, request) in [("taken", libc::TIOCSCTTY), ("given up", libc::TIOCNOTTY)] {
        pair.compare(&format!("not {what}"), &command, |setup, pair| {
            let argument = Some((1, request as u32));
            let setup = setup.failing(libc::SYS_ioctl, argument, libc::ENOTTY);
            let mut terminal = Terminal::new();
            let status = setup.terminal(&terminal.program).start().end().status;
            pair.seen(Some(status), terminal.shown(), "")
        });
    }
    pair.finish(2);
}
