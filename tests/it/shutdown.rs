//! SPEC 4: the stop, the grace, the linger time, and the end.

use crate::harness::{
    Place, Running, Setup, Traced, be_traced, children_of, probe, status_field, wait_until,
};
use nix::libc;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const PLACES: [Place; 2] = [Place::Init, Place::Child];

fn started(flags: &[&str], command: &[&str], place: Place) -> Running {
    let probe = probe();
    let words: Vec<&str> =
        flags.iter().chain([&probe as &str].iter()).chain(command).copied().collect();
    Setup::new(&words).place(place).start()
}

/// Starts it and waits for the first line.
fn ready(flags: &[&str], command: &[&str], place: Place) -> Running {
    let mut running = started(flags, command, place);
    running.line();
    running
}

#[test]
fn a_stop_that_is_obeyed_is_quiet_and_quick() {
    for place in PLACES {
        let running = ready(&[], &["sleep"], place);
        let begin = Instant::now();
        running.signal(libc::SIGTERM);
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (143, ""));
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn the_command_that_ignores_the_stop_is_killed_at_the_grace() {
    for place in PLACES {
        let running = ready(&["--grace=300ms"], &["ignore", "15"], place);
        let begin = Instant::now();
        running.signal(libc::SIGTERM);
        let ended = running.end();
        let elapsed = begin.elapsed();
        assert_eq!(ended.status, 137);
        assert!(
            elapsed >= Duration::from_millis(300) && elapsed < Duration::from_secs(5),
            "{elapsed:?}"
        );
        assert!(ended.stderr.contains("command did not end within the grace period"), "{ended:?}");
    }
}

#[test]
fn grace_0_kills_at_once_and_none_never() {
    let running = ready(&["--grace=0"], &["ignore", "15"], Place::Init);
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 137);

    let running = ready(&["--grace=none"], &["ignore", "15"], Place::Init);
    running.signal(libc::SIGTERM);
    wait_until("SIGTERM is taken, and no time-out set", || {
        let call = running.blocked_in();
        running.has_taken_all() && call.get(3) == Some(&0)
    });
    running.signal(libc::SIGINT);
    assert_eq!(running.end().status, 130);
}

#[test]
fn what_the_command_leaves_behind_is_asked_then_killed_and_the_status_is_the_command_s() {
    for place in PLACES {
        let begin = Instant::now();
        let mut running = started(&["--linger=300ms"], &["leave", "ignore", "7"], place);
        assert!(running.line().starts_with("daemon "));
        let ended = running.end();
        assert_eq!(ended.status, 7);
        let elapsed = begin.elapsed();
        assert!(
            elapsed >= Duration::from_millis(300) && elapsed < Duration::from_secs(5),
            "{elapsed:?}"
        );
        assert!(ended.stderr.contains("remaining processes did not end"), "{ended:?}");
    }
}

#[test]
fn what_the_command_leaves_behind_and_obeys_is_gone_at_once_and_quietly() {
    for place in PLACES {
        for treatment in ["obey", "stopped"] {
            let mut running = started(&["--linger=20s"], &["leave", treatment, "7"], place);
            assert!(running.line().starts_with("daemon "));
            let begin = Instant::now();
            let ended = running.end();
            assert_eq!((ended.status, ended.stderr.as_str()), (7, ""), "{treatment}");
            assert!(begin.elapsed() < Duration::from_secs(10), "the tree was empty long before");
        }
    }
}

#[test]
fn nothing_of_the_tree_is_left_and_nothing_else_is_touched() {
    for treatment in ["obey", "ignore"] {
        // Some are children of the command, some grandchildren, all in sessions of their own.
        let running = ready(&["--grace=300ms"], &["many", "300", treatment], Place::Child);
        running.signal(libc::SIGTERM);
        wait_until("sexton ends", || running.status("State").is_empty());
        assert_eq!(running.adopted_by_init(), [], "{treatment}: all were sexton's to bury");
        let expected = if treatment == "ignore" { 137 } else { 143 };
        assert_eq!(running.end().status, expected); // which checks the bystander too
    }
}

#[test]
fn a_process_that_forks_faster_than_it_can_be_seen_still_ends() {
    for place in PLACES {
        let mut running = started(&["--linger=200ms"], &["runaway"], place);
        running.expect("running");
        assert_eq!(running.end_with_its_tree().status, 6);
    }
}

#[test]
fn a_command_that_was_stopped_can_act_on_the_stop_signal() {
    for place in PLACES {
        let running = ready(&["--grace=20s"], &["stop"], place);
        wait_until("main is stopped", || {
            running
                .children()
                .first()
                .is_some_and(|&pid| crate::harness::status_field(pid, "State").starts_with('T'))
        });
        let begin = Instant::now();
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 143);
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn stop_signals_are_those_that_were_named() {
    let running =
        ready(&["--stop-signals=INT,USR1", "--grace=100ms"], &["ignore", "10", "15"], Place::Init);
    running.signal(libc::SIGTERM); // forwarded, and ignored
    wait_until("SIGTERM is taken, and no clock runs", || {
        running.has_taken_all() && running.blocked_in().get(3) == Some(&0)
    });
    running.signal(libc::SIGUSR1);
    assert_eq!(running.end().status, 137);
}

#[test]
fn the_first_stop_signal_is_held_back_during_the_drain() {
    let mut running = ready(&["--drain=1h"], &["signals", "3"], Place::Init);
    running.signal(libc::SIGTERM);
    wait_until("SIGTERM is taken", || running.has_taken_all());
    running.signal(libc::SIGUSR1);
    running.expect("signal 10 value none"); // no SIGTERM before it
    running.signal(libc::SIGTERM); // ends the drain
    running.expect("signal 15 value none");
    running.expect("signal 18 value none");
    assert_eq!(running.end().status, 0);

    let begin = Instant::now();
    let running = ready(&["--drain=300ms"], &["sleep"], Place::Init);
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 143);
    assert!(begin.elapsed() >= Duration::from_millis(300));
}

#[test]
fn the_escalation_comes_before_the_kill() {
    let flags = ["--grace=2s", "--escalate=INT:100ms,QUIT:100ms"];
    let mut running = ready(&flags, &["signals", "7"], Place::Init);
    running.signal(libc::SIGTERM);
    // A command that gets no CPU for long takes the lowest number first, and SIGCONT once for several.
    let mut missing =
        BTreeSet::from([15, 18, 2, 3].map(|signal| format!("signal {signal} value none")));
    while !missing.is_empty() {
        missing.remove(&running.line());
    }
    assert_eq!(running.end().status, 137);
}

#[test]
fn wait_all_waits_for_what_the_command_leaves_and_passes_the_stop_on() {
    for place in PLACES {
        let mut running = started(&["--wait-all", "-v"], &["leave", "obey", "7"], place);
        assert!(running.line().starts_with("daemon "));
        running.expect_log("command exited with status 7");
        wait_until("only the daemon is left, and no clock runs", || {
            running.children().len() == 1 && running.blocked_in().get(3) == Some(&0)
        });
        running.signal(libc::SIGTERM);
        let ended = running.end();
        assert_eq!(ended.status, 7);
        assert!(ended.stderr.contains("sent SIGTERM to the tree"), "{ended:?}");
    }
    // And without a stop, until it ends by itself.
    let script = "(sleep 0.3; echo last) & exit 8";
    let ended = Setup::new(&["--wait-all", "--linger=0", "sh", "-c", script]).run();
    assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.as_str()), (8, "last\n", ""));
}

#[test]
fn the_status_is_mapped_at_the_end() {
    let ended = Setup::new(&["--map-exit=signal:TERM=0", "sh", "-c", "kill -TERM $$"]).run();
    assert_eq!(ended.status, 0);
    let running = ready(&["--map-exit=137=3", "--grace=0"], &["ignore", "15"], Place::Init);
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 3);
}

#[test]
fn whatever_the_command_exits_with_because_of_a_stop_can_be_a_success() {
    const TRAP: &str =
        "trap 'exit 9' TERM; trap 'kill -9 $$' USR1; echo ready; while :; do sleep 0.01; done";
    for place in PLACES {
        let flags = ["--map-exit=stop=0", "--map-exit=143=5", "--grace=20s"];
        let running = ready(&flags, &["sleep"], place); // it has no handler
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 0);
        for (signal, status) in [(libc::SIGTERM, 0), (libc::SIGUSR1, 137)] {
            let mut running =
                Setup::new(&[&flags[..], &["sh", "-c", TRAP]].concat()).place(place).start();
            running.line();
            running.signal(signal);
            assert_eq!(running.end().status, status);
        }
        let running = ready(&["--map-exit=stop=0", "--grace=100ms"], &["ignore", "15"], place);
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 137, "the grace is over");
    }
    // Without a stop the end is the command's own affair.
    let ended = Setup::new(&["--map-exit=stop=0", "sh", "-c", "exit 9"]).run();
    assert_eq!(ended.status, 9);
}

#[test]
fn a_run_that_takes_too_long_is_stopped() {
    let passed = |stderr: &str| stderr.contains("warning: timeout of 0.200s reached: stopping\n");
    for place in PLACES {
        let begin = Instant::now();
        for (flags, status) in [
            (&["--timeout=200ms"][..], 124),
            (&["--timeout=200ms", "--map-exit=124=3", "--map-exit=stop=4"], 3),
        ] {
            let ended = started(flags, &["sleep"], place).end();
            assert_eq!(ended.status, status, "{ended:?}");
            assert!(passed(&ended.stderr), "{ended:?}");
        }
        assert!(begin.elapsed() >= Duration::from_millis(400));
        // What it exits with does not say that it has run to its end.
        let words = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.01; done"];
        let ended = Setup::new(&[&["--timeout=200ms"], &words[..]].concat()).place(place).run();
        assert_eq!(ended.status, 124, "{ended:?}");
        let words = ["--timeout=200ms", "--grace=100ms", &probe(), "sleep"];
        let ended = Setup::new(&words).ignored(&[libc::SIGTERM]).place(place).run();
        assert_eq!(ended.status, 137, "it had to be killed");
        assert!(passed(&ended.stderr), "{ended:?}");
    }
    // It ends in time, or is stopped before.
    let ended = Setup::new(&["--timeout=20s", "sh", "-c", "exit 9"]).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (9, ""));
    let running = ready(&["--timeout=20s"], &["sleep"], Place::Init);
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 143);
    // A flag takes a variable back.
    let setup = Setup::new(&["--timeout=none", "sh", "-c", "sleep 0.3"]);
    let ended = setup.variable("SEXTON_TIMEOUT=100ms").run();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
}

/// What `docker exec` starts: in the namespace, but nobody's child there.
#[test]
fn processes_that_entered_the_namespace_are_part_of_init_s_tree() {
    for (treatment, linger) in [("", "20s"), ("trap '' TERM;", "300ms")] {
        let flag = format!("--linger={linger}");
        let running = ready(&[&flag], &["sleep"], Place::Init);
        let mut entered = std::process::Command::new("nsenter")
            .args(["-t", &running.pid.to_string(), "-p", "-m", "sh", "-c"])
            .arg(format!("{treatment} echo entered; while :; do sleep 1000; done"))
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut line = [0; 8];
        std::io::Read::read_exact(entered.stdout.as_mut().unwrap(), &mut line).unwrap();
        running.signal(libc::SIGTERM);
        let begin = Instant::now();
        let waiter = std::thread::spawn(move || entered.wait());
        let ended = running.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        assert!(begin.elapsed() < Duration::from_secs(10), "it went as soon as the other was gone");
        assert_eq!(ended.stderr.is_empty(), treatment.is_empty(), "{ended:?}");
        waiter.join().unwrap().unwrap();
    }
}

#[test]
fn init_needs_no_proc() {
    let setup = Setup::new(&["--linger=300ms", &probe(), "leave", "ignore", "7"]).without_proc();
    let ended = setup.run();
    assert_eq!(ended.status, 7);
    assert!(ended.stdout.starts_with("daemon "));
    let mut running = Setup::new(&["--grace=0", &probe(), "ignore", "15"]).without_proc().start();
    running.expect("ready");
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 137);
}

#[test]
fn a_subreaper_without_proc_kills_the_command_s_group_and_logs_its_limits() {
    let words = ["--grace=100ms", &probe(), "ignore", "15"];
    let mut running = Setup::new(&words).place(Place::Child).without_proc().start();
    running.expect("ready");
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 137);

    let words = ["--linger=100ms", &probe(), "leave", "ignore", "7"];
    let ended = Setup::new(&words).place(Place::Child).without_proc().run();
    assert_eq!(ended.status, 7);
    assert!(ended.stderr.contains("/proc"), "{ended:?}");
}

/// Without /proc a subreaper knows the command's process group alone, also after the command has ended.
#[test]
fn the_command_s_group_is_signalled_without_proc_when_the_command_has_ended() {
    let script = "trap 'exit 3' TERM; sleep 1000 & echo ready; wait";
    let words = ["-v", "--linger=20s", "sh", "-c", script];
    let mut running = Setup::new(&words).place(Place::Child).without_proc().start();
    running.expect("ready");
    // Until then it has the shell's handler.
    let command = running.children()[0];
    wait_until("the child is executed", || {
        children_of(command).first().is_some_and(|&pid| status_field(pid, "Name") == "sleep")
    });
    let begin = Instant::now();
    running.signal(libc::SIGTERM);
    let ended = running.end_with_its_tree();
    assert_eq!(ended.status, 3, "{ended:?}");
    assert!(begin.elapsed() < Duration::from_secs(10), "what the command left obeys SIGTERM");
    assert!(ended.stderr.contains("sent SIGTERM to the command's process group"), "{ended:?}");

    let words = ["--linger=100ms", "sh", "-c", "trap '' TERM; sleep 1000 & exit 7"];
    let ended = Setup::new(&words).place(Place::Child).without_proc().start().end_with_its_tree();
    assert_eq!(ended.status, 7, "{ended:?}");
    assert!(!ended.stderr.contains("processes remain"), "killed: {ended:?}");
}

/// SPEC 2.4: once the command has been reaped, its ID may be another's, and so may its group's if no child of sexton
/// is in it.
#[test]
fn the_command_s_group_is_not_signalled_when_no_child_of_sexton_is_in_it() {
    let words = ["-v", "--linger=100ms", &probe(), "leave", "ignore", "7"];
    let ended = Setup::new(&words).place(Place::Child).without_proc().run();
    assert_eq!(ended.status, 7);
    assert!(ended.stderr.contains("processes remain that /proc does not show"), "{ended:?}");
    assert!(ended.stderr.contains("SIGTERM not sent: no process is known"), "{ended:?}");
    assert!(!ended.stderr.contains(" sent SIG"), "nothing was sent: {ended:?}");
}

// shutdown.rs

/// What the command leaves behind is asked to end after 256 orphans at the latest, not after all of them.
#[test]
fn a_storm_of_orphans_does_not_delay_the_end() {
    let script = "i=0; while [ $i -lt 1000 ]; do (: &); i=$((i+1)); done;
                  setsid sleep 1000 & echo over; exit 7";
    let mut running = Setup::new(&["sh", "-c", script]).prepare(be_traced).start();
    let (sexton, main) = Traced::until_fork(running.pid);
    let pid = main.0;
    main.release();
    running.expect("over");
    wait_until("main has ended", || status_field(pid, "State").starts_with('Z'));
    let mut reaped = 0;
    loop {
        let call = sexton.step();
        match (call.operation, call.value) {
            (1, libc::SYS_wait4) => reaped += 1,
            (1, libc::SYS_kill) => break, // SIGTERM for all
            _ => {}
        }
        assert!(reaped <= 300, "no end in sight");
    }
    sexton.release();
    assert_eq!(running.end().status, 7);
}

/// The ladder of a program that needs several hints: each after its time, within the grace.
#[test]
fn the_escalation_keeps_its_times() {
    // A command that gets no CPU for long takes what has come meanwhile in another order, and SIGCONT once for several.
    const TRIES: usize = 10;
    let takes_each = |_| {
        let flags = ["--grace=20s", "--escalate=TERM:300ms,INT:200ms,QUIT:200ms"];
        let mut running = ready(&flags, &["signals", "8"], Place::Init);
        let begin = Instant::now();
        running.signal(libc::SIGTERM);
        for (signal, after) in [(15, 0), (15, 300), (2, 500), (3, 700)] {
            let is_in_order = running.line() == format!("signal {signal} value none")
                && running.line() == "signal 18 value none";
            if !is_in_order {
                return false;
            }
            let elapsed = begin.elapsed();
            assert!(elapsed >= Duration::from_millis(after), "{signal} after {elapsed:?}");
        }
        running.end().status == 0
    };
    assert!((0..TRIES).any(takes_each));
}
