//! Files of a test's own.

use nix::libc;
use std::ffi::CString;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own for a test's files, gone afterwards.
pub struct Folder(PathBuf);

impl Folder {
    /// Two tests may use the same name.
    pub fn new(name: &str) -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let own = format!("sexton-it-{}-{count}-{name}", std::process::id());
        let path = std::env::temp_dir().join(own);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// Writes a file with this mode and gives its path.
    pub fn file(&self, name: &str, mode: &str, text: &str) -> String {
        self.install(name, mode, "/dev/stdin", text.as_bytes())
    }

    /// Writes a program, or what is taken for one.
    pub fn program(&self, name: &str, contents: &[u8]) -> String {
        self.install(name, "755", "/dev/stdin", contents)
    }

    /// Copies a file.
    pub fn copy(&self, name: &str, mode: &str, source: &str) -> String {
        self.install(name, mode, source, b"")
    }

    /// install(1) writes it, so that this process never has it open: a process that another test forks
    /// at that moment would keep it busy, and it could not be executed.
    fn install(&self, name: &str, mode: &str, source: &str, contents: &[u8]) -> String {
        let path = self.0.join(name);
        let mut install = Command::new("install")
            .args(["-D", "-m", mode, source])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        install.stdin.take().unwrap().write_all(contents).unwrap();
        assert!(install.wait().unwrap().success());
        path.into_os_string().into_string().unwrap()
    }

    /// Anybody may create files here.
    pub fn open_to_all(self) -> Folder {
        std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(0o777)).unwrap();
        self
    }

    /// Makes a FIFO and gives its path.
    pub fn fifo(&self, name: &str) -> String {
        let path = self.0.join(name).into_os_string().into_string().unwrap();
        let name = CString::new(path.as_bytes()).unwrap();
        // SAFETY: reads a string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o666) }, 0);
        // SAFETY: reads a string. The umask has taken bits from the mode above.
        assert_eq!(unsafe { libc::chmod(name.as_ptr(), 0o666) }, 0);
        path
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// The path of a file in it.
    pub fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.path())
    }

    /// A /dev of a test's own, for [`Setup::bind`]: with what sexton and shells need, and what the test puts there.
    pub fn with_devices(self) -> Folder {
        for (name, minor) in [("null", 3), ("zero", 5)] {
            let path = CString::new(self.at(name)).unwrap();
            // SAFETY: reads a string.
            let made = unsafe {
                libc::mknod(path.as_ptr(), libc::S_IFCHR | 0o666, libc::makedev(1, minor))
            };
            assert_eq!(made, 0, "mknod: {}", std::io::Error::last_os_error());
        }
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
