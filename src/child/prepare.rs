//! The launch: all that the child needs, laid out before the fork, and kept to explain why the command did not start.

#![forbid(unsafe_code)]

use crate::child::identity;
use crate::child::inherited::Inherited;
use crate::child::search;
use crate::child::step::Step;
use crate::child::steps;
use crate::child::variables;
use crate::plan::{Plan, Statuses};
use crate::sys::{Errno, fds, files, limits, process};
use crate::values::environment::{Edits, Naming};
use crate::values::error::Error;
use crate::values::rlimit::{Limits, Resource, UNLIMITED};
use crate::values::signal::SignalSet;
use crate::values::stdio::Stream;
use crate::values::stream_name::Descriptor;
use std::borrow::Cow;
use std::ffi::{CStr, CString};

/// The plan, with everything looked up that it leaves open.
pub struct Launch<'a> {
    /// The command's argument vector as the user wrote it.
    pub argv: &'a [&'a CStr],
    /// The same with the values of variables in it; empty without `--expand-env`.
    pub expanded: Vec<CString>,
    /// The command's environment.
    pub environment: Vec<Cow<'a, CStr>>,
    /// The variables that are to name the command by its process ID.
    pub naming: Naming,
    /// The files to try for the command.
    pub candidates: Cow<'a, [CString]>,
    /// The working directory, if the file to execute depends on it: sexton leaves it when the child is started.
    pub directory: Option<CString>,
    /// The changes that the child makes to itself before it executes one of them.
    pub steps: Vec<Step>,
    /// What sexton was started with.
    pub inherited: Inherited,
    /// The changes of the environment.
    pub edits: Edits,
    /// Exit statuses.
    pub statuses: Statuses,
    /// A hint for the error that there is no such command.
    pub hint_if_not_found: Option<&'a str>,
}

impl<'a> Launch<'a> {
    /// Looks up what the plan leaves open; `mask` is sexton's signal mask. Changes nothing.
    ///
    /// # Errors
    /// What can be known to be impossible before the fork.
    pub fn new(plan: &'a Plan, mask: SignalSet) -> Result<Launch<'a>, Error> {
        let attributes = &plan.attributes;
        let credentials = identity::look_up(attributes)?;
        let login = credentials.user.as_ref().map(Edits::for_login).unwrap_or_default();
        let edits = variables::edits(attributes)?.over(&login);
        let mut environment = edits.apply(&plan.environment);
        let pid = process::id();
        let naming = Naming::find(&mut environment, pid, |name| edits.sets(name));
        let inherited = Inherited::look_up(plan, &credentials, pid, mask, naming.listen_fds)?;
        for (stream, file, from) in steps::duplicated(attributes, pid) {
            fds::check(from, stream != Stream::Input).map_err(|unfit| {
                let step = Step::Open(stream, file.clone());
                Error::unable(step, format_args!("{} {unfit}", Descriptor(from)))
            })?;
        }
        let current =
            |resource| limits::get(resource).unwrap_or(Limits { soft: UNLIMITED, hard: UNLIMITED });
        let steps = steps::steps(attributes, &inherited, &credentials, current)?;
        let expanded = variables::expanded(plan, &environment)?;
        let command = command(&plan.argv, &expanded);
        let candidates: Cow<[CString]> = match &plan.files[..] {
            [] => search::candidates(command, &environment).into(),
            files => files.into(),
        };
        let is_relative = |file: &CString| !file.to_bytes().starts_with(b"/");
        let directory = candidates.iter().any(is_relative).then(files::working_directory).flatten();
        Ok(Launch {
            argv: &plan.argv,
            expanded,
            environment,
            naming,
            candidates,
            directory,
            steps,
            inherited,
            edits,
            statuses: plan.statuses,
            hint_if_not_found: plan.hint_if_not_found.as_deref(),
        })
    }

    /// The command's name.
    #[must_use]
    pub fn command(&self) -> &CStr {
        command(self.argv, &self.expanded)
    }

    /// The command's argument vector.
    #[must_use]
    pub fn words(&self) -> Cow<'_, [&CStr]> {
        match &self.expanded[..] {
            [] => self.argv.into(),
            words => words.iter().map(CString::as_c_str).collect(),
        }
    }

    /// A limit that the command has.
    #[must_use]
    pub fn limit(&self, resource: Resource) -> Limits {
        let set = self.steps.iter().find_map(|step| match step {
            Step::Limit(limited, limits) if *limited == resource => Some(*limits),
            _ => None,
        });
        set.or_else(|| limits::get(resource).ok())
            .unwrap_or(Limits { soft: UNLIMITED, hard: UNLIMITED })
    }

    /// Enters the command's working directory, in which relative paths are those of the child.
    ///
    /// # Errors
    /// Those of chdir(2), with the index of the step that has failed; without one for sexton's own directory.
    pub fn enter_directory(&self) -> Result<(), (Option<usize>, Errno)> {
        if let Some(own) = &self.directory {
            process::change_directory(own).map_err(|errno| (None, errno))?;
        }
        self.steps.iter().enumerate().try_for_each(|(index, step)| match step {
            Step::Directory(path) => {
                process::change_directory(path).map_err(|errno| (Some(index), errno))
            }
            _ => Ok(()),
        })
    }

    /// The user that the command is given, if it is given one.
    #[must_use]
    pub fn user(&self) -> Option<u32> {
        self.steps.iter().find_map(|step| match step {
            Step::Uid(uid) => Some(*uid),
            _ => None,
        })
    }
}

fn command<'a>(argv: &[&'a CStr], expanded: &'a [CString]) -> &'a CStr {
    expanded.first().map(CString::as_c_str).or(argv.first().copied()).unwrap_or_default()
}
