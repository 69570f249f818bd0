//! Control groups of the run's own, in either version of the kernel's interface.

use nix::libc;
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::time::Duration;

/// Where control groups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";

/// What a group limits.
#[derive(Clone, Copy)]
pub struct Controller {
    name: &'static str,
    /// The file of its limit, weight or count, in versions 1 and 2.
    files: [&'static str; 2],
}

pub const MEMORY: Controller =
    Controller { name: "memory", files: ["memory.limit_in_bytes", "memory.max"] };
const CPU: Controller = Controller { name: "cpu", files: ["cpu.shares", "cpu.weight"] };
const CPU_TIME: Controller = Controller { name: "cpuacct", files: ["cpuacct.usage", "cpu.stat"] };

/// Where groups of a controller can be made.
pub struct Parent {
    path: PathBuf,
    /// The group that this process is in.
    own: PathBuf,
    controller: Controller,
}

impl Parent {
    /// This process's own group, in the controller's hierarchy of version 1 or in version 2's if that has it. Or the
    /// root: in version 2 a group with processes gives its children no controller.
    pub fn of(controller: Controller) -> Option<Parent> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(":/")?;
            let root = match controllers {
                "" => PathBuf::from(MOUNT),
                _ if controllers.split(',').any(|name| name == controller.name) => {
                    Path::new(MOUNT).join(controllers)
                }
                _ => return None,
            };
            let own = root.join(path);
            [own.clone(), root].into_iter().find_map(|path| {
                let parent = Parent { path, own: own.clone(), controller };
                parent.make()?.limit()?;
                Some(parent)
            })
        })
    }

    /// A new group, one of each controller at a time.
    pub fn make(&self) -> Option<Group> {
        let name = format!("sexton-bench-{}-{}", self.controller.name, std::process::id());
        let path = self.path.join(name);
        fs::create_dir(&path).ok()?;
        Some(Group { path, controller: self.controller })
    }

    /// Moves this process into a new group, and with it all that it starts from then on.
    fn enter(&self) -> Option<Inside> {
        let group = self.make()?;
        move_to(&group.path).ok()?;
        Some(Inside { outside: self.own.clone(), group })
    }
}

/// This process is in a group until this is dropped.
struct Inside {
    outside: PathBuf,
    group: Group,
}

/// This process, and all that it starts, are in groups of their own until this is dropped.
pub struct Run {
    /// As a container is.
    scheduled: Option<Inside>,
    /// Where the other does not count CPU time: version 1 can have a hierarchy for each.
    counted: Option<Inside>,
}

impl Run {
    pub fn enter() -> Run {
        let enter = |controller| Parent::of(controller)?.enter();
        let scheduled = enter(CPU);
        let counts = scheduled.as_ref().is_some_and(|inside| inside.group.cpu_time().is_some());
        let counted = if counts { None } else { enter(CPU_TIME) };
        Run { scheduled, counted }
    }

    /// Whether there is a group for the scheduler.
    pub fn is_scheduled(&self) -> bool {
        self.scheduled.is_some()
    }

    /// The CPU time of all that was in the group, in seconds.
    pub fn cpu_time(&self) -> Option<f64> {
        self.counted.as_ref().or(self.scheduled.as_ref())?.group.cpu_time()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        move_to(&self.outside).unwrap(); // or the group would never be empty
    }
}

fn move_to(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), std::process::id().to_string())
}

/// A group, which is gone when this is dropped.
pub struct Group {
    path: PathBuf,
    controller: Controller,
}

impl Group {
    /// The file of its limit, weight or count.
    pub fn limit(&self) -> Option<PathBuf> {
        self.controller.files.iter().map(|name| self.path.join(name)).find(|path| path.exists())
    }

    /// The CPU time of all that was in it, in seconds.
    fn cpu_time(&self) -> Option<f64> {
        let read = |name| fs::read_to_string(self.path.join(name)).ok();
        if let Some(nanos) = read("cpuacct.usage") {
            return Some(nanos.trim().parse::<f64>().ok()? / 1e9);
        }
        let stat = read("cpu.stat")?;
        let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
        Some(micros.parse::<f64>().ok()? / 1e6)
    }

    /// The file that moves processes into it.
    pub fn processes(&self) -> File {
        File::options().write(true).open(self.path.join("cgroup.procs")).unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It is busy until the last of its processes is gone altogether.
        while let Err(error) = fs::remove_dir(&self.path) {
            assert_eq!(error.raw_os_error(), Some(nix::libc::EBUSY), "{error}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The versions of control groups.
pub enum Version {
    One,
    Two,
}

/// The version that counts OOM kills here.
pub fn version() -> Option<Version> {
    let second = Path::new(MOUNT).join("cgroup.controllers");
    let second = second.exists().then_some(Version::Two);
    second.or_else(|| oom_control().map(|_| Version::One))
}

/// The memory group that this process is in, with version 1.
fn memory_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.split_once(":memory:/"))?.1;
    Some(Path::new(MOUNT).join("memory").join(own))
}

/// The file in which version 1 counts the OOM kills of this process's own group.
fn oom_control() -> Option<PathBuf> {
    Some(memory_group()?.join("memory.oom_control")).filter(|file| file.exists())
}

/// For an init that this process starts, until this is dropped, control groups look as they look to PID 1 of a
/// container: its own group is at the root of a mount. A mount namespace of this process's own hides the rest. `None`
/// if it has no privileges for that, or no group of version 1.
pub struct Contained {
    outside: File,
    folder: PathBuf,
}

impl Contained {
    /// Version 1, with the own memory group.
    pub fn version_1() -> Option<Contained> {
        let group = memory_group()?;
        let inside = Contained::enter()?;
        put(&group, c"/sys/fs/cgroup/memory", |mount| fs::create_dir(mount))?;
        Path::new("/sys/fs/cgroup/memory/memory.oom_control").exists().then_some(inside)
    }

    /// Version 2, with a file `memory.events`. It is a file of the kernel's with the line that counts the OOM kills, in
    /// version 1's own group.
    pub fn version_2() -> Option<Contained> {
        let counts = oom_control()?;
        let inside = Contained::enter()?;
        put(&counts, c"/sys/fs/cgroup/memory.events", |mount| File::create(mount).map(drop))?;
        let text = fs::read_to_string("/sys/fs/cgroup/memory.events").ok()?;
        text.lines().any(|line| line.starts_with("oom_kill ")).then_some(inside)
    }

    fn enter() -> Option<Contained> {
        let folder = std::env::current_dir().ok()?;
        let outside = File::open("/proc/self/ns/mnt").ok()?;
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            return None;
        }
        let inside = Contained { outside, folder }; // from now on it is left again
        mount(c"none", c"/", None, libc::MS_REC | libc::MS_PRIVATE)?;
        Some(inside)
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        let left = unsafe { libc::setns(self.outside.as_raw_fd(), libc::CLONE_NEWNS) };
        assert_eq!(left, 0, "{}", io::Error::last_os_error());
        std::env::set_current_dir(&self.folder).expect("the folder is there as before");
    }
}

/// Hides the mount of control groups, and shows one thing of it, at a place that `make` makes.
fn put(shown: &Path, place: &CStr, make: fn(&str) -> io::Result<()>) -> Option<()> {
    // The new mount hides its name.
    let shown = File::options().read(true).custom_flags(libc::O_PATH).open(shown).ok()?;
    mount(c"none", c"/sys/fs/cgroup", Some(c"tmpfs"), 0)?;
    make(place.to_str().ok()?).ok()?;
    let shown = CString::new(format!("/proc/self/fd/{}", shown.as_raw_fd())).ok()?;
    mount(&shown, place, None, libc::MS_BIND)
}

fn mount(source: &CStr, target: &CStr, kind: Option<&CStr>, flags: libc::c_ulong) -> Option<()> {
    let kind = kind.map_or(ptr::null(), CStr::as_ptr);
    let result = unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind, flags, ptr::null()) };
    (result == 0).then_some(())
}
