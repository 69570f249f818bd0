//! Sending signals to the command, its process group, or the tree; and logging it.

#![forbid(unsafe_code)]

use crate::kernel::broadcast;
use crate::kernel::processes;
use crate::kernel::tree::{self, HangUp, Scan, Signals};
use crate::plan::Target;
use crate::supervisor::{Cause, Time};
use crate::sys::clock::Clock;
use crate::sys::{Errno, process, reason, send, wait};
use crate::values::signal::{Received, Signal};
use log::{info, warn};
use std::fmt;
use std::time::Duration;

/// Finds the processes of each target, and signals them.
pub struct Delivery {
    /// sexton's own process ID: if it is PID 1, the tree is the PID namespace.
    own: i32,
    /// The command's process ID, and its process group's.
    command: i32,
    command_reaped: bool,
    /// Not all descendants can be seen in /proc; this has been logged.
    blind: bool,
    /// A descendant could not be signalled; this has been logged.
    failed: bool,
    /// Signals that have not reached all descendants yet.
    scan: Scan,
    /// SIGHUP and SIGCONT of [`Delivery::hang_up`] that have not reached all of the tree yet.
    hang_up: Option<HangUp>,
    /// SIGKILL was sent to the tree.
    killing: bool,
}

impl Delivery {
    /// sexton has the process ID `own`, and the command `command`.
    #[must_use]
    pub fn new(own: i32, command: i32) -> Delivery {
        Delivery {
            own,
            command,
            command_reaped: false,
            blind: false,
            failed: false,
            scan: Scan::new(own),
            hang_up: None,
            killing: false,
        }
    }

    /// Reserves the memory that is needed later, when nothing allocates.
    pub fn reserve(&mut self) {
        if self.own != process::INIT {
            self.scan.reserve();
        }
    }

    /// From now on another process may have the command's ID.
    pub fn command_is_reaped(&mut self) {
        self.command_reaped = true;
    }

    /// The command's process ID, as long as the command is not reaped.
    #[must_use]
    pub fn command(&self) -> Option<i32> {
        (!self.command_reaped).then_some(self.command)
    }

    /// Forwards a signal to the command, which is not reaped, or to its group, by the shortest way.
    ///
    /// # Errors
    /// It could not be sent; [`Delivery::send`] may have another way, as it always has to the tree.
    pub fn forward(&self, received: &Received, to: Target) -> Result<(), Errno> {
        match to {
            Target::Command => send::to_process(self.command, received),
            Target::Group => send::to_group(self.command, *received),
            Target::Tree => Err(Errno::ENOSYS),
        }
    }

    /// Sends a signal, with its value if it carries one, and SIGCONT after it if `and_continue`.
    pub fn send(&mut self, received: Received, to: Target, and_continue: bool) -> Sent {
        let signal = received.signal;
        let then = and_continue.then_some(Received::own(Signal::CONT));
        let mut result = match to {
            Target::Command if !and_continue => {
                send::to_process(self.command, &received).map(|()| to)
            }
            _ => self.send_all([Some(received), then], to),
        };
        let mut value_lost = None;
        if let Err(errno) = result
            && received.origin.carries_value()
            && errno != Errno::ESRCH
        {
            value_lost = Some(errno);
            result = self.send_all([Some(Received::own(signal)), then], to);
        }
        Sent { signal, to, value_lost, result, is_blind: self.blind }
    }

    /// Sends SIGHUP and SIGCONT to the processes of the tree that would get them if their terminal went away.
    pub fn hang_up(&mut self) {
        // Without /proc no process is known to have a terminal.
        self.hang_up = HangUp::begin(self.own).ok();
        self.go_on();
    }

    /// Whether everything that is left of the tree ignores SIGTERM, as far as that is known.
    #[must_use]
    pub fn rest_ignores_term(&mut self) -> bool {
        /// A look at so many takes some 30 ms.
        const MOST: usize = 1_000;
        self.scan.all_ignore_term(MOST)
    }

    /// Sends SIGKILL to the tree. Nothing is logged, because that may take time.
    ///
    /// # Errors
    /// A process that is still there could not be signalled.
    pub fn kill(&mut self, cause: Cause) -> Result<(), Errno> {
        let kill = [Some(Received::own(Signal::KILL)), None];
        // For PID 1 kill(-1) is enough: it is atomic, and no fork escapes it. What a subreaper has left after the first
        // time has become its child, or is about to.
        let is_enough = self.own == process::INIT || tree::signal_children(&kill).is_ok();
        if cause == Cause::Again && is_enough {
            return Ok(());
        }
        self.scan.stop();
        match self.send_all(kill, Target::Tree) {
            Err(errno) if cause != Cause::Again && errno != Errno::ESRCH => Err(errno),
            _ => Ok(()),
        }
    }

    /// Sends the signals one after the other; the result is that of the first, and which target it has reached.
    fn send_all(&mut self, signals: Signals, to: Target) -> Result<Target, Errno> {
        self.killing |= to == Target::Tree
            && signals.iter().flatten().any(|signal| signal.signal == Signal::KILL);
        if to == Target::Tree && self.own != process::INIT {
            return self.send_to_descendants(signals);
        }
        let mut results = signals.into_iter().flatten().map(|signal| match to {
            Target::Command => send::to_process(self.command, &signal),
            // The command has no group of its own before it makes one, or after it has joined another.
            Target::Group => match send::to_group(self.command, signal) {
                Err(Errno::ESRCH) if !self.command_reaped => {
                    send::to_process(self.command, &signal)
                }
                result => result,
            },
            Target::Tree => tree::to_namespace(signal),
        });
        let first = results.next().unwrap_or(Ok(()));
        results.for_each(drop);
        first.map(|()| to)
    }

    fn send_to_descendants(&mut self, signals: Signals) -> Result<Target, Errno> {
        match self.scan.send(&signals) {
            Ok(()) => {
                self.log_failure();
                Ok(Target::Tree)
            }
            Err(errno) => {
                self.scan.stop();
                self.log_blindness(errno);
                self.send_to_those_known(signals)
            }
        }
    }

    /// Signals the command's group, which is known without /proc. Once the command is reaped, another group may have
    /// its number, unless a child of sexton is in it: a subreaper adopts the processes that the command leaves behind.
    fn send_to_those_known(&mut self, signals: Signals) -> Result<Target, Errno> {
        if self.command_reaped && !wait::has_child_in_group(self.command) {
            return Err(Errno::ESRCH);
        }
        self.send_all(signals, Target::Group)
    }

    /// Whether signals to the tree are still on their way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.scan.is_under_way() || self.hang_up.is_some()
    }

    /// Whether so many signals are under way that others should come later, unless they cannot wait.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.scan.is_crowded()
    }

    /// Whether SIGKILL has been sent to the tree.
    #[must_use]
    pub fn is_killing(&self) -> bool {
        self.killing
    }

    /// Sends the signals that are on their way to some more of the descendants.
    pub fn go_on(&mut self) {
        if self.scan.is_under_way() {
            self.scan();
        }
        if self.hang_up.as_mut().is_some_and(|it| !it.go_on().unwrap_or(false)) {
            self.hang_up = None;
        }
    }

    #[inline(never)] // its buffers take a page of the stack
    fn scan(&mut self) {
        let progress = self.scan.go_on();
        if self.scan.hides() && self.is_newly_blind() {
            warn!("/proc hides descendants: they are signalled once they are children of sexton");
        }
        if let Err(errno) = progress {
            self.scan.stop();
            self.log_blindness(errno);
            let unsent = self.unsent();
            for signal in unsent.into_iter().flatten() {
                match self.send_to_those_known([Some(signal), None]) {
                    Ok(_) | Err(Errno::ESRCH) => {}
                    Err(errno) => {
                        warn!("unable to signal the command's process group: {}", reason(errno));
                    }
                }
            }
        }
        self.log_failure();
    }

    /// Logs once that not every descendant could be signalled.
    fn log_failure(&mut self) {
        if let Some(errno) = self.scan.failed()
            && !std::mem::replace(&mut self.failed, true)
        {
            warn!("unable to signal every descendant: {}", reason(errno));
        }
    }

    fn unsent(&self) -> [Option<Received>; broadcast::MOST] {
        let mut signals = self.scan.unsent();
        std::array::from_fn(|_| signals.next())
    }

    /// Notes that not all descendants can be seen; whether it is the first time, which is logged.
    fn is_newly_blind(&mut self) -> bool {
        !std::mem::replace(&mut self.blind, true)
    }

    fn log_blindness(&mut self, errno: Errno) {
        if self.is_newly_blind() {
            warn!(
                "unable to find descendants in /proc ({}): only the command's process group is signalled",
                reason(errno)
            );
        }
    }

    /// Counts the processes before SIGKILL is sent, so that the kernel can reap them. Returns whether the count is to
    /// be used: they are many and were counted in time, or /proc shows none. Not exact if others fork or end now.
    #[must_use]
    pub fn count_many(&self, killed: &mut Killed, clock: Clock) -> bool {
        /// To reap so many takes a millisecond.
        const MANY: u64 = 256;
        /// SIGKILL waits for it.
        const LONGEST: Duration = Duration::from_millis(5);
        let until = clock.now().saturating_add(LONGEST);
        let in_time = self.count_namespace(killed, clock, until);
        (in_time && killed.count > MANY) || !killed.is_complete
    }

    /// Counts the processes that SIGKILL has just been sent to.
    pub fn count_killed(&self, killed: &mut Killed, clock: Clock) {
        *killed = Killed::default();
        if self.own == process::INIT {
            self.count_namespace(killed, clock, Time::MAX);
        } else {
            // Those further down become children one after the other, and are counted when they are reaped.
            processes::for_each_child(&mut |pid| killed.note(pid, self.own)).ok();
        }
    }

    /// Counts all processes of the namespace. Returns whether it has finished before `until`.
    #[inline(never)]
    fn count_namespace(&self, killed: &mut Killed, clock: Clock, until: Time) -> bool {
        // In no other namespace there are threads of the kernel.
        let initial = processes::is_in_initial_namespace();
        let mut in_time = true;
        let seen = processes::numbers().and_then(|all| {
            all.visit_while(&mut |pid| {
                if !(initial && processes::stat(pid).is_some_and(|stat| stat.is_kernel)) {
                    killed.note(pid, self.own);
                }
                in_time = clock.now() < until;
                in_time
            })
        });
        killed.is_complete = seen.is_ok();
        in_time
    }

    /// Logs the processes that are left of the tree; how many they are, as far as it can be seen.
    pub fn log_survivors(&self) -> Option<u64> {
        const MOST: u64 = 10;
        let mut count = 0;
        let seen = tree::for_each_survivor(self.own, &mut |pid, state| {
            count += 1;
            if count <= MOST {
                let name = processes::Name::of(pid);
                if send::is_permitted(pid) {
                    warn!("pid {pid}{name} remains, in state {}", State(state));
                } else {
                    warn!("pid {pid}{name} remains: sexton may not signal it (CAP_KILL)");
                }
            }
        });
        if count > MOST {
            warn!("and {} more remain", count - MOST);
        }
        let seen = seen.is_ok() && count > 0;
        if !seen {
            warn!("processes remain that /proc does not show");
        }
        warn!("exiting, although processes remain after SIGKILL");
        seen.then_some(count)
    }
}

/// The result of sending a signal, to be logged once the signal has been sent.
#[must_use]
pub struct Sent {
    signal: Signal,
    to: Target,
    /// Why it could not be sent with its value.
    value_lost: Option<Errno>,
    /// Which target it has reached.
    result: Result<Target, Errno>,
    /// Not all descendants can be seen.
    is_blind: bool,
}

impl Sent {
    /// Whether a process got it.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.result.is_ok()
    }

    /// Logs the result.
    pub fn log(&self) {
        let (signal, whom) = (self.signal, name(self.to));
        if let Some(errno) = self.value_lost {
            let why = match errno {
                Errno::EAGAIN => "the queue is full", // a signal without a value always has room
                _ => "not supported by this system",
            };
            warn!("{signal} sent to {whom} without its value: {why}");
        }
        match self.result {
            Ok(reached) => info!("sent {signal} to {}", name(reached)),
            Err(Errno::ESRCH) if self.is_blind => info!("{signal} not sent: no process is known"),
            Err(Errno::ESRCH) if self.to != Target::Command => {
                info!("{signal} not sent: no process remains");
            }
            Err(errno) => warn!("unable to send {signal} to {whom}: {}", reason(errno)),
        }
    }
}

fn name(to: Target) -> &'static str {
    match to {
        Target::Command => "the command",
        Target::Group => "the command's process group",
        Target::Tree => "the tree",
    }
}

/// The processes that SIGKILL was sent to, shown like `: sh (pid 7), sleep (pid 9) and 3 more`; empty if none is known.
#[derive(Default)]
pub struct Killed {
    named: [Option<(i32, processes::Name)>; Killed::NAMED],
    count: u64,
    /// All of them were counted.
    is_complete: bool,
}

impl Killed {
    const NAMED: usize = 8;

    fn note(&mut self, pid: i32, own: i32) {
        if pid == own {
            return;
        }
        self.count += 1;
        if let Some(slot) = self.named.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some((pid, processes::Name::of(pid)));
        }
    }

    /// How many there are, if all were counted.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.is_complete.then_some(self.count)
    }
}

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = ": ";
        for (pid, name) in self.named.iter().flatten() {
            match name.as_str() {
                "" => write!(f, "{separator}pid {pid}")?,
                name => write!(f, "{separator}{name} (pid {pid})")?,
            }
            separator = ", ";
        }
        match self.count.saturating_sub(Killed::NAMED as u64) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The letter of a process's state, and why SIGKILL does not end a process in it.
struct State(char);

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.0 {
            'D' => " (uninterruptible: waiting for a device or file system, or frozen)",
            't' => " (stopped by a debugger)",
            'Z' => " (ended, and held by a debugger)",
            _ => "",
        };
        write!(f, "{}{why}", self.0)
    }
}
