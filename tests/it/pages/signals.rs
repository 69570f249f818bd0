//! The table of `docs/signals.md`: for each signal and each source the supervisor is asked what it does.

use sexton::internals::plan::{Policy, Target};
use sexton::internals::signal::{Origin, Received, Signal};
use sexton::internals::supervisor::{Action, Event, Supervisor, Time};

// `si_code`: sigaction(2).
const SI_USER: i32 = 0;
const SI_QUEUE: i32 = -1;
const SI_KERNEL: i32 = 0x80;

/// What is done with a signal that begins nothing yet: a run under the defaults.
fn done(signal: Signal, code: i32) -> String {
    let policy = Policy::default();
    let mut supervisor = Supervisor::new(&policy);
    let received = Received { signal, origin: Origin { code, pid: 1, uid: 0, value: 7 } };
    let actions: Vec<Action> =
        supervisor.handle(Event::Signal(received), Time::ZERO).into_iter().collect();
    match actions[..] {
        [] => "nothing".to_owned(),
        [Action::Send { signal: sent, to, and_continue }, ref rest @ ..] => {
            assert_eq!(sent, received, "as it came, with its origin and value");
            let recorded = [Action::RecordStop(received)];
            assert_eq!(rest, if and_continue { &recorded[..] } else { &[] }, "{signal}");
            let whom = match to {
                Target::Command => "to the command",
                Target::Group => "to the command's group",
                Target::Tree => "to the tree",
            };
            let stop = if and_continue { ", followed by SIGCONT: **begins a stop**" } else { "" };
            format!("{whom}{stop}")
        }
        [Action::Resume { to: Target::Command, .. }] => {
            "to the command; if sexton is a job of a shell, to the command's group, which gets the terminal"
                .to_owned()
        }
        ref other => panic!("{signal}: {other:?}"),
    }
}

/// What never comes as far as the supervisor.
fn apart(signal: Signal) -> Option<[&'static str; 3]> {
    Some(match signal {
        Signal::KILL => [
            "not caught: no effect on PID 1 from within its namespace; from outside it ends everything",
            "OOM killer: as from outside",
            "",
        ],
        Signal::STOP => [
            "not caught: no effect on PID 1 from within its namespace; from outside it stops sexton alone",
            "",
            "",
        ],
        Signal::CHLD => ["not forwarded: sexton reaps ended children", "the same", ""],
        _ => return None,
    })
}

/// What the kernel sends such a signal for, if it does.
fn occasion(signal: Signal) -> &'static str {
    match signal.number() {
        1 => "hang-up",
        2 => "Ctrl-C",
        3 => "Ctrl-\\\\",
        18 => "hang-up",
        20 => "Ctrl-Z",
        21 | 22 => "background use of the terminal",
        28 => "window size",
        _ => "",
    }
}

pub fn table() -> String {
    let mut text = "| | signal | from a process | from the kernel | for a fault of sexton |\n\
                    | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let mut last = String::new();
    for signal in Signal::all() {
        let [process, kernel, fault] = match apart(signal) {
            Some(cells) => cells.map(str::to_owned),
            None => {
                let [user, queued, kernel] =
                    [SI_USER, SI_QUEUE, SI_KERNEL].map(|code| done(signal, code));
                assert_eq!(user, queued, "{signal}");
                let same = if kernel == user { "the same" } else { &kernel };
                let kernel = match occasion(signal) {
                    "" => same.to_owned(),
                    occasion => format!("{occasion}: {same}"),
                };
                let is_fault = Origin { code: 1, ..Origin::default() }.is_fault(signal);
                if is_fault {
                    assert_eq!(done(signal, 1), "nothing");
                }
                [
                    user,
                    kernel,
                    if is_fault { "sexton dies of it".to_owned() } else { String::new() },
                ]
            }
        };
        let cells =
            [process, kernel, fault].map(|cell| if cell.is_empty() { cell } else { cell + " " });
        let [process, kernel, fault] = cells;
        let row = format!("{process}| {kernel}| {fault}|\n");
        match signal.number() {
            32 => text += &format!("| 32 to 64 | SIG32, SIG33, SIGRTMIN to SIGRTMIN+30 | {row}"),
            33.. => assert_eq!(row, last, "{signal} shares the row of signal 32"),
            number => text += &format!("| {number} | {signal} | {row}"),
        }
        last = row;
    }
    text
}
