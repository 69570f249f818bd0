//! What `probe report` tells.

use crate::harness::{Setup, probe};

/// Its lines.
pub struct Report(Vec<String>);

impl Report {
    /// Runs sexton with these flags and the probe as the command.
    pub fn with(flags: &[&str]) -> Report {
        Report::of(under(flags))
    }

    /// Runs it in this world. Nothing may be logged.
    pub fn of(setup: Setup) -> Report {
        let ended = setup.run();
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{ended:?}");
        Report::from(&ended.stdout)
    }

    pub fn from(text: &str) -> Report {
        assert!(text.ends_with("end\n"), "{text:?}");
        Report(text.lines().map(str::to_owned).collect())
    }

    /// The value of a field, blanks between its parts made one.
    pub fn field(&self, name: &str) -> String {
        let line = self.0.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let line = line.unwrap_or_else(|| panic!("no {name} in {:?}", self.0));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A set of capabilities.
    pub fn set(&self, name: &str) -> u64 {
        u64::from_str_radix(&self.field(name), 16).unwrap()
    }

    /// The values of all fields that begin like this.
    pub fn all(&self, start: &str) -> Vec<&str> {
        self.0.iter().filter_map(|line| line.strip_prefix(start)).collect()
    }

    /// The environment, as bytes.
    pub fn variables(&self) -> Vec<Vec<u8>> {
        let byte =
            |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
        let bytes = |hex: &str| hex.as_bytes().chunks(2).map(byte).collect();
        self.all("variable: ").into_iter().map(bytes).collect()
    }

    /// The open descriptors.
    pub fn descriptors(&self) -> Vec<i32> {
        let number = |line: &str| line.split(':').next().unwrap().parse().unwrap();
        self.all("descriptor ").into_iter().map(number).collect()
    }
}

/// sexton with these flags, and `probe report` as the command.
pub fn under(flags: &[&str]) -> Setup {
    let probe = probe();
    let words: Vec<&str> = flags.iter().copied().chain([probe.as_str(), "report"]).collect();
    Setup::new(&words)
}
