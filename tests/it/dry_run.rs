//! SPEC 8: `--dry-run`.

use crate::harness::{Folder, Place, Setup};

/// Trailing blanks and the indentation of the source are not part of it.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

#[test]
fn every_step_is_shown_in_order() {
    let folder = Folder::new("dry");
    folder.file("passwd", "644", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:50::/srv:/bin/sh\n");
    folder.file("group", "644", "web:x:33:app\n");
    let words = [
        "--dry-run",
        "--timeout=1.5m",
        "--user=app",
        "--cap-drop=all",
        "--cap-ambient=net_bind_service",
        "--no-new-privs",
        "--rlimit=nofile=700:max",
        "--rlimit=core=0",
        "--rlimit=stack=unlimited",
        "--chdir=/usr",
        "--umask=027",
        "--env=A=x y",
        "--unset-env=B",
        "--nice=-5",
        "--cpus=0,1",
        "--sched=batch",
        "--ionice=best-effort:2",
        "--oom-score-adj=-10",
        "--stdin=/dev/null",
        "--stdout=>>/no/such/out",
        "--stderr=err",
        "--close-fds",
        "sh",
        "-c",
        "it's\n\"quoted\"",
        "",
    ];
    const NOFILE: i32 = 7;
    const CORE: i32 = 4;
    const STACK: i32 = 3;
    let setup = Setup::new(&words).bind(folder.path(), "/etc").prepare(keep_three);
    let setup = setup.limit(NOFILE, 800, 900).limit(CORE, 5, 5).limit(STACK, 1 << 23, u64::MAX);
    for place in [Place::Init, Place::Child] {
        let ended = setup.clone().place(place).run();
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{ended:?}");
        let expected = r#"
            1. set variable 'A' (value not shown)
            2. unset variable 'B'
            3. set variable 'HOME' (value not shown)
            4. set variable 'USER' (value not shown)
            5. set variable 'LOGNAME' (value not shown)
            6. create a process group
            7. set limit stack to unlimited:unlimited
            8. set oom_score_adj to -10
            9. set the I/O scheduling class to best-effort:2
            10. set the scheduling policy to batch
            11. set the niceness to -5
            12. run on CPUs 0-1
            13. set the supplementary groups to 50,33
            14. set the group ID to 50
            15. drop from the bounding set: setuid, setpcap
            16. keep capabilities when the user changes
            17. set the user ID to 1000
            18. set capabilities: effective net_bind_service; permitted net_bind_service; inheritable net_bind_service
            19. raise ambient capabilities: net_bind_service
            20. set no_new_privs
            21. set the umask to 027
            22. change the working directory to '/usr'
            23. open '/dev/null' as standard input
            24. append to '/no/such/out' as standard output
            25. write to 'err' as standard error
            26. close all descriptors but 0 to 2
            27. set limit core to 0:0
            28. set limit nofile to 700:900
            29. restore the signal mask
            30. execute '/usr/bin/sh' '-c' 'it\'s\n\"quoted\"' ''
            31. stop the command after 90s
        "#;
        assert_eq!(lines(&ended.stdout), lines(expected.trim()));
        // The numbers stand in a column.
        assert!(ended.stdout.starts_with(" 1. set"), "{}", ended.stdout);
        assert!(ended.stdout.contains("\n10. set"), "{}", ended.stdout);
    }
}

/// sexton has three capabilities and no others, on any machine.
fn keep_three() {
    const SETUID: i32 = 7;
    const SETPCAP: i32 = 8;
    const NET_BIND_SERVICE: i32 = 10;
    for number in 0..64 {
        if ![SETUID, SETPCAP, NET_BIND_SERVICE].contains(&number) {
            // SAFETY: takes integers only.
            unsafe { nix::libc::prctl(nix::libc::PR_CAPBSET_DROP, number, 0, 0, 0) };
        }
    }
}

#[test]
fn a_plain_command_line_has_three_steps() {
    for (words, variables) in
        [(&["--dry-run", "true"][..], &[][..]), (&["true"], &["SEXTON_DRY_RUN=1"])]
    {
        let setup = Setup::new(words);
        let ended = variables.iter().fold(setup, |setup, variable| setup.variable(variable)).run();
        let expected = " 1. create a process group\n 2. restore the signal mask\n 3. execute '/usr/bin/true'\n";
        assert_eq!((ended.status, ended.stdout.as_str()), (0, expected), "{ended:?}");
    }
    let setup = Setup::new(&["true"]).variable("SEXTON_DRY_RUN=0");
    assert_eq!(setup.run().stdout, "", "main is run");
    let ended = Setup::new(&["--dry-run", "--setsid", "true"]).ignored(&[17]).run();
    let expected = ["1. create a session", "2. ignore SIGCHLD", "3. restore the signal mask"];
    assert_eq!(lines(&ended.stdout)[..3], expected);
}

/// A dry run is often part of a log; a value may be a secret.
#[test]
fn values_of_variables_are_shown_if_asked_for() {
    let words = ["--env=TOKEN=se\ncret", "--user=54321", "true"];
    let shown = |words: &[&str], variables: &[&str]| {
        let setup = Setup::new(words).variable("INHERITED=secret");
        let ended = variables.iter().fold(setup, |setup, variable| setup.variable(variable)).run();
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{ended:?}");
        lines(&ended.stdout)[..2].join("\n")
    };
    let hidden =
        "1. set variable 'TOKEN' (value not shown)\n2. set variable 'HOME' (value not shown)";
    let values = "1. set variable 'TOKEN=se\\ncret'\n2. set variable 'HOME=/'";
    assert_eq!(shown(&[&["--dry-run"], &words[..]].concat(), &[]), hidden);
    assert_eq!(shown(&[&["--dry-run=values"], &words[..]].concat(), &[]), values);
    assert_eq!(shown(&words, &["SEXTON_DRY_RUN=yes"]), hidden);
    assert_eq!(shown(&words, &["SEXTON_DRY_RUN=values"]), values);
    let variables = ["SEXTON_DRY_RUN=1", "SEXTON_ENV=TOKEN=secret", "SEXTON_USER=54321"];
    assert_eq!(shown(&["true"], &variables), hidden);
}

#[test]
fn nothing_is_touched_and_the_command_is_not_run() {
    let folder = Folder::new("dry-untouched");
    let path = format!("{}/new", folder.path());
    let kept = folder.file("kept", "644", "kept\n");
    let words =
        ["--stdout", &path, "--stderr", &kept, "touch", &format!("{path}2")].map(str::to_owned);
    let words: Vec<&str> =
        ["--dry-run"].into_iter().chain(words.iter().map(String::as_str)).collect();
    assert_eq!(Setup::new(&words).run().status, 0);
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "kept\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_fifo_is_not_opened() {
    let folder = Folder::new("dry-fifo");
    let fifo = folder.fifo("fifo");
    let ended = Setup::new(&["--dry-run", "--stdout", &fifo, "true"]).run();
    assert_eq!(ended.status, 0);
    assert!(ended.stdout.contains(&format!("write to '{fifo}' as standard output")));
}

#[test]
fn a_command_that_is_missing_or_not_executable_has_the_error_of_a_real_run() {
    let folder = Folder::new("dry-commands");
    for (words, status, reason) in [
        (&["/no/such"][..], 127, "'/no/such': command not found".to_owned()),
        (
            &[folder.path()],
            126,
            format!("'{}': permission denied: it is a directory", folder.path()),
        ),
        (
            &["--env=PATH=/no/such", "true"],
            127,
            "'true': command not found in PATH=/no/such".to_owned(),
        ),
        (&["--chdir=/usr", "./true"], 127, "'./true': command not found".to_owned()),
    ] {
        let expected = format!("sexton: fatal: unable to execute {reason}\n");
        for first in [&["--dry-run"][..], &[]] {
            let ended = Setup::new(&[first, words].concat()).run();
            assert_eq!((ended.status, ended.stdout.as_str()), (status, ""), "{words:?}");
            assert_eq!(ended.stderr, expected, "{first:?} {words:?}");
        }
    }
    let ended = Setup::new(&["--dry-run", "--chdir=/usr/bin", "./true"]).run();
    assert!(ended.stdout.ends_with("execute './true'\n"), "{ended:?}");
}

#[test]
fn a_failed_lookup_has_the_error_of_a_real_run() {
    for (words, message) in [
        (
            &["--user=no-such-user", "true"][..],
            "invalid value 'no-such-user' for --user: /etc/passwd has no user 'no-such-user'",
        ),
        (
            &["--rlimit=nofile=2000:max", "true"],
            "unable to set limit nofile: the soft limit 2000 is above the current hard limit 1000",
        ),
    ] {
        let ended = Setup::new(&[&["--dry-run"], words].concat()).limit(7, 100, 1000).run();
        assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{words:?}");
        assert_eq!(ended.stderr, format!("sexton: fatal: {message}\n"));
    }
}

/// What a run says, the dry run should say.
#[test]
fn a_dry_run_in_a_directory_that_is_missing_does_not_blame_the_command() {
    let words = ["--dry-run", "--chdir=/no/such", "./tool"];
    let ended = Setup::new(&words).run();
    let run = Setup::new(&words[1..]).run();
    assert_eq!(run.status, 125);
    assert_eq!((ended.status, &ended.stderr), (125, &run.stderr));
}
