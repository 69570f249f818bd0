//! The library: a program that is its own init, and the examples of its documentation.

use crate::harness::{Folder, Place, Running, Setup, example, probe, wait_until};
use crate::transparency::{assert_same_with_and_without, without_inode};
use nix::libc;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::path::Path;

/// `embedded`, told how to call the library, and what to be in the child.
fn embedded(what: &str, words: &[&str]) -> Setup {
    let program = example("embedded", "tests/embedded/main.rs");
    Setup::program(program.as_ref(), &[&[what], words].concat())
}

/// How a program becomes its own init in each place.
const PLACES: [(Place, &str); 2] = [(Place::Init, "run"), (Place::Child, "always")];

/// Nothing differs from the same program without an init but its ID, its parent and its group.
fn assert_same(world: impl Fn(Setup) -> Setup) {
    let probe = probe();
    for (place, what) in PLACES {
        let setups = ["plain", what].map(|what| embedded(what, &[&probe, "report", "", "\u{e9}"]));
        assert_same_with_and_without(setups.map(|setup| world(setup.place(place))));
    }
}

#[test]
fn a_program_finds_what_it_finds_without_an_init() {
    assert_same(|setup| setup);
}

#[test]
fn its_signal_mask_and_what_it_ignores_are_its_own() {
    assert_same(|setup| setup.mask(1 << 14 | 1 << 39 | 1 << 63));
    assert_same(|setup| setup.mask(!0));
    for ignored in [&[1][..], &[13], &[17], &[1, 2, 3, 13, 17, 20, 21, 22, 40, 64]] {
        assert_same(|setup| setup.ignored(ignored));
    }
}

#[test]
fn its_descriptors_variables_limits_and_names_are_its_own() {
    let (read, write) = crate::harness::pipe();
    assert_same(|setup| {
        setup
            .inherit(&read)
            .inherit(&write)
            .variable("no equals sign")
            .variable("=empty name")
            .variable("TWICE=1")
            .variable("TWICE=2")
            .variable("SEXTON_GRACE=kept: it is the program's own")
            .limit(7, 100, 200)
            .directory("/usr")
            .called("another name")
    });
    for closed in [&[0][..], &[2], &[0, 2]] {
        assert_same(|setup| setup.closed(closed));
    }
}

#[test]
fn it_is_not_pid_1_and_the_init_holds_nothing_of_its() {
    let (read, _write) = crate::harness::pipe();
    for (place, what) in PLACES {
        let mut running = embedded(what, &[&probe(), "sleep"]).place(place).inherit(&read).start();
        running.expect("ready");
        assert_eq!(running.children().len(), 1);
        wait_until("it is idle", || running.is_idle());
        let held = running.descriptors();
        // The standard streams, and the eventfd by which a failed exec would be reported.
        assert_eq!(held.len(), 4, "{held:?}");
        assert!(held.iter().all(|(fd, _)| *fd != read.as_raw_fd()), "{held:?}");
        assert_eq!(held.iter().filter(|(fd, _)| *fd <= 2).count(), 3, "{held:?}");
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 143);
    }
}

#[test]
fn every_signal_reaches_it() {
    for (place, what) in PLACES {
        let signals = [1, 2, 10, 15, 34, 40, 64];
        // Each stop signal brings a SIGCONT.
        let count = (signals.len() + 1).to_string();
        let words = [&probe() as &str, "signals", &count, "7"];
        let mut running = embedded(what, &words).place(place).start();
        running.expect("ready");
        for signal in signals {
            running.signal(signal);
            running.expect(&format!("signal {signal} value none"));
            if signal == libc::SIGTERM {
                running.expect(&format!("signal {} value none", libc::SIGCONT));
            }
        }
        assert_eq!(running.end().status, 7);
    }
}

#[test]
fn orphans_are_reaped_and_the_status_passes() {
    for ((place, what), others) in PLACES.into_iter().zip(["1", "3"]) {
        let words = [&probe() as &str, "orphans", "3000", "42", others];
        let mut running = embedded(what, &words).place(place).start();
        running.expect("made");
        running.expect("clean");
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (42, ""));
    }
}

/// The child of a program that is not PID 1 is the program itself.
#[test]
fn elsewhere_nothing_is_done() {
    let setups = ["plain", "run"].map(|what| embedded(what, &[&probe(), "descriptors"]));
    let outputs = setups.map(|setup| setup.place(Place::Child).run().stdout);
    assert_eq!(outputs[0], outputs[1]);
    let mut running = embedded("run", &[&probe(), "sleep"]).place(Place::Child).start();
    running.expect("ready");
    assert!(running.children().is_empty());
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().signal, Some(libc::SIGTERM), "the signal has killed it, no init");
}

/// A variable that names somebody else's init, inherited by accident, makes nobody a child, and is gone, too.
#[test]
fn the_mark_of_a_child_does_not_count_for_others() {
    let report = [&probe() as &str, "report"];
    for value in ["7", "", "x", "0"] {
        let mark = format!("SEXTON_PARENT={value}");
        let plain = embedded("plain", &report).place(Place::Child);
        let marked = embedded("always", &report).place(Place::Child).variable(mark);
        assert_same_with_and_without([plain, marked]);
    }
}

#[test]
fn a_nested_init_is_one_of_its_own() {
    let program = example("embedded", "tests/embedded/main.rs");
    let words = [&program as &str, "always", &probe(), "sleep"];
    let mut running = embedded("always", &words).place(Place::Child).start();
    running.expect("ready");
    let [inner] = running.children()[..] else { panic!("{:?}", running.children()) };
    assert_eq!(crate::harness::children_of(inner).len(), 1);
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 143);
}

#[test]
fn another_program_finds_what_it_finds_from_a_shell() {
    let probe = probe();
    for place in [Place::Init, Place::Child] {
        for ignored in [&[][..], &[17], &[1, 2, 40]] {
            let direct = Setup::program(probe.as_ref(), &["report", "a b"]);
            let under = embedded("supervise", &[&probe, "report", "a b"]);
            assert_same_with_and_without([direct, under].map(|setup| {
                setup.place(place).ignored(ignored).mask(1 << 14).variable("no equals sign")
            }));
        }
    }
}

#[test]
fn a_program_that_cannot_be_executed_is_an_error() {
    for (program, status) in [("/no/such", 127), ("missing", 127), ("/etc/passwd", 126)] {
        let ended = embedded("supervise", &[program]).run();
        assert_eq!(ended.status, status, "{ended:?}");
        assert!(ended.stderr.starts_with("sexton: fatal: unable to execute"), "{ended:?}");
        let ended = embedded("logger,supervise", &[program]).run();
        assert_eq!(ended.status, status, "{ended:?}");
        assert!(ended.stderr.contains("\nown ! unable to execute"), "{ended:?}");
    }
}

/// What the file is called is what the process is called.
fn name(setup: Setup) -> String {
    let ended = setup.run();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    ended.stdout.trim().to_owned()
}

#[test]
fn the_same_file_is_executed_also_if_it_is_gone() {
    let program = example("embedded", "tests/embedded/main.rs");
    assert_eq!(name(embedded("run", &["name"])), "embedded");
    let folder = Folder::new("library-file");
    let copy = || folder.copy("copy", "755", &program);
    let setup = |what: &str| Setup::program(Path::new(&copy()), &[what, "name"]);
    assert_eq!(name(setup("run")), "copy");
    assert_eq!(name(setup("run,unlink")), "exe");
    assert!(!Path::new(&folder.at("copy")).exists());
    let other = folder.copy("other", "755", "/bin/false");
    assert_eq!(name(setup(&format!("run,replace={other}"))), "exe");
    // By a relative path, and by a name that PATH leads elsewhere from.
    copy();
    let relative = Setup::program(Path::new("./copy"), &["run", "name"]).directory(folder.path());
    assert_eq!(name(relative.called("true")), "copy");
}

#[test]
fn without_proc_the_file_is_what_was_executed() {
    let folder = Folder::new("library-no-proc");
    folder.copy("copy", "755", &example("embedded", "tests/embedded/main.rs"));
    let words = ["run", &probe(), "exit", "5"];
    for path in ["./copy", &folder.at("copy")] {
        let setup = Setup::program(Path::new(path), &words).directory(folder.path());
        let ended = setup.called("true").without_proc().run();
        assert_eq!((ended.status, ended.stderr.as_str()), (5, ""));
    }
}

#[test]
fn the_interpreter_of_a_script_is_found_with_proc_and_an_error_without() {
    let folder = Folder::new("library-script");
    let program = folder.copy("copy", "755", &example("embedded", "tests/embedded/main.rs"));
    // The kernel hands over one argument, the script and what follows: embedded run SCRIPT, with SCRIPT "name".
    folder.file("name", "755", &format!("#!{program} run\n"));
    let setup = || Setup::program(Path::new("name"), &[""; 0]).directory(folder.path());
    assert_eq!(name(setup()), "copy");
    let ended = setup().without_proc().run();
    assert!(ended.stderr.contains("unable to start the program again: /proc"), "{ended:?}");
}

#[test]
fn an_error_leaves_the_program_as_it_was() {
    let report = [&probe() as &str, "report"];
    let folder = Folder::new("library-error").open_to_all();
    let no_file = format!("run,report={}/none/file", folder.path());
    for (what, told) in [
        ("run,thread", "unable to become the init: there are 2 threads"),
        ("supervise,thread", "unable to become the init: there are 2 threads"),
        (&no_file, "unable to write the report"),
        ("run,map=1:2,map=1:3", "invalid exit status to map: "),
    ] {
        let world = |what: &str| embedded(what, &report).ignored(&[1]).mask(1 << 14);
        let ended = world(what).run();
        let lines: Vec<&str> = ended.stderr.lines().collect();
        assert!(lines.len() == 1 && lines[0].contains(told), "{ended:?}");
        assert!(lines[0].ends_with("(125)"), "{ended:?}");
        let before = world("plain").run().stdout;
        let [after, before] = [&ended.stdout, &before].map(|text| text.lines().map(without_inode));
        assert!(after.eq(before), "{what}: {ended:?}");
    }
}

#[test]
fn a_limit_that_cannot_be_set_ends_the_init_as_it_ends_sexton() {
    let setup = embedded("run,nofile=500", &[&probe(), "descriptors"]).limit(7, 100, 200);
    let ended = setup.user(1000).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""));
    assert!(ended.stderr.contains("unable to set limit nofile to 500:500"), "{ended:?}");
}

#[test]
fn what_was_printed_before_is_printed_once_for_each_process() {
    let ended = embedded("print=x,run", &["name"]).run();
    assert_eq!(ended.stdout, "xxembedded\n", "{ended:?}");
}

fn ready(what: &str, words: &[&str]) -> Running {
    let mut running = embedded(what, &[&[&probe() as &str], words].concat()).start();
    running.expect("ready");
    running
}

#[test]
fn stop_signals_and_grace() {
    let mut running = ready("run,stop=INT,grace=0", &["ignore", "2", "15"]);
    running.signal(libc::SIGTERM);
    wait_until("SIGTERM is taken, and is no stop", || running.is_idle());
    running.signal(libc::SIGINT);
    running.expect_log("killing");
    assert_eq!(running.end().status, 137);
}

#[test]
fn drain_rewrite_and_escalation() {
    // The command has this time for the first two: it would take SIGUSR1 before a SIGCONT that is pending too, and
    // SIGCONT once for both. On a busy machine it may need more.
    let takes_each = |milliseconds: &i32| {
        let what = "run,drain=3600000,rewrite=TERM:QUIT,ignore=HUP,no-grace,escalate=USR1";
        let mut running = ready(&format!("{what}:{milliseconds}"), &["signals", "4", "9"]);
        running.signal(libc::SIGHUP);
        running.signal(libc::SIGTERM); // held back
        wait_until("both are taken", || running.has_taken_all());
        running.signal(libc::SIGTERM); // and let go
        running.expect(&format!("signal {} value none", libc::SIGQUIT));
        let others = [libc::SIGCONT, libc::SIGUSR1, libc::SIGCONT];
        let in_order = |&signal: &i32| running.line() == format!("signal {signal} value none");
        others.iter().all(in_order) && running.end().status == 9
    };
    assert!([500, 2000, 10_000].iter().any(takes_each));
}

#[test]
fn statuses_are_mapped() {
    let probe = probe();
    for (what, words, status) in [
        ("run,map=3:0", &["exit", "3"][..], 0),
        ("run,map=3:0", &["exit", "4"], 4),
        ("run,map=143:1,map-signal=TERM:2", &["die", "15"], 2),
        ("supervise,map=3:5", &["exit", "3"], 5),
    ] {
        let words = [&[&probe as &str], words].concat();
        assert_eq!(embedded(what, &words).run().status, status, "{what}");
    }
}

#[test]
fn what_it_leaves_behind_is_ended_awaited_or_left_alone() {
    // The orphan ignores SIGTERM.
    let ended = embedded("run,linger=0", &[&probe(), "leave", "ignore", "3"]).run();
    assert_eq!(ended.status, 3, "{ended:?}");
    assert!(ended.stderr.contains("killing"), "{ended:?}");
    let ended = embedded("run,no-linger", &[&probe(), "leave", "ignore", "3"]).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (3, ""));
    let script = "(read line; exit 1) <&9 & exit 3";
    let (read, write) = crate::harness::pipe();
    let redirected = format!("exec 9<&{}; {script}", read.as_raw_fd());
    let words = ["/bin/sh", "-c", &redirected];
    let mut running = embedded("supervise,wait-all,warn-on-reap", &words).inherit(&read).start();
    wait_until("main has ended", || running.children().len() == 1 && running.is_idle());
    drop(write);
    running.expect_log("reaped orphan 3 (sh): exited with status 1");
    assert_eq!(running.end().status, 3);
}

#[test]
fn signals_go_to_the_group_and_limits_to_the_child() {
    let running = ready("run,group,nofile=123", &["sleep"]);
    let [child] = running.children()[..] else { panic!("{:?}", running.children()) };
    let nofile = |pid: i32| {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        line.split_whitespace().nth(3).unwrap().to_owned()
    };
    assert_eq!(nofile(child), "123");
    assert_ne!(nofile(running.pid), "123");
    running.signal(libc::SIGUSR1);
    assert_eq!(running.end().status, 138);
}

#[test]
fn a_logger_of_the_program_s_own_gets_the_lines() {
    let probe = probe();
    let words = [&probe as &str, "die", "11"];
    let world = |what: &str| embedded(what, &words).limit(libc::RLIMIT_CORE as i32, 0, 0).run();
    let own = world("logger,run").stderr;
    assert!(own.contains("own - command is pid 2\n") && own.contains("\nown ! "), "{own}");
    assert!(!own.contains("sexton: "), "{own}");
    let without = world("run").stderr;
    assert!(without.starts_with("sexton: warning: ") && without.lines().count() == 1, "{without}");
    assert!(world("debug,run").stderr.contains("sexton: debug: "));
}

#[test]
fn the_report_is_written() {
    let folder = Folder::new("library-report");
    let report = folder.at("report");
    let ended = embedded(&format!("run,report={report}"), &[&probe(), "exit", "3"]).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (3, ""));
    let report = std::fs::read_to_string(&report).unwrap();
    assert!(report.contains("\"exit_status\":3"), "{report}");
}

// The examples of docs/library.md.

fn documented(name: &str, words: &[&str]) -> Setup {
    Setup::program(example(name, &format!("docs/examples/{name}.rs")).as_ref(), words)
}

#[test]
fn example_own_init() {
    let mut running = documented("own_init", &[]).closed(&[0]).start();
    running.expect("working as process 2");
    assert_eq!(running.end().status, 0);
}

#[test]
fn example_threaded_server() {
    let mut running = documented("threaded_server", &[]).start();
    let line = running.line();
    let address = line.strip_prefix("listening on ").unwrap();
    let mut greeting = String::new();
    BufReader::new(TcpStream::connect(address).unwrap()).read_line(&mut greeting).unwrap();
    assert_eq!(greeting, "hello from process 2\n");
    running.signal(libc::SIGTERM);
    let ended = running.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
}

#[test]
fn example_wrapper() {
    let mut running = documented("wrapper", &[&probe(), "sleep"]).start();
    running.expect("ready");
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().status, 143);
    let ended = documented("wrapper", &[]).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (125, "sexton: fatal: no command given\n"));
}
