//! The stop has one clock for the whole tree, and nothing puts SIGKILL off.

use crate::harness::{
    self, LIMIT, Place, Running, Setup, Terminal, Traced, be_traced, blocked_in, children_of,
    probe, sleeps_for_ever, status_field, wait_until,
};
use nix::libc;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PLACES: [Place; 2] = [Place::Init, Place::Child];

/// Python as the command, with this program, which prints `ready`.
fn python(flags: &[&str], program: &str, place: Place) -> Running {
    let program = harness::python(program);
    let words = [flags, &["--", "/usr/bin/python3", "-c", &program]].concat();
    let mut running = Setup::new(&words).place(place).start();
    running.expect("ready");
    running
}

/// A wrapper that dies of SIGTERM at once and leaves a server, whose end takes 6 s: more than the linger time.
const WRAPPER: &str = "
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(6), os.write(1, b'saved\\n'), os._exit(0)))
heard, tell = os.pipe()
if os.fork():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.write(tell, b'x')
else:
    os.read(heard, 1) # python drops signals that come before it has finished its fork
    os.write(1, b'ready\\n')
wait()
";

#[test]
fn what_a_wrapper_leaves_has_the_rest_of_the_grace() {
    for place in PLACES {
        let mut running = python(&["--grace=25s", "--slow-stop-after=0"], WRAPPER, place);
        running.signal(libc::SIGTERM);
        running.expect("saved");
        let ended = running.end();
        assert_eq!((ended.status % 1000 % 128, ended.stderr.as_str()), (15, ""));
    }
}

#[test]
fn a_linger_time_that_was_given_holds_during_a_stop() {
    let running = python(&["--grace=25s", "--linger=200ms"], WRAPPER, Place::Init);
    running.signal(libc::SIGTERM);
    let ended = running.end();
    assert_eq!((ended.status, ended.stdout.as_str()), (143, ""));
    assert!(ended.stderr.contains("did not end: killing them: python3 (pid "), "{ended:?}");
}

#[test]
fn what_ignores_sigterm_does_not_hold_a_stop_for_the_whole_grace() {
    for place in PLACES {
        let script = "(trap '' TERM; echo ready; sleep 1000) & sleep 1000";
        let mut running = Setup::new(&["sh", "-c", script]).place(place).start();
        running.expect("ready");
        let begin = Instant::now();
        running.signal(libc::SIGTERM);
        let ended = running.end();
        let elapsed = begin.elapsed();
        assert_eq!(ended.status % 1000 % 128, 15, "{ended:?}");
        assert!((4..20).contains(&elapsed.as_secs()), "{elapsed:?} of 30 s");
        assert!(ended.stderr.contains("killing them: s"), "{ended:?}"); // sh and sleep
    }
}

/// bash in the PID namespace of a running sexton, on a terminal of its own: what `docker exec -it` makes.
fn enter(running: &Running, terminal: &Terminal, words: &[&str]) -> Child {
    let mut command = Command::new("/usr/bin/nsenter");
    command.args(["-t", &running.pid.to_string(), "-p", "-m"]).args(words);
    for stream in [Command::stdin, Command::stdout, Command::stderr] {
        stream(&mut command, Stdio::from(terminal.program.try_clone().unwrap()));
    }
    // SAFETY: system calls only.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            Ok(())
        });
    }
    command.spawn().unwrap()
}

#[test]
fn a_shell_that_an_engine_has_put_there_does_not_hold_up_the_end() {
    let bash = ["env", "PS1=$ ", "bash", "--norc", "--noprofile", "-i"];
    let probe = probe();
    for flags in [&["--grace=20s"][..], &["--grace=20s", "--wait-all"]] {
        let mut terminal = Terminal::new();
        let words = [flags, &[&probe as &str, "sleep"]].concat();
        let mut running = Setup::new(&words).start();
        running.expect("ready");
        let mut shell = enter(&running, &terminal, &bash);
        terminal.expect("$ ");
        // bash acts on a signal that comes between its prompt and its read only when something is typed.
        wait_until("bash waits for a line", || {
            children_of(shell.id() as i32).first().is_some_and(|&bash| blocked_in(bash).len() > 1)
        });
        let begin = Instant::now();
        running.signal(libc::SIGTERM);
        let waiter = std::thread::spawn(move || shell.wait());
        let ended = running.end();
        let elapsed = begin.elapsed();
        assert_eq!((ended.status, ended.stderr.as_str()), (143, ""));
        assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
        waiter.join().unwrap().unwrap();
    }
}

/// As a subreaper sexton finds them among its descendants.
#[test]
fn a_shell_that_is_left_on_a_terminal_is_hung_up_and_a_daemon_is_not() {
    const PROGRAM: &str = "
import os, pty, signal, time
def shell():
    os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
def daemon():
    os.setsid()
    signal.signal(signal.SIGHUP, lambda *_: os.write(1, b'hung up\\n'))
    signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), os.write(1, b'ended\\n'), os._exit(0)))
    os.write(1, b'ready\\n')
    wait()
pid, fd = pty.fork()
if pid == 0: shell()
while b'$' not in os.read(fd, 999) and os.environ.get('PS1'): pass
# bash acts on a signal that comes between its prompt and its read only when something is typed.
while len(open(f'/proc/{pid}/syscall').read().split()) < 2: pass
# Somebody else keeps the terminal: it is not gone when the command is.
if os.fork() == 0: daemon()
while 1: time.sleep(100)
";
    for place in PLACES {
        let program = harness::python(PROGRAM);
        let words = ["--grace=20s", "--", "/usr/bin/python3", "-c", &program];
        let mut running = Setup::new(&words).place(place).variable("PS1=$ ").start();
        running.expect("ready");
        let begin = Instant::now();
        running.signal(libc::SIGTERM);
        running.expect("ended"); // and not: hung up
        let ended = running.end();
        assert_eq!((ended.status % 1000 % 128, ended.stderr.as_str()), (15, ""));
        assert!(begin.elapsed() < Duration::from_secs(4), "no linger time was needed");
    }
}

#[test]
fn a_reload_of_a_daemon_is_not_lost_under_wait_all() {
    const PROGRAM: &str = "
import os, signal, time
if os.fork(): os._exit(0)
os.setsid()
signal.signal(signal.SIGHUP, lambda *_: os.write(1, b'reloaded\\n'))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
os.write(1, b'ready\\n')
wait()
";
    for place in PLACES {
        let mut running = python(&["-v", "--wait-all"], PROGRAM, place);
        running.expect_log("command exited with status 0");
        running.signal(libc::SIGHUP);
        running.expect("reloaded");
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 0);
    }
}

/// A command whose end takes until SIGUSR1.
const SLOW_END: &str = "
import os, signal
def end(*_):
    os.write(1, b'ending\\n')
    signal.sigwait([signal.SIGUSR1])
    os._exit(0)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
signal.signal(signal.SIGTERM, end)
os.write(1, b'ready\\n')
wait()
";

#[test]
fn time_in_which_everything_was_frozen_is_no_grace() {
    let mut running = python(&["-v", "--grace=3s"], SLOW_END, Place::Init);
    let [command] = children_of(running.pid)[..] else { panic!("one child") };
    running.signal(libc::SIGTERM);
    running.expect("ending");
    let all = [running.pid, command];
    let _ = all.map(|pid| unsafe { libc::kill(pid, libc::SIGSTOP) });
    wait_until("both are stopped", || {
        all.iter().all(|&pid| status_field(pid, "State").starts_with('T'))
    });
    running.signal(libc::SIGWINCH); // pending at the end, and no sign that the grace is over
    let begin = Instant::now();
    // Time is what this is about: nothing else happens meanwhile.
    wait_until("the grace would be over", || begin.elapsed() > Duration::from_secs(4));
    let _ = all.map(|pid| unsafe { libc::kill(pid, libc::SIGCONT) });
    running.expect_log("frozen for ");
    running.signal(libc::SIGUSR1);
    let ended = running.end();
    assert_eq!(ended.status, 0, "{ended:?}");
    assert!(ended.stderr.contains("; frozen for "), "{ended:?}");
}

/// In dumb-init's place there is no clock but that of the variable, and SIGTSTP stops the command.
#[test]
fn a_signal_that_starts_a_clock_is_followed_by_sigcont_in_dumb_init_s_place() {
    const PROGRAM: &str = "
import os, signal, time
signal.signal(signal.SIGTSTP, lambda *_: None)
signal.signal(signal.SIGTERM, lambda *_: os._exit(5))
os.write(1, b'ready\\n')
wait()
";
    let program = harness::python(PROGRAM);
    let words = ["--as", "dumb-init", "/usr/bin/python3", "-c", &program];
    let mut running = Setup::new(&words).variable("SEXTON_GRACE=20s").start();
    running.expect("ready");
    let [command] = children_of(running.pid)[..] else { panic!("one child") };
    running.signal(libc::SIGTSTP);
    wait_until("the command is stopped", || status_field(command, "State").starts_with('T'));
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 5);
}

/// What is written to the log, and what is read in /proc, comes after SIGKILL.
#[test]
fn sigkill_comes_before_everything_that_may_take_time() {
    // A wait that the debugger ends when the time is over is followed by more of these than one that times out.
    const QUICK: [i64; 4] =
        [libc::SYS_wait4, libc::SYS_waitid, libc::SYS_rt_sigaction, libc::SYS_clock_gettime];
    for (flags, command) in [
        (&["-vvv", "--grace=1s"][..], &["ignore", "15"][..]),
        (&["-vvv", "--linger=1s"], &["leave", "ignore", "7"]),
    ] {
        let probe = probe();
        let words = [flags, &[&probe as &str], command].concat();
        let mut running = Setup::new(&words).prepare(be_traced).start();
        let (traced, main) = Traced::until_fork(running.pid);
        main.release();
        running.line();
        if command[0] == "ignore" {
            running.signal(libc::SIGTERM);
        }
        let mut between = Vec::new();
        let until = Instant::now() + LIMIT;
        loop {
            assert!(Instant::now() < until);
            let call = traced.step();
            match (call.operation, call.value) {
                (1, libc::SYS_kill) if call.arguments[1] == libc::SIGKILL as u64 => break,
                (1, libc::SYS_rt_sigtimedwait) => between.clear(),
                (1, number) => between.push(number),
                _ => {}
            }
        }
        traced.release();
        between.retain(|call| !QUICK.contains(call));
        assert!(between.is_empty(), "before SIGKILL: system calls {between:?}");
        assert!(!sleeps_for_ever(running.pid));
        let status = if command[0] == "ignore" { 137 } else { 7 };
        assert_eq!(running.end().status, status);
    }
}
