//! Where the exit report is written to: a file of its own, a file that others write to as well, or a stream that sexton
//! was started with.

#![forbid(unsafe_code)]

use crate::plan::{Plan, TerminationLog};
use crate::report::record::Report;
use crate::sys::files::{self, Content};
use crate::sys::output::Output;
use crate::sys::{Errno, fds, process, reason};
use crate::text::escape::Quoted;
use crate::values::error::Error;
use crate::values::stream_name::{self, Descriptor, Name};
use log::{debug, warn};
use std::ffi::CStr;
use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Where a report goes. It is opened before the command is started, because later sexton has fewer rights.
enum Outlet {
    /// A stream that sexton was started with. Its other users share its position.
    Stream(Output),
    /// A regular file, which is to hold this and nothing else.
    Whole(OwnedFd),
    /// Any other file. Its contents are kept.
    Added(OwnedFd),
}

/// Where both forms of the report go.
#[derive(Default)]
pub struct Outlets {
    json: Option<Outlet>,
    text: Option<Outlet>,
}

/// What Kubernetes reads of a termination message.
const TERMINATION_LOG_SIZE: u64 = 4096;

impl Outlet {
    /// `what` is the report's name in messages. What the file holds goes if it is to be `replaced`.
    fn open(what: &str, path: &CStr, content: Content, replaced: bool) -> Result<Outlet, Error> {
        let failed = |why: &dyn fmt::Display| {
            Error::unable(format_args!("write the {what} {}", Quoted(path)), why)
        };
        let name = stream_name::name(path, fds::STDOUT, process::id());
        if let Name::Own(fd) = name {
            fds::check(fd, true)
                .map_err(|unfit| failed(&format_args!("{} {unfit}", Descriptor(fd))))?;
            return Ok(Outlet::stream(fd));
        }
        let file = files::open_for_writing(path, content).map_err(|e| failed(&reason(e)))?;
        if !files::is_regular(&file) {
            return Ok(Outlet::Added(file));
        }
        // A link may lead to what sexton was started with, or that may have been opened by its name.
        if let Some(fd) = files::same_output(&file) {
            return Ok(Outlet::stream(fd));
        }
        if !replaced || name == Name::Foreign {
            return Ok(Outlet::Added(file));
        }
        files::empty(&file).map_err(|e| failed(&reason(e)))?;
        Ok(Outlet::Whole(file))
    }

    fn stream(fd: RawFd) -> Outlet {
        let output = Output::new(fd);
        output.secure();
        Outlet::Stream(output)
    }

    /// How many bytes a file has already.
    fn size(&self) -> u64 {
        match self {
            Outlet::Stream(_) => 0,
            Outlet::Whole(file) | Outlet::Added(file) => files::size(file),
        }
    }

    /// Writes a report, without waiting for anybody for long.
    fn write(&self, text: &str) -> Result<(), Errno> {
        match self {
            Outlet::Stream(output) => output.write_all(text.as_bytes()),
            Outlet::Added(file) => fds::write_all(file.as_raw_fd(), text.as_bytes()),
            Outlet::Whole(file) => {
                lock(file);
                files::empty(file)?;
                fds::write_all(file.as_raw_fd(), text.as_bytes())
            }
        }
    }
}

/// Locks the file against other sextons until this one exits: if two end at the same time, the file has the report of
/// the last one and nothing of the first. A process that holds the lock for long cannot prevent the report. Without the
/// lock the reports do not mix either, because each is one write at the end of the file.
fn lock(file: &OwnedFd) {
    const TRIES: u32 = 50;
    const PAUSE: Duration = Duration::from_millis(1);
    for _ in 0..TRIES {
        match files::lock(file) {
            Err(Errno::EAGAIN | Errno::EACCES) => process::sleep(PAUSE),
            _ => return, // it is locked, or cannot be
        }
    }
}

impl Outlets {
    /// Opens them for writing, and removes the report of an earlier run.
    ///
    /// # Errors
    /// A file or a stream cannot be written; not the usual termination log, which is only there in Kubernetes.
    #[inline(never)]
    pub fn open(plan: &Plan) -> Result<Outlets, Error> {
        let mut outlets = Outlets::default();
        if let Some(path) = plan.report.as_deref() {
            // Output of the command in the same file is kept.
            let mut outputs = plan.attributes.stdio.iter().skip(1).flatten();
            let replaced = outputs.all(|file| file.path.as_c_str() != path);
            outlets.json = Some(Outlet::open("report", path, Content::Kept, replaced)?);
        }
        if let Some(TerminationLog { path, by_default }) = &plan.termination_log {
            // Kubernetes makes the file; elsewhere there shall be none.
            let content = if *by_default { Content::KeptIfThere } else { Content::Kept };
            match Outlet::open("termination log", path, content, false) {
                Ok(outlet) => outlets.text = Some(outlet),
                Err(_) if *by_default => {}
                Err(error) => return Err(error),
            }
        }
        Ok(outlets)
    }

    /// The descriptors that are kept open for them, besides the standard streams.
    #[must_use]
    pub fn descriptors(&self) -> Vec<RawFd> {
        let mut descriptors = Vec::new();
        for outlet in [&self.json, &self.text].into_iter().flatten() {
            let (one, other) = match outlet {
                Outlet::Stream(output) => (output.descriptor(), output.own_descriptor()),
                Outlet::Whole(file) | Outlet::Added(file) => (file.as_raw_fd(), None),
            };
            descriptors.extend(Some(one).filter(|&fd| fd > fds::STDERR));
            descriptors.extend(other);
        }
        descriptors
    }

    /// Writes the report to them.
    #[inline(never)]
    pub fn write(&self, report: &Report) {
        if let Some(outlet) = &self.json
            && let Err(errno) = outlet.write(&report.json())
        {
            warn!("unable to write the report: {}", reason(errno));
        }
        if let Some(outlet) = &self.text {
            // The command's own message is kept, and comes first.
            let text = format!("sexton: {report}\n");
            let room = TERMINATION_LOG_SIZE.saturating_sub(outlet.size());
            let room = usize::try_from(room).unwrap_or(0);
            let fitting = text.get(..text.floor_char_boundary(room)).unwrap_or(&text);
            if let Err(errno) = outlet.write(fitting) {
                debug!("unable to write the termination log: {}", reason(errno));
            }
        }
    }
}
