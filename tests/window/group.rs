//! Control groups with a limit on memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take.
pub const LIMIT: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    V1,
    V2,
}

impl Version {
    /// That of the memory controller.
    pub fn of_this_machine() -> Version {
        if Path::new("/sys/fs/cgroup/memory").exists() { Version::V1 } else { Version::V2 }
    }

    /// Where the memory controller's groups are seen.
    pub fn mount(self) -> &'static str {
        match self {
            Version::V1 => "/sys/fs/cgroup/memory",
            Version::V2 => "/sys/fs/cgroup",
        }
    }
}

/// A group, which goes when it is dropped.
pub struct Group(pub PathBuf);

impl Group {
    pub fn new() -> Group {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sexton-window-{}-{number}", std::process::id());
        let mount = Path::new(Version::of_this_machine().mount());
        if Version::of_this_machine() == Version::V2 {
            fs::write(mount.join("cgroup.subtree_control"), "+memory").unwrap();
        }
        Group::at(mount.join(name))
    }

    fn at(path: PathBuf) -> Group {
        fs::create_dir(&path).unwrap_or_else(|error| panic!("CANNOT RUN: {path:?}: {error}"));
        Group(path)
    }

    pub fn inside(&self) -> Group {
        if Version::of_this_machine() == Version::V2 {
            self.write("cgroup.subtree_control", "+memory");
        }
        Group::at(self.0.join("inside"))
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap_or_else(|error| panic!("{file}: {error}"));
    }

    /// Swap included.
    pub fn limit(&self, bytes: usize) {
        let limit = bytes.to_string();
        match Version::of_this_machine() {
            Version::V1 => {
                self.write("memory.limit_in_bytes", &limit);
                self.write("memory.memsw.limit_in_bytes", &limit);
            }
            Version::V2 => {
                self.write("memory.max", &limit);
                if self.0.join("memory.swap.max").exists() {
                    self.write("memory.swap.max", "0");
                }
            }
        }
    }

    /// How many processes the OOM killer has killed in it.
    pub fn kills(&self) -> u64 {
        let file = match Version::of_this_machine() {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        let text = fs::read_to_string(self.0.join(file)).unwrap();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.unwrap().parse().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What was in it may still be on its way out.
        let begin = Instant::now();
        while fs::remove_dir(&self.0).is_err() && begin.elapsed() < LIMIT {
            std::thread::yield_now();
        }
    }
}
