//! The exit report, from what the kernel says of signals and ends.

use super::assert_shows;
use super::json::Value;
use nix::libc;
use sexton::internals::error::Error;
use sexton::internals::outcome::Shortage;
use sexton::internals::outcome::{Change, Outcome, Usage};
use sexton::internals::processes::Name;
use sexton::internals::report::{Record, Sender, Stop};
use sexton::internals::rlimit::Resource;
use sexton::internals::signal::{Origin, Received, Signal, SignalSet};
use sexton::internals::supervisor::Stage;
use sexton::internals::sys::signals;
use std::time::{Duration, Instant};

/// Numbers out of bytes; zeros behind their end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let length = N.min(self.0.len());
        let (first, rest) = self.0.split_at(length);
        array[..length].copy_from_slice(first);
        self.0 = rest;
        array
    }

    fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    fn int(&mut self) -> i32 {
        i32::from_le_bytes(self.array())
    }

    fn long(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn duration(&mut self) -> Duration {
        Duration::from_micros(self.long())
    }
}

/// A signal with its siginfo, a wait status, and numbers of all kinds.
pub fn report(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let received = received(&mut bytes);
    let outcome = outcome(bytes.int());
    let switches = bytes.byte();
    let on = |bit: u8| switches >> bit & 1 == 1;
    let resource = |byte: u8| Resource::ALL.get(usize::from(byte)).copied();
    let usage = Usage { user: bytes.duration(), system: bytes.duration(), peak: bytes.long() };
    let name = Name::parse(&bytes.array::<16>());
    let at = bytes.duration();
    let oom = on(0);
    let mut record = Record::default();
    record.pid = bytes.int();
    record.outcome = outcome;
    record.usage = usage;
    record.orphans = bytes.long();
    record.killed = on(1).then(|| bytes.long());
    record.grace_over = on(2);
    record.linger_over = on(3);
    record.oom_kills = bytes.long().max(u64::from(oom));
    record.limit = resource(bytes.byte());
    record.suspect = resource(bytes.byte());
    record.unexpected = on(4);
    record.sent_before = on(7).then_some(at);
    record.survivors = on(5);
    record.stop = received.map(|signal| Stop { signal, name, at });
    let mut now = Duration::ZERO;
    for _ in 0..bytes.byte() % 8 {
        let stage = Stage::ALL[usize::from(bytes.byte()) % Stage::ALL.len()];
        now = bytes.duration();
        record.enter(stage, now);
    }
    let exit_status = bytes.byte();
    let shortages = [Shortage::Own, Shortage::Above, Shortage::Machine, Shortage::Unknown];
    record.oom = oom.then(|| shortages[usize::from(exit_status) % shortages.len()]);
    record.command = String::from_utf8_lossy(bytes.0).into_owned();
    let failure = Error::unable(&record.command, &record.command);
    record.failure = on(6).then(|| failure.message().to_string());
    let failed = record.failure.clone();

    let report = record.clone().close(now, exit_status);
    assert_shows(&report.to_string());
    let json = report.json();
    assert_shows(json.strip_suffix('\n').unwrap());
    let json = Value::read(&json[..json.len() - 1]);
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let number = |number: u64| Some(Value::number(number));
    for (name, value) in [
        ("version", number(1)),
        ("command", text(&record.command)),
        ("pid", Some(Value::number(record.pid))),
        ("exit_status", number(exit_status.into())),
        ("cause", text(report.cause())),
        ("error", failed.as_deref().and_then(text)),
        ("status", outcome.filter(|_| failed.is_none()).and_then(status).map(Value::number)),
        ("ended", (outcome.is_none() && failed.is_none()).then_some(Value::Bool(false))),
        ("limit", record.limit.and_then(|limit| text(limit.name()))),
        ("oom_killed", Some(Value::Bool(oom))),
        ("oom_kills", number(record.oom_kills)),
        ("out_of_memory", record.oom.and_then(Shortage::name).and_then(text)),
        ("peak_memory_bytes", number(usage.peak)),
        ("orphans_reaped", number(record.orphans)),
        ("processes_killed", record.killed.map(Value::number)),
        ("survivors", Some(Value::Bool(record.survivors))),
    ] {
        assert_eq!(json.member(name), value.as_ref(), "{name}: {json:?}");
    }
    if let Some(stop) = record.stop {
        let told = json.member("stop").unwrap();
        assert_eq!(told.member("signal"), text(&stop.signal.signal.to_string()).as_ref());
        assert_eq!(told.member("pid"), Some(&Value::number(stop.signal.origin.pid)));
        assert_eq!(told.member("uid"), Some(&Value::number(stop.signal.origin.uid)));
        let name = Some(stop.name.as_str()).filter(|name| !name.is_empty());
        assert_eq!(told.member("name"), name.and_then(text).as_ref());
        assert_shows(&Sender(stop.signal.origin, stop.name).to_string());
    }
    assert!(matches!(json.member("phase_seconds"), Some(Value::Object(_))));
    let forced = ["oom", "limit", "grace"].contains(&report.cause());
    assert!(!forced || report.is_warning(), "{json:?}");
}

fn status(outcome: Outcome) -> Option<u8> {
    match outcome {
        Outcome::Exited(status) => Some(status),
        Outcome::Killed { .. } => None,
    }
}

/// How a process ended, by the C library's own reading of a wait status.
fn outcome(raw: i32) -> Option<Outcome> {
    let change = Change::from_raw(raw);
    match change {
        Change::Ended(Outcome::Exited(status)) if libc::WIFEXITED(raw) => {
            assert_eq!(i32::from(status), libc::WEXITSTATUS(raw));
        }
        Change::Ended(Outcome::Killed { signal, core }) => {
            assert!(libc::WIFSIGNALED(raw));
            assert_eq!((signal.number(), core), (libc::WTERMSIG(raw), libc::WCOREDUMP(raw)));
        }
        // There is no signal above 64.
        Change::Ended(Outcome::Exited(_)) => assert!(libc::WTERMSIG(raw) > 64),
        Change::Stopped(_) => assert!(libc::WIFSTOPPED(raw) || raw & 0x7f == 0x7f),
    }
    match change {
        Change::Ended(outcome) => Some(outcome),
        Change::Stopped(_) => None,
    }
}

/// `siginfo_t` as the kernel takes and gives it (sigaction(2)).
#[repr(C)]
#[derive(Default)]
struct Info {
    signal: i32,
    error: i32,
    code: i32,
    padding: i32,
    pid: i32,
    uid: u32,
    value: u64,
    rest: [u64; 12],
}

const _: () = assert!(size_of::<Info>() == size_of::<libc::siginfo_t>());

/// Has the kernel send this thread a signal with any siginfo, and takes it as sexton does.
fn received(bytes: &mut Bytes) -> Option<Received> {
    let signal = Signal::new(i32::from(bytes.byte()))?;
    let mut info = Info { signal: signal.number(), ..Info::default() };
    (info.code, info.pid) = (bytes.int(), bytes.int());
    (info.uid, info.value) = (bytes.int() as u32, bytes.long());
    if matches!(signal, Signal::KILL | Signal::STOP) {
        return None;
    }
    let by_a_process = info.code <= 0 || signal == Signal::CHLD;
    let (pid, uid) = if by_a_process { (info.pid, info.uid) } else { (0, 0) };
    let origin = Origin { code: info.code, pid, uid, value: info.value as usize };
    let expected = Some(Received { signal, origin });
    // While others have filled this user's queue, the kernel refuses, or sends the bare signal.
    let begun = Instant::now();
    while through_the_kernel(signal, &info) != expected {
        assert!(begun.elapsed() < PATIENCE, "{:?}", through_the_kernel(signal, &info));
        std::thread::yield_now();
    }
    assert!(!(origin.carries_value() && origin.is_kernel()));
    assert!(!origin.is_fault(signal) || origin.is_kernel());
    expected
}

const PATIENCE: Duration = Duration::from_secs(60);

fn through_the_kernel(signal: Signal, info: &Info) -> Option<Received> {
    let before = signals::block_all().unwrap();
    // SAFETY: has no arguments, and cannot fail.
    let (process, thread) = unsafe { (libc::getpid(), libc::gettid()) };
    let number = signal.number();
    // SAFETY: reads one siginfo_t, which is live; all signals are blocked, so none acts.
    unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, number, info) };
    let received = signals::wait(SignalSet::EMPTY.with(signal), Some(Duration::ZERO));
    signals::set_mask(before).unwrap();
    received.unwrap()
}
