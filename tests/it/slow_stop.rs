//! A stop that is slow is explained: which processes have not ended, and why.

use crate::exit_report::Report;
use crate::harness::{
    self, Folder, Place, Running, Setup, Traced, children_of, probe, status_field, wait_until,
};
use crate::oom::{Group, unique};
use crate::tree::Freezer;
use nix::libc;
use std::path::Path;
use std::time::{Duration, Instant};

const PLACES: [Place; 2] = [Place::Init, Place::Child];

/// A stop is slow soon, and does not end by itself.
const SOON: [&str; 2] = ["--slow-stop-after=300ms", "--grace=60s"];

/// Has a handler for SIGTERM, which prints `taken`, and goes on.
const TAKES_SIGTERM: &str = "
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'taken\\n'))
os.write(1, b'ready\\n')
wait()
";

const MOUNT: &str = "/sys/fs/cgroup";

fn start(setup: Setup) -> Running {
    let mut running = setup.start();
    running.expect("ready");
    running
}

/// Python as the command, with this program, which prints `ready`.
fn python(flags: &[&str], program: &str, place: Place) -> Running {
    let program = harness::python(program);
    let words = [flags, &["--", "/usr/bin/python3", "-c", &program]].concat();
    start(Setup::new(&words).place(place))
}

fn kill(pid: i32, signal: i32) {
    // SAFETY: takes integers only; a process that this test has started.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

/// Whether there are so many processes, and each is executed: it has this name.
fn are_named(pids: &[i32], count: usize, name: &str) -> bool {
    pids.len() == count && pids.iter().all(|&pid| status_field(pid, "Name") == name)
}

/// Ends a run whose stop does not end it: its command, and with it the rest.
fn put_down(running: Running) -> String {
    for child in running.children() {
        for pid in children_of(child).into_iter().chain([child]) {
            // SAFETY: as above.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }
    running.end().stderr
}

#[test]
fn a_process_that_ignores_the_signal_is_named_before_an_engine_would_kill() {
    for place in PLACES {
        let probe = probe();
        let words = [&SOON[..], &[&probe, "ignore", "15"]].concat();
        let mut running = start(Setup::new(&words).place(place));
        let begin = Instant::now();
        running.signal(libc::SIGTERM);
        running.expect_log("not stopped "); // some time after SIGTERM
        assert!(begin.elapsed() >= Duration::from_millis(300));
        let log = put_down(running);
        let line = log.lines().find(|line| line.starts_with("sexton: warning: not stopped "));
        let is_named = |line: &str| {
            line.contains("s after SIGTERM: probe (pid ") && line.ends_with(") ignores SIGTERM")
        };
        assert!(line.is_some_and(is_named), "{log}");
    }
}

#[test]
fn by_default_that_is_after_half_of_a_short_grace() {
    let mut running = start(Setup::new(&["--grace=2s", "--report=-", &probe(), "ignore", "15"]));
    let begin = Instant::now();
    running.signal(libc::SIGTERM);
    running.expect_log("s after SIGTERM: probe (pid 2) ignores SIGTERM");
    assert!(begin.elapsed() >= Duration::from_secs(1));
    let ended = running.end();
    assert_eq!(ended.status, 137);
    // The look before SIGKILL has found the same, which is logged once.
    assert_eq!(ended.stderr.matches("not stopped").count(), 1, "{ended:?}");
    let last = ended.stderr.lines().last().unwrap();
    assert!(last.contains("; probe (pid 2) ignores SIGTERM; CPU"), "{ended:?}");
}

#[test]
fn what_is_seen_just_before_sigkill_is_logged_after_it() {
    // The command ignores SIGTERM only once the first look has passed.
    const PROGRAM: &str = "
import os, signal
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGUSR1, lambda *_: (signal.signal(signal.SIGTERM, signal.SIG_IGN), os.write(1, b'ignores\\n')))
os.write(1, b'ready\\n')
wait()
";
    let mut running = python(&["--slow-stop-after=1s", "--grace=5s", "-v"], PROGRAM, Place::Init);
    running.signal(libc::SIGTERM);
    running.expect_log("s after SIGTERM: python3 (pid 2) received SIGTERM");
    running.signal(libc::SIGUSR1);
    running.expect("ignores");
    let ended = running.end();
    let at = |part: &str| ended.stderr.find(part).unwrap_or_else(|| panic!("{part}: {ended:?}"));
    let kill = at("command did not end within the grace period: killing every process");
    assert!(kill < at("not stopped before SIGKILL: python3 (pid 2) ignores SIGTERM"));
}

#[test]
fn a_signal_that_is_blocked_is_pending() {
    const PROGRAM: &str = "
import os, signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGQUIT])
os.write(1, b'ready\\n')
while 1: time.sleep(100)
";
    let mut running = python(&[&SOON[..], &["--rewrite=TERM=QUIT"]].concat(), PROGRAM, Place::Init);
    running.signal(libc::SIGTERM);
    running.expect_log("after SIGQUIT: python3 (pid 2) blocks SIGQUIT, which is pending");
    put_down(running);
}

#[test]
fn a_shell_that_waits_for_a_child_is_told_to_exec_it() {
    for shell in ["sh", "bash"] {
        for place in PLACES {
            let script = "trap 'exit 0' TERM; echo ready; sleep 1000; true";
            let words = [&SOON[..], &[shell, "-c", script]].concat();
            let mut running = start(Setup::new(&words).place(place));
            let [main] = running.children()[..] else { panic!("one child") };
            wait_until("its child is executed", || are_named(&children_of(main), 1, "sleep"));
            running.signal(libc::SIGTERM);
            running.expect_log(" waits for its child sleep (pid ");
            kill(children_of(main)[0], libc::SIGKILL);
            let ended = running.end();
            assert_eq!(ended.status, 0, "{ended:?}");
            let advice =
                "acts on SIGTERM only after that: start it with exec, or use --forward-to group";
            assert!(ended.stderr.contains(advice), "{ended:?}");
        }
    }
}

#[test]
fn a_server_that_is_busy_shows_its_threads_and_connections() {
    const PROGRAM: &str = "
import os, signal, socket, threading, time
signal.signal(signal.SIGTERM, lambda *_: None)
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
server = listener.accept()
os.write(1, b'ready\\n')
wait()
";
    let words = ["/usr/bin/unshare", "-n", "/usr/bin/python3", "-c"];
    let program = harness::python(&format!(
        "import os; os.system('ip link set lo up 2>/dev/null || true')\n\
         import fcntl, struct, socket as s\n\
         k = s.socket(); fcntl.ioctl(k, 0x8914, struct.pack('16sh', b'lo', 1)); k.close()\n{PROGRAM}"
    ));
    // On a busy machine it takes some time until the command has received the signal.
    let flags = ["--slow-stop-after=1s", "--grace=60s"];
    let words = [&flags[..], &words, &[&program]].concat();
    let mut running = start(Setup::new(&words));
    running.signal(libc::SIGTERM);
    running.expect_log(
        "python3 (pid 2) received SIGTERM, and is still busy: 2 threads, 2 TCP connections in its network namespace",
    );
    put_down(running);
}

#[test]
fn a_program_that_reloads_has_new_processes() {
    const PROGRAM: &str = "
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, lambda *_: (
    time.sleep(.1), subprocess.Popen(['sleep', '1000']), os.write(1, b'reloaded\\n')))
os.write(1, b'ready\\n')
wait()
";
    let flags = ["--slow-stop-after=2s", "--grace=60s"];
    let mut running = python(&flags, PROGRAM, Place::Init);
    running.signal(libc::SIGTERM);
    running.expect("reloaded");
    running.expect_log(
        "python3 (pid 2) received SIGTERM, and continues (for a reload, --rewrite another signal); \
         since then it has started sleep (pid ",
    );
    put_down(running);
}

/// The signal is pending: it is sent to the command as the container's user could do it.
#[test]
fn a_process_that_is_held_does_not_come_to_the_signal() {
    let flags = ["--slow-stop-after=2s", "--grace=60s", "-v"];
    let mut running = python(&flags, TAKES_SIGTERM, Place::Init);
    let [main] = running.children()[..] else { panic!("one child") };
    running.signal(libc::SIGTERM);
    running.expect_log("sent SIGTERM"); // and SIGCONT
    running.expect("taken");
    kill(main, libc::SIGSTOP);
    wait_until("it is stopped", || status_field(main, "State").starts_with('T'));
    kill(main, libc::SIGTERM);
    running.expect_log("python3 (pid 2) has SIGTERM pending, and is stopped: SIGCONT continues it");
    put_down(running);

    let mut running = python(&SOON, TAKES_SIGTERM, Place::Init);
    let [main] = running.children()[..] else { panic!("one child") };
    let traced = Traced::seize(main);
    running.signal(libc::SIGTERM);
    running.expect_log("python3 (pid 2) has SIGTERM pending, and is stopped by its tracer");
    traced.release();
    put_down(running);
}

/// A process that has made a child by vfork(2) sleeps until that executes something.
#[test]
fn a_process_in_an_uninterruptible_sleep_is_named() {
    const PROGRAM: &str = "
import ctypes, os, signal, time
signal.signal(signal.SIGTERM, lambda *_: None)
libc = ctypes.CDLL(None)
SYS_clone, CLONE_VFORK = (56 if os.uname().machine == 'x86_64' else 220), 0x4000
if libc.syscall(SYS_clone, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
    os.write(1, b'ready\\n')
    while 1: time.sleep(100)
";
    let mut running = python(&SOON, PROGRAM, Place::Init);
    let [main] = running.children()[..] else { panic!("one child") };
    wait_until("it sleeps", || status_field(main, "State").starts_with('D'));
    running.signal(libc::SIGTERM);
    running.expect_log("python3 (pid 2) has SIGTERM pending, and cannot be woken up (state D)");
    put_down(running);
}

#[test]
fn a_frozen_process_does_not_come_to_the_signal() {
    let probe = probe();
    let words = [&SOON[..], &[&probe, "sleep"]].concat();
    let mut running = start(Setup::new(&words));
    let freezer = Freezer::new("slow-stop");
    freezer.add(running.children()[0]);
    freezer.set("FROZEN");
    running.signal(libc::SIGTERM);
    running.expect_log("probe (pid 2) has SIGTERM pending, and its control group is frozen");
    drop(freezer);
    assert_eq!(running.end().status, 143);
}

/// A process in a frozen group of cgroup v2 sleeps as others do. Where its files cannot be seen, nothing shows why.
#[test]
fn a_signal_that_is_not_taken_is_pending_even_if_nothing_shows_why() {
    const UNIFIED: &str = "/sys/fs/cgroup/unified";
    let hybrid = Path::new(UNIFIED).exists();
    let group = Group::new(Path::new(if hybrid { UNIFIED } else { MOUNT }), &unique("pending"));
    let freeze = |frozen: &str| {
        std::fs::write(format!("{}/cgroup.freeze", group.path()), frozen).unwrap();
        let is_frozen = || std::fs::read_to_string(format!("{}/cgroup.events", group.path()));
        let line = format!("frozen {frozen}");
        wait_until(&line, || is_frozen().unwrap().lines().any(|found| found == line));
    };
    let empty = Folder::new("slow-stop-pending");
    let seen = if hybrid { UNIFIED } else { MOUNT };
    for (mount, cause, why) in [
        (empty.path(), "pending", "python3 (pid 2) has SIGTERM pending, and has not taken it\n"),
        (seen, "frozen", "python3 (pid 2) has SIGTERM pending, and its control group is frozen\n"),
    ] {
        let report = empty.at("report");
        let own = format!("--report={report}");
        let program = harness::python(TAKES_SIGTERM);
        let flags = ["--slow-stop-after=100ms", "--grace=60s", &own];
        let words = [&flags[..], &["/usr/bin/python3", "-c", &program]].concat();
        let mut running = start(Setup::new(&words).bind(mount, MOUNT));
        let [main] = running.children()[..] else { panic!("one child") };
        std::fs::write(format!("{}/cgroup.procs", group.path()), main.to_string()).unwrap();
        freeze("1");
        running.signal(libc::SIGTERM);
        running.expect_log(why);
        freeze("0");
        put_down(running);
        let report = Report::read(&report);
        let named = report.get("not_stopped");
        assert!(named.contains(&format!("\"cause\": \"{cause}\"")), "{named}");
    }
}

/// The command uses up the CPU time of a second within a millisecond, and waits for the rest of it.
#[test]
fn a_process_that_waits_for_cpu_time_is_throttled() {
    let group = Group::new(&Path::new(MOUNT).join("cpu"), &unique("throttled"));
    let file = |name: &str| format!("{}/{name}", group.path());
    let throttled = || {
        let text = std::fs::read_to_string(file("cpu.stat")).unwrap();
        let count = text.lines().find_map(|line| line.strip_prefix("nr_throttled "));
        count.unwrap().parse::<u64>().unwrap()
    };
    std::fs::write(file("cpu.cfs_period_us"), "1000000").unwrap();
    std::fs::write(file("cpu.cfs_quota_us"), "1000").unwrap();
    let script = "trap : TERM; echo ready; while :; do :; done";
    // On a busy machine the second may be over before sexton looks: the command has taken the signal then.
    const TRIES: usize = 5;
    let is_seen = (0..TRIES).any(|_| {
        let words = ["--slow-stop-after=100ms", "--grace=60s", "sh", "-c", script];
        let mut running = start(Setup::new(&words));
        let [main] = running.children()[..] else { panic!("one child") };
        std::fs::write(file("cgroup.procs"), main.to_string()).unwrap();
        let before = throttled();
        wait_until("the command is throttled", || throttled() > before);
        running.signal(libc::SIGTERM);
        running.expect_log("s after SIGTERM: sh (pid 2) ");
        let log = put_down(running);
        let why = "has SIGTERM pending, and waits for CPU time: its control group is at its limit (cpu.max)\n";
        log.contains(why)
    });
    assert!(is_seen);
}

/// The first process of a PID namespace is spared signals that it has no handler for, those of sexton's as well.
#[test]
fn the_first_process_of_another_namespace_without_a_handler_is_spared() {
    for place in PLACES {
        let inner =
            ["/usr/bin/unshare", "--pid", "--fork", "sh", "-c", "echo ready; exec sleep 1000"];
        let words = [&SOON[..], &["--forward-to=group"], &inner].concat();
        let mut running = start(Setup::new(&words).place(place));
        let [main] = running.children()[..] else { panic!("one child") };
        let inner = || children_of(main).first().copied();
        let name = |pid: i32| status_field(pid, "Name");
        wait_until("it sleeps", || inner().is_some_and(|pid| name(pid) == "sleep"));
        running.signal(libc::SIGTERM);
        running.expect_log("after SIGTERM: unshare (pid ");
        running.expect_log("after SIGTERM: sleep (pid ");
        let log = put_down(running);
        let why = ") has no handler for SIGTERM, and needs one as PID 1 of another PID namespace\n";
        assert!(log.contains(why), "{log}");
    }
}

/// The shell starts it at once: within the hundredth of a second to which the kernel notes a start.
#[test]
fn a_process_of_the_group_that_was_started_after_the_signal_is_named_so() {
    let script = "trap 'sleep 1000 & echo started' TERM; echo ready; while :; do :; done";
    for place in PLACES {
        let flags = ["--slow-stop-after=1s", "--grace=60s", "--forward-to=group"];
        let words = [&flags[..], &["sh", "-c", script]].concat();
        let mut running = start(Setup::new(&words).place(place));
        running.signal(libc::SIGTERM);
        running.expect("started");
        running.expect_log(" s after SIGTERM: sh (pid ");
        running.expect_log(" s after SIGTERM: sleep (pid ");
        let log = put_down(running);
        assert!(log.contains(") was started after SIGTERM\n"), "{log}");
    }
}

#[test]
fn those_that_have_not_had_the_signal_are_named_after_the_command() {
    let script = "(setsid sleep 1000 &); trap '' TERM; echo ready; sleep 1000";
    let words = [&SOON[..], &["sh", "-c", script]].concat();
    let mut running = start(Setup::new(&words).foreign("echo entered; read x"));
    wait_until("the daemon is left behind", || running.children().len() == 2);
    running.signal(libc::SIGTERM);
    running.expect_log(") ignores SIGTERM");
    // In the order of their process IDs, which those of the foreign one come before.
    running.expect_log(
        "sh (pid 2) was not sent SIGTERM: it comes from outside of the container (docker exec)",
    );
    running.expect_log(" was not sent SIGTERM: its parent has ended, and only --forward-to all");
    running.let_foreign_end();
    put_down(running);
}

#[test]
fn eight_are_named_and_the_others_counted() {
    for place in PLACES {
        let folder = Folder::new("slow-stop-many");
        let report = folder.at("report");
        let script =
            "trap '' TERM; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; echo ready; wait";
        let own = format!("--report={report}");
        let flags = ["--slow-stop-after=200ms", "--grace=1s", "--forward-to=all", &own];
        let words = [&flags[..], &["sh", "-c", script]].concat();
        let running = start(Setup::new(&words).place(place));
        let main = running.children()[0];
        wait_until("all are executed", || are_named(&children_of(main), 10, "sleep"));
        wait_until("the shell waits", || status_field(main, "State").starts_with('S'));
        running.signal(libc::SIGTERM);
        let ended = running.end();
        let lines: Vec<&str> =
            ended.stderr.lines().filter(|line| line.contains("not stopped")).collect();
        assert_eq!(lines.len(), 9, "{ended:?}");
        assert!(lines[0].contains(": sh (pid "), "the command is first: {ended:?}");
        assert!(lines[8].ends_with("after SIGTERM: 3 more processes"), "{ended:?}");
        let report = Report::read(&report);
        assert_eq!(report.get("not_stopped_more"), "3");
        let named = report.get("not_stopped");
        assert_eq!(named.matches("\"pid\"").count(), 8, "{named}");
        let first =
            "\"name\": \"sh\", \"state\": \"S\", \"reaction\": \"ignored\", \"cause\": \"ignored\"";
        assert!(named.find(first).is_some_and(|at| at < 20), "{named}");
    }
}

#[test]
fn without_proc_the_command_is_named() {
    let probe = probe();
    let words = [&SOON[..], &[&probe, "ignore", "15"]].concat();
    let mut running = start(Setup::new(&words).without_proc());
    running.signal(libc::SIGTERM);
    running.expect_log("pid 2 has not ended after SIGTERM, and cannot be seen in /proc");
    put_down(running);
}

#[test]
fn nothing_is_logged_of_a_fast_stop_nor_where_it_is_not_wanted() {
    let probe = probe();
    let ended = {
        let running = start(Setup::new(&["--slow-stop-after=1h", &probe, "sleep"]));
        running.signal(libc::SIGTERM);
        running.end()
    };
    assert_eq!((ended.status, ended.stderr.as_str()), (143, ""));
    for flags in [&["--slow-stop-after=0", "--grace=500ms"][..], &["--as", "tini", "-g", "--"]] {
        let words = [
            flags,
            &["/bin/sh", "-c", "trap 'sleep 2; exit 3' TERM; echo ready; while :; do read x; done"],
        ]
        .concat();
        let running = start(Setup::new(&words));
        running.signal(libc::SIGTERM);
        let ended = running.end();
        assert!(!ended.stderr.contains("not stopped"), "{ended:?}");
    }
}

/// The first look is left alone, to measure it; in the second each signal comes as soon as the one before has arrived,
/// so that it is not over when SIGKILL is due.
#[test]
fn a_look_at_ten_thousand_processes_delays_neither_signals_nor_sigkill() {
    let folder = Folder::new("slow-stop-crowd");
    let own = format!("--report={}", folder.at("report"));
    let flags = ["--slow-stop-after=500ms", "--grace=4s", "--forward-to=all", &own];
    // Of each three, one is a process more.
    let probe = probe();
    let words = [&flags[..], &[&probe, "many", "7500", "answer"]].concat();
    let mut running = start(Setup::new(&words));
    let memory = |running: &Running| ["VmData", "VmStk"].map(|field| running.status(field));
    let before = memory(&running);
    let looks = |running: &Running| running.descriptors().iter().any(|(_, path)| path == "/proc");
    running.signal(libc::SIGTERM);
    running.expect("signal 15 value none");
    running.expect("signal 18 value none");
    wait_until("SIGTERM is sent", || running.is_idle());
    let (used, _) = schedule(&running);
    wait_until("the look has begun", || looks(&running));
    let begin = Instant::now();
    running.expect_log("s after SIGTERM: 9993 more processes");
    let used = schedule(&running).0.saturating_sub(used);
    println!("a look at 10,001 processes: {:?}, {used:?} of CPU time", begin.elapsed());
    assert!(used < Duration::from_secs(3), "{used:?}");
    assert_eq!(memory(&running), before);

    wait_until("the second look has begun", || looks(&running));
    // The CPU time of sexton until a signal has arrived: on a busy machine all wait for a CPU. What this test waits
    // adds to it, so the least counts; signals that were held up until the look is over would all be late.
    let (mut forwarded, mut least) = (0, Duration::MAX);
    loop {
        let (before, _) = schedule(&running);
        running.signal(libc::SIGUSR1);
        match running.next_line() {
            Some(line) => assert_eq!(line, "signal 10 value none"),
            None => break, // all have been killed
        }
        least = least.min(schedule(&running).0.saturating_sub(before));
        forwarded += 1;
    }
    wait_until("sexton ends", || running.has_ended());
    let (_, waited) = schedule(&running);
    let ended = running.end();
    assert_eq!(ended.status, 137);
    let report = Report::read(&folder.at("report"));
    let (stop, more) = (report.number("phase_seconds.stop"), report.number("not_stopped_more"));
    println!(
        "{forwarded} signals meanwhile, {least:?} at least; SIGKILL after {stop} s, {waited:?} without a CPU"
    );
    assert!(forwarded > 0 && least < used / 4, "{least:?} of {used:?}");
    assert!(more < 9993.0, "the look was over before SIGKILL: {more}");
    assert!(
        (4.0..4.25 + waited.as_secs_f64()).contains(&stop),
        "{stop} s, {waited:?} without a CPU"
    );
}

/// For how long sexton has had a CPU, and for how long it has waited for one.
fn schedule(running: &Running) -> (Duration, Duration) {
    let text = std::fs::read_to_string(format!("/proc/{}/schedstat", running.pid)).unwrap();
    let mut times = text.split(' ').map(|time| Duration::from_nanos(time.parse().unwrap()));
    (times.next().unwrap(), times.next().unwrap())
}

#[test]
fn a_stop_that_has_worked_shows_which_process_was_the_last() {
    const PROGRAM: &str = "
import os, signal, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), os._exit(0)))
    os.write(1, b'ready\\n')
wait()
";
    for place in PLACES {
        let running = python(&["-v", "--grace=20s"], PROGRAM, place);
        running.signal(libc::SIGTERM);
        let ended = running.end();
        assert_eq!(ended.status % 1000 % 128, 15);
        let (_, last) = ended.stderr.split_once(" (python3) ended last, ").expect(&ended.stderr);
        let (seconds, rest) = last.split_once(' ').unwrap();
        assert!(rest.starts_with("s after the others\n"), "{ended:?}");
        assert!(seconds.parse::<f32>().unwrap() >= 0.9, "{ended:?}"); // the command needs time for its end, too
        let running = start(Setup::new(&["-v", &probe(), "sleep"]).place(place));
        running.signal(libc::SIGTERM);
        let ended = running.end();
        assert!(!ended.stderr.contains("ended last"), "it was the only one: {ended:?}");
    }
}
