//! Whether the machine is quiet: figures of a busy one are worth nothing.

use crate::group::Run;
use nix::libc;
use std::fs;
use std::time::{Duration, Instant};

/// What the load of the last minute may be before the run, for each CPU.
pub const MOST_LOAD: f64 = 2.0;

/// What others may take of the CPUs during the run, in percent. With 8 % of 2 CPUs, which were a fifth of the CPU that
/// all was pinned to, no ratio of two starts moved by more than 0.02, as much as between two runs on an idle machine;
/// with 30 %, where another process always waited for that CPU, one moved by 0.06.
pub const MOST_OTHERS: f64 = 10.0;

/// What the last tenth of the floor's starts may take by the first tenth, for a page. In a virtual machine whose host
/// is at rest it is 1.05. Where a neighbour slowed the CPUs down by half, now and then, which no figure of the machine
/// itself shows, it was 1.66, and the ratio of two starts moved by 0.15.
pub const MOST_SPREAD: f64 = 1.3;

/// How long the load may take to fall. Processes that have ended stay in it: a whole run leaves some 270, which take
/// more than 4 minutes on 2 CPUs.
const PATIENCE: Duration = Duration::from_secs(360);

/// The load of the last minute for each CPU, before the run started anything. `benches/run.sh` reads it before it
/// builds, because what is built and measured is load as well.
pub fn load_before() -> f64 {
    std::env::var("LOAD_BEFORE").map_or_else(|_| load(), |loads| per_cpu(&loads))
}

/// The same, once it is no more than [`MOST_LOAD`].
///
/// # Errors
/// It does not become that low.
pub fn quiet_load() -> Result<f64, String> {
    let mut load_now = load_before();
    if load_now > MOST_LOAD {
        eprintln!("The load of the last minute is {load_now:.1} per CPU; waiting for {MOST_LOAD}.");
    }
    let begin = Instant::now();
    while load_now > MOST_LOAD {
        if begin.elapsed() > PATIENCE {
            return Err(format!("The machine is busy: its load stays at {load_now:.1} per CPU."));
        }
        std::thread::sleep(Duration::from_secs(1));
        load_now = load();
    }
    Ok(load_now)
}

fn load() -> f64 {
    per_cpu(&fs::read_to_string("/proc/loadavg").expect("the load"))
}

/// The first load in a line of /proc/loadavg.
fn per_cpu(loads: &str) -> f64 {
    let minute = loads.split_whitespace().next().map(str::parse::<f64>);
    minute.expect("a load").expect("a number") / cpus()
}

fn cpus() -> f64 {
    unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) as f64 }
}

/// The CPU time that others take from now on: all that is not of this process, of what it starts, and of threads of the
/// kernel. Those mostly release what processes of the run had (`ksoftirqd`, `kworker`): alone on a
/// machine with 2 CPUs, they take 3 to 4 % of them while starts are measured.
pub struct Others<'a> {
    run: &'a Run,
    begin: Instant,
    before: Option<f64>,
}

impl Others<'_> {
    pub fn start(run: &Run) -> Others<'_> {
        Others { run, begin: Instant::now(), before: taken(run) }
    }

    /// In percent of all CPUs. `None` if no control group counts the CPU time of the run: what is killed with its PID
    /// namespace is in no other count, and was a sixth of all in trees and storms.
    pub fn percent(&self) -> Option<f64> {
        let seconds = taken(self.run)? - self.before?;
        Some((seconds / (self.begin.elapsed().as_secs_f64() * cpus()) * 100.0).max(0.0))
    }
}

/// The CPU time of others since the machine was started, in seconds, but for a constant.
fn taken(run: &Run) -> Option<f64> {
    Some(busy() - run.cpu_time()? - kernel())
}

/// The time in which the CPUs were not idle, in seconds: /proc/stat, see proc(5). What a hypervisor gave to another
/// machine (`steal`) counts as well.
fn busy() -> f64 {
    let stat = fs::read_to_string("/proc/stat").expect("the CPU times");
    let words = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let times: Vec<f64> = words.map(|word| word.parse().expect("a time")).collect();
    let [user, nice, system, _idle, _wait, irq, softirq, steal] = times[..8] else {
        panic!("/proc/stat begins with eight times: {times:?}")
    };
    (user + nice + system + irq + softirq + steal) / ticks()
}

/// In a second: the unit of the times in /proc.
fn ticks() -> f64 {
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}

/// The CPU time of the threads of the kernel that /proc shows, in seconds. A container has none.
fn kernel() -> f64 {
    let processes = fs::read_dir("/proc").expect("the processes").flatten();
    let times = processes.filter_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        const KERNEL_THREAD: u64 = 0x20_0000; // PF_KTHREAD
        let is_of_kernel = number(6)? & KERNEL_THREAD != 0;
        Some(if is_of_kernel { number(11)? + number(12)? } else { 0 })
    });
    times.sum::<u64>() as f64 / ticks()
}
