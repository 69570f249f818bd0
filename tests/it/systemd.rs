//! SPEC 1.6: the variables in which systemd names a process by its ID, the descriptors that it passes, and the message
//! that has it listen to the command.

use crate::harness::{Folder, LIMIT, Place, Setup, example, probe};
use crate::old_kernels::forget_newer_calls;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variables that the command finds, but `PATH`, sorted.
fn variables(setup: Setup, given: &[&str]) -> Vec<String> {
    let ended = given.iter().fold(setup, |setup, variable| setup.variable(variable)).run();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    let lines = ended.stdout.lines().filter(|line| !line.starts_with("PATH="));
    let mut found: Vec<String> = lines.map(str::to_owned).collect();
    found.sort();
    found
}

/// The command is made by a child that shares sexton's memory, and by one that has a copy.
const WAYS: [&[&str]; 2] = [&[], &["--umask=022"]];

fn command(options: &[&str]) -> Setup {
    Setup::new(&[options, &["env"]].concat())
}

const NAMED: [&str; 9] = [
    "LISTEN_FDNAMES=a:b",
    "LISTEN_FDS=2",
    "LISTEN_PIDFDID=77",
    "LISTEN_PID=1",
    "MAINPID=1",
    "MANAGERPID=1",
    "NOTIFY_SOCKET=/run/x",
    "SYSTEMD_EXEC_PID=1",
    "WATCHDOG_PID=1",
];

/// As PID 1, sexton's child is process 2.
const RENAMED: [&str; 8] = [
    "LISTEN_FDNAMES=a:b",
    "LISTEN_FDS=2",
    "LISTEN_PID=2",
    "MAINPID=1",
    "MANAGERPID=1",
    "NOTIFY_SOCKET=/run/x",
    "SYSTEMD_EXEC_PID=2",
    "WATCHDOG_PID=2",
];

#[test]
fn what_names_sexton_names_the_command() {
    for way in WAYS {
        assert_eq!(variables(command(way), &NAMED), RENAMED);
    }
}

/// Two of them are about each other only if `LISTEN_PID` names sexton.
#[test]
fn what_names_another_process_stays() {
    let given = ["LISTEN_FDS=2", "LISTEN_PID=7", "LISTEN_PIDFDID=77", "WATCHDOG_PID=x"];
    for way in WAYS {
        assert_eq!(variables(command(way), &given), given);
    }
}

#[test]
fn what_names_the_command_by_chance_is_unset_with_all_that_belongs_to_it() {
    let given = [
        "LISTEN_FDNAMES=a",
        "LISTEN_FDS=1",
        "LISTEN_PID=2",
        "LISTEN_PID=2",
        "LISTEN_PIDFDID=77",
        "MAINPID=2",
        "SYSTEMD_EXEC_PID=2",
        "WATCHDOG_PID=2",
        "WATCHDOG_USEC=9",
        "ZZZ=2",
    ];
    for way in WAYS {
        assert_eq!(variables(command(way), &given), ["MAINPID=2", "ZZZ=2"]);
    }
    // One alone, first and last in the environment.
    let mixed = ["WATCHDOG_PID=2", "LISTEN_FDS=1", "LISTEN_PID=7", "WATCHDOG_USEC=9"];
    assert_eq!(variables(command(&[]), &mixed), ["LISTEN_FDS=1", "LISTEN_PID=7"]);
}

#[test]
fn what_is_set_for_the_command_is_no_chance() {
    let options = ["--env=LISTEN_PID=2", "--env=WATCHDOG_USEC=5", "--env=SYSTEMD_EXEC_PID=1"];
    let given = ["LISTEN_FDS=1", "LISTEN_PIDFDID=77", "WATCHDOG_PID=2"];
    let expected = [
        "LISTEN_FDS=1",
        "LISTEN_PID=2",
        "LISTEN_PIDFDID=77",
        "SYSTEMD_EXEC_PID=2",
        "WATCHDOG_USEC=5",
    ];
    assert_eq!(variables(command(&options), &given), expected);
}

#[test]
fn a_program_that_is_its_own_init_finds_itself_named() {
    let embedded = example("embedded", "tests/embedded/main.rs");
    for (what, program) in [("run", "/usr/bin/env"), ("supervise", "env")] {
        let setup = Setup::program(embedded.as_ref(), &[what, program]);
        assert_eq!(variables(setup, &NAMED), RENAMED, "{what}");
    }
}

#[test]
fn a_dry_run_shows_what_is_renamed() {
    let setup = NAMED.iter().fold(command(&["--dry-run"]), |setup, name| setup.variable(name));
    let ended = setup.run();
    let expected = " 1. set variable 'LISTEN_PID' to the command's process ID
 2. set variable 'WATCHDOG_PID' to the command's process ID
 3. set variable 'SYSTEMD_EXEC_PID' to the command's process ID
 4. unset variable 'LISTEN_PIDFDID'
 5. create a process group
 6. restore the signal mask
 7. execute '/usr/bin/env'
";
    assert_eq!((ended.status, ended.stdout.as_str()), (0, expected), "{ended:?}");
    let other = command(&["--dry-run"]).variable("LISTEN_PID=7").variable("LISTEN_PIDFDID=77");
    assert!(other.run().stdout.starts_with(" 1. create a process group\n"));
}

/// With descriptors 3 to 5 open, and `exec` before all: the process ID stays that of the shell.
fn with_descriptors(options: &str, variables: &[&str]) -> Setup {
    let sexton = crate::harness::sexton();
    let script = format!(
        "exec 3</dev/null 4</dev/null 5</dev/null; exec {} {options} {} descriptors",
        sexton.display(),
        probe()
    );
    let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]);
    variables.iter().fold(setup, |setup, variable| setup.variable(variable))
}

#[test]
fn close_fds_keeps_the_descriptors_that_are_meant_for_the_command() {
    for (variables, expected) in [
        (&["LISTEN_PID=1", "LISTEN_FDS=2"][..], "0 1 2 3 4"),
        (&["LISTEN_PID=1", "LISTEN_FDS=1"], "0 1 2 3"),
        // sexton's own pipe is among the next ones.
        (&["LISTEN_PID=1", "LISTEN_FDS=9"], "0 1 2 3 4 5"),
        (&["LISTEN_PID=1", "LISTEN_FDS=2147483647"], "0 1 2 3 4 5"),
        (&["LISTEN_PID=1", "LISTEN_FDS=-1"], "0 1 2"),
        (&["LISTEN_PID=1"], "0 1 2"),
        (&["LISTEN_PID=7", "LISTEN_FDS=2"], "0 1 2"),
        (&["LISTEN_FDS=2"], "0 1 2"),
    ] {
        for old in [false, true] {
            for proc_mounted in [true, false] {
                let setup = with_descriptors("--close-fds", variables);
                let setup = if proc_mounted { setup } else { setup.without_proc() };
                let ended = if old { forget_newer_calls(setup) } else { setup }.run();
                // Above 9 are the shell's own, and what the test was started with.
                let found = ended.stdout.split_whitespace().filter(|fd| fd.len() == 1);
                let found = found.collect::<Vec<_>>().join(" ");
                assert_eq!(found, expected, "{variables:?} {old} {proc_mounted} {ended:?}");
            }
        }
    }
    let shown = with_descriptors("--dry-run --close-fds", &["LISTEN_PID=1", "LISTEN_FDS=2"]).run();
    assert!(shown.stdout.contains("close all descriptors but 0 to 4\n"), "{shown:?}");
}

/// Beside other processes, whose numbers are not known before.
#[test]
fn a_sexton_that_is_not_pid_1_names_the_command() {
    let check = "[ \"$LISTEN_PID $WATCHDOG_PID $SYSTEMD_EXEC_PID\" = \"$$ $$ $$\" ] && [ $MAINPID != $$ ] &&
        [ -z \"${LISTEN_PIDFDID+set}\" ] && echo named";
    let script = format!(
        "export LISTEN_PID=$$ WATCHDOG_PID=$$ SYSTEMD_EXEC_PID=$$ MAINPID=$$ LISTEN_PIDFDID=5
         exec {} sh -c '{check}'",
        crate::harness::sexton().display()
    );
    let setup = Setup::program("/bin/sh".as_ref(), &["-c", &script]).place(Place::Child);
    assert_eq!(setup.run().stdout, "named\n");
}

/// sexton with `--notify-access` and what else, where `NOTIFY_SOCKET` has this value.
fn notifying(options: &[&str], socket: &str) -> Setup {
    // The command's own message comes after sexton's, if sexton's was sent before the command was started.
    let message = "import os, socket
name = os.environ['NOTIFY_SOCKET']
name = '\\0' + name[1:] if name[0] == '@' else name
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', name)";
    let words = [options, &["--notify-access", "python3", "-c", message]].concat();
    Setup::new(&words).variable(format!("NOTIFY_SOCKET={socket}"))
}

#[test]
fn notify_access_is_asked_for_before_the_command_is_started() {
    let folder = Folder::new("notify-access");
    let path = folder.at("socket");
    let name = format!("sexton-test/{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let by_path = UnixDatagram::bind(&path).unwrap();
    let by_name = UnixDatagram::bind_addr(&address).unwrap();
    for (socket, receiver) in [(path, by_path), (format!("@{name}"), by_name)] {
        receiver.set_read_timeout(Some(LIMIT)).unwrap();
        let ended = notifying(&["-v"], &socket).run();
        assert_eq!(ended.status, 0, "{ended:?}");
        assert!(!ended.stderr.contains("notify access"), "{ended:?}");
        for expected in ["NOTIFYACCESS=all", "READY=1"] {
            let mut buffer = [0; 64];
            let length = receiver.recv(&mut buffer).unwrap();
            assert_eq!(std::str::from_utf8(&buffer[..length]), Ok(expected), "{socket}");
        }
        receiver.set_nonblocking(true).unwrap();
        assert!(receiver.recv(&mut [0; 64]).is_err(), "a third message for {socket}");
    }
}

#[test]
fn a_notify_socket_that_does_not_answer_is_a_warning() {
    let folder = Folder::new("notify-nobody");
    let full = folder.at("full");
    let _receiver = UnixDatagram::bind(&full).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.set_nonblocking(true).unwrap();
    while sender.send_to(b"x", &full).is_ok() {}
    drop(UnixDatagram::bind(folder.at("closed")).unwrap());
    for (socket, why) in [
        (full, "resource temporarily unavailable"),
        (folder.at("closed"), "connection refused"),
        (folder.at("missing"), "no such file or directory"),
        ("@".to_owned() + &"x".repeat(107), "connection refused"),
        ("/".repeat(109), "name too long"), // the C libraries differ in what is before
        (String::new(), "invalid argument"),
    ] {
        let setup = Setup::new(&["--notify-access", "sh", "-c", "exit 7"]);
        let ended = setup.variable(format!("NOTIFY_SOCKET={socket}")).run();
        let warning = "sexton: warning: no notify access: unable to send to NOTIFY_SOCKET: ";
        let is_shown = |line: &str| line.starts_with(warning) && line.ends_with(why);
        assert_eq!(ended.status, 7, "{ended:?}");
        assert!(ended.stderr.strip_suffix('\n').is_some_and(is_shown), "{why}: {ended:?}");
    }
}

#[test]
fn without_a_notify_socket_nobody_is_asked() {
    let info = "sexton: info: no notify access: NOTIFY_SOCKET is not set\n";
    for (options, logged) in
        [(&["--notify-access"][..], false), (&["--notify-access", "-v"], true), (&["-v"], false)]
    {
        let ended = Setup::new(&[options, &["sh", "-c", "exit 7"]].concat()).run();
        assert_eq!((ended.status, ended.stderr.contains(info)), (7, logged), "{ended:?}");
        assert_eq!(ended.stderr.is_empty(), !options.contains(&"-v"), "{ended:?}");
    }
}
