//! A request in the making, onto which the layers of settings are read, the lowest first.
//!
//! A single value overwrites that of a lower layer, and that of an earlier flag of the same layer. The entries of a
//! list have keys (a signal, a limit, a variable): an entry replaces one of a lower layer with the same key, and two
//! of one layer contradict each other.

use crate::plan::request::{Inspection, Printed, Request, StatusFormat};
use crate::plan::{Grouping, Plan};
use crate::text::escape::Quoted;
use crate::values::capabilities::{self, List};
use crate::values::environment::{Edit, Values, variable};
use crate::values::error::Error;
use crate::values::error::Reason;
use crate::values::exit_map::{self, ExitMap};
use crate::values::rewrite;
use crate::values::rlimit;
use log::LevelFilter;
use std::ffi::{CStr, CString};

/// What the layers that have been read ask for.
#[derive(Default)]
pub struct Draft<'a> {
    /// How to run a command, or to pause.
    pub plan: Box<Plan<'a>>,
    /// `--verbose`: how many levels more to log than the plan says.
    pub verbose: usize,
    /// `--pause`
    pub pause: bool,
    /// `--install`
    pub install: Option<CString>,
    /// `--status`
    pub status: Option<StatusFormat>,
    /// `--check`
    pub check: bool,
    /// `--dry-run`
    pub dry_run: Option<Values>,
    /// The error of the first variable that cannot be used. An error of the flags comes before it.
    pub variable_error: Option<Error>,
    /// The layer that is being read.
    pub layer: Layer,
}

/// What a layer has set so far, as far as a later setting of the same layer depends on that.
#[derive(Default)]
pub struct Layer {
    /// Whether it is the layer of the `SEXTON_*` variables.
    pub is_variables: bool,
    /// How many signal rewrites it has added.
    rewrites: usize,
    /// How many rules for exit statuses it has added.
    exit_rules: usize,
    /// How many changes of variables it has added.
    edits: usize,
    /// How many files of variables it has added.
    environment_files: usize,
    /// The resource limits that it has set: bit N is the kernel's limit N.
    limits: u16,
    /// How many exceptions from the confinement it has added.
    #[cfg(feature = "landlock")]
    pub confined: usize,
    /// Its lists of capabilities. Each of them replaces the whole list of a lower layer.
    capabilities: capabilities::Spec,
    /// How often it has said `--verbose`.
    verbose: usize,
}

impl Layer {
    /// The layer of the `SEXTON_*` variables.
    pub fn of_variables() -> Layer {
        Layer { is_variables: true, ..Layer::default() }
    }
}

impl<'a> Draft<'a> {
    /// The request of a command line without options, with this environment for the command.
    pub fn new(environment: Vec<&'a CStr>) -> Draft<'a> {
        let mut draft = Draft::default();
        draft.plan.environment = environment;
        draft
    }

    /// Forwards another signal, or none.
    ///
    /// # Errors
    /// A signal that this layer rewrites already.
    pub fn rewrite(&mut self, rule: rewrite::Rule) -> Result<(), Reason> {
        self.plan.policy.rewrites.add_to_layer(rule, &mut self.layer.rewrites)
    }

    /// Maps an exit status.
    ///
    /// # Errors
    /// A status or signal that this layer maps already.
    pub fn map_exit(&mut self, rule: exit_map::Rule) -> Result<(), Reason> {
        self.plan.exit_map.add_to_layer(rule, &mut self.layer.exit_rules)
    }

    /// Sets or unsets a variable of the command.
    ///
    /// # Errors
    /// A variable that this layer sets or unsets already.
    pub fn edit(&mut self, edit: Edit) -> Result<(), Reason> {
        self.plan.attributes.environment.add_to_layer(edit, &mut self.layer.edits)
    }

    /// Adds a file of variables.
    ///
    /// # Errors
    /// A file that this layer has already.
    pub fn environment_file(&mut self, path: CString) -> Result<(), Reason> {
        let files = &mut self.plan.attributes.environment_files;
        if files.iter().rev().take(self.layer.environment_files).any(|other| *other == path) {
            return Err("it is given twice".into());
        }
        files.push(path);
        self.layer.environment_files += 1;
        Ok(())
    }

    /// Sets a resource limit. The plan has them in the order of the kernel's numbers.
    ///
    /// # Errors
    /// A limit that this layer sets already.
    pub fn limit(&mut self, limit: rlimit::Spec) -> Result<(), Reason> {
        let number = limit.resource as usize;
        let bit = 1 << number;
        if self.layer.limits & bit != 0 {
            return Err(format!("{} is given twice", limit.resource.name()).into());
        }
        self.layer.limits |= bit;
        let limits = &mut self.plan.attributes.limits;
        match limits.binary_search_by_key(&number, |other| other.resource as usize) {
            Ok(place) => limits.get_mut(place).into_iter().for_each(|other| *other = limit),
            Err(place) => limits.insert(place, limit),
        }
        Ok(())
    }

    /// Adds to one of the lists of capabilities.
    ///
    /// # Errors
    /// As for [`List::add`].
    pub fn capabilities(
        &mut self,
        list: fn(&mut capabilities::Spec) -> &mut Option<List>,
        text: &str,
    ) -> Result<(), Reason> {
        let own = list(&mut self.layer.capabilities);
        own.get_or_insert_default().add(text)?;
        *list(&mut self.plan.attributes.capabilities) = *own;
        Ok(())
    }

    /// Logs this many levels more.
    pub fn add_verbosity(&mut self, levels: usize) {
        self.layer.verbose = self.layer.verbose.saturating_add(levels);
        self.verbose = self.layer.verbose;
    }

    /// The request, now that all layers have been read.
    ///
    /// # Errors
    /// A variable that cannot be used; settings that contradict each other.
    pub fn request(self) -> Result<Request<'a>, Error> {
        let Draft {
            mut plan, verbose, pause, install, status, check, dry_run, variable_error, ..
        } = self;
        if let Some(error) = variable_error {
            return Err(error);
        }
        let no_command = plan.argv.is_empty();
        if let Some(format) = status {
            if !no_command {
                return Err(Error::usage("--status takes no command"));
            }
            let colour = allows_colour(&plan.environment);
            return Ok(Request::Status(Inspection { format, check, colour }));
        }
        if check {
            return Err(Error::usage("--check needs --status"));
        }
        if let Some(path) = install {
            if !no_command {
                return Err(Error::usage("--install takes no command"));
            }
            let step = format!(" 1. install sexton as {}\n", Quoted(&path));
            return Ok(match dry_run {
                Some(_) => Request::Print(Printed::on_stdout(step)),
                None => Request::Install(path),
            });
        }
        if pause && !no_command {
            return Err(Error::usage("--pause takes no command"));
        }
        if no_command && !pause {
            return Err(Error::usage(
                "no command given: usage is sexton [OPTIONS] [--] COMMAND [ARG...], see sexton --help",
            ));
        }
        if plan.in_place {
            replaceable(&plan, pause)?;
            plan.attributes.grouping = Grouping::Shared;
        }
        plan.policy.command_gets_keys = plan.attributes.grouping == Grouping::Shared;
        for _ in 0..verbose.min(LevelFilter::Trace as usize) {
            plan.logging.level = plan.logging.level.increment_severity();
        }
        plan.policy.check().map_err(Error::usage)?;
        plan.attributes.capabilities.check().map_err(Error::usage)?;
        Ok(match (pause, dry_run) {
            (true, _) => Request::Pause(plan),
            (false, Some(values)) => Request::DryRun(plan, values),
            (false, None) if plan.in_place => Request::Replace(plan),
            (false, None) => Request::Run(plan),
        })
    }
}

/// Checks what `--exec` cannot go with, because no process stays that could do it.
fn replaceable(plan: &Plan, pause: bool) -> Result<(), Error> {
    let flag = if pause {
        "pause"
    } else if plan.policy.timeout.is_some() {
        "timeout"
    } else if plan.exit_map != ExitMap::default() {
        "map-exit"
    } else if plan.report.is_some() {
        "report"
    } else if plan.termination_log.is_some() {
        "termination-log"
    } else if plan.attributes.grouping == Grouping::Session {
        "setsid"
    } else {
        return Ok(());
    };
    Err(Error::usage(format!("--{flag} cannot be combined with --exec")))
}

/// Whether the environment allows colours on a terminal: <https://no-color.org>, and terminals without colours.
fn allows_colour(environment: &[&CStr]) -> bool {
    let value = |name: &[u8]| variable(environment, name).map(|(_, value)| value);
    value(b"NO_COLOR").is_none_or(<[u8]>::is_empty) && value(b"TERM") != Some(b"dumb")
}
