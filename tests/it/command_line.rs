//! SPEC 5 and 9: bad input, `--help`, `--version`. What each flag takes and refuses is tested beside
//! the table of flags; here it is the binary that says so.

use crate::harness::{Ended, Folder, Place, Setup, sexton};
use nix::libc;

fn run(words: &[&str], variables: &[&str]) -> Ended {
    let setup = Setup::new(words);
    variables.iter().fold(setup, |setup, variable| setup.variable(variable)).run()
}

/// The flags that `--help` lists: name, and what each takes.
fn flags() -> Vec<(String, Option<String>)> {
    let help = run(&["--help"], &[]).stdout;
    // The texts are indented by more.
    let is_flag = |line: &&str| line.starts_with("  -") || line.starts_with("      --");
    let lines = help.lines().filter(is_flag);
    let flags: Vec<_> = lines
        .filter_map(|line| {
            let (_, flag) = line.split_once("--")?;
            let flag = flag.split_once("[=").map_or(flag, |(name, _)| name); // its value is optional
            let (name, metavar) = flag.split_once(' ').map_or((flag, None), |(n, m)| (n, Some(m)));
            Some((name.to_owned(), metavar.map(str::to_owned)))
        })
        .collect();
    assert!(flags.len() >= 38, "{help}");
    flags
}

fn assert_refused(words: &[&str], variables: &[&str], parts: &[&str]) {
    let ended = run(words, variables);
    assert_eq!((ended.status, ended.stdout.as_str()), (125, ""), "{words:?} {variables:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("sexton: fatal: "), "{}", ended.stderr);
    for part in parts {
        assert!(ended.stderr.contains(part), "{part:?} is not in {:?}", ended.stderr);
    }
}

#[test]
fn every_flag_and_variable_refuses_a_missing_and_a_malformed_value_in_one_line() {
    for (name, metavar) in flags() {
        let flag = format!("--{name}");
        let variable = format!("SEXTON_{}", name.replace('-', "_").to_uppercase());
        // A path or the name of a variable may be almost anything.
        let malformed = match name.as_str() {
            "chdir" | "stdin" | "report" | "env-file" | "install" | "fs-read" | "fs-write"
            | "fs-exec" => "",
            "stdout" | "stderr" => ">>",
            "unset-env" => "A=1",
            _ => "@#%",
        };
        // Their values may be left out.
        let is_optional = ["status", "termination-log", "dry-run"].contains(&name.as_str());
        let shown = format!("'{malformed}'");
        if metavar.is_some() {
            assert_refused(&[&flag], &[], &[&format!("{flag} needs a value")]);
            assert_refused(&[&flag, malformed, "echo", "x"], &[], &[&shown, &flag]);
            assert_refused(&[&format!("{flag}="), "echo", "x"], &[], &["''", &flag]);
        } else if is_optional {
            assert_refused(&[&format!("{flag}=@#%"), "echo", "x"], &[], &[&shown, &flag]);
        } else {
            assert_refused(&[&format!("{flag}=1"), "echo", "x"], &[], &[&flag, "takes no value"]);
        }
        if !["help", "version"].contains(&name.as_str()) {
            let variable_is_malformed = format!("{variable}={malformed}");
            if !malformed.is_empty() {
                assert_refused(&["echo", "x"], &[&variable_is_malformed], &[&shown, &variable]);
            }
            // Compose writes so what is not set.
            let ended = run(&["echo", "x"], &[&format!("{variable}=")]);
            let seen = (ended.status, ended.stdout.as_str(), ended.stderr.as_str());
            assert_eq!(seen, (0, "x\n", ""), "{variable}");
        }
    }
}

#[test]
fn values_out_of_range_and_contradictions_are_refused_in_one_line() {
    for (words, part) in [
        (["--grace=1000000001s", "echo"], "'1000000001s' for --grace"),
        (["--rlimit=rtprio=100", "echo"], "0 to 99"),
        (["--rewrite=TERM=65", "echo"], "1 to 64"),
        (["--rewrite=KILL=TERM", "echo"], "SIGKILL cannot be caught"),
        (["--stop-signals=STOP", "echo"], "SIGSTOP cannot be caught"),
        (["--map-exit=0=256", "echo"], "0 to 255"),
        (["--map-exit=stop", "echo"], "stop=STATUS"),
        (["--timeout=0", "echo"], "'none' means no limit"),
        (["--timeout=-1", "echo"], "expected a duration"),
        (["--timeout=1000000001", "echo"], "at most"),
        (["--escalate=INT:40s", "echo"], "less than the grace"),
        (["--log-level=loud", "echo"], "error, warn, info, debug, trace"),
        (["--subreaper=maybe", "echo"], "auto, on, off"),
        (["--forward-to=parent", "echo"], "child, group, all"),
    ] {
        assert_refused(&words, &[], &[part]);
    }
    assert_refused(&["--rlimit=core=0", "--rlimit=core=1", "echo"], &[], &["'core=1'", "twice"]);
    assert_refused(&["echo"], &["SEXTON_RLIMIT=core=0,core=1"], &["SEXTON_RLIMIT", "twice"]);
}

/// So an argument behind those that an image or a script has changes them.
#[test]
fn of_a_single_value_that_is_given_twice_the_last_one_counts() {
    let umask = |words: &[&str]| {
        let ended = run(&[words, &["--", "sh", "-c", "umask"]].concat(), &[]);
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{ended:?}");
        ended.stdout
    };
    assert_eq!(umask(&["--umask=027", "--umask", "077"]), "0077\n");
    assert_eq!(umask(&["--umask=077", "--wait-all", "--umask=027", "--wait-all"]), "0027\n");
    let words = ["--rlimit=nofile=20", "--rlimit=core=0", "--", "sh", "-c", "ulimit -n; ulimit -c"];
    assert_eq!(run(&words, &[]).stdout, "20\n0\n", "lists add up");
}

#[test]
fn an_empty_variable_is_as_if_it_were_not_set() {
    let ended =
        run(&["env"], &["SEXTON_GRACE=", "SEXTON_RLIMIT=", "SEXTON_NO_SUCH=", "SEXTON_GRACEE="]);
    let seen = (ended.status, ended.stdout.as_str(), ended.stderr.as_str());
    assert_eq!(seen, (0, "PATH=/usr/bin:/bin\n", ""));
    assert_refused(&["--grace=", "echo"], &[], &["'' for --grace: "]);
    assert_refused(&["echo"], &["SEXTON_RLIMIT=core=0,"], &["'core=0,' for SEXTON_RLIMIT: "]);
}

/// `docker run IMAGE --grace 5s`, where the image has `ENTRYPOINT ["/sexton", "--"]`.
#[test]
fn a_command_that_looks_like_an_option_is_answered_with_where_options_stand() {
    const HINT: &str = "sexton: hint: options come before '--'";
    const GRACE: &str = "; this one can also be set by SEXTON_GRACE";
    for (words, hint) in [
        (&["--grace", "5s", "echo"][..], format!("{HINT}{GRACE}\n")),
        (&["--grace=5s", "echo"], format!("{HINT}{GRACE}\n")),
        (&["-v", "echo"], format!("{HINT}\n")),
        (&["--no-such", "echo"], format!("{HINT}\n")),
        (&["no-such"], String::new()),
        (&["-"], String::new()),
    ] {
        for dry in [&[][..], &["--dry-run"]] {
            let ended = run(&[dry, &["--"], words].concat(), &[]);
            let first = words[0];
            let expected = format!(
                "sexton: fatal: unable to execute '{first}': command not found in PATH=/usr/bin:/bin\n{hint}"
            );
            assert_eq!((ended.status, ended.stderr), (127, expected), "{words:?}");
        }
    }
    let ended = Setup::new(&["-s", "--", "--grace"]).called("tini").run();
    assert_eq!(ended.status, 127);
    assert!(ended.stderr.ends_with(&format!(" (options come before '--'{GRACE})\n")), "{ended:?}");
    // A program may have such a name.
    let folder = Folder::new("options");
    folder.file("--grace", "755", "#!/bin/sh\necho ran with \"$@\"\n");
    let path = format!("PATH={}:/bin", folder.path());
    let ended = Setup::new(&["--", "--grace", "5s"]).no_variables().variable(path).run();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "ran with 5s\n"), "{ended:?}");
}

#[test]
fn a_mistyped_flag_is_named_with_the_one_that_was_meant() {
    assert_refused(&["--graec", "5s", "echo"], &[], &["'--graec'", "did you mean --grace?"]);
    assert_refused(&["-x", "echo"], &[], &["'-x'", "sexton --help"]);
}

#[test]
fn a_missing_command_is_an_error() {
    assert_refused(&[], &[], &["no command", "sexton [OPTIONS] [--] COMMAND"]);
    assert_refused(&["--grace=5s", "--"], &[], &["no command"]);
}

#[test]
fn help_and_version_go_to_standard_output() {
    for word in ["--help", "-h"] {
        let ended = run(&[word], &[]);
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
        assert!(ended.stdout.contains("Usage: sexton [OPTIONS] [--] COMMAND [ARG...]"));
    }
    for word in ["--version", "-V"] {
        let ended = run(&[word], &[]);
        assert_eq!(
            (ended.status, ended.stdout),
            (0, format!("sexton {}\n", env!("CARGO_PKG_VERSION")))
        );
    }
}

#[test]
fn help_into_a_closed_output_is_an_error_and_no_panic() {
    let ended = Setup::new(&["--help"]).output_at(9).closed(&[1]).run();
    assert_eq!(ended.status, 125);
    assert!(
        ended.stderr.starts_with("sexton: fatal: unable to write to standard output"),
        "{ended:?}"
    );
}

#[test]
fn help_into_a_full_device_is_an_error_and_into_a_pipe_that_nobody_reads_the_usual_death() {
    fn full() {
        // SAFETY: async-signal-safe calls with valid arguments.
        unsafe { libc::dup2(libc::open(c"/dev/full".as_ptr(), libc::O_WRONLY), 1) };
    }
    fn broken() {
        let mut ends = [0; 2];
        // SAFETY: async-signal-safe calls with valid arguments.
        unsafe {
            libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC);
            libc::dup2(ends[1], 1);
        }
    }
    let told =
        |errno: &str| format!("sexton: fatal: unable to write to standard output: {errno}\n");
    for words in [&["--help"][..], &["--version"], &["--dry-run", "true"]] {
        let setup = || Setup::new(words).place(Place::Child);
        let ended = setup().prepare(full).run();
        assert_eq!((ended.status, ended.stderr), (125, told("no space left on device")));
        let ended = setup().prepare(broken).run();
        assert_eq!((ended.signal, ended.stderr.as_str()), (Some(libc::SIGPIPE), ""));
        let ended = setup().prepare(broken).ignored(&[libc::SIGPIPE]).run();
        assert_eq!((ended.status, ended.stderr), (125, told("broken pipe")));
    }
}

#[test]
fn the_variables_do_what_the_flags_do() {
    let ended = run(&["sh", "-c", "exit 3"], &["SEXTON_MAP_EXIT=1-3=9,4=5"]);
    assert_eq!(ended.status, 9);
    let ended = run(&["--map-exit=3=8", "sh", "-c", "exit 3"], &["SEXTON_MAP_EXIT=3=9"]);
    assert_eq!(ended.status, 8, "a flag beats the variable");
    let ended = run(&["sh", "-c", "exit 0"], &["SEXTON_LOG_LEVEL=info"]);
    assert!(ended.stderr.contains("info: command exited with status 0"), "{ended:?}");
}

#[test]
fn a_mistyped_variable_is_logged_and_kept_from_the_command() {
    let ended = run(&["env"], &["SEXTON_GRACEE=5s"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, "PATH=/usr/bin:/bin\n"));
    assert_eq!(
        ended.stderr,
        "sexton: warning: unknown variable SEXTON_GRACEE: ignored; did you mean SEXTON_GRACE?\n"
    );
    let ended = run(&["true"], &["SEXTON_XYZ=secret"]);
    assert_eq!(ended.stderr, "sexton: warning: unknown variable SEXTON_XYZ: ignored\n");
}

#[test]
fn without_any_argument_vector_it_is_an_error_and_no_crash() {
    // execve(2) with an empty vector: the kernel makes it one empty string (Linux 5.18).
    let script = format!("exec {} ''", sexton().display());
    let ended = Setup::program("/bin/sh".as_ref(), &["-c", &script]).run();
    assert_eq!(ended.status, 127);
}
