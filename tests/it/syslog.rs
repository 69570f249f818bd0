//! SPEC 7.1 and 7.2: lines for a syslog daemon, which may be stuck, gone, or never have been there.

use crate::harness::{
    Folder, LIMIT, Place, Running, Setup, Terminal, probe, reserve_port, side_by_side, wait_until,
};
use nix::libc;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A real daemon, busybox's, in a mount namespace of its own, where a folder is /dev.
struct Daemon(Child);

impl Daemon {
    fn start(devices: &Folder) -> Daemon {
        let script = "mount --bind $0 /dev && exec busybox syslogd -n -O $0/messages";
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, devices.path()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Daemon(child);
        wait_until("the daemon listens", || {
            UnixDatagram::unbound().unwrap().connect(devices.at("log")).is_ok()
        });
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Waits for a line of the daemon's file that has this in it.
fn expect_message(devices: &Folder, part: &str) -> String {
    let mut found = String::new();
    wait_until(part, || {
        let messages = std::fs::read_to_string(devices.at("messages")).unwrap_or_default();
        found = messages.lines().find(|line| line.contains(part)).unwrap_or_default().to_owned();
        !found.is_empty()
    });
    found
}

/// sexton with a /dev of its own.
fn beside(devices: &Folder, words: &[&str]) -> Setup {
    Setup::new(words).bind(devices.path(), "/dev")
}

/// Sends SIGUSR1 so many times; the command gets each of them, and sexton has logged it.
fn signal_command(running: &mut Running, times: usize) {
    for _ in 0..times {
        running.signal(libc::SIGUSR1);
        running.expect("signal 10 value none");
    }
    wait_until("all is logged", || running.is_idle() || running.has_ended());
}

/// What a signal is logged with at `-v`: that it was received, and that it was sent.
const LINES: usize = 2;

const MANY: &str = "1000000000";

#[test]
fn a_real_daemon_gets_each_line_with_facility_and_severity() {
    let devices = Folder::new("syslogd").with_devices();
    let _daemon = Daemon::start(&devices);
    let setup = beside(&devices, &["--log-to=syslog", "-vv", &probe(), "signals", "1", "42"]);
    let mut running = setup.variable("SEXTON_NO_SUCH=1").start();
    running.expect("ready");
    // A socket's queue holds 10 datagrams, so the daemon is given its time.
    expect_message(&devices, " daemon.info sexton[1]: command is pid 2");
    signal_command(&mut running, 1);
    let ended = running.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (42, ""));
    for part in [
        " daemon.warn sexton[1]: unknown variable SEXTON_NO_SUCH",
        " daemon.debug sexton[1]: reaped the command, pid 2",
        " daemon.info sexton[1]: received SIGUSR1 from outside of the PID namespace, uid 0",
        " daemon.info sexton[1]: command exited with status 42; ran for ",
    ] {
        expect_message(&devices, part);
    }
    beside(&devices, &["--log-to=syslog", "/no/such"]).run();
    expect_message(&devices, " daemon.err sexton[1]: unable to execute '/no/such': ");
}

#[test]
fn a_restarted_daemon_gets_the_number_of_lost_lines() {
    let devices = Folder::new("restart").with_devices();
    let words = ["--log-to=syslog", "-v", &probe(), "signals", "27", "42"];
    let mut running = beside(&devices, &words).start();
    running.expect("ready");
    signal_command(&mut running, 10); // before there is one
    let daemon = Daemon::start(&devices);
    signal_command(&mut running, 1);
    expect_message(&devices, "daemon.warn sexton[1]: 21 log lines lost");
    drop(daemon);
    signal_command(&mut running, 15);
    let _daemon = Daemon::start(&devices);
    signal_command(&mut running, 1);
    expect_message(&devices, "daemon.warn sexton[1]: 30 log lines lost");
    assert_eq!(running.end().status, 42);
    expect_message(&devices, "command exited with status 42; ran for ");
}

#[test]
fn a_stuck_daemon_costs_only_the_lines() {
    let devices = Folder::new("stuck").with_devices();
    let daemon = UnixDatagram::bind(devices.at("log")).unwrap();
    daemon.set_nonblocking(true).unwrap();
    let words = ["--log-to=syslog", "-v", &probe(), "signals", "51", "42"];
    let mut running = beside(&devices, &words).start();
    running.expect("ready");
    signal_command(&mut running, 50);
    let mut buffer = [0; 2048];
    let mut line = || {
        let length = daemon.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    };
    let got = std::iter::from_fn(&mut line).inspect(|line| {
        assert!(line.starts_with("<30>sexton[1]: "), "{line}");
    });
    let sent = 1 + 50 * LINES; // the command's start, and the signals
    let lost = sent - got.count();
    assert!(lost > 0 && lost < sent, "{lost}");
    signal_command(&mut running, 1);
    let note = format!("<28>sexton[1]: {lost} log lines lost");
    wait_until("the next line comes", || line().is_some_and(|line| line == note));
    assert_eq!(running.end().status, 42);
}

#[test]
fn a_stop_is_forwarded_as_quickly_to_whatever_daemon() {
    let devices = Folder::new("quick").with_devices();
    let compare = |what, log_to: &str| {
        let log_to = format!("--log-to={log_to}");
        let start = |log_to: &str| {
            let words = ["-vvv", "--grace=none", log_to, &probe(), "signals", MANY];
            let mut running = beside(&devices, &words).start();
            running.expect("ready");
            running
        };
        side_by_side(what, start("--log-to=none"), start(&log_to));
    };
    compare("no /dev/log", "syslog");
    let _stuck = UnixDatagram::bind(devices.at("log")).unwrap();
    compare("stuck /dev/log", "syslog");
    let unread = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = format!("udp://{}", unread.local_addr().unwrap());
    compare("unread UDP", &udp);
    refuse_all(&unread);
    compare("no UDP", &udp);
    let nobody = reserve_port();
    compare("no TCP", &format!("tcp://{}", nobody.local_addr().unwrap()));
    let (_listener, _waiting, silent) = never_answers();
    compare("silent TCP", &format!("tcp://{silent}"));
}

/// Nobody's datagrams are taken any more, and no other test gets the port.
fn refuse_all(socket: &UdpSocket) {
    socket.connect("127.0.0.1:9").unwrap();
}

/// A listener whose backlog is full: a connection to it is begun for ever.
fn never_answers() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: takes integers only; makes the backlog smaller.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    let waiting = std::iter::from_fn(connect).take(100).collect();
    (listener, waiting, address)
}

#[test]
fn a_server_that_never_answers_does_no_harm() {
    let (_listener, _waiting, address) = never_answers();
    let log_to = format!("--log-to=tcp://{address}");
    let mut running = Setup::new(&[&log_to, "-vvv", &probe(), "signals", "20", "42"]).start();
    running.expect("ready");
    signal_command(&mut running, 10);
    // State 2 is SYN_SENT.
    let trying = format!(" 0100007F:{:04X} 02 ", address.port());
    wait_until("it tries", || std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&trying));
    signal_command(&mut running, 10);
    assert_eq!(running.end().status, 42);
}

#[test]
fn a_missing_server_does_no_harm() {
    let (tcp, udp) = (reserve_port(), UdpSocket::bind("127.0.0.1:0").unwrap());
    refuse_all(&udp);
    for address in [
        format!("tcp://{}", tcp.local_addr().unwrap()),
        format!("udp://{}", udp.local_addr().unwrap()),
    ] {
        let log_to = format!("--log-to={address}");
        let mut running = Setup::new(&[&log_to, "-vvv", &probe(), "signals", "20", "42"]).start();
        running.expect("ready");
        signal_command(&mut running, 20);
        let ended = running.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (42, ""));
    }
}

/// An RFC 5424 line: `<PRIORITY>1 TIME HOST sexton PID - - TEXT`.
fn assert_line(line: &str) {
    let words: Vec<&str> = line.splitn(8, ' ').collect();
    let [priority, time, host, rest @ ..] = &words[..] else { panic!("{line:?}") };
    assert!(["<27>1", "<28>1", "<30>1", "<31>1"].contains(priority), "{line:?}");
    assert!(time.len() == 24 && time.starts_with("20") && time.ends_with('Z'), "{line:?}");
    assert!(!host.is_empty(), "{line:?}");
    assert_eq!(rest[..4], ["sexton", "1", "-", "-"], "{line:?}");
    assert!(!rest[4].is_empty() && !line.contains(|c: char| c.is_control()), "{line:?}");
    assert!(line.len() <= 1024, "{line:?}");
}

/// Binds an address that was just given up. Another test's process may still have the old socket, too: it
/// is closed when that executes something.
fn again<T>(bind: impl Fn() -> std::io::Result<T>) -> T {
    let mut bound = None;
    wait_until("the address is free", || {
        bound = bind().ok();
        bound.is_some()
    });
    bound.unwrap()
}

#[test]
fn datagrams_over_udp_are_lines_of_rfc_5424() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let server = UdpSocket::bind(address).unwrap();
        server.set_read_timeout(Some(LIMIT)).unwrap();
        let log_to = format!("--log-to=udp://{}", server.local_addr().unwrap());
        let setup = Setup::new(&[&log_to, "-v", &probe(), "signals", "1", "42"]);
        let long = format!("SEXTON_\n{}=1", "é".repeat(2000));
        let mut running = setup.variable(long).start();
        running.expect("ready");
        signal_command(&mut running, 1);
        assert_eq!(running.end().status, 42);
        let mut buffer = [0; 2048];
        let mut line = || {
            let length = server.recv(&mut buffer).unwrap();
            let line =
                String::from_utf8_lossy(&buffer[..length]).trim_end_matches('\u{fffd}').to_owned();
            assert_line(&line);
            line
        };
        assert!(line().contains(" - - unknown variable SEXTON_"));
        assert!(line().ends_with(" - - command is pid 2"));
        assert!(line().contains(" - - received SIGUSR1 from outside of the PID namespace, uid 0"));
        assert!(line().contains(" - - sent SIGUSR1 to the command"));
        assert!(line().ends_with(" - - command exited with status 42"));
        assert!(line().contains(" - - command exited with status 42; ran for "));
    }
}

#[test]
fn a_udp_server_that_comes_back_is_found_again() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let log_to = format!("--log-to=udp://{address}");
    let mut running = Setup::new(&[&log_to, "-v", &probe(), "signals", "21", "42"]).start();
    running.expect("ready");
    drop(server);
    signal_command(&mut running, 20);
    let server = again(|| UdpSocket::bind(address));
    server.set_read_timeout(Some(LIMIT)).unwrap();
    signal_command(&mut running, 1);
    let mut buffer = [0; 2048];
    let length = server.recv(&mut buffer).unwrap();
    let line = String::from_utf8(buffer[..length].to_vec()).unwrap();
    assert!(line.contains("received SIGUSR1"), "{line}");
    assert_eq!(running.end().status, 42);
}

/// The next connection of a sexton that has lost one. It is begun when there is a line, which `log` makes.
fn accept_again(listener: &TcpListener, mut log: impl FnMut()) -> BufReader<TcpStream> {
    listener.set_nonblocking(true).unwrap();
    let mut accepted = None;
    wait_until("it connects again", || {
        log();
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (stream, _) = accepted.unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    BufReader::new(stream)
}

/// The next connection, as lines.
fn accept(listener: &TcpListener) -> BufReader<TcpStream> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    BufReader::new(stream)
}

fn next_line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.ends_with('\n'), "{line:?}");
    line.pop();
    assert_line(&line);
    line
}

#[test]
fn lines_over_tcp_are_ended_by_line_feeds() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let listener = TcpListener::bind(address).unwrap();
        let log_to = format!("--log-to=tcp://{}", listener.local_addr().unwrap());
        let words = [&log_to, "-v", &probe(), "signals", "1", "42"];
        let mut running = Setup::new(&words).variable("SEXTON_\n=1").start();
        let mut stream = accept(&listener);
        let line = next_line(&mut stream);
        assert!(line.contains(" unknown variable SEXTON_\\n: ignored"), "{line}");
        assert!(next_line(&mut stream).ends_with("command is pid 2"));
        running.expect("ready");
        signal_command(&mut running, 1);
        assert!(next_line(&mut stream).contains("received SIGUSR1"));
        assert!(next_line(&mut stream).contains("sent SIGUSR1"));
        assert_eq!(running.end().status, 42);
        assert!(next_line(&mut stream).ends_with("command exited with status 42"));
        assert!(next_line(&mut stream).contains("command exited with status 42; ran for "));
        assert_eq!(stream.read_line(&mut String::new()).unwrap(), 0);
    }
}

#[test]
fn a_tcp_server_that_closes_and_comes_back_gets_whole_lines_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let log_to = format!("--log-to=tcp://{address}");
    let mut running = Setup::new(&[&log_to, "-v", &probe(), "signals", MANY]).start();
    running.expect("ready");
    let mut stream = accept(&listener);
    assert!(next_line(&mut stream).ends_with("command is pid 2"));
    signal_command(&mut running, 1);
    assert!(next_line(&mut stream).contains("received SIGUSR1"));
    assert!(next_line(&mut stream).contains("sent SIGUSR1"));
    drop((stream, listener));
    signal_command(&mut running, 20);
    let listener = again(|| TcpListener::bind(address));
    let mut stream = accept_again(&listener, || signal_command(&mut running, 1));
    assert!(next_line(&mut stream).contains("SIGUSR1"));
    signal_command(&mut running, 10);
    for _ in 0..10 * LINES {
        next_line(&mut stream);
    }
}

/// A server that accepts and reads nothing, and a sexton whose queue for it is full.
fn stuck_server() -> (Running, TcpListener, TcpStream) {
    // SAFETY: a new descriptor, which the listener owns; takes integers and reads one.
    let listener = unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        let size = 4096;
        let length = size_of_val(&size) as u32;
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, (&raw const size).cast(), length);
        assert_eq!(libc::listen(fd, 5), 0); // on some free port
        TcpListener::from_raw_fd(fd)
    };
    let port = listener.local_addr().unwrap().port();
    let log_to = format!("--log-to=tcp://{}", SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let words = ["-vvv", "--grace=none", &log_to, &probe(), "signals", MANY];
    let mut running = Setup::new(&words).start();
    let (stream, _) = listener.accept().unwrap();
    running.expect("ready");
    let unsent = || {
        let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let peer = format!(" 0100007F:{port:04X} 01 ");
        let line = connections.lines().find(|line| line.contains(&peer)).unwrap_or_default();
        let queued = line.split_whitespace().nth(4).unwrap_or_default();
        queued.split(':').next().unwrap_or_default().to_owned()
    };
    // Full when nothing more fits in after that many lines.
    let mut last = String::new();
    for _ in 0..1000 {
        for value in 0..500 {
            running.queue(34, value);
        }
        for value in 0..500 {
            running.expect(&format!("signal 34 value {value}"));
        }
        let before = std::mem::replace(&mut last, unsent());
        if before == last && !last.is_empty() {
            return (running, listener, stream);
        }
    }
    panic!("the connection does not become full");
}

#[test]
fn a_tcp_server_that_never_reads_costs_only_the_lines() {
    let (running, _listener, mut stream) = stuck_server();
    let words = ["--log-to=none", "--grace=none", &probe(), "signals", MANY];
    let mut quiet = Setup::new(&words).start();
    quiet.expect("ready");
    let running = side_by_side("stuck TCP", quiet, running).1;
    // What it reads in the end is whole lines, and how many there are not.
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut chunk = [0; 65536];
        // Megabytes come in small pieces: what has been looked at is not looked at again.
        const NOTE: &[u8] = b" log lines lost\n";
        let mut looked_at = 0;
        while !text[looked_at..].windows(NOTE.len()).any(|part| part == NOTE) {
            looked_at = text.len().saturating_sub(NOTE.len());
            let length = stream.read(&mut chunk).unwrap();
            assert!(length > 0, "the note is missing");
            text.extend(&chunk[..length]);
        }
        text
    });
    wait_until("the note on lost lines comes", || {
        running.signal(libc::SIGUSR1);
        reader.is_finished()
    });
    let text = String::from_utf8(reader.join().unwrap()).unwrap();
    let end = text.rfind('\n').unwrap();
    text[..end].split('\n').for_each(assert_line);
}

#[test]
fn a_line_that_was_sent_in_part_is_not_continued_on_the_next_connection() {
    let (mut running, listener, stream) = stuck_server();
    drop(stream);
    let mut value = 0;
    let mut stream = accept_again(&listener, || {
        value += 1;
        running.queue(34, value);
        running.expect(&format!("signal 34 value {value}"));
    });
    for _ in 0..20 {
        next_line(&mut stream);
    }
}

#[test]
fn a_fatal_error_goes_to_syslog_and_to_standard_error() {
    let devices = Folder::new("fatal").with_devices();
    let daemon = UnixDatagram::bind(devices.at("log")).unwrap();
    daemon.set_read_timeout(Some(LIMIT)).unwrap();
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    let udp = format!("--log-to=udp://{}", server.local_addr().unwrap());
    for (command, status, told) in [
        (&["/no/such"][..], 127, "unable to execute '/no/such': command not found"),
        (
            &["--chdir=/no/such", "true"],
            125,
            "unable to change the working directory to '/no/such'",
        ),
        (&["--user=nobody-here", "true"], 125, "nobody-here"),
    ] {
        for log_to in ["--log-to=syslog", &udp] {
            let words = [&[log_to], command].concat();
            let ended = beside(&devices, &words).run();
            assert_eq!(ended.status, status, "{ended:?}");
            assert!(ended.stderr.starts_with("sexton: fatal: "), "{ended:?}");
            assert!(ended.stderr.contains(told), "{ended:?}");
            let mut buffer = [0; 2048];
            let length = if log_to == udp {
                server.recv(&mut buffer).unwrap()
            } else {
                daemon.recv(&mut buffer).unwrap()
            };
            let line = String::from_utf8_lossy(&buffer[..length]);
            assert!(line.starts_with("<27>") && line.contains(told), "{line}");
        }
    }
}

#[test]
fn a_fatal_error_is_on_standard_error_though_there_is_no_daemon() {
    let devices = Folder::new("nobody").with_devices();
    let (tcp, udp) = (reserve_port(), UdpSocket::bind("127.0.0.1:0").unwrap());
    refuse_all(&udp);
    for log_to in [
        "syslog".to_owned(),
        format!("udp://{}", udp.local_addr().unwrap()),
        format!("tcp://{}", tcp.local_addr().unwrap()),
    ] {
        let ended = beside(&devices, &["-vvv", &format!("--log-to={log_to}"), "/no/such"]).run();
        assert_eq!(ended.status, 127);
        let told = "sexton: fatal: unable to execute '/no/such': command not found\n";
        assert_eq!(ended.stderr, told, "{log_to}");
    }
}

#[test]
fn no_descriptor_of_the_log_reaches_the_command_or_is_one_of_the_first_three() {
    let devices = Folder::new("descriptors").with_devices();
    let _daemon = UnixDatagram::bind(devices.at("log")).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = [
        "syslog".to_owned(),
        format!("udp://{}", udp.local_addr().unwrap()),
        format!("tcp://{}", tcp.local_addr().unwrap()),
    ];
    for address in &addresses {
        let log_to = format!("--log-to={address}");
        for place in [Place::Init, Place::Child] {
            let world = |log_to: &str, command| {
                beside(&devices, &["-vvv", log_to, &probe(), command]).place(place)
            };
            let bare =
                |log_to: &str, command| world(log_to, command).closed(&[0, 1, 2]).output_at(9);
            // This process may hand some on itself.
            for world in [&world as &dyn Fn(&str, &'static str) -> Setup, &bare] {
                let [with, without] = [&log_to, "--log-to=none"]
                    .map(|log_to| world(log_to, "descriptors").run().stdout);
                assert_eq!(with, without, "{address}");
            }
            let mut running = bare(&log_to, "sleep").start();
            running.expect("ready");
            wait_until("sexton waits", || running.is_idle());
            let own = running.descriptors();
            let sockets = own.iter().filter(|(_, what)| what.starts_with("socket:")).count();
            assert!(sockets == 1 && own.iter().all(|(fd, _)| *fd > 2), "{address}: {own:?}");
        }
    }
}

#[test]
fn a_signal_of_the_kernel_is_logged_as_such() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    let log_to = format!("--log-to=udp://{}", server.local_addr().unwrap());
    let mut terminal = Terminal::new();
    let running =
        Setup::new(&[&log_to, "-v", &probe(), "sleep"]).terminal(&terminal.program).start();
    terminal.expect("ready");
    drop(terminal);
    let mut buffer = [0; 2048];
    for told in [" - - command is pid 2", " - - received SIGHUP from the kernel"] {
        let length = server.recv(&mut buffer).unwrap();
        let line = String::from_utf8_lossy(&buffer[..length]);
        assert!(line.ends_with(told), "{line}");
    }
    assert_eq!(running.end().status, 129);
}
