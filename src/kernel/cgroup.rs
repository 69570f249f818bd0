//! What this process's cgroups say of memory and process IDs (the kernel's `admin-guide/cgroup-v2.rst`,
//! `cgroup-v1/memory.rst` and `cgroup-v1/pids.rst`).

use crate::kernel::{processes, procfs};
use crate::sys::{Errno, files, open, process};
use crate::text::fixed::{Fixed, FixedText};
use crate::values::outcome::Shortage;
use std::ffi::CStr;
use std::fmt;
use std::os::fd::OwnedFd;

/// Where cgroup file systems are mounted: v2 or, with it, a folder for each controller of v1.
const MOUNT: &str = "/sys/fs/cgroup";

/// The two kinds of cgroups.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// The directory of a group.
struct Place {
    /// The directory. [`Place::with_file`] appends the name of a file in it, and a null byte.
    path: String,
    /// The length of the directory's name.
    length: usize,
    version: Version,
}

/// Calls `visit` with each place where this process's own group may be for a controller, the likeliest first, until it
/// returns true. None of them is known to be it before [`Place::is_own`] has looked.
fn visit_places(own: &str, controller: &str, visit: &mut dyn FnMut(Place) -> bool) {
    for (version, controller) in [(Version::V2, ""), (Version::V1, controller)] {
        let group = procfs::cgroup(own, controller).and_then(below_the_root).unwrap_or_default();
        // With a cgroup namespace, or where the engine mounts the group itself, it is at the mount's root.
        for group in [group, ""] {
            if Place::new(version, controller, group).is_some_and(&mut *visit) {
                return;
            }
            if group.is_empty() {
                break;
            }
        }
    }
}

/// Calls `visit` with the group at the root of each mount, until it returns true; what it returned last. In a container
/// that is the group of PID 1. The root of the machine's whole hierarchy is left out: a process of a container is not
/// in it.
fn visit_roots(visit: &mut dyn FnMut(Place) -> bool) -> bool {
    Place::new(Version::V2, "", "").is_some_and(&mut *visit)
        || !files::exists(c"/sys/fs/cgroup/memory/release_agent")
            && Place::new(Version::V1, "memory", "").is_some_and(visit)
}

/// Calls `visit` with the places that `/proc/self/cgroup` names for a controller, as [`visit_places`] does. Never
/// inlined: the buffer would be on the stack of every start.
#[inline(never)]
fn visit_named(controller: &str, visit: &mut dyn FnMut(Place) -> bool) {
    let mut buffer = [0; 4096];
    let own = contents(c"/proc/self/cgroup", &mut buffer).unwrap_or_default();
    visit_places(own, controller, visit);
}

/// A group of `/proc/self/cgroup` as what is behind the mount's root; empty for the root itself. `None` if it is
/// outside of the cgroup namespace (`/../x`): by its name another's group would be found, or something that is none.
fn below_the_root(group: &str) -> Option<&str> {
    let climbs = procfs::parts(group, b'/').any(|part| part == "..");
    (!climbs).then(|| group.strip_suffix("/").unwrap_or(group))
}

impl Place {
    /// `None` if its name is too long. The command may run, so the lack of memory is no panic.
    fn new(version: Version, controller: &str, group: &str) -> Option<Place> {
        let separator = if controller.is_empty() { "" } else { "/" };
        let parts = [MOUNT, separator, controller, group];
        let length = parts.iter().map(|part| part.len()).sum();
        let mut path = String::new();
        path.try_reserve_exact(length + LONGEST_NAME).ok()?;
        parts.iter().for_each(|part| path.push_str(part));
        (length < LONGEST_PATH).then_some(Place { path, length, version })
    }

    fn directory(&self) -> &str {
        self.path.get(..self.length).unwrap_or_default()
    }

    /// The same with a file whose path is always at hand; there is none yet.
    fn with_file(mut self, name: &str) -> Place {
        for part in ["/", name, "\0"] {
            self.path.push_str(part);
        }
        self
    }

    /// The path of the file that was set; empty if none was.
    fn file(&self) -> &CStr {
        CStr::from_bytes_until_nul(self.path.as_bytes()).unwrap_or_default()
    }

    /// The name that a file has here.
    fn name(&self, [v2, v1]: Names) -> &'static str {
        match self.version {
            Version::V1 => v1,
            Version::V2 => v2,
        }
    }

    /// Whether this process is in the group. A namespace, or a mount of another group, can make any name another's; but
    /// process IDs are shown to this process as its own PID namespace numbers them, and others as 0.
    fn is_own(&self) -> bool {
        holds_this_process(self.directory())
    }

    /// Why the OOM killer struck in the group; `rose` says whether the count of times has risen that the limit was
    /// hit, if the kernel has such a count. (It has that of groups below as well; but with v2 a group with processes
    /// has none that have a limit on memory.)
    fn shortage(&self, rose: Option<bool>) -> Shortage {
        match rose.or_else(|| self.limit_was_hit(self.directory())) {
            Some(true) => Shortage::Own,
            Some(false) => self.shortage_above(),
            None => Shortage::Unknown,
        }
    }

    /// It was not the group's own limit. If the groups above are all there, and the limit of none was ever hit, it was
    /// the machine's memory. Otherwise nobody knows: to see their counts rise they would have to be read at the start.
    fn shortage_above(&self) -> Shortage {
        let mount = match self.version {
            Version::V1 => MOUNT.len() + "/memory".len(),
            Version::V2 => MOUNT.len(),
        };
        let mut directory = self.directory();
        while directory.len() > mount {
            let end = directory.bytes().rposition(|byte| byte == b'/').unwrap_or(0);
            directory = directory.get(..end).unwrap_or_default();
            match self.limit_was_hit(directory) {
                Some(false) => {}
                None if directory.len() == mount => {} // the root of all has no such file
                _ => return Shortage::Above,
            }
        }
        let mut buffer = [0; 16];
        let is_root = match self.version {
            Version::V1 => read_beginning(directory, "release_agent", &mut buffer).is_ok(),
            // Each group above one that has a memory controller has it, but the root.
            Version::V2 => {
                read_beginning(directory, "memory.events", &mut buffer) == Err(Errno::ENOENT)
            }
        };
        if is_root { Shortage::Machine } else { Shortage::Above }
    }

    /// Whether the limit of a group itself, in the same hierarchy, was hit since there is the group; `None` if that
    /// cannot be read.
    fn limit_was_hit(&self, directory: &str) -> Option<bool> {
        let mut buffer = [0; 1024];
        if self.version == Version::V1 {
            // Linux 6.18 no longer counts all failures of v1. With a limit on memory and swap together, that one is hit
            // first if it is the same.
            let memory =
                came_to_limit(directory, "memory.max_usage_in_bytes", "memory.limit_in_bytes")?;
            let (most, limit) = ("memory.memsw.max_usage_in_bytes", "memory.memsw.limit_in_bytes");
            return Some(memory || came_to_limit(directory, most, limit).unwrap_or(false));
        }
        // Before Linux 5.2 there is only one of them, with the group's own counts.
        let text = match read_beginning(directory, "memory.events.local", &mut buffer) {
            Err(Errno::ENOENT) => read_beginning(directory, "memory.events", &mut buffer),
            read => read,
        };
        procfs::entry(text.ok()?, "oom").map(|hits| hits > 0)
    }
}

/// Whether a use has been so high, at any time, that the limit left no room for what the OOM killer is asked for: eight
/// pages, of 64 KiB at most.
fn came_to_limit(directory: &str, most: &str, limit: &str) -> Option<bool> {
    const ROOM: u64 = 8 * 65_536;
    let (most, limit) = (number(directory, most)?, number(directory, limit)?);
    Some(most.saturating_add(ROOM) > limit)
}

/// The number that a file of a group has; `None` if it has another word.
fn number(directory: &str, file: &str) -> Option<u64> {
    let mut buffer = [0; 32];
    read_beginning(directory, file, &mut buffer).ok()?.trim_ascii().parse().ok()
}

/// The limit that a file of a group has.
fn limit(directory: &str, file: &str) -> Option<u64> {
    let mut buffer = [0; 32];
    procfs::cgroup_limit(read_beginning(directory, file, &mut buffer).ok()?)
}

/// An entry of a file of a group.
fn entry(directory: &str, file: &str, key: &str) -> Option<u64> {
    let mut buffer = [0; 1024];
    procfs::entry(read_beginning(directory, file, &mut buffer).ok()?, key)
}

/// What is counted in a group.
#[derive(Clone, Copy, Default)]
pub struct OomEvents {
    /// Processes in it that an OOM killer has killed, for whatever reason.
    pub kills: u64,
    /// How often its limit was hit so that the OOM killer was asked for. v1 does not count that.
    pub limit_hits: Option<u64>,
}

/// The file that counts the OOM kills in this process's memory cgroup: `memory.events` of cgroup v2, or
/// `memory.oom_control` of v1. It is opened for each reading: an open file would keep its mount busy, and the command
/// could not unmount it.
pub struct OomCounter {
    place: Place,
}

impl OomCounter {
    /// Finds the file of what is most likely this process's own cgroup, and reads its counts. `None` if there is no
    /// such mount, or the kernel does not count (v1 before Linux 4.13). `pid` is this process's ID.
    ///
    /// What PID 1 of a container sees begins with its own group. So there /proc, whose first use takes long, is left
    /// out, unless what is seen is the root of all, which has no such file (v2) or a `release_agent` (v1). Whether the
    /// group is the own one takes further calls: [`OomCounter::is_own`] looks when there is something to report.
    #[must_use]
    pub fn find(pid: i32) -> Option<(OomCounter, OomEvents)> {
        let mut found = None;
        let mut look = |place| {
            found = OomCounter::with_counts(place);
            found.is_some()
        };
        let is_init = pid == process::INIT;
        if !is_init || !visit_roots(&mut look) {
            let is_tried = |place: &Place| is_init && place.directory() == MOUNT;
            visit_named("memory", &mut |place| !is_tried(&place) && look(place));
        }
        found
    }

    fn with_counts(place: Place) -> Option<(OomCounter, OomEvents)> {
        let file = place.name(OOM_EVENTS);
        let counter = OomCounter { place: place.with_file(file) };
        counter.read().map(|events| (counter, events))
    }

    /// The counts; they only grow.
    #[must_use]
    pub fn read(&self) -> Option<OomEvents> {
        // Linux 6.18 has six lines of at most 35 bytes in it.
        let mut buffer = [0; 512];
        let text = contents(self.place.file(), &mut buffer).ok()?;
        Some(OomEvents {
            kills: procfs::entry(text, "oom_kill")?,
            limit_hits: procfs::entry(text, "oom"),
        })
    }

    /// Whether the counts are those of the group that this process is in now.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.place.is_own()
    }

    /// Whether the OOM killer kills all processes of the group as one (`memory.oom.group`, v2 since Linux 4.19).
    #[must_use]
    pub fn kills_all(&self) -> bool {
        number(self.place.directory(), "memory.oom.group") == Some(1)
    }

    /// Whether a process that has had so many bytes had most of what the group itself may have.
    #[must_use]
    pub fn is_filled_by(&self, peak: u64) -> bool {
        let file = self.place.name(MEMORY_LIMIT);
        number(self.place.directory(), file).is_some_and(|limit| peak > limit / 2)
    }

    /// Why a process was killed; `rose` says whether there is a limit hit that no other kill stands for.
    #[must_use]
    pub fn shortage(&self, rose: Option<bool>) -> Shortage {
        self.place.shortage(rose)
    }
}

/// What this process's group has used and what has held it up since it was made; 0 for what the kernel does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// The most memory, in bytes (v1; v2 since Linux 5.19).
    pub peak: u64,
    /// The limit on it; 0 without a limit.
    pub limit: u64,
    /// Forks that the limit on process IDs has refused: see [`pids`].
    pub refused: u64,
    /// See [`OomCounter::throttled`].
    pub throttled: u64,
    /// For how many microseconds it was frozen (v2 since Linux 6.18).
    pub frozen: u64,
}

impl OomCounter {
    /// What the group has used, if it is the one that this process is in now. With v1 other controllers than that of
    /// memory have groups of their own, which are not looked at.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let place = &self.place;
        if !place.is_own() {
            return Totals::default();
        }
        let peak = place.name(["memory.peak", "memory.max_usage_in_bytes"]);
        Totals {
            peak: number(place.directory(), peak).unwrap_or_default(),
            limit: limit(place.directory(), place.name(MEMORY_LIMIT)).unwrap_or_default(),
            refused: self.first(PIDS_EVENTS, "max"),
            throttled: self.throttled(),
            frozen: self.first(["cgroup.stat.local"; 2], "frozen_usec"),
        }
    }

    /// For how many microseconds a limit on CPU time, with Linux 6.8 also that of a group above, has kept the group
    /// from running: the sum over all CPUs. Whether it is the own group is what [`OomCounter::totals`] looks at.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.first(["cpu.stat.local", "cpu.stat"], "throttled_usec")
    }

    /// An entry of the first of two files of v2 that has it; 0 if none has. Nothing allocates.
    fn first(&self, files: Names, key: &str) -> u64 {
        if self.place.version == Version::V1 {
            return 0;
        }
        let entry = |file| entry(self.place.directory(), file, key);
        files.into_iter().find_map(entry).unwrap_or_default()
    }
}

/// What is used of something, and of how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Now.
    pub current: u64,
    /// At most; none without a limit.
    pub limit: Option<u64>,
    /// How often the limit had its way: processes that the OOM killer killed, or that were not forked.
    pub hits: Option<u64>,
    /// Whether these are hits of this limit. Otherwise they are what happened in this group, by a limit above as well.
    pub by_own_limit: bool,
}

/// A file of a group, as v2 and v1 name it.
type Names = [&'static str; 2];

/// The memory of this process's cgroup, in bytes, and its OOM kills. A limit further up is not seen.
#[must_use]
pub fn memory() -> Option<Usage> {
    usage(
        "memory",
        ["memory.current", "memory.usage_in_bytes"],
        MEMORY_LIMIT,
        OOM_EVENTS,
        "oom_kill",
    )
}

const MEMORY_LIMIT: Names = ["memory.max", "memory.limit_in_bytes"];

/// What counts OOM kills.
const OOM_EVENTS: Names = ["memory.events", "memory.oom_control"];

/// What counts them. Since Linux 6.12 v2 has the first, which counts in the group whose limit it is that was hit,
/// whoever forked. The second counted the forks that failed in a group, by whatever limit, and does so with v1; since
/// then it also has the hits of the groups below.
const PIDS_EVENTS: Names = ["pids.events.local", "pids.events"];

/// The processes and threads of this process's cgroup, and how often its limit was hit, or its forks were refused.
#[must_use]
pub fn pids() -> Option<Usage> {
    usage("pids", ["pids.current"; 2], ["pids.max"; 2], PIDS_EVENTS, "max")
}

fn usage(
    controller: &'static str,
    current: Names,
    limit: Names,
    events: Names,
    hits: &str,
) -> Option<Usage> {
    let mut usage = None;
    visit_named(controller, &mut |place| {
        let directory = place.directory();
        if place.is_own()
            && let Some(current) = number(directory, place.name(current))
        {
            let [local, all] = events;
            let local =
                if place.version == Version::V2 { entry(directory, local, hits) } else { None };
            usage = Some(Usage {
                current,
                limit: self::limit(directory, place.name(limit)),
                by_own_limit: local.is_some() && events == PIDS_EVENTS,
                hits: local.or_else(|| entry(directory, all, hits)),
            });
        }
        usage.is_some()
    });
    usage
}

/// What keeps the processes of a control group from running.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// The group is frozen.
    Frozen,
    /// The group has had to wait for CPU time because of its limit (`cpu.max`).
    Throttled,
}

/// What keeps a process from running, by its control group, if that is below this mount.
#[must_use]
pub fn held(pid: i32) -> Option<Held> {
    let mut buffer = [0; 1024];
    let own = Fixed::of(format_args!("/proc/{pid}/cgroup\0")).ok()?;
    let own = contents(own.as_c_str(), &mut buffer).ok()?;
    let has = |controller: &str, file: &str, is: fn(&str) -> bool| {
        let mut buffer = [0; 512];
        let group = procfs::cgroup(own, controller).and_then(below_the_root);
        let separator = if controller.is_empty() { "" } else { "/" };
        let path = group.and_then(|group| {
            let path = format_args!("{MOUNT}{separator}{controller}{group}/{file}\0");
            FixedText::<LONGEST_PATH>::of(path).ok()
        });
        path.is_some_and(|path| contents(path.as_c_str(), &mut buffer).is_ok_and(is))
    };
    if has("", "cgroup.events", |text| procfs::entry(text, "frozen") == Some(1))
        || has("freezer", "freezer.state", |text| text.starts_with("FROZEN"))
    {
        return Some(Held::Frozen);
    }
    let throttled = |text: &str| procfs::entry(text, "nr_throttled").is_some_and(|count| count > 0);
    (has("", "cpu.stat", throttled) || has("cpu", "cpu.stat", throttled)).then_some(Held::Throttled)
}

/// Whether a group's list of processes has this one.
fn holds_this_process(directory: &str) -> bool {
    let Ok(file) = open_in(directory, "cgroup.procs") else { return false };
    let own = process::id();
    let mut found = false;
    processes::for_each_number(&file, &mut |pid| found |= pid == own).ok();
    found
}

fn open_in(directory: &str, file: &str) -> Result<OwnedFd, Errno> {
    open::for_reading(path(directory, file)?.as_c_str())
}

/// The beginning of a file of a group; empty if it is no text.
fn read_beginning<'a>(directory: &str, file: &str, buffer: &'a mut [u8]) -> Result<&'a str, Errno> {
    contents(path(directory, file)?.as_c_str(), buffer)
}

/// The beginning of a file; empty if it is no text.
fn contents<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a str, Errno> {
    Ok(std::str::from_utf8(open::beginning(path, buffer)?).unwrap_or_default())
}

/// The path of a file. Nothing allocates, because the command may run.
fn path(directory: &str, file: &str) -> Result<FixedText<LONGEST_PATH>, Errno> {
    let path = FixedText::of(format_args!("{directory}/{file}\0"));
    path.map_err(|fmt::Error| Errno::ENAMETOOLONG)
}

/// The length of a file's name in a group, at most, with a slash before it and a null byte behind it.
const LONGEST_NAME: usize = 32;

/// The size of a path, with its null byte.
const LONGEST_PATH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(own: &str) -> Vec<String> {
        let mut tried = Vec::new();
        visit_places(own, "memory", &mut |place| {
            tried.push(place.directory().to_owned());
            false
        });
        tried
    }

    #[test]
    fn groups_are_looked_for_below_the_mounts() {
        let (v2, v1) = ("/sys/fs/cgroup", "/sys/fs/cgroup/memory");
        assert_eq!(tried("0::/\n"), [v2, v1]);
        assert_eq!(tried("0::/a/b\n"), ["/sys/fs/cgroup/a/b", v2, v1]);
        assert_eq!(tried("4:memory:/x\n0::/\n"), [v2, "/sys/fs/cgroup/memory/x", v1]);
        assert_eq!(tried(""), [v2, v1]);
    }

    #[test]
    fn a_path_that_leads_out_of_the_namespace_is_joined_to_nothing() {
        let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"];
        for path in ["/..", "/../x", "/../../x/y", "/x/../../y"] {
            assert_eq!(tried(&format!("4:memory:{path}\n0::{path}\n")), mounts, "{path}");
        }
        assert_eq!(below_the_root("/..x/y.."), Some("/..x/y.."));
    }

    #[test]
    fn a_path_that_is_too_long_is_an_error() {
        let longest = "d".repeat(LONGEST_PATH - "/f".len() - 1);
        let length = path(&longest, "f").unwrap().as_c_str().to_bytes().len();
        assert_eq!(length, LONGEST_PATH - 1);
        assert!(matches!(path(&longest, "ff"), Err(Errno::ENAMETOOLONG)));
    }
}
