//! What this process's cgroups say of memory and process IDs (the kernel's `admin-guide/cgroup-v2.rst`,
//! `cgroup-v1/memory.rst` and `cgroup-v1/pids.rst`).

use super::{Errno, fds, process};
use crate::procfs;
use std::ffi::{CStr, CString};

/// Where cgroup file systems are mounted: v2 or, with it, a folder for each controller of v1.
const MOUNT: &str = "/sys/fs/cgroup";

/// A controller, and how a file of it is named in v2 and v1.
type File = (&'static str, [&'static str; 2]);

/// What counts OOM kills.
const OOM_KILLS: File = ("memory", ["memory.events", "memory.oom_control"]);

/// The paths that a file may have, the likeliest first.
fn paths(own: &str, (controller, [v2, v1]): File) -> impl Iterator<Item = CString> {
    // With a cgroup namespace, or where the engine mounts the group itself, it is at the mount's root.
    let groups = |controller| {
        let group = procfs::cgroup(own, controller).map(|group| group.trim_end_matches('/'));
        [group.filter(|group| !group.is_empty()), Some("")].into_iter().flatten()
    };
    let v2 = groups("").map(move |group| format!("{MOUNT}{group}/{v2}"));
    let v1 = groups(controller).map(move |group| format!("{MOUNT}/{controller}{group}/{v1}"));
    v2.chain(v1).filter_map(|path| CString::new(path).ok())
}

/// The file that counts the OOM kills in this process's memory cgroup: `memory.events` of cgroup v2, or
/// `memory.oom_control` of v1. It is opened for each reading: an open file would keep its mount busy, and main could not
/// unmount it.
pub struct OomCounter {
    file: CString,
}

impl OomCounter {
    /// Finds the file of this process's own cgroup, and reads its count. `None` if there is no such mount, or the kernel does not
    /// count (v1 before Linux 4.13).
    ///
    /// What PID 1 of a container sees of cgroup v2 begins with its own group, as the root of all has no such file: so
    /// there /proc, which is dear when the first process comes to it, is left alone.
    #[must_use]
    pub fn find(pid: i32) -> Option<(OomCounter, u64)> {
        let read = |file| {
            let counter = OomCounter { file };
            counter.read().map(|count| (counter, count))
        };
        let of_init = paths("", OOM_KILLS).next().filter(|_| pid == process::INIT);
        of_init.clone().and_then(read).or_else(|| {
            let mut buffer = [0; 4096];
            let own = contents(c"/proc/self/cgroup", &mut buffer).unwrap_or_default();
            paths(own, OOM_KILLS).filter(|file| Some(file) != of_init.as_ref()).find_map(read)
        })
    }

    /// The count; it only grows.
    #[must_use]
    pub fn read(&self) -> Option<u64> {
        let mut buffer = [0; 1024];
        procfs::entry(contents(&self.file, &mut buffer).ok()?, "oom_kill")
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
}

/// The memory of this process's cgroup, in bytes, and its OOM kills. A limit further up is not seen.
#[must_use]
pub fn memory() -> Option<Usage> {
    usage(
        ("memory", ["memory.current", "memory.usage_in_bytes"]),
        ("memory", ["memory.max", "memory.limit_in_bytes"]),
        OOM_KILLS,
        "oom_kill",
    )
}

/// The processes and threads of this process's cgroup, and the forks that it refused.
#[must_use]
pub fn pids() -> Option<Usage> {
    let same = |name| ("pids", [name, name]);
    usage(same("pids.current"), same("pids.max"), same("pids.events"), "max")
}

fn usage(current: File, limit: File, events: File, hits: &str) -> Option<Usage> {
    let mut buffer = [0; 4096];
    let own = contents(c"/proc/self/cgroup", &mut buffer).unwrap_or_default();
    let text = |file| paths(own, file).find_map(|path| text(&path));
    Some(Usage {
        current: text(current)?.trim().parse().ok()?,
        limit: text(limit).and_then(|text| procfs::cgroup_limit(&text)),
        hits: text(events).and_then(|text| procfs::entry(&text, hits)),
    })
}

fn text(path: &CStr) -> Option<String> {
    let mut buffer = [0; 1024];
    contents(path, &mut buffer).ok().map(str::to_owned)
}

/// The beginning of a file; empty if it is no text.
fn contents<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a str, Errno> {
    Ok(std::str::from_utf8(fds::beginning(path, buffer)?).unwrap_or_default())
}
