//! The programs that are measured, and how much of it.

use crate::process::{Running, null, sync};
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program, in the folder of the run under its name.
#[derive(Clone)]
pub struct Init {
    pub name: &'static str,
    pub path: PathBuf,
    /// Where it is from and how it was built: from the file NAME.txt beside it.
    pub origin: String,
    /// As one would run it.
    pub options: Vec<&'static str>,
    /// The best that it has for a whole tree.
    pub tree_options: Vec<&'static str>,
    /// It gives what the command leaves behind a second to end, by the options for a tree.
    pub lingers: bool,
    /// It does not look at all children for each orphan.
    pub looks_rarely: bool,
    /// With all that it can tell, if that includes signals.
    pub verbose: Option<Vec<&'static str>>,
    /// Every signal that comes, and not only the first that stops it.
    pub forwards: bool,
    /// It looks at its children again and again.
    pub never_sleeps: bool,
    /// It is the floor, sexton or another that is built for musl, and its start is short.
    pub is_small: bool,
    /// Its start is what sexton's is held to.
    pub is_compared: bool,
}

/// The settings of a run.
#[derive(Clone)]
pub struct Bench {
    pub inits: Vec<Init>,
    pub workload: String,
    /// For files of the run.
    pub scratch: PathBuf,
    /// Starts of each init.
    pub starts: usize,
    /// Over how many copies of the programs starts and signals are spread: see [`Bench::copied`].
    pub copies: usize,
    /// Signals through each init.
    pub signals: usize,
    /// How long a signal may take; then the init is stuck.
    pub stuck: Duration,
    /// Instances of each init whose memory is looked at.
    pub memory: usize,
    /// How often what takes long is repeated.
    pub rounds: usize,
    /// Orphans in the storm; a tenth of it for the peers.
    pub storm: u64,
    /// By how much trees and the like are smaller.
    pub shrink: u64,
}

impl Bench {
    /// `others` are further builds of sexton in the folder, to compare with.
    pub fn new(folder: PathBuf, quick: bool, others: Vec<&'static str>) -> Bench {
        let workload = folder.join("workload").to_str().expect("UTF-8").to_owned();
        let inits = inits(&folder, others);
        if quick {
            Bench {
                inits,
                workload,
                scratch: folder,
                starts: 20,
                copies: 2,
                signals: 400,
                stuck: Duration::from_secs(1),
                memory: 1,
                rounds: 1,
                storm: 20_000,
                shrink: 20,
            }
        } else {
            Bench {
                inits,
                workload,
                scratch: folder,
                starts: 2000,
                copies: 20,
                signals: 10_000,
                stuck: Duration::from_secs(5),
                memory: 21,
                rounds: 5,
                storm: 1_000_000,
                shrink: 1,
            }
        }
    }

    /// The same with all programs copied just now. Which memory a file's pages happen to be in makes a difference of
    /// several percent, as long as they stay there: with many copies it falls on all alike.
    pub fn copied(&self) -> Copied {
        let folder = self.scratch.join("copies");
        fs::create_dir_all(&folder).expect("a folder for copies");
        let copy = |path: &Path| {
            let to = folder.join(path.file_name().expect("a program"));
            fs::copy(path, &to).expect("a copy");
            to
        };
        let mut bench = self.clone();
        bench.inits.iter_mut().for_each(|init| init.path = copy(&init.path));
        bench.workload = copy(self.workload.as_ref()).to_str().expect("UTF-8").to_owned();
        sync();
        Copied { bench, folder }
    }

    pub fn index(&self, name: &str) -> Option<usize> {
        self.inits.iter().position(|init| init.name == name)
    }
}

/// A run with copies, which are there as long as this is.
pub struct Copied {
    bench: Bench,
    folder: PathBuf,
}

impl Deref for Copied {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).expect("the copies are removed");
    }
}

impl Init {
    /// The command line of this init for a command.
    pub fn line(&self, bench: &Bench, options: &[&str], main: &[&str]) -> Vec<String> {
        let path = self.path.to_str().expect("UTF-8");
        let words = [path].into_iter().chain(options.iter().copied());
        let main = [bench.workload.as_str()].into_iter().chain(main.iter().copied());
        words.chain(main).map(str::to_owned).collect()
    }

    pub fn start(&self, bench: &Bench, options: &[&str], main: &[&str]) -> Option<Running> {
        Running::start(&self.line(bench, options, main), &null(), true)
    }
}

/// Those that are in the folder, sexton first.
fn inits(folder: &Path, others: Vec<&'static str>) -> Vec<Init> {
    let init =
        |name, options: &[&'static str], tree: &[&'static str], verbose: &[&'static str]| Init {
            name,
            path: folder.join(name),
            origin: String::new(),
            options: options.to_vec(),
            tree_options: tree.to_vec(),
            looks_rarely: name == "sexton",
            lingers: tree.contains(&"1s") || tree.contains(&"1000"),
            verbose: (!verbose.is_empty()).then(|| verbose.to_vec()),
            forwards: true,
            never_sleeps: name == "tino",
            is_small: !["tini", "tini-static", "dumb-init", "catatonit", "tino"].contains(&name),
            is_compared: matches!(name, "dumb-init-musl" | "pid1"),
        };
    let tini = |name| init(name, &["--"], &["-g", "--"], &["-vvv", "--"]);
    let dumb_init = |name| init(name, &["--"], &["--"], &["-v", "--"]);
    let all = [
        init("sexton", &["--"], &["--linger", "1s", "--"], &["--log-level", "trace", "--"]),
        init("floor", &[], &[], &[]),
        tini("tini"),
        tini("tini-static"),
        tini("tini-musl"),
        dumb_init("dumb-init"),
        dumb_init("dumb-init-musl"),
        init("catatonit", &["--"], &["-g", "--"], &[]),
        Init { forwards: false, ..init("pid1", &["--"], &["--"], &["-v", "--"]) },
        // The entry point that its documentation gives.
        init(
            "tino",
            &["-g", "-s", "--"],
            &["-g", "-s", "-t", "1000", "--"],
            &["-vvv", "-g", "-s", "--"],
        ),
    ];
    let others = others.into_iter().map(|name| init(name, &["--"], &["--"], &[]));
    let all = all.into_iter().chain(others);
    let mut present: Vec<Init> = all.filter(|init| init.path.exists()).collect();
    for init in &mut present {
        let text = fs::read_to_string(init.path.with_extension("txt"));
        init.origin = text.unwrap_or_default().trim().into();
    }
    present
}
