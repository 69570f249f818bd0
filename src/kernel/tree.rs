//! The tree of a subreaper: every descendant, and nothing else.
//!
//! The tree of PID 1 is the PID namespace, and `kill(-1)` is atomic. A subreaper has to look for
//! its descendants in /proc, while they fork, end, and have their process IDs reused. So
//! that no other process is ever hit:
//!
//! - a child of sexton cannot be mistaken, because only sexton reaps it: its ID is its own until then;
//! - any other descendant is pinned by a pidfd first. Then its line of parents up to sexton is read
//!   twice. A link can only change if a process of the line ends, which its parent's ID or its
//!   starting time would show; two equal readings mean that the whole line stood between them. The
//!   signal goes to the pidfd, that is to the very process whose line was read, or to nobody.
//!
//! Without pidfds (before Linux 5.3) only children are signalled. Every descendant becomes a child
//! when those between have ended: the caller repeats SIGKILL until nothing is left.

use crate::kernel::broadcast::Broadcast;
use crate::kernel::processes;
use crate::kernel::procfs::Stat;
use crate::sys::directory::Numbers;
use crate::sys::{Errno, process, send};
use crate::values::signal::{Received, Signal};

/// Sends a signal to every process of this PID namespace but this one. Only for PID 1.
///
/// A signal with a value is sent to one process after the other, as /proc lists them.
///
/// # Errors
/// ESRCH if there is none; ENOENT if the signal has a value and /proc cannot be read. With a value, the first error if
/// none of them could be signalled.
pub fn to_namespace(received: Received) -> Result<(), Errno> {
    if !received.origin.carries_value() {
        return send::to_everybody(received);
    }
    let mut result = Err(Errno::ESRCH);
    processes::numbers()?.visit_all(&mut |pid| {
        if pid != process::INIT {
            let sent = send::whole_or_alone(received, |signal| send::to_process(pid, &signal));
            if sent.is_ok() || result == Err(Errno::ESRCH) {
                result = result.or(sent);
            }
        }
    })?;
    result
}

/// Signals to send one after the other.
pub type Signals = [Option<Received>; 2];

/// Sends signals to the children of this process. Quick, however many other processes there are.
///
/// # Errors
/// They are not known: see [`processes::for_each_child`].
pub fn signal_children(signals: &Signals) -> Result<(), Errno> {
    let signals = signals.iter().flatten().copied();
    processes::for_each_child(&mut |pid| {
        send_to_child(pid, &mut signals.clone(), &mut Tally::default());
    })
}

fn send_to_child(pid: i32, signals: &mut dyn Iterator<Item = Received>, tally: &mut Tally) {
    for signal in signals {
        tally.note(send::whole_or_alone(signal, |signal| send::to_process(pid, &signal)));
    }
}

/// Signals on their way to all descendants, as far as [`DEEPEST`].
///
/// Those that the kernel lists as children, and as children of those, get a signal at once, up to [`Known::MOST`]. But
/// its lists may lack somebody whose parent ends meanwhile, and there may be more. So then every process is looked at,
/// and each descendant that has not had the signal gets it, whether its parent ends meanwhile or not. That takes
/// seconds for 100,000: so it is done some at a time, and sexton is not kept from its duties; a signal that comes
/// meanwhile joins in.
pub struct Scan {
    root: Root,
    broadcast: Broadcast,
    /// The processes of this lap that are still to be looked at; `None` if no signal is under way.
    processes: Option<Numbers>,
    known: Known,
    tally: Tally,
    /// /proc hides some (`hidepid`).
    hides: bool,
    /// A process that is no descendant: nor are its children, of which there may be thousands.
    outsider: i32,
}

/// What became of the signals.
#[derive(Default)]
struct Tally {
    /// Somebody has got them.
    sent: bool,
    /// Why somebody has not who is still there.
    failed: Option<Errno>,
}

impl Tally {
    fn note(&mut self, result: Result<(), Errno>) {
        match result {
            Ok(()) => self.sent = true,
            Err(Errno::ESRCH) => {}
            Err(errno) => self.failed = Some(errno),
        }
    }
}

impl Scan {
    /// To the descendants of the process `root`, which is the caller.
    #[must_use]
    pub fn new(root: i32) -> Scan {
        Scan {
            root: Root::unread(root),
            broadcast: Broadcast::default(),
            processes: None,
            known: Known::default(),
            tally: Tally::default(),
            hides: false,
            outsider: 0,
        }
    }

    /// Takes the memory that it needs, so that nothing allocates later.
    pub fn reserve(&mut self) {
        self.broadcast.reserve();
        self.known.reserve();
    }

    /// Whether signals are under way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.processes.is_some()
    }

    /// Whether so many are that more should come later.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.is_under_way() && self.broadcast.is_crowded()
    }

    /// Sends signals: at once to those descendants that are found quickly, and to the others as [`Scan::go_on`] comes
    /// to them.
    ///
    /// # Errors
    /// /proc cannot be read, so that the descendants are not known.
    pub fn send(&mut self, signals: &Signals) -> Result<(), Errno> {
        if self.processes.is_none() {
            self.processes = Some(processes::numbers()?);
            self.root = Root::of(self.root.pid);
            self.broadcast.begin();
            self.known.forget();
            self.tally = Tally::default();
            self.outsider = 0;
        }
        for signal in signals.iter().flatten() {
            while !self.broadcast.join(*signal) {
                self.go_on()?;
            }
        }
        self.known.find(self.root);
        self.send_to_known();
        Ok(())
    }

    /// Whether every living process of the tree ignores SIGTERM. False if there is none, if one cannot be read, or if
    /// /proc has to be searched for them and has more than `most` processes, whosever they are: so the look takes a
    /// bounded time.
    pub fn all_ignore_term(&mut self, most: usize) -> bool {
        let root = Root::of(self.root.pid);
        // For PID 1 the lists of children lack those that came from outside of the namespace.
        let (mut living, mut all) = (false, true);
        if root.pid != process::INIT && self.known.find(root) {
            for it in self.known.found() {
                if processes::stat(it.pid).is_none_or(|stat| !stat.is_zombie()) {
                    living = true;
                    all = all && ignores_term(it.pid);
                }
            }
        }
        if living {
            return all;
        }
        let mut looks = 0;
        let seen = processes::numbers().and_then(|numbers| {
            numbers.visit_while(&mut |pid| {
                looks += 1;
                if let Some((stat, _)) = member(pid, root)
                    && !stat.is_zombie()
                {
                    living = true;
                    all = ignores_term(pid);
                }
                all &= looks <= most;
                all
            })
        });
        seen.is_ok() && living && all
    }

    /// Stops sending.
    pub fn stop(&mut self) {
        self.processes = None;
    }

    /// The signals, if nobody has got any of them.
    pub fn unsent(&self) -> impl Iterator<Item = Received> + Clone {
        self.broadcast.all().filter(|_| !self.tally.sent)
    }

    /// Why somebody has not got them, if that is known of anybody.
    #[must_use]
    pub fn failed(&self) -> Option<Errno> {
        self.tally.failed
    }

    /// Whether /proc hides descendants: those that are no children have not got the signals.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.hides
    }

    fn send_to_known(&mut self) {
        let Scan { root, broadcast, known, tally, .. } = self;
        let latest = broadcast.number();
        for process in known.found() {
            let signals = &mut broadcast.due(process.pid, process.got);
            let settled = if process.is_child {
                send_to_child(process.pid, signals, tally);
                true
            } else {
                processes::living(process.pid).is_some_and(|stat| {
                    let found = climb(stat, *root);
                    send_to_descendant(process.pid, found, *root, signals, tally)
                })
            };
            if settled {
                process.got = latest;
            }
        }
    }

    /// Looks at some more processes, and sends the signals to those that are descendants.
    ///
    /// # Errors
    /// /proc cannot be read, or nothing in it, so that nobody has got them.
    pub fn go_on(&mut self) -> Result<(), Errno> {
        let Scan { root, broadcast, processes, known, tally, hides, outsider } = self;
        let Some(lap) = processes else { return Ok(()) };
        let more = lap.visit_some(&mut |pid| {
            let got = known.got(pid);
            if broadcast.due(pid, got).next().is_some()
                && let Some(stat) = processes::living(pid)
                && stat.parent != *outsider
            {
                let found = climb(stat, *root);
                if found == Descent::None {
                    *outsider = stat.parent;
                } else {
                    send_to_descendant(pid, found, *root, &mut broadcast.due(pid, got), tally);
                }
            }
            broadcast.passed(pid);
        })?;
        if !more {
            match send_to_hidden_children(broadcast, known, tally) {
                Ok(hidden) => *hides |= hidden,
                // Some kernels have no list of children. But here not even one was found otherwise.
                Err(errno) if !tally.sent && tally.failed.is_none() => return Err(errno),
                Err(_) => {}
            }
            broadcast.passed_the_end();
            *outsider = 0;
            if !broadcast.is_empty() {
                *processes = Some(processes::numbers()?);
            }
        }
        if broadcast.is_empty() {
            self.stop();
        }
        Ok(())
    }
}

/// Descendants that the kernel's lists of children lead to, and what they have got. A process ID may be another's by
/// now.
#[derive(Default)]
struct Known {
    processes: Vec<KnownProcess>,
    /// Counts the searches.
    search: u32,
}

struct KnownProcess {
    pid: i32,
    /// A child of sexton's when it was found last.
    is_child: bool,
    /// The last search that has found it.
    search: u32,
    /// Whether its children were looked for in that search.
    is_searched: bool,
    /// The number of the last signal that it has got, and with it all before.
    got: u32,
}

impl Known {
    /// How many at most: they are looked at without a pause, which takes some 10 ms.
    const MOST: usize = 128;
    /// How many lists of children are read for them at most: each thread has one.
    const LISTS: usize = 512;
    /// How often sexton's own list is read, in case that parents end meanwhile.
    const TRIES: usize = 4;

    fn reserve(&mut self) {
        self.processes.reserve_exact(Known::MOST);
    }

    fn forget(&mut self) {
        self.processes.clear();
    }

    /// The number of the last signal that a process has got; 0 if it is not known.
    fn got(&self, pid: i32) -> u32 {
        self.processes.iter().find(|it| it.pid == pid).map_or(0, |it| it.got)
    }

    /// Those that the last search has found.
    fn found(&mut self) -> impl Iterator<Item = &mut KnownProcess> {
        let search = self.search;
        self.processes.iter_mut().filter(move |it| it.search == search)
    }

    /// Takes note of a process; whether there is room.
    fn note(&mut self, pid: i32, is_child: bool) -> bool {
        let search = self.search;
        if let Some(known) = self.processes.iter_mut().find(|it| it.pid == pid) {
            let is_searched = known.is_searched && known.search == search;
            let is_child = is_child || (known.is_child && known.search == search);
            *known = KnownProcess { search, is_searched, is_child, ..*known };
            return true;
        }
        let free = self.processes.len() < self.processes.capacity().min(Known::MOST);
        if free {
            self.processes.push(KnownProcess { pid, is_child, search, is_searched: false, got: 0 });
        }
        free
    }

    /// Looks for descendants; whether these are all, unless a process has ended meanwhile.
    fn find(&mut self, root: Root) -> bool {
        self.search = self.search.saturating_add(1);
        let (mut all, mut lists) = (true, Known::LISTS);
        for _ in 0..Known::TRIES {
            let listed = processes::for_each_child(&mut |pid| all &= self.note(pid, true));
            // Those that are found last are searched, too.
            let mut is_new = false;
            while let Some(pid) = self.next_to_search() {
                is_new = true;
                if let Some(stat) = processes::living(pid)
                    && root.may_have(stat)
                {
                    let note = &mut |pid| all &= self.note(pid, false);
                    let listed = processes::visit_children(pid, stat.threads, &mut lists, note);
                    all &= listed.is_ok() && lists > 0;
                }
                if lists == 0 {
                    return false;
                }
            }
            if listed.is_err() || !all {
                return false;
            }
            if !is_new {
                return true;
            }
        }
        false
    }

    fn next_to_search(&mut self) -> Option<i32> {
        let next = self.found().find(|it| !it.is_searched)?;
        next.is_searched = true;
        Some(next.pid)
    }
}

/// Sends signals to children that /proc does not show, and says whether there are any. A child that
/// has ended is shown until it is reaped.
fn send_to_hidden_children(
    broadcast: &Broadcast,
    known: &Known,
    tally: &mut Tally,
) -> Result<bool, Errno> {
    let mut hidden = false;
    processes::for_each_child(&mut |pid| {
        if processes::stat(pid).is_none() {
            hidden = true;
            send_to_child(pid, &mut broadcast.due_at_end(known.got(pid)), tally);
        }
    })?;
    Ok(hidden)
}

/// Sends signals to a process that was found like this, if it is a descendant, whatever happens to its parents
/// meanwhile; false if that cannot be known now.
fn send_to_descendant(
    pid: i32,
    mut found: Descent,
    root: Root,
    signals: &mut dyn Iterator<Item = Received>,
    tally: &mut Tally,
) -> bool {
    /// Each further try takes the end of one more process between the two.
    const TRIES: usize = DEEPEST + 2;
    for _ in 0..TRIES {
        match found {
            Descent::None => return true,
            Descent::Changing => {}
            Descent::Child => {
                send_to_child(pid, signals, tally);
                return true;
            }
            Descent::Further(line) => {
                let pinned = match send::pidfd_open(pid) {
                    Ok(pinned) => pinned,
                    Err(Errno::ENOSYS) => return false, // known, and done otherwise
                    Err(errno) => {
                        tally.note(Err(errno));
                        return false;
                    }
                };
                let same = || descent(pid, root) == Descent::Further(line);
                if same() && same() {
                    for signal in signals {
                        let send = |signal| send::pidfd_send(&pinned, signal, 0);
                        tally.note(send::whole_or_alone(signal, send));
                    }
                    return true;
                }
            }
        }
        found = descent(pid, root);
    }
    false
}

/// Who is in the PID namespace besides PID 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    /// This one, and perhaps others.
    Living(i32),
    /// Processes that have ended and are not reaped.
    Ended,
    /// The kernel's threads and nobody else: it is the initial namespace.
    Kernel,
    /// Nobody that /proc shows.
    Unseen,
}

/// Looks for others than PID 1.
///
/// # Errors
/// /proc cannot be read; ENOENT if it is not there, or that of another PID namespace.
pub fn others() -> Result<Others, Errno> {
    let mut found = Others::Unseen;
    processes::numbers()?.visit_while(&mut |pid| {
        if let Some(stat) = processes::stat(pid).filter(|_| pid != process::INIT) {
            found = match found {
                _ if !stat.is_kernel && !stat.is_zombie() => Others::Living(pid),
                Others::Unseen if stat.is_kernel => Others::Kernel,
                found if stat.is_kernel => found,
                _ => Others::Ended,
            };
        }
        !matches!(found, Others::Living(_))
    })?;
    Ok(found)
}

/// Calls `visit` with each process of the tree that is left: the living, and zombies that are
/// children of `root` and yet cannot be reaped, because a debugger holds them. If `root` is PID 1 the tree
/// is all of the namespace.
///
/// # Errors
/// /proc cannot be read.
pub fn for_each_survivor(root: i32, visit: &mut dyn FnMut(i32, char)) -> Result<(), Errno> {
    let root = Root::of(root);
    processes::numbers()?.visit_all(&mut |pid| {
        if let Some((stat, descent)) = member(pid, root)
            && (!stat.is_zombie() || descent == Descent::Child)
        {
            visit(pid, stat.state);
        }
    })
}

/// A process of the tree below `root`, without `root` itself.
pub(super) fn member(pid: i32, root: Root) -> Option<(Stat, Descent)> {
    let stat = processes::stat(pid).filter(|stat| pid != root.pid && !stat.is_kernel)?;
    let descent = climb(stat, root);
    let namespace = root.pid == process::INIT;
    (namespace || descent != Descent::None).then_some((stat, descent))
}

fn ignores_term(pid: i32) -> bool {
    processes::status(pid).is_some_and(|it| it.ignored.contains(Signal::TERM))
}

/// SIGHUP and SIGCONT on their way to those that a terminal sends them when it goes away: the session leaders and
/// foreground process groups, below `root`, that have a terminal. Some processes are looked at at a time.
pub struct HangUp {
    root: Root,
    processes: Numbers,
}

impl HangUp {
    /// To the tree of the process `root`, which is the caller.
    ///
    /// # Errors
    /// /proc cannot be read.
    pub fn begin(root: i32) -> Result<HangUp, Errno> {
        Ok(HangUp { root: Root::of(root), processes: processes::numbers()? })
    }

    /// Looks at some more processes; whether there may be more.
    ///
    /// # Errors
    /// /proc cannot be read.
    pub fn go_on(&mut self) -> Result<bool, Errno> {
        let HangUp { root, processes } = self;
        processes.visit_some(&mut |pid| {
            if let Some((stat, found)) = member(pid, *root)
                && stat.is_hung_up_with_terminal(pid)
            {
                hang_up(pid, found, *root);
            }
        })
    }
}

/// A failure has no consequence: the stop signal has been sent before.
fn hang_up(pid: i32, found: Descent, root: Root) {
    let signals = &mut [Signal::HUP, Signal::CONT].into_iter().map(Received::own);
    let mut tally = Tally::default();
    if root.pid == process::INIT {
        // Everything in the namespace is to end, so a later process with the same ID may have it as well.
        send_to_child(pid, signals, &mut tally);
    } else {
        send_to_descendant(pid, found, root, signals, &mut tally);
    }
}

/// How long a line of parents may be. Each process costs as many readings as its line is long, and
/// sexton must not be kept busy by a tree that is one long line.
pub const DEEPEST: usize = 32;

/// How a process descends from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Descent {
    None,
    Child,
    /// As a grandchild or further, by the line of parents that has this digest.
    Further(u64),
    /// A parent ended while the line was read: its children have another one now.
    Changing,
}

/// The process at the top.
#[derive(Clone, Copy)]
pub(super) struct Root {
    pid: i32,
    /// When it was started, in clock ticks since boot: all its descendants were later.
    started: u64,
}

impl Root {
    /// Nothing is known of the process yet but its ID.
    pub(super) fn unread(pid: i32) -> Root {
        Root { pid, started: 0 }
    }

    /// The same process, as /proc shows it now.
    pub(super) fn reread(self) -> Root {
        Root::of(self.pid)
    }

    /// The process ID.
    pub(super) fn pid(self) -> i32 {
        self.pid
    }

    pub(super) fn of(pid: i32) -> Root {
        Root { pid, started: processes::stat(pid).map_or(0, |stat| stat.started) }
    }

    /// Whether this may be the process itself, or a descendant.
    fn may_have(&self, stat: Stat) -> bool {
        stat.started >= self.started
    }
}

fn descent(pid: i32, root: Root) -> Descent {
    processes::stat(pid).map_or(Descent::None, |stat| climb(stat, root))
}

/// Follows the line of parents. Most processes of a machine are older than sexton, and so are the parents of most
/// others.
fn climb(mut stat: Stat, root: Root) -> Descent {
    let mut line = Fnv::default();
    for depth in 0..DEEPEST {
        let Stat { parent, started, .. } = stat;
        line.add(parent as u64);
        line.add(started);
        if parent == root.pid {
            return if depth == 0 { Descent::Child } else { Descent::Further(line.0) };
        }
        if parent <= process::INIT || !root.may_have(stat) {
            return Descent::None;
        }
        match processes::stat(parent) {
            Some(next) => stat = next,
            None => return Descent::Changing,
        }
    }
    Descent::None
}

/// The FNV-1a hash: a line of parents in 64 bits, so that none has to be stored.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, value: u64) {
        for byte in value.to_ne_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
