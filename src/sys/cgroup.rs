//! How often the kernel's OOM killer has struck in this process's memory cgroup (the kernel's
//! `admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`).

use super::Errno;
use super::fds::open;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::read;
use std::ffi::{CStr, CString};

/// The file that counts OOM kills: `memory.events` of cgroup v2, or `memory.oom_control` of v1.
pub struct OomCounter {
    file: CString,
}

/// Where cgroup file systems are mounted: v2, v1's memory controller, v2 beside v1.
const V2: &str = "/sys/fs/cgroup";
const V1: &str = "/sys/fs/cgroup/memory";

impl OomCounter {
    /// Finds the file of this process's own cgroup, and reads its count. `None` if there is no such mount, or the kernel does not
    /// count (v1 before Linux 4.13).
    #[must_use]
    pub fn find() -> Option<(OomCounter, u64)> {
        let mut buffer = [0; 4096];
        let own = contents(c"/proc/self/cgroup", &mut buffer).unwrap_or_default();
        let own = std::str::from_utf8(own).unwrap_or_default();
        // With a cgroup namespace, or where the engine mounts the group itself, it is at the mount's root.
        let places = |controller| {
            let group = group(own, controller).map(|group| group.trim_end_matches('/'));
            [group.filter(|group| !group.is_empty()), Some("")].into_iter().flatten()
        };
        let v2 = places("").map(|group| (V2, group, "memory.events"));
        let v1 = places("memory").map(|group| (V1, group, "memory.oom_control"));
        v2.chain(v1)
            .filter_map(|(mount, group, file)| CString::new(format!("{mount}{group}/{file}")).ok())
            .map(|file| OomCounter { file })
            .find_map(|counter| counter.read().map(|count| (counter, count)))
    }

    /// The count; it only grows.
    #[must_use]
    pub fn read(&self) -> Option<u64> {
        let mut buffer = [0; 1024];
        parse(contents(&self.file, &mut buffer).ok()?)
    }
}

/// The path of the group in `/proc/self/cgroup` for a controller; v2's line has an empty one.
fn group<'a>(own: &'a str, controller: &str) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        controllers.split(',').any(|name| name == controller).then(|| parts.next()).flatten()
    })
}

fn parse(events: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(events).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

fn contents<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let file = open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let length = read(&file, buffer)?;
    Ok(buffer.get(..length).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_both_kinds() {
        assert_eq!(parse(b"low 0\nhigh 3\nmax 9\noom 2\noom_kill 7\noom_group_kill 1\n"), Some(7));
        assert_eq!(parse(b"oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"), Some(4));
        assert_eq!(parse(b"oom_kill_disable 0\nunder_oom 0\n"), None);
        assert_eq!(parse(b"oom_kill x\n"), None);
    }

    #[test]
    fn the_group_is_that_of_the_controller() {
        let own = "9:cpu,cpuacct:/a\n5:memory:/docker/x:y\n0::/v2\n";
        assert_eq!(group(own, "memory"), Some("/docker/x:y"));
        assert_eq!(group(own, ""), Some("/v2"));
        assert_eq!(group(own, "cpuacct"), Some("/a"));
        assert_eq!(group(own, "pids"), None);
        assert_eq!(group("", ""), None);
    }
}
