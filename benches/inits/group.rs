//! Control groups of the run's own, in either version of the kernel's interface.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a group limits.
#[derive(Clone, Copy)]
pub struct Controller {
    name: &'static str,
    /// The file of its limit or weight, in versions 1 and 2.
    files: [&'static str; 2],
}

pub const MEMORY: Controller =
    Controller { name: "memory", files: ["memory.limit_in_bytes", "memory.max"] };
pub const CPU: Controller = Controller { name: "cpu", files: ["cpu.shares", "cpu.weight"] };

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
                "" => PathBuf::from("/sys/fs/cgroup"),
                _ if controllers.split(',').any(|name| name == controller.name) => {
                    Path::new("/sys/fs/cgroup").join(controllers)
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
    pub fn enter(&self) -> Option<Inside> {
        let group = self.make()?;
        move_to(&group.path).ok()?;
        Some(Inside { outside: self.own.clone(), _group: group })
    }
}

/// This process is in a group until this is dropped.
pub struct Inside {
    outside: PathBuf,
    _group: Group,
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
    /// The file of its limit or weight.
    pub fn limit(&self) -> Option<PathBuf> {
        self.controller.files.iter().map(|name| self.path.join(name)).find(|path| path.exists())
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
