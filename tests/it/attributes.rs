//! SPEC 6: directory, umask, variables, scheduling, memory pressure, session, parent death signal.

use crate::harness::{
    Folder, Place, Running, Setup, Terminal, Traced, children_of, probe, sexton, status_field,
    wait_until,
};
use crate::report::{Report, under};
use nix::libc;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;

#[test]
fn the_command_starts_in_the_directory_that_is_named() {
    let folder = Folder::new("chdir");
    folder.file("here", "755", "#!/bin/sh\necho found\n");
    assert_eq!(Report::with(&["--chdir", folder.path()]).field("directory"), folder.path());
    let setup = under(&[]).variable(format!("SEXTON_CHDIR={}", folder.path()));
    assert_eq!(Report::of(setup).field("directory"), folder.path());
    // A command is looked up from there, by its path and in a PATH that says so.
    for command in [&["./here"][..], &["--env=PATH=.", "here"], &["--env=PATH=", "here"]] {
        let ended = Setup::new(&[&["--chdir", folder.path()], command].concat()).run();
        assert_eq!((ended.status, ended.stdout.as_str()), (0, "found\n"), "{command:?}");
    }
    // A relative directory begins where sexton was started; a name may have any bytes.
    let name = OsString::from_vec(b"\xff \n".to_vec());
    fs::create_dir(std::path::Path::new(folder.path()).join(&name)).unwrap();
    let words: [&OsStr; 4] = ["--chdir".as_ref(), &name, "sh".as_ref(), "-c".as_ref()];
    let ended = Setup::new(&[&words[..], &["cd .. && pwd".as_ref()]].concat());
    let ended = ended.directory(folder.path()).run();
    assert_eq!((ended.status, ended.stdout), (0, format!("{}\n", folder.path())));
}

#[test]
fn a_directory_that_the_command_s_user_may_not_enter_is_an_error() {
    let folder = Folder::new("private");
    fs::create_dir(format!("{}/in", folder.path())).unwrap();
    let private = format!("{}/in", folder.path());
    fs::set_permissions(&private, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(Report::with(&["--chdir", &private]).field("directory"), private);
    let ended = Setup::new(&["--user=1000", "--chdir", &private, "echo", "main was run"]).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{ended:?}");
}

#[test]
fn the_umask_is_the_command_s() {
    for (flag, shown) in [("--umask=027", "0027"), ("--umask=0", "0000"), ("--umask=777", "0777")] {
        assert_eq!(Report::with(&[flag]).field("Umask"), shown);
    }
    assert_eq!(Report::of(under(&[]).variable("SEXTON_UMASK=07")).field("Umask"), "0007");
}

#[test]
fn variables_are_set_and_unset_byte_for_byte() {
    let bytes: Vec<u8> = (1..=255).collect();
    let flag = |name: &str, value: &[u8]| OsString::from_vec([name.as_bytes(), value].concat());
    let odd = [b"\xff\xfe=", &bytes[..]].concat();
    let words = [
        flag("--env=", &odd),
        "--env=EMPTY=".into(),
        "--env=KEPT=new".into(),
        "--env=SEXTON_X=main's".into(),
        flag("--unset-env=", b"\xfd"),
        "--unset-env=TWICE".into(),
        "--unset-env=MISSING".into(),
        probe().into(),
        "report".into(),
    ];
    let gone = OsString::from_vec(b"\xfd=1".to_vec());
    let setup = Setup::new(&words).variable(gone).variable("TWICE=1").variable("KEPT=old");
    let setup = setup.variable("TWICE=2").variable("TWICEMORE=3").variable("TWICE");
    let expected: [&[u8]; 7] = [
        b"PATH=/usr/bin:/bin",
        b"KEPT=new",
        b"TWICEMORE=3",
        b"TWICE",
        &odd,
        b"EMPTY=",
        b"SEXTON_X=main's",
    ];
    assert_eq!(Report::of(setup).variables(), expected);
}

#[test]
fn variables_can_be_set_by_a_variable_and_the_flag_beats_it() {
    let setup = under(&["--env=A=flag", "--unset-env=D"]).variable("D=0").variable("E=0");
    let setup = setup.variable("SEXTON_ENV=A=1,B=x=y,C=,D=4").variable("SEXTON_UNSET_ENV=E,F");
    let mut variables = Report::of(setup).variables();
    variables.sort();
    assert_eq!(variables, [&b"A=flag"[..], b"B=x=y", b"C=", b"PATH=/usr/bin:/bin"]);
}

#[test]
fn a_command_is_looked_up_in_the_path_that_is_set() {
    let folder = Folder::new("path");
    folder.file("tool", "755", "#!/bin/sh\necho \"tool: $PATH\"\n");
    let path = format!("PATH={}:/bin", folder.path());
    let expected = format!("tool: {}:/bin\n", folder.path());
    assert_eq!(Setup::new(&["--env", &path, "tool"]).run().stdout, expected);
    let by_variable = Setup::new(&["tool"]).variable(format!("SEXTON_ENV={path}"));
    assert_eq!(by_variable.run().stdout, expected);
    // And no longer in the one that is not.
    let ended = Setup::new(&["--unset-env=PATH", "tool"]).variable(path).run();
    assert_eq!(ended.status, 127, "{ended:?}");
}

#[test]
fn scheduling_and_memory_pressure_reach_the_command() {
    for (flag, field, shown) in [
        ("--nice=5", "nice", "5"),
        ("--nice=-7", "nice", "-7"),
        ("--nice=19", "nice", "19"),
        ("--cpus=0", "Cpus_allowed_list", "0"),
        ("--sched=batch", "scheduler", "3 0"),
        ("--sched=idle", "scheduler", "5 0"),
        ("--sched=other", "scheduler", "0 0"),
        ("--sched=fifo:1", "scheduler", "1 1"),
        ("--sched=rr:99", "scheduler", "2 99"),
        ("--ionice=idle", "io", "3 0"),
        ("--ionice=best-effort:7", "io", "2 7"),
        ("--ionice=realtime:0", "io", "1 0"),
        ("--ionice=realtime", "io", "1 4"),
        ("--oom-score-adj=321", "oom", "321"),
        ("--oom-score-adj=1000", "oom", "1000"),
    ] {
        assert_eq!(Report::with(&[flag]).field(field), shown, "{flag}");
        let (name, value) = flag.trim_start_matches("--").split_once('=').unwrap();
        let variable = format!("SEXTON_{}={value}", name.replace('-', "_").to_uppercase());
        assert_eq!(Report::of(under(&[]).variable(&variable)).field(field), shown, "{variable}");
    }
    // Together, for another user who could do nothing of it.
    let flags = ["--user=1000", "--sched=fifo:3", "--nice=-9", "--ionice=realtime:2", "--cpus=0"];
    let main = Report::with(&flags);
    let fields =
        ["Uid", "scheduler", "nice", "io", "Cpus_allowed_list"].map(|name| main.field(name));
    assert_eq!(fields, ["1000 1000 1000 1000", "1 3", "-9", "1 2", "0"]);
}

#[test]
fn a_session_of_its_own() {
    for place in [Place::Init, Place::Child] {
        let main = Report::of(under(&["--setsid"]).place(place));
        let ids = ["session", "group"].map(|name| main.field(name));
        assert_eq!(ids, [main.field("pid"), main.field("pid")]);
    }
}

/// A shell that waits for sexton, whose parent it is. SIGUSR1 is blocked, so that the command has it wait until
/// it can take it.
fn under_a_shell(script: &str) -> Running {
    let command = format!("{script} & wait");
    let setup = Setup::program("/bin/sh".as_ref(), &["-c", &command]).place(Place::Child);
    setup.mask(1 << (libc::SIGUSR1 - 1)).start()
}

#[test]
fn sexton_gets_its_signal_when_its_parent_ends() {
    for (name, number) in [("USR1", 10), ("RTMIN+5", 39)] {
        let sexton = sexton().display().to_string();
        let mut parent =
            under_a_shell(&format!("{sexton} --pdeathsig={name} {} signals 1", probe()));
        parent.expect("ready");
        parent.signal(libc::SIGKILL);
        parent.expect(&format!("signal {number} value none"));
        assert_eq!(parent.next_line(), None, "sexton and main have ended");
    }
    // A stop signal stops the command.
    let setup = format!("{} --pdeathsig=TERM {} sleep", sexton().display(), probe());
    let mut parent = under_a_shell(&setup);
    parent.expect("ready");
    parent.signal(libc::SIGKILL);
    assert_eq!(parent.next_line(), None);
}

/// The parent ends after sexton has looked who it is, and before it asks for the signal.
#[test]
fn a_parent_that_ends_meanwhile_is_noticed() {
    let folder = Folder::new("pdeathsig");
    let go = folder.fifo("go");
    let command = format!("{} --pdeathsig=USR1 {} signals 1", sexton().display(), probe());
    let mut parent = under_a_shell(&format!("sh -c 'read go <{go}; exec {command}'"));
    wait_until("the inner shell is there", || !parent.children().is_empty());
    let pid = parent.children()[0];
    let traced = Traced::seize(pid);
    let open = std::thread::spawn(move || fs::write(go, "\n").unwrap());
    loop {
        let call = traced.step();
        let asks = call.arguments[0] == libc::PR_SET_PDEATHSIG as u64;
        if call.operation == 1 && call.value == libc::SYS_prctl && asks {
            break;
        }
    }
    open.join().unwrap();
    parent.signal(libc::SIGKILL);
    let former = parent.pid.to_string();
    wait_until("sexton has another parent", || status_field(pid, "PPid") != former);
    traced.release();
    parent.expect("ready");
    parent.expect("signal 10 value none");
}

/// For [`Setup::prepare`]: whoever starts sexton wants what it starts to end with it, as CI runners do.
fn with_a_parent_death_signal() {
    // SAFETY: takes integers only.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM, 0, 0, 0) };
}

/// With PID 1 the kernel ends all others.
#[test]
fn the_command_has_the_parent_death_signal_that_sexton_has() {
    let signal = |setup: Setup| Report::of(setup).field("parent death signal");
    let inherited = |setup: Setup| setup.prepare(with_a_parent_death_signal);
    let child = |flags: &[&str]| under(flags).place(Place::Child);
    assert_eq!(signal(child(&[])), "0");
    for flag in [&[][..], &["--user=1000"], &["--user=1000", "--cap-ambient=kill"], &["--setsid"]] {
        assert_eq!(signal(inherited(child(flag))), "15", "{flag:?}");
    }
    assert_eq!(signal(child(&["--pdeathsig=RTMIN+5"])), "39");
    assert_eq!(signal(inherited(child(&["--pdeathsig=INT", "--user=1000"]))), "2");
    assert_eq!(signal(inherited(under(&["--pdeathsig=INT"]))), "0");
    let in_tini_s_place = Setup::new(&["-s", "-p", "SIGUSR1", &probe(), "report"]).called("tini");
    assert_eq!(signal(in_tini_s_place.place(Place::Child)), "10");
}

#[test]
fn a_sexton_that_is_killed_leaves_no_command_behind() {
    let probe = probe();
    let start = |words: &[&str]| Setup::new(words).place(Place::Child);
    let inherited = start(&[&probe, "sleep"]).prepare(with_a_parent_death_signal);
    // The command itself changes nothing of it, so what ignores SIGTERM needs SIGKILL.
    let asked = start(&["--pdeathsig=KILL", &probe, "ignore", "15"]);
    for setup in [inherited, asked] {
        let mut running = setup.start();
        running.expect("ready");
        let [command] = running.children()[..] else { panic!("sexton has one child") };
        running.signal(libc::SIGKILL);
        wait_until("the command has ended", || status_field(command, "State").is_empty());
        assert_eq!(running.end().signal, Some(libc::SIGKILL));
    }
}

/// sexton ends before the child has asked for the signal.
#[test]
fn a_sexton_that_is_killed_at_once_leaves_no_command_behind() {
    let folder = Folder::new("killed-at-once");
    let go = folder.fifo("go");
    let command = format!("{} --pdeathsig=TERM {} sleep", sexton().display(), probe());
    let mut parent = under_a_shell(&format!("sh -c 'read go <{go}; exec {command}'"));
    wait_until("the inner shell is there", || !parent.children().is_empty());
    let traced = Traced::seize(parent.children()[0]);
    let open = std::thread::spawn(move || fs::write(go, "\n").unwrap());
    let (sexton, child) = traced.until_it_forks();
    open.join().unwrap();
    let (pid, former) = (child.0, sexton.0.to_string());
    sexton.kill();
    wait_until("the child has another parent", || status_field(pid, "PPid") != former);
    child.release();
    wait_until("the child has ended", || status_field(pid, "State").is_empty());
    assert_eq!(parent.next_line(), None, "the command was run");
}

/// What /proc and the kernel show of a process that the attributes of its command must not change.
fn shown(pid: i32) -> Vec<(&'static str, String)> {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
    let stat = read("stat");
    let (_, stat) = stat.rsplit_once(") ").unwrap();
    let stat: Vec<&str> = stat.split(' ').collect();
    const WHO_PROCESS: i32 = 1;
    // SAFETY: takes integers only.
    let io = unsafe { libc::syscall(libc::SYS_ioprio_get, WHO_PROCESS, pid) };
    let status = ["Uid", "Gid", "Groups", "Umask", "Cpus_allowed", "NoNewPrivs", "CapBnd"];
    let status = status.map(|field| (field, status_field(pid, field)));
    let others = [
        ("nice", stat[16].to_owned()),
        ("policy and priority", stat[37..39].join(" ")),
        ("oom", read("oom_score_adj")),
        ("limits", read("limits")),
        ("io", io.to_string()),
    ];
    status.into_iter().chain(others).collect()
}

#[test]
fn nothing_of_it_touches_sexton_itself() {
    let folder = Folder::new("untouched").open_to_all();
    let output = format!("{}/out", folder.path());
    let words = [
        "--user=1000",
        "--groups=5",
        "--cap-drop=chown",
        "--no-new-privs",
        "--rlimit=nofile=40",
        "--rlimit=core=0",
        "--chdir",
        folder.path(),
        "--umask=007",
        "--env=A=1",
        "--unset-env=PATH",
        "--nice=3",
        "--cpus=1",
        "--sched=batch",
        "--ionice=idle",
        "--oom-score-adj=77",
        "--setsid",
        "--stderr",
        &output,
        "--close-fds",
        &probe(),
        "sleep",
    ];
    for place in [Place::Init, Place::Child] {
        // The one that says nothing, to compare with.
        let mut plain = Setup::new(&[&probe(), "sleep"]).place(place).start();
        plain.expect("ready");
        let mut running = Setup::new(&words).place(place).start();
        running.expect("ready");
        assert_eq!(shown(running.pid), shown(plain.pid));
        // And the comparison sees what it should: the command differs in each of these.
        let main = shown(children_of(running.pid)[0]);
        for (own, main) in shown(running.pid).iter().zip(&main) {
            assert_ne!(own, main);
        }
        let link = |pid: i32, name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
        wait_until("sexton leaves its directory", || link(running.pid, "cwd").as_os_str() == "/");
        assert!(!link(running.pid, "fd/2").starts_with(folder.path()));
        let environment = fs::read(format!("/proc/{}/environ", running.pid)).unwrap();
        assert_eq!(environment, b"PATH=/usr/bin:/bin\0");
        assert_ne!(running.status("NSpid"), "");
    }
}

/// A session of its own has no terminal that is not sexton's to give: SIGINT cannot have come from its keys, and is
/// told as without one.
#[test]
fn a_death_by_sigint_in_a_session_of_its_own_is_logged() {
    let mut terminal = Terminal::new();
    let words = ["--setsid", "sh", "-c", "kill -INT $$"];
    let running = Setup::new(&words).terminal(&terminal.program).in_background().start();
    let end = running.end();
    assert_eq!(end.status, 130);
    // Nothing else is shown after it.
    let shell = Setup::new(&["echo", "end"]).terminal(&terminal.program).run();
    assert_eq!(shell.status, 0);
    let told = terminal.expect("end");
    assert!(told.starts_with("sexton: warning: command killed by SIGINT; ran for "), "{told}");
}
