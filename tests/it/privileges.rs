//! SPEC 6: capabilities, `--no-new-privs`, and what sexton keeps for itself. docs/privileges.md says what
//! the command is to have.

use crate::harness::{Folder, Place, Running, Setup, children_of, probe, status_field, wait_until};
use crate::report::{Report, under};
use crate::worlds::drop_capabilities;
use nix::libc;

const CHOWN: u64 = 1 << 0;
const KILL: u64 = 1 << 5;
const NET_RAW: u64 = 1 << 13;
const SYS_PTRACE: u64 = 1 << 19;

/// C of docs/privileges.md: what this process has, and sexton is started with.
fn held() -> u64 {
    let own = |set: &str| {
        let shown = status_field(std::process::id() as i32, set);
        u64::from_str_radix(&shown, 16).unwrap()
    };
    assert_eq!((own("CapInh"), own("CapAmb")), (0, 0), "CANNOT RUN: not as containers start");
    let held = own("CapBnd");
    assert_eq!((own("CapEff"), own("CapPrm")), (held, held), "CANNOT RUN: not as containers start");
    let used = CHOWN | KILL | NET_RAW | SYS_PTRACE;
    assert_eq!(held & used, used, "CANNOT RUN: the tests need more capabilities");
    held
}

/// A set as the table writes it: `C`, `none`, `C − kill`, `chown, kill`.
fn read_set(text: &str) -> u64 {
    let bit = |name: &str| match name {
        "chown" => CHOWN,
        "kill" => KILL,
        other => panic!("the test does not know {other:?}"),
    };
    match text {
        "none" => 0,
        "C" => held(),
        _ => match text.strip_prefix("C − ") {
            Some(names) => held() & !names.split(", ").map(bit).sum::<u64>(),
            None => text.split(", ").map(bit).sum(),
        },
    }
}

/// The table: flags, and effective and permitted, inheritable, bounding and ambient set.
fn table() -> Vec<(Vec<String>, [u64; 4])> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/privileges.md");
    let text = std::fs::read_to_string(path).unwrap();
    let lines =
        text.lines().skip_while(|line| !line.starts_with("| flags | effective and permitted"));
    let lines = lines.skip(2).take_while(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [flags, sets @ ..] = &cells[..] else { panic!("{line}") };
            let flags = flags.trim_matches('`').split_whitespace().map(str::to_owned).collect();
            (flags, <[&str; 4]>::try_from(sets).unwrap().map(read_set))
        })
        .collect()
}

/// An /etc whose only user is root.
fn bare_etc(name: &str) -> Folder {
    let etc = Folder::new(name);
    etc.file("passwd", "644", "root:x:0:0:root:/root:/bin/sh\n");
    etc.file("group", "644", "root:x:0:\n");
    etc
}

#[test]
fn the_command_has_what_the_table_of_the_documentation_says() {
    let etc = bare_etc("table");
    let table = table();
    assert!(table.len() >= 20, "only {} lines were found", table.len());
    let direct = Report::of(Setup::program(probe().as_ref(), &["report"]));
    for (flags, [effective, inheritable, bounding, ambient]) in table {
        let words: Vec<&str> = flags.iter().map(String::as_str).collect();
        let main = Report::of(under(&words).bind(etc.path(), "/etc"));
        for (set, expected) in [
            ("CapEff", effective),
            ("CapPrm", effective),
            ("CapInh", inheritable),
            ("CapBnd", bounding),
            ("CapAmb", ambient),
        ] {
            let got = main.set(set);
            assert_eq!(got, expected, "{words:?}: {set} is {got:x}, not {expected:x}");
        }
        let user = words.iter().position(|word| *word == "--user").map(|at| words[at + 1]);
        let groups = match (user, words.contains(&"--groups")) {
            (None, _) => direct.field("Groups"),
            (Some(_), true) => String::new(),
            (Some(user), false) => user.to_owned(),
        };
        assert_eq!(main.field("Groups"), groups, "{words:?}");
        let id = user.unwrap_or("0");
        for ids in ["Uid", "Gid"] {
            assert_eq!(main.field(ids), [id; 4].join(" "), "{words:?}: {ids}");
        }
        let no_new_privs = words.contains(&"--no-new-privs");
        assert_eq!(main.field("NoNewPrivs"), u8::from(no_new_privs).to_string(), "{words:?}");
        assert_eq!(main.descriptors(), direct.descriptors(), "{words:?}");
    }
}

/// Inheritable and ambient capabilities, as a supervisor in front of sexton might leave them.
fn raise_kill_and_net_raw() {
    // SAFETY: the kernel reads a header and two halves, which are laid out as it wants them.
    unsafe {
        let header = [0x2008_0522u32, 0];
        let mut halves = [0u32; 6]; // effective, permitted, inheritable, of which first the low halves
        libc::syscall(libc::SYS_capget, header.as_ptr(), halves.as_mut_ptr());
        halves[2] = (KILL | NET_RAW) as u32;
        libc::syscall(libc::SYS_capset, header.as_ptr(), halves.as_ptr());
        for number in [5, 13] {
            let raise = libc::PR_CAP_AMBIENT_RAISE;
            libc::prctl(libc::PR_CAP_AMBIENT, raise, number, 0, 0);
        }
    }
}

#[test]
fn inheritable_and_ambient_capabilities_that_sexton_is_given_are_the_command_s_without_user() {
    let all = held();
    let both = KILL | NET_RAW;
    // Effective and permitted, inheritable, bounding, ambient.
    for (flags, expected) in [
        (&[][..], [all, both, all, both]),
        (&["--groups", "none"], [all, both, all, both]),
        (&["--cap-drop", "kill"], [all & !KILL, NET_RAW, all & !KILL, NET_RAW]),
        (&["--cap-drop", "all"], [0; 4]),
        (&["--cap-keep", "kill"], [KILL; 4]),
        (&["--cap-ambient", "chown"], [all, both | CHOWN, all, both | CHOWN]),
        (&["--user", "0"], [all, 0, all, 0]),
        (&["--user", "1000"], [0, 0, all, 0]),
        (&["--user", "1000", "--cap-ambient", "kill"], [KILL, KILL, all, KILL]),
        (&["--user", "1000", "--cap-ambient", "chown"], [CHOWN, CHOWN, all, CHOWN]),
    ] {
        let main = Report::of(under(flags).prepare(raise_kill_and_net_raw));
        let got = ["CapPrm", "CapInh", "CapBnd", "CapAmb"].map(|set| main.set(set));
        assert_eq!(got, expected, "{flags:?}: {got:x?}");
        assert_eq!(main.set("CapEff"), main.set("CapPrm"), "{flags:?}");
    }
}

/// Where programs with privileges of their own can be put.
fn folder_for_privileged_programs(name: &str) -> Folder {
    let folder = Folder::new(name);
    let flags = nix::sys::statvfs::statvfs(folder.path()).unwrap().flags();
    let nosuid = flags.contains(nix::sys::statvfs::FsFlags::ST_NOSUID);
    assert!(!nosuid, "CANNOT RUN: {} is mounted nosuid", folder.path());
    folder
}

#[test]
fn a_set_user_id_program_gives_the_command_and_its_children_nothing_with_no_new_privs() {
    let folder = folder_for_privileged_programs("setuid");
    let id = folder.copy("id", "4755", "/usr/bin/id");
    let script = format!("{id} -u; :");
    for command in [&[&id, "-u"][..], &["sh", "-c", &script]] {
        for (flags, user) in
            [(&["--user=1000"][..], "0\n"), (&["--user=1000", "--no-new-privs"], "1000\n")]
        {
            let ended = Setup::new(&[flags, command].concat()).run();
            assert_eq!((ended.status, ended.stdout.as_str()), (0, user), "{flags:?} {command:?}");
        }
    }
}

#[test]
fn a_set_user_id_program_gains_no_more_than_the_bounding_set() {
    let folder = folder_for_privileged_programs("bounding");
    let grep = folder.copy("grep", "4755", "/usr/bin/grep");
    let words = ["--user=1000", "--cap-keep=kill", &grep, "CapPrm", "/proc/self/status"];
    assert_eq!(Setup::new(&words).run().stdout, format!("CapPrm:\t{KILL:016x}\n"));
}

#[test]
fn a_program_with_file_capabilities_gains_none_with_no_new_privs_and_none_that_are_dropped() {
    let folder = folder_for_privileged_programs("file-capabilities");
    let grep = folder.copy("grep", "755", "/usr/bin/grep");
    // `struct vfs_cap_data` of version 2: permitted and inheritable, of which first the low halves.
    let words = [0x0200_0000u32, (KILL | NET_RAW) as u32, 0, 0, 0].map(u32::to_le_bytes).concat();
    let path = std::ffi::CString::new(grep.as_str()).unwrap();
    let name = c"security.capability".as_ptr();
    // SAFETY: reads two strings, and as many bytes as there are.
    let result =
        unsafe { libc::setxattr(path.as_ptr(), name, words.as_ptr().cast(), words.len(), 0) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    for (flags, gained) in [
        (&["--user=1000"][..], KILL | NET_RAW),
        (&["--user=1000", "--no-new-privs"], 0),
        (&["--user=1000", "--cap-drop=net_raw"], KILL),
        (&["--user=1000", "--cap-drop=all"], 0),
    ] {
        let words = [flags, &[&grep, "CapPrm", "/proc/self/status"]].concat();
        let ended = Setup::new(&words).run();
        assert_eq!(ended.stdout, format!("CapPrm:\t{gained:016x}\n"), "{flags:?}: {ended:?}");
    }
}

/// The capabilities that sexton is left with, once it has given up the others.
fn wait_for_sets(running: &Running, effective: u64) {
    let sets = || ["CapEff", "CapPrm", "CapInh", "CapAmb"].map(|set| running.status(set));
    let [kept, none] = [effective, 0].map(|set| format!("{set:016x}"));
    wait_until("sexton gives up its capabilities", || {
        sets() == [kept.clone(), kept.clone(), none.clone(), none.clone()]
    });
}

#[test]
fn sexton_keeps_kill_alone_as_init_and_sys_ptrace_too_as_a_child() {
    let (all, probe) = (held(), probe());
    for (place, kept) in [(Place::Init, KILL), (Place::Child, KILL | SYS_PTRACE)] {
        for flags in [&[][..], &["--user=1000"], &["--cap-drop=all"], &["--cap-ambient=kill"]] {
            let words = [flags, &[probe.as_str(), "sleep"]].concat();
            let setup = Setup::new(&words).place(place).prepare(raise_kill_and_net_raw);
            let mut running = setup.start();
            running.expect("ready");
            wait_for_sets(&running, kept);
            assert_eq!(running.status("CapBnd"), format!("{all:016x}"), "{flags:?}");
            let own = status_field(std::process::id() as i32, "Groups");
            for (field, value) in [
                ("Uid", "0\t0\t0\t0"),
                ("Gid", "0\t0\t0\t0"),
                ("Groups", &own),
                ("NoNewPrivs", "0"),
            ] {
                assert_eq!(running.status(field), value, "{flags:?}: {field}");
            }
        }
    }
}

#[test]
fn the_command_of_another_user_gets_signals() {
    for place in [Place::Init, Place::Child] {
        let words = ["--user=1000", "--cap-drop=all", &probe(), "signals", "2"];
        let mut running = Setup::new(&words).place(place).start();
        running.expect("ready");
        wait_for_sets(&running, if place == Place::Init { KILL } else { KILL | SYS_PTRACE });
        running.signal(libc::SIGUSR1);
        running.expect("signal 10 value none");
        running.queue(40, 7);
        running.expect("signal 40 value 7");
        assert_eq!(running.end().status, 0);
    }
}

#[test]
fn the_tree_of_another_user_is_killed_after_the_grace() {
    for (place, hidden) in [(Place::Init, false), (Place::Child, false), (Place::Child, true)] {
        let words = ["--user=1000", "--grace=200ms", &probe(), "many", "30", "ignore"];
        let setup = Setup::new(&words).place(place);
        let mut running = if hidden { setup.with_hidepid() } else { setup }.start();
        running.expect("ready");
        let main = running.children()[0];
        assert_eq!(status_field(main, "Uid"), "1000\t1000\t1000\t1000");
        assert!(children_of(main).len() == 30);
        running.signal(libc::SIGTERM);
        wait_until("sexton ends", || running.has_ended());
        if place == Place::Child {
            assert_eq!(running.adopted_by_init(), [], "hidden: {hidden}");
        }
        let ended = running.end();
        assert_eq!(ended.status, 137, "{ended:?}");
        assert!(!ended.stderr.contains("not permitted"), "{ended:?}");
    }
}

#[test]
fn the_tree_of_another_user_is_found_in_a_proc_that_hides_it() {
    let words = ["--user=1000", "--forward-to=all", &probe(), "family"];
    let mut running = Setup::new(&words).place(Place::Child).with_hidepid().start();
    let mut three = |what: &str| {
        let mut lines = [running.line(), running.line(), running.line()];
        lines.sort();
        assert_eq!(lines, ["child", "main", "stranger"].map(|name| format!("{name} {what}")));
        if what == "ready" {
            wait_for_sets(&running, KILL | SYS_PTRACE);
        }
        running.signal(if what == "ready" { libc::SIGUSR1 } else { libc::SIGTERM });
    };
    three("ready");
    three("got 10 value none");
    assert_eq!(running.end().status, 5);
}

#[test]
fn what_the_command_of_another_user_leaves_behind_is_ended() {
    for place in [Place::Init, Place::Child] {
        let words = ["--user=1000", "--linger=200ms", &probe(), "leave", "ignore", "7"];
        let mut running = Setup::new(&words).place(place).start();
        assert!(running.line().starts_with("daemon "));
        assert_eq!(running.end_with_its_tree().status, 7);
    }
}

#[test]
fn a_sexton_that_is_not_root_works_without_any_capability() {
    for place in [Place::Init, Place::Child] {
        let words = ["--grace=200ms", &probe(), "many", "30", "ignore"];
        let mut running = Setup::new(&words).place(place).user(1000).start();
        running.expect("ready");
        wait_for_sets(&running, 0);
        assert_eq!(running.status("Uid"), "1000\t1000\t1000\t1000");
        running.signal(libc::SIGTERM);
        assert_eq!(running.end_with_its_tree().status, 137);
    }
}

#[test]
fn a_sexton_that_is_not_root_can_run_the_command_as_itself() {
    let before = Report::of(Setup::program(probe().as_ref(), &["report"]).user(1000));
    for flags in [
        &["--user=1000"][..],
        &["--user=1000:1000"],
        &["--groups=1000"],
        &["--user=1000", "--groups=1000,1000"],
        &["--no-new-privs"],
    ] {
        let main = Report::of(under(flags).user(1000));
        for field in ["Uid", "Gid", "Groups", "CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"] {
            assert_eq!(main.field(field), before.field(field), "{flags:?}: {field}");
        }
    }
}

/// User 1000 with three capabilities, ambient too: what a supervisor might start sexton with.
fn become_1000_with_setuid_setgid_and_kill() {
    const NUMBERS: [u32; 3] = [5, 6, 7];
    let set = NUMBERS.iter().fold(0, |set, number| set | 1 << number);
    // SAFETY: the kernel reads a header and two halves, which are laid out as it wants them.
    unsafe {
        libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0);
        libc::syscall(libc::SYS_setresgid, 1000, 1000, 1000);
        libc::syscall(libc::SYS_setresuid, 1000, 1000, 1000);
        let header = [0x2008_0522u32, 0];
        let halves = [set, set, set, 0, 0, 0u32];
        libc::syscall(libc::SYS_capset, header.as_ptr(), halves.as_ptr());
        for number in NUMBERS {
            libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, number, 0, 0);
        }
    }
}

#[test]
fn a_sexton_that_is_not_root_can_use_the_capabilities_that_it_is_given() {
    let all = held();
    let given = 1 << 5 | 1 << 6 | 1 << 7;
    // The user; effective and permitted, inheritable, bounding, ambient.
    for (flags, user, expected) in [
        (&[][..], "1000", [given, given, all, given]),
        (&["--user=1001"], "1001", [0, 0, all, 0]),
        (&["--user=1001", "--cap-ambient=kill"], "1001", [KILL, KILL, all, KILL]),
        (&["--user=1000", "--cap-ambient=kill"], "1000", [KILL, KILL, all, KILL]),
        (&["--user=0"], "0", [all, 0, all, 0]),
    ] {
        let main = Report::of(under(flags).prepare(become_1000_with_setuid_setgid_and_kill));
        assert_eq!(main.field("Uid"), [user; 4].join(" "), "{flags:?}");
        let got = ["CapPrm", "CapInh", "CapBnd", "CapAmb"].map(|set| main.set(set));
        assert_eq!(got, expected, "{flags:?}: {got:x?}");
        assert_eq!(main.set("CapEff"), main.set("CapPrm"), "{flags:?}");
    }
}

#[test]
fn what_takes_privilege_is_refused_to_a_sexton_that_is_not_root() {
    for (flags, message) in [
        (&["--user=0"][..], "set the supplementary groups to 0: operation not permitted"),
        (&["--user=0:1000"], "set the user ID to 0: operation not permitted"),
        (&["--user=1000:5"], "set the supplementary groups to 5: operation not permitted"),
        (&["--groups=5"], "set the supplementary groups to 5: operation not permitted"),
        (&["--groups=none"], "set the supplementary groups to none: operation not permitted"),
        (&["--groups=1000,5"], "set the supplementary groups to 1000,5: operation not permitted"),
        (&["--cap-ambient=kill"], "set the capabilities: sexton does not have kill"),
        (&["--cap-drop=kill"], "drop from the bounding set: kill: operation not permitted"),
    ] {
        let ended = Setup::new(&[flags, &["echo", "main was run"]].concat()).user(1000).run();
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{flags:?}");
        let line = ended.stderr.lines().next().unwrap();
        assert_eq!(line, format!("sexton: fatal: unable to {message}"), "{flags:?}");
    }
    let ended = Setup::new(&["--cap-drop=all", "echo", "main was run"]).user(1000).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""));
    let start = "sexton: fatal: unable to drop from the bounding set: chown, ";
    assert!(ended.stderr.starts_with(start), "{ended:?}");
}

#[test]
fn without_the_capability_to_signal_sexton_takes_the_command_s_user_as_its_real_one() {
    for place in [Place::Init, Place::Child] {
        let setup = Setup::new(&["--user=1000", &probe(), "family"]).place(place);
        let mut running = setup.prepare(|| drop_capabilities(&[5])).start();
        let mut ready: Vec<_> = (0..3).map(|_| running.line()).collect();
        ready.sort_unstable();
        assert_eq!(ready, ["child ready", "main ready", "stranger ready"]);
        wait_until("sexton has changed its real user", || {
            running.status("Uid").split_whitespace().eq(["1000", "0", "0", "0"])
        });
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().status, 5, "main has had SIGTERM");
    }
}
