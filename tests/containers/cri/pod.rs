//! Pods and their containers, through `client.py`.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::engine::{bed, new_name};
use crate::process::{self, Ended, Listener, namespace_of};

/// How containerd starts containers: one of the runtimes in its configuration, see `testbed.sh`.
pub struct Handler(&'static str);

pub const RUNC: Handler = Handler("runc");
pub const CRUN: Handler = Handler("crun");
/// runc, with the pause's flag as `-P`.
pub const RUNC_P: Handler = Handler("runc-P");

/// What a response says: `field.of.field` and its value, unless it is empty or zero.
pub type Answer = Vec<(String, String)>;

/// A field of an answer.
pub fn field<'a>(answer: &'a Answer, path: &str) -> &'a str {
    answer.iter().find(|(name, _)| name == path).map_or("", |(_, value)| value)
}

struct Client(Child, BufReader<std::process::ChildStdout>);

impl Client {
    fn start() -> Client {
        let client = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/containers/cri/client.py");
        let mut command = Command::new(client);
        command.args([bed().join("containerd/socket"), bed().join("containerd/modules")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("run the client");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Client(child, answers)
    }

    /// Sends a request, of settings `field.of.field=value`.
    #[track_caller]
    fn call(&mut self, method: &str, settings: &[String]) -> Answer {
        let mut request = format!("{method}\0");
        settings.iter().for_each(|setting| request += &format!("{setting}\0"));
        let stdin = self.0.stdin.as_mut().expect("piped");
        stdin.write_all((request + "\0").as_bytes()).expect("write to the client");
        let mut answer = Answer::new();
        loop {
            let mut record = Vec::new();
            self.1.read_until(0, &mut record).expect("read from the client");
            assert_eq!(record.pop(), Some(0), "the client has died at {method} {settings:?}");
            let Some((path, value)) = std::str::from_utf8(&record).unwrap().split_once('=') else {
                return answer;
            };
            answer.push((path.to_owned(), value.to_owned()));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.0.stdin = None; // its end
        let _ = self.0.wait();
    }
}

/// A pod, removed in the end with all of its containers.
pub struct Pod {
    client: RefCell<Client>,
    id: String,
    config: Vec<String>,
    logs: PathBuf,
    namespaces: [String; 2],
}

impl Pod {
    /// A pod whose containers have PID namespaces of their own.
    pub fn new(handler: &Handler) -> Pod {
        Pod::start(handler, "CONTAINER")
    }

    /// A pod whose containers share the PID namespace of the pause (`shareProcessNamespace: true`).
    pub fn shared(handler: &Handler) -> Pod {
        Pod::start(handler, "POD")
    }

    fn start(handler: &Handler, pid: &str) -> Pod {
        let name = new_name();
        let logs = bed().join(&name);
        fs::create_dir(&logs).unwrap();
        let namespaces = ["network=NODE".to_owned(), format!("pid={pid}")];
        let mut config = vec![
            format!("metadata.name={name}"),
            format!("metadata.uid={name}"),
            "metadata.namespace=default".to_owned(),
            format!("log_directory={}", logs.display()),
            format!("linux.cgroup_parent=/{}", bed().file_name().unwrap().display()),
        ];
        config.extend(
            namespaces.iter().map(|n| format!("linux.security_context.namespace_options.{n}")),
        );
        let mut client = Client::start();
        let mut request = prefixed("config", &config);
        request.push(format!("runtime_handler={}", handler.0));
        let id = only_field(client.call("RunPodSandbox", &request));
        Pod { client: RefCell::new(client), id, config, logs, namespaces }
    }

    /// A request that may fail.
    #[track_caller]
    fn try_call(&self, method: &str, settings: &[String]) -> Answer {
        self.client.borrow_mut().call(method, settings)
    }

    #[track_caller]
    fn call(&self, method: &str, settings: &[String]) -> Answer {
        let answer = self.try_call(method, settings);
        assert_eq!(field(&answer, "error"), "", "{method} {settings:?}");
        answer
    }

    fn setting(&self) -> [String; 1] {
        [format!("pod_sandbox_id={}", self.id)]
    }

    /// Whether the pause is up, as far as the runtime knows.
    pub fn is_ready(&self) -> bool {
        let status = self.call("PodSandboxStatus", &self.setting());
        field(&status, "status.state").is_empty() // SANDBOX_READY is 0
    }

    /// The pause, as the host numbers it.
    #[track_caller]
    pub fn pause(&self) -> u32 {
        let [id] = self.setting();
        pid_of(&self.call("PodSandboxStatus", &[id, "verbose=true".to_owned()]))
    }

    #[track_caller]
    pub fn stop(&self) {
        self.call("StopPodSandbox", &self.setting());
    }

    /// Waits until the pod's PID namespace has the pause and these processes, and no zombie.
    #[track_caller]
    pub fn wait_for_processes(&self, others: &[u32]) {
        let pause = self.pause();
        let mut expected = [&[pause], others].concat();
        expected.sort_unstable();
        process::eventually(&format!("only {expected:?} are in the pod"), || {
            let mut all = namespace_of(pause);
            all.sort_unstable();
            all == expected
        });
    }

    /// A container whose entry point is `/sexton FLAGS --`.
    pub fn sexton(&self, flags: &[&str]) -> Run<'_> {
        self.run(&[&["/sexton"], flags, &["--"]].concat())
    }

    /// A container with this entry point.
    pub fn run(&self, command: &[&str]) -> Run<'_> {
        let settings = command.iter().map(|word| format!("command={word}")).collect();
        Run { pod: self, settings }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.client.borrow_mut().call("RemovePodSandbox", &self.setting());
    }
}

fn prefixed(prefix: &str, settings: &[String]) -> Vec<String> {
    settings.iter().map(|setting| format!("{prefix}.{setting}")).collect()
}

#[track_caller]
fn only_field(answer: Answer) -> String {
    let [(name, value)] = &answer[..] else { panic!("not one field: {answer:?}") };
    assert!(name.ends_with("_id"), "{answer:?}");
    value.clone()
}

/// The process ID in a verbose status.
#[track_caller]
fn pid_of(status: &Answer) -> u32 {
    let info = field(status, "info.info");
    let (_, pid) = info.split_once(r#""pid":"#).unwrap_or_else(|| panic!("no pid in {status:?}"));
    let end = pid.find(|c: char| !c.is_ascii_digit()).expect("more fields");
    pid[..end].parse().expect("a pid")
}

/// A container to be.
pub struct Run<'a> {
    pod: &'a Pod,
    settings: Vec<String>,
}

impl<'a> Run<'a> {
    /// Fields of the ContainerConfig, as `field.of.field=value`.
    pub fn with(mut self, settings: &[String]) -> Self {
        self.settings.extend_from_slice(settings);
        self
    }

    /// Starts the container with a shell script as the command.
    pub fn sh(self, script: &str) -> Container<'a> {
        self.start(&["sh", "-c", script])
    }

    pub fn start(self, main: &[&str]) -> Container<'a> {
        let pod = self.pod;
        let name = new_name();
        let log = format!("{name}.log");
        let mut config = self.settings;
        config.push(format!("metadata.name={name}"));
        config.push("image.image=localhost/sexton/base:1".to_owned());
        config.push(format!("log_path={log}"));
        config.extend(main.iter().map(|word| format!("args={word}")));
        config.extend(prefixed("linux.security_context.namespace_options", &pod.namespaces));
        let mut request = prefixed("config", &config);
        request.extend(prefixed("sandbox_config", &pod.config));
        request.extend(pod.setting());
        let id = only_field(pod.call("CreateContainer", &request));
        pod.call("StartContainer", &[format!("container_id={id}")]);
        let log = pod.logs.join(log);
        let mut follow = Command::new("tail");
        let follower = Listener::spawn(follow.args(["--lines=+1", "--follow"]).arg(&log));
        Container { pod, id, log, follower }
    }
}

/// A container, heard through its log.
pub struct Container<'a> {
    pod: &'a Pod,
    id: String,
    log: PathBuf,
    follower: Listener,
}

impl Container<'_> {
    #[track_caller]
    fn call(&self, method: &str, more: &[&str]) -> Answer {
        let answer = self.try_call(method, more);
        assert_eq!(field(&answer, "error"), "", "{method} {more:?}");
        answer
    }

    #[track_caller]
    fn try_call(&self, method: &str, more: &[&str]) -> Answer {
        let mut settings = vec![format!("container_id={}", self.id)];
        settings.extend(more.iter().copied().map(String::from));
        self.pod.try_call(method, &settings)
    }

    /// `ExecSync`, which must get as far as an exit status.
    #[track_caller]
    pub fn exec(&self, main: &[&str]) -> Answer {
        let answer = self.try_exec(main, 0);
        assert_eq!(field(&answer, "error"), "", "{main:?}");
        answer
    }

    /// `ExecSync` with a time-out, in seconds.
    #[track_caller]
    pub fn try_exec(&self, main: &[&str], time_out: u32) -> Answer {
        let mut settings: Vec<_> = main.iter().map(|word| format!("cmd={word}")).collect();
        settings.push(format!("timeout={time_out}"));
        self.try_call("ExecSync", &settings.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The container's init, as the host numbers it.
    #[track_caller]
    pub fn init(&self) -> u32 {
        pid_of(&self.call("ContainerStatus", &["verbose=true"]))
    }

    /// Waits until the init has exactly so many children, zombies counted.
    #[track_caller]
    pub fn wait_for_children(&self, count: usize) {
        process::wait_for_children(self.init(), count);
    }

    /// `StopContainer`, with so many seconds before the runtime would kill.
    #[track_caller]
    pub fn stop(&mut self, time_out: u32) -> Ended {
        let begin = Instant::now();
        self.call("StopContainer", &[&format!("timeout={time_out}")]);
        Ended { took: begin.elapsed(), ..self.end() }
    }

    /// Waits for the container's end, as the runtime knows it.
    #[track_caller]
    pub fn end(&mut self) -> Ended {
        let begin = Instant::now();
        let state = || self.call("ContainerStatus", &[]);
        process::eventually("the container has ended", || {
            field(&state(), "status.state") == "CONTAINER_EXITED"
        });
        let status = field(&state(), "status.exit_code").parse().unwrap_or(0);
        let [stdout, stderr] = ["stdout", "stderr"].map(|stream| self.logged(stream));
        Ended { status, stdout, stderr, took: begin.elapsed() }
    }

    /// Waits until the runtime gives this reason for the container's end, which it may do before it.
    #[track_caller]
    pub fn wait_for_reason(&self, reason: &str) {
        process::eventually(&format!("the reason is {reason}"), || {
            field(&self.call("ContainerStatus", &[]), "status.reason") == reason
        });
    }

    /// What came out of a stream, from lines `TIME STREAM F TEXT`, or `P` for the beginning of one.
    fn logged(&self, stream: &str) -> String {
        let log = fs::read_to_string(&self.log).unwrap();
        let mut text = String::new();
        for line in log.lines() {
            let [_, source, tag, words] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else {
                panic!("{line:?} in {}", self.log.display());
            };
            if source == stream {
                text += words;
                text += if tag == "F" { "\n" } else { "" };
            }
        }
        text
    }
}

impl Deref for Container<'_> {
    type Target = Listener;
    fn deref(&self) -> &Listener {
        &self.follower
    }
}

impl DerefMut for Container<'_> {
    fn deref_mut(&mut self) -> &mut Listener {
        &mut self.follower
    }
}
