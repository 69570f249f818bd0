//! Storms, and what there is too little of: nothing that comes from outside takes sexton down. `just soak` mixes them.

mod weather;

use crate::harness::{Place, Setup, Terminal, probe, status_field, wait_until};
use nix::libc;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};
use weather::{Cgroup, Ending, Event, Scarce, Stderr, Tally, Weather};

const PLACES: [Place; 2] = [Place::Init, Place::Child];

/// A user of each test's own: all processes of one share the room for queued signals.
const USER: u32 = 65_000;

/// In both places, and with an end of every kind.
fn weathers(user: u32, weather: &Weather) -> Tally {
    let tally = Tally::default();
    for (place, ending) in
        [(Place::Init, Ending::Stop), (Place::Child, Ending::Kill), (Place::Child, Ending::Death)]
    {
        Weather { place, ending, user: Some(user), ..weather.clone() }.run(&tally);
    }
    println!("{tally:?}");
    tally
}

#[test]
fn queued_signals_of_many_senders_all_come_and_in_order() {
    let events = vec![Event::Queued(8, 2500), Event::Plain(8, 2500), Event::Queued(8, 100)];
    weathers(USER, &Weather { events, ..Weather::fair() });
}

/// The kernel counts what is queued to sexton and to the command together. So a sender may take the room that
/// sexton has just made for main: the command gets that one without its value, which is told.
#[test]
fn no_value_is_lost_without_a_log_line() {
    for (user, limit) in [(USER + 1, 2), (USER + 2, 50)] {
        let events = vec![Event::Queued(4, 2000)];
        let tally = weathers(user, &Weather { events, queue: Some(limit), ..Weather::fair() });
        assert!(tally.refused.into_inner() > 0, "the queue was full");
    }
}

#[test]
fn a_storm_of_everything_while_standard_error_is_not_read() {
    let events = vec![
        Event::Orphans(10),
        Event::Queued(4, 500),
        Event::Plain(4, 500),
        Event::Traced,
        Event::Stopped,
        Event::CommandHeld,
    ];
    for (index, stderr) in
        [Stderr::FullPipe, Stderr::DeafTerminal, Stderr::ForeignTerminal].into_iter().enumerate()
    {
        let (flags, events) = (vec!["-vvv"], events.clone());
        weathers(USER + 3 + index as u32, &Weather { flags, stderr, events, ..Weather::fair() });
    }
}

#[test]
fn no_process_id_is_left() {
    let events = vec![Event::Filled, Event::Queued(4, 500), Event::Orphans(2), Event::Stopped];
    weathers(USER + 6, &Weather { scarce: Scarce::Ids, events, ..Weather::fair() });
}

#[test]
fn the_cgroup_has_no_process_left() {
    let events = vec![Event::Filled, Event::Queued(4, 500), Event::Orphans(2), Event::Stopped];
    weathers(USER + 7, &Weather { scarce: Scarce::Processes, events, ..Weather::fair() });
}

#[test]
fn the_cgroup_s_memory_is_at_its_limit() {
    let events = vec![Event::Queued(4, 500), Event::Orphans(3)];
    weathers(USER + 8, &Weather { scarce: Scarce::Memory, events, ..Weather::fair() });
}

#[test]
fn a_cgroup_without_room_for_the_command_is_an_error() {
    let cgroup = Cgroup::new("pids", "pids.max", "1", None);
    let ended = cgroup.sexton(&["true".to_owned()]).run();
    assert_eq!(ended.status, 125, "{ended:?}");
    assert_eq!(
        ended.stderr,
        "sexton: fatal: unable to start a process: resource temporarily unavailable: the pids cgroup allows 1\n\
         sexton: hint: see --pids-limit of docker run, or podPidsLimit of the kubelet\n"
    );
}

/// The clock of the grace goes on while sexton is stopped, and what was due is done when it goes on.
#[test]
fn the_grace_passes_while_sexton_is_stopped() {
    const GRACE: Duration = Duration::from_secs(5);
    for place in PLACES {
        let words = ["--grace=5s", &probe(), "ignore", "15"];
        let mut running = Setup::new(&words).place(place).start();
        running.expect("ready");
        running.signal(libc::SIGTERM);
        let begin = Instant::now();
        wait_until("SIGTERM is taken", || running.has_taken_all());
        running.signal(libc::SIGSTOP);
        wait_until("sexton is stopped", || running.status("State").starts_with('T'));
        let main = running.children()[0];
        wait_until("the grace is over", || begin.elapsed() > GRACE + GRACE / 4);
        assert!(status_field(main, "State").starts_with('S'), "nobody has killed it");
        running.signal(libc::SIGCONT);
        assert_eq!(running.end().status, 137);
    }
}

/// The monotonic clock is none of the epoch's, in a time namespace least of all.
#[test]
fn the_grace_is_kept_whatever_the_clock_shows() {
    let sexton = crate::harness::sexton();
    for offset in ["1", "4000000000"] {
        let words = [
            "--time",
            &format!("--monotonic={offset}"),
            &format!("--boottime={offset}"),
            "--fork",
            sexton.to_str().unwrap(),
            "--grace=300ms",
            "--map-exit=137=37", // unshare cannot die of SIGKILL as its child did
            "sh",
            "-c",
            "trap '' TERM; kill -TERM $PPID; exec sleep 1000",
        ];
        let begin = Instant::now();
        let ended = Setup::program(Path::new("/usr/bin/unshare"), &words).run();
        assert_eq!(ended.status, 37, "{ended:?}");
        assert!(ended.stderr.contains("command did not end within the grace period"), "{ended:?}");
        assert!(begin.elapsed() >= Duration::from_millis(300));
    }
}

/// Nothing but the time in a log line is read from the clock that can be set.
#[test]
fn only_log_lines_have_the_time_of_day() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for line in text.lines().filter(|line| {
                ["CLOCK_REALTIME", "SystemTime", "gettimeofday"]
                    .iter()
                    .any(|name| line.contains(name))
            }) {
                found.push((path.strip_prefix(&root).unwrap().to_owned(), line.trim().to_owned()));
            }
        }
    }
    let line = "write_time(Duration::from_nanos(read(libc::CLOCK_REALTIME)), f)";
    let expected = ("sys/clock.rs".into(), line.to_owned());
    assert_eq!(found, [expected]);
}

/// A terminal that is full takes a few bytes at a time, and a line's end none at all; sexton, which may not open it
/// again, does not wait for room.
#[test]
fn a_full_terminal_of_another_user_costs_only_the_lines() {
    let terminal = Terminal::new();
    let fd = terminal.program.as_raw_fd();
    let words = ["--warn-on-reap", &probe(), "storm", "0"];
    let mut running = Setup::new(&words).user(USER + 9).stderr(&terminal.program).start();
    running.expect("ready");
    let mut entry = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    wait_until("the terminal is full", || {
        running.signal(libc::SIGUSR1);
        running.expect("made 500");
        wait_until("all are reaped", || running.children().len() == 1);
        // SAFETY: one live entry.
        unsafe { libc::poll(&raw mut entry, 1, 0) == 0 }
    });
    running.signal(libc::SIGUSR1);
    running.expect("made 500");
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 0);
}
