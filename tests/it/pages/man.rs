//! `docs/sexton.1`: man(7).

use super::help::{Flag, flags};
use super::{by_section, fill, summary};

/// When the text below was last changed.
const DATE: &str = "2026-11-21";

/// How wide lines of the source may be: mandoc(1) finds fault with more than 80 bytes.
const WIDTH: usize = 76;

/// The examples: command line, and what it is for. Each is tried with `--dry-run`.
pub const EXAMPLES: [(&str, &str); 5] = [
    ("sexton -- nginx -g 'daemon off;'", "Run a server, as the entry point of an image."),
    (
        "sexton --rewrite TERM=QUIT --grace 20s -- nginx -g 'daemon off;'",
        "Stop a server by SIGQUIT, and kill it after 20 seconds.",
    ),
    (
        "sexton --user 1000 --cap-ambient net_bind_service -- nginx",
        "Bind a port below 1024 without being root.",
    ),
    (
        "sexton --drain 5s --map-exit 143=0 -- java -jar app.jar",
        "In Kubernetes: serve for 5 seconds more while endpoints are removed, and exit with 0 after a stop.",
    ),
    ("sexton --wait-all -- sshd", "Run a program that puts itself into the background."),
];

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// Lines of text, none of which is taken for a request.
fn paragraph(text: &str) -> String {
    let lines = fill(&escaped(text), WIDTH);
    let lines = lines.lines().map(|line| match line.as_bytes().first() {
        Some(b'.' | b'\'') => format!("\\&{line}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn heading(text: &str) -> String {
    format!(".SH {}\n", text.to_uppercase())
}

fn items(items: &[(&str, &str)]) -> String {
    let item =
        |&(tag, text): &(&str, &str)| format!(".TP\n.B {}\n{}", escaped(tag), paragraph(text));
    items.iter().map(item).collect()
}

/// `--name VALUE`: the name in bold, the value in italics.
fn usage(flag: &Flag) -> String {
    let long = escaped(flag.long);
    match &flag.metavar {
        Some((metavar, false)) => format!("\\fB\\-\\-{long}\\fR \\fI{}\\fR", escaped(metavar)),
        Some((metavar, true)) => format!("\\fB\\-\\-{long}\\fR[=\\fI{}\\fR]", escaped(metavar)),
        None => format!("\\fB\\-\\-{long}\\fR"),
    }
}

fn options() -> String {
    let mut text = String::new();
    for (section, flag) in by_section() {
        if let Some(section) = section {
            text += &format!(".SS {}\n", escaped(section));
        }
        let short = flag.short.map_or(String::new(), |short| format!("\\fB\\-{short}\\fR, "));
        text += &format!(".TP\n{short}{}\n{}", usage(flag), paragraph(&flag.help));
    }
    text
}

fn variables() -> String {
    let mut text = paragraph(
        "Each option can be set by a variable; the option overrides it. In the variable a repeatable option is a list \
         with commas, and an option without a value is yes or no. An empty variable counts as not set. The command \
         does not get these variables.",
    );
    for flag in flags() {
        if let Some(name) = &flag.variable {
            text += &format!(".TP\n.B {name}\n{}", paragraph(&format!("{}.", summary(flag))));
        }
    }
    text
}

pub fn page() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(
        ".\\\" Made from src/cli/texts/help.txt by tests/it/pages: just pages\n\
         .TH SEXTON 1 {DATE} \"sexton {version}\" \"User Commands\"\n"
    );
    text += &heading("name");
    text += "sexton \\- an init for containers\n";
    text += &heading("synopsis");
    text += ".B sexton\n[\\fIOPTIONS\\fR] [\\fB\\-\\-\\fR] \\fICOMMAND\\fR [\\fIARG\\fR...]\n.br\n\
             .B sexton \\-\\-as\n\
             \\fBtini\\fR|\\fBdumb\\-init\\fR|\\fBcatatonit\\fR|\\fBgosu\\fR|\\fBsu\\-exec\\fR \\fIARG\\fR...\n";
    text += &heading("description");
    text += &paragraph(
        "sexton starts one command as PID 1 of a container, or as a child subreaper, forwards signals to it, reaps \
         every orphan, shuts the whole process tree down in bounded time, and exits with the command's status. The \
         command finds arguments, environment, descriptors, signal mask, ignored signals and limits as if there were \
         no sexton; it runs in a process group of its own.",
    );
    text += ".PP\n";
    text += &paragraph(
        "Options end at -- or at the first other word. Repeatable options add up; of any other option that is given \
         twice the last one counts. Called by the name tini, docker-init, dumb-init, \
         catatonit, gosu or su-exec, or with --as, sexton has the options of that program.",
    );
    text += &heading("options");
    text += &paragraph(
        "Durations: 5s, 500ms, 2m, 1h or bare seconds. Signals: TERM, SIGTERM, 15, RTMIN+3.",
    );
    text += &options();
    text += &heading("signals");
    text += &paragraph(
        "Every signal that can be caught is forwarded, 1 to 64, with its value if it has one, except SIGCHLD and \
         signals that the kernel raises for a fault of sexton itself. RTMIN is 34. A stop signal (--stop-signals) \
         begins the shutdown:",
    );
    text += &items(&[
        ("drain", "The signal is delayed. A second stop signal ends the delay."),
        (
            "stop",
            "The signal is forwarded, then SIGCONT and the signals of --escalate, until the grace period is over.",
        ),
        ("linger", "The command has ended. The remaining processes get SIGTERM and SIGCONT."),
        ("kill", "All remaining processes get SIGKILL."),
    ]);
    text += &paragraph("sexton exits as soon as the tree is empty.");
    text += &heading("exit status");
    text += &items(&[
        ("N", "The command exited with N."),
        (
            "128 + N",
            "Signal N killed the command. If sexton is not PID 1, it dies of the same signal.",
        ),
        ("137", "The same if sexton killed the command after the grace period."),
        ("127", "The command was not found."),
        ("126", "The command was found, but cannot be executed."),
        (
            "125",
            "An option or variable is wrong, there is no command, or a step failed: the command was not run.",
        ),
    ]);
    text +=
        &paragraph("--map-exit maps the statuses of the command, not 125 to 127 of sexton itself.");
    text += &heading("environment");
    text += &variables();
    text += &heading("examples");
    for (command, purpose) in EXAMPLES {
        text += &format!(
            "{}.PP\n.in +4n\n.nf\n{}\n.fi\n.in\n.PP\n",
            paragraph(purpose),
            escaped(command)
        );
    }
    text.truncate(text.len() - ".PP\n".len());
    text += &heading("see also");
    text += ".BR init (1),\n.BR signal (7),\n.BR pid_namespaces (7)\n";
    text
}
