//! Containers by `docker run` and `podman run`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::process::{self, Ended, Listener};

pub struct Engine {
    program: &'static str,
    runtime: &'static str,
}

pub const DOCKER_RUNC: Engine = Engine { program: "docker", runtime: "runc" };
pub const DOCKER_CRUN: Engine = Engine { program: "docker", runtime: "crun" };
pub const PODMAN_CRUN: Engine = Engine { program: "podman", runtime: "crun" };
/// Podman as another user than root: the test bed has it by this name.
pub const PODMAN_ROOTLESS: Engine = Engine { program: "podman-rootless", runtime: "crun" };

/// The folder of the test bed; everything that uses an engine comes through here.
pub fn bed() -> PathBuf {
    let variables = ["BED", "DOCKER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"];
    let missing: Vec<_> =
        variables.into_iter().filter(|name| env::var_os(name).is_none()).collect();
    assert!(missing.is_empty(), "no test bed ({missing:?} not set): run tests/containers/run.sh");
    PathBuf::from(env::var_os("BED").unwrap())
}

/// A name that no other container, image or folder of these tests has.
pub fn new_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("sexton-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

pub fn is_sexton(pid: u32) -> bool {
    let own = fs::read(bed().join("rootfs/sexton")).unwrap();
    fs::read(format!("/proc/{pid}/exe")).unwrap() == own
}

impl Engine {
    /// `docker ...` or `podman ...`
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.current_dir(bed()); // where conmon leaves a file named oom, if there was one
        command.env("DOCKER_BUILDKIT", "0"); // the classic builder: BuildKit needs a plug-in
        command
    }

    /// Podman makes the capabilities of `--cap-add` ambient for a user other than root; Docker gives
    /// such a user none.
    pub fn gives_users_capabilities(&self) -> bool {
        self.program == "podman"
    }

    /// A container of the image whose entry point is `/sexton --`.
    pub fn run(&self) -> Run<'_> {
        let image = "localhost/sexton/init:1";
        Run { engine: self, image, options: Vec::new(), arguments: Vec::new(), terminal: false }
    }

    /// A container of the image without an entry point, with `/sexton FLAGS --` for it.
    pub fn run_with(&self, flags: &[&str]) -> Run<'_> {
        let mut run = self.run().options(&["--entrypoint", "/sexton"]);
        run.image = "localhost/sexton/base:1";
        run.arguments = flags.iter().copied().chain(["--"]).map(String::from).collect();
        run
    }

    /// A container without sexton: the program itself is PID 1.
    pub fn run_bare(&self, program: &str) -> Run<'_> {
        let mut run = self.run().options(&["--entrypoint", program]);
        run.image = "localhost/sexton/base:1";
        run
    }
}

/// A container to be.
pub struct Run<'a> {
    engine: &'a Engine,
    image: &'a str,
    options: Vec<String>,
    arguments: Vec<String>,
    terminal: bool,
}

impl<'a> Run<'a> {
    pub fn image(mut self, image: &'a str) -> Self {
        self.image = image;
        self
    }

    /// Options of the engine, such as `--read-only`.
    pub fn options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().copied().map(String::from));
        self
    }

    /// `run -it` in a terminal, which [`Listener::say`] types at.
    pub fn in_a_terminal(mut self) -> Self {
        self.terminal = true;
        self.options(&["-i", "-t"])
    }

    /// Starts the container with a shell script as the command.
    pub fn sh(self, script: &str) -> Container {
        self.start(&["sh", "-c", script])
    }

    pub fn start(self, main: &[&str]) -> Container {
        let name = new_name();
        let mut command = self.engine.command();
        command.args(["run", "--network", "none", "--pull", "never", "--name", &name]);
        if self.engine.program == "docker" {
            command.args(["--runtime", self.engine.runtime]);
        }
        command.args(self.options).arg(self.image).args(self.arguments).args(main);
        if self.terminal {
            command = with_a_terminal(&command);
        }
        Container { program: self.engine.program, name, client: Listener::spawn(&mut command) }
    }
}

/// How many columns such a terminal has.
pub const COLUMNS: usize = 70;

/// The same command under a pseudo terminal of its own, by script(1).
fn with_a_terminal(command: &Command) -> Command {
    let quote =
        |word: &OsStr| format!("'{}'", word.to_str().expect("UTF-8").replace('\'', r"'\''"));
    let words: Vec<_> =
        [command.get_program()].into_iter().chain(command.get_args()).map(quote).collect();
    let mut script = Command::new("script");
    let sized = format!("stty rows 24 columns {COLUMNS}; exec {}", words.join(" "));
    script.args(["--quiet", "--return", "--command", &sized, "/dev/null"]);
    script
}

/// A container, seen through its attached client; removed in the end, whatever the test's outcome.
pub struct Container {
    program: &'static str,
    name: String,
    client: Listener,
}

impl Container {
    /// `docker VERB ARGUMENTS...`, which must succeed.
    #[track_caller]
    fn call(&self, arguments: &[&str]) -> String {
        process::output_of(Command::new(self.program).args(arguments))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    #[track_caller]
    pub fn exec(&self, main: &[&str]) -> String {
        self.call(&[&["exec", &self.name], main].concat())
    }

    /// Runs a program in the container to its end, whatever that is, with options of `exec`.
    pub fn exec_with(&self, options: &[&str], main: &[&str]) -> Ended {
        let mut command = Command::new(self.program);
        Listener::spawn(command.arg("exec").args(options).arg(&self.name).args(main)).end()
    }

    /// `exec -it` in a terminal, which [`Listener::say`] types at.
    pub fn exec_in_a_terminal(&self, main: &[&str]) -> Listener {
        let mut command = Command::new(self.program);
        command.args(["exec", "-i", "-t", &self.name]).args(main);
        Listener::spawn(&mut with_a_terminal(&command))
    }

    /// Starts a program in the container and does not wait for it.
    #[track_caller]
    pub fn exec_detached(&self, main: &[&str]) {
        self.call(&[&["exec", "--detach", &self.name], main].concat());
    }

    /// The same as another user than the container's.
    #[track_caller]
    pub fn exec_detached_as(&self, user: &str, main: &[&str]) {
        self.call(&[&["exec", "--detach", "--user", user, &self.name], main].concat());
    }

    #[track_caller]
    pub fn kill(&self, signal: &str) {
        self.call(&["kill", "--signal", signal, &self.name]);
    }

    /// Stops the container, with 60 s before the engine itself would kill it, and waits for its
    /// end.
    #[track_caller]
    pub fn stop(&mut self) -> Ended {
        self.stop_within(60)
    }

    /// The same for a program that may take longer: the seconds are the engine's time-out.
    #[track_caller]
    pub fn stop_within(&mut self, seconds: u32) -> Ended {
        let begin = Instant::now();
        self.call(&["stop", "--time", &seconds.to_string(), &self.name]);
        let ended = self.client.end();
        Ended { took: begin.elapsed(), ..ended }
    }

    /// The container's init, as the host numbers it.
    #[track_caller]
    pub fn init(&self) -> u32 {
        let mut pid = 0; // until the engine has taken down that it runs
        process::eventually("the container's init is known", || {
            let mut inspect = Command::new(self.program);
            inspect.args(["inspect", "--format", "{{.State.Pid}}", &self.name]);
            let answer = String::from_utf8(inspect.output().unwrap().stdout).expect("UTF-8");
            pid = answer.trim().parse().unwrap_or_default(); // nothing, before there is a container
            pid != 0
        });
        pid
    }

    /// Waits until the init has exactly so many children, zombies counted.
    #[track_caller]
    pub fn wait_for_children(&self, count: usize) {
        process::wait_for_children(self.init(), count);
    }
}

impl Deref for Container {
    type Target = Listener;
    fn deref(&self) -> &Listener {
        &self.client
    }
}

impl DerefMut for Container {
    fn deref_mut(&mut self) -> &mut Listener {
        &mut self.client
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ =
            Command::new(self.program).args(["rm", "--force", "--volumes", &self.name]).output();
    }
}
