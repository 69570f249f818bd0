//! Pseudo-terminals.

use super::{LIMIT, poll, poll_for};
use nix::libc;
use std::ffi::CStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

/// A pseudo-terminal: what is typed on one side, and what the programs on the other side use.
pub struct Terminal {
    pub user: File,
    pub program: OwnedFd,
    screen: String,
}

impl Terminal {
    pub fn new() -> Terminal {
        // Not by openpty(3): until it has marked them, another test's process would inherit the descriptors.
        let open = |path: &str| {
            let mut options = File::options();
            options.read(true).write(true).custom_flags(libc::O_NOCTTY).open(path).unwrap()
        };
        let user = open("/dev/ptmx");
        // SAFETY: takes an integer.
        let unlocked = unsafe { libc::unlockpt(user.as_raw_fd()) };
        assert_eq!(unlocked, 0, "unlockpt: {}", std::io::Error::last_os_error());
        let mut path = [0u8; 64];
        // SAFETY: writes a string into the array, which is as long as it says.
        let named =
            unsafe { libc::ptsname_r(user.as_raw_fd(), path.as_mut_ptr().cast(), path.len()) };
        assert_eq!(named, 0, "ptsname_r");
        let path = CStr::from_bytes_until_nul(&path).unwrap().to_str().unwrap();
        Terminal { user, program: open(path).into(), screen: String::new() }
    }

    pub fn type_in(&mut self, text: &str) {
        self.user.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the screen has shown this, and forgets what came before it.
    pub fn expect(&mut self, text: &str) -> String {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(at) = self.screen.find(text) {
                let seen = self.screen[..at].to_owned();
                self.screen.drain(..at + text.len());
                return seen;
            }
            assert!(
                Instant::now() < until && poll(self.user.as_raw_fd()),
                "{text:?} is not shown; this is: {:?}",
                self.screen
            );
            let mut buffer = [0; 4096];
            let length = self.user.read(&mut buffer).unwrap_or(0);
            self.screen += &String::from_utf8_lossy(&buffer[..length]);
            assert!(length > 0, "the terminal is gone; {text:?} is not in {:?}", self.screen);
        }
    }

    /// Everything that has been shown since the last text that was waited for, and is not read yet.
    pub fn shown(&mut self) -> &str {
        while poll_for(self.user.as_raw_fd(), Duration::ZERO) {
            let mut buffer = [0; 4096];
            match self.user.read(&mut buffer) {
                Ok(length @ 1..) => self.screen += &String::from_utf8_lossy(&buffer[..length]),
                _ => break,
            }
        }
        &self.screen
    }

    /// Resizes the window.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: reads one structure.
        let result =
            unsafe { libc::ioctl(self.user.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(result, 0);
    }

    /// The modes: input, output, control, local flags, and the keys (termios(3)).
    pub fn modes(&self) -> ([u32; 4], [u8; 32]) {
        // SAFETY: zeroed memory is a valid termios.
        let mut modes: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: writes one structure.
        assert_eq!(unsafe { libc::tcgetattr(self.user.as_raw_fd(), &raw mut modes) }, 0);
        ([modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag], modes.c_cc)
    }

    /// Whether what is typed is shown, by the terminal itself.
    pub fn echoes(&self) -> bool {
        self.modes().0[3] & libc::ECHO != 0
    }

    /// Unplugs it: the side of the programs is hung up.
    pub fn unplug(self) {
        drop(self.user);
    }

    /// The foreground process group, as seen from here.
    pub fn foreground(&self) -> i32 {
        let mut group = 0;
        // SAFETY: writes one integer.
        unsafe { libc::ioctl(self.user.as_raw_fd(), libc::TIOCGPGRP, &raw mut group) };
        group
    }
}
