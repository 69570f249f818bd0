//! The environment of the command: variables of sexton's own environment are found, set and unset.

#![forbid(unsafe_code)]

use crate::text::escape::{Escaped, Shortened};
use crate::values::error::Reason;
use crate::values::layered;
use crate::values::user::Identity;
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fmt;

/// The first variable of that name: its index in the environment, and its value.
#[must_use]
pub fn variable<'a, S: AsRef<CStr>>(
    environment: &'a [S],
    name: &[u8],
) -> Option<(usize, &'a [u8])> {
    environment.iter().enumerate().find_map(|(index, entry)| {
        let value = entry.as_ref().to_bytes().strip_prefix(name)?.strip_prefix(b"=")?;
        Some((index, value))
    })
}

/// Variables in which systemd names a process by its ID, each with those that go with it: sd_listen_fds(3),
/// sd_watchdog_enabled(3) and systemd.exec(5). A program uses them only if the ID is its own. `MAINPID` and
/// `MANAGERPID` hold process IDs too, but not those of a process that sexton is executed in place of.
const BY_PID: [(&str, &[&str]); 3] = [
    ("LISTEN_PID", &["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", LISTEN_PIDFDID]),
    ("WATCHDOG_PID", &["WATCHDOG_PID", "WATCHDOG_USEC"]),
    ("SYSTEMD_EXEC_PID", &["SYSTEMD_EXEC_PID"]),
];

/// The inode number of a pidfd of the process that `LISTEN_PID` names. If it is set, systemd 259 and newer compare it.
const LISTEN_PIDFDID: &str = "LISTEN_PIDFDID";

/// The variables in an environment that name a process by its ID. Those that name sexton are to name the command.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Naming {
    /// Indices and names of the variables that name sexton.
    pub renamed: Vec<(usize, &'static str)>,
    /// Indices of the variables that name another process or go with such a variable, and the ID of that process. If
    /// the process does not exist any more, the command may get its ID, and would take the variables for its own.
    pub foreign: Vec<(usize, i32)>,
    /// `LISTEN_PIDFDID` was removed.
    pub without_pidfd: bool,
    /// The number of descriptors from 3 on that are meant for the command.
    pub listen_fds: i32,
}

impl Naming {
    /// Finds these variables, and removes `LISTEN_PIDFDID` from the environment if `LISTEN_PID` names sexton, whose
    /// process ID is `pid`. A variable that `is_chosen` was set for the command on purpose, and does not count as
    /// foreign.
    #[must_use]
    pub fn find(
        environment: &mut Vec<Cow<CStr>>,
        pid: i32,
        is_chosen: impl Fn(&str) -> bool,
    ) -> Naming {
        let mut naming = Naming::default();
        if number(environment, "LISTEN_PID") == Some(pid) {
            let before = environment.len();
            environment.retain(|entry| !is(entry, LISTEN_PIDFDID));
            naming.without_pidfd = environment.len() < before;
            naming.listen_fds = number(environment, "LISTEN_FDS").unwrap_or(0).max(0);
        }
        for (name, names) in BY_PID {
            let Some(named) = number(environment, name) else { continue };
            let is_foreign = named != pid && !is_chosen(name);
            for (place, entry) in environment.iter().enumerate() {
                if named == pid && is(entry, name) {
                    naming.renamed.push((place, name));
                    break; // the first one counts
                }
                if is_foreign && names.iter().any(|name| is(entry, name) && !is_chosen(name)) {
                    naming.foreign.push((place, named));
                }
            }
        }
        naming
    }
}

/// Whether an entry of the environment is the variable of that name.
fn is(entry: &CStr, name: &str) -> bool {
    variable(&[entry], name.as_bytes()).is_some()
}

/// The number that the first variable of that name holds.
fn number<S: AsRef<CStr>>(environment: &[S], name: &str) -> Option<i32> {
    let (_, value) = variable(environment, name.as_bytes())?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A change of one variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    name: Vec<u8>,
    change: Change,
}

/// What becomes of a variable.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Change {
    /// It is removed.
    Unset,
    /// It is this entry: `NAME=VALUE`.
    Set(CString),
    /// It gets the contents of this file, which is not read yet.
    File(CString),
}

impl Edit {
    /// Reads `NAME=VALUE`, to set a variable.
    ///
    /// # Errors
    /// No `=`, or an empty name.
    pub fn set(text: &[u8]) -> Result<Edit, Reason> {
        let (name, value) = pair(text).ok_or("expected NAME=VALUE")?;
        Edit::set_to(name, value)
    }

    /// Reads `NAME=PATH`, to set a variable to what a file holds.
    ///
    /// # Errors
    /// No `=`, or an empty name or path.
    pub fn from_file(text: &[u8]) -> Result<Edit, Reason> {
        let (name, path) =
            pair(text).filter(|(_, path)| !path.is_empty()).ok_or("expected NAME=PATH")?;
        let path = CString::new(path).map_err(|_| "a path cannot contain a zero byte")?;
        Ok(Edit { name: name.to_vec(), change: Change::File(path) })
    }

    /// Reads a name, to unset that variable.
    ///
    /// # Errors
    /// An empty name, or one with `=` in it.
    pub fn unset(name: &[u8]) -> Result<Edit, Reason> {
        if name.is_empty() || name.contains(&b'=') {
            return Err("expected the name of a variable".into());
        }
        Ok(Edit { name: name.to_vec(), change: Change::Unset })
    }

    /// The file whose contents the variable is to get, if they are not read yet.
    #[must_use]
    pub fn file(&self) -> Option<&CStr> {
        match &self.change {
            Change::File(path) => Some(path),
            Change::Set(_) | Change::Unset => None,
        }
    }

    /// Sets the variable to what its file holds, without the last end of line.
    ///
    /// # Errors
    /// A zero byte.
    pub fn fill(&mut self, contents: &[u8]) -> Result<(), Reason> {
        *self = Edit::set_to(&self.name, contents.strip_suffix(b"\n").unwrap_or(contents))?;
        Ok(())
    }

    /// Sets a variable to a value.
    ///
    /// # Errors
    /// A zero byte.
    pub fn set_to(name: &[u8], value: &[u8]) -> Result<Edit, Reason> {
        let entry = CString::new([name, b"=", value].concat());
        let entry = entry.map_err(|_| "a variable cannot contain a zero byte")?;
        Ok(Edit { name: name.to_vec(), change: Change::Set(entry) })
    }

    fn names(&self, entry: &CStr) -> bool {
        entry.to_bytes().strip_prefix(&self.name[..]).is_some_and(|rest| rest.starts_with(b"="))
    }

    /// Displays as an action: `set variable 'HOME=/'`, `unset variable 'USER'`.
    pub fn describe(&self, values: Values) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let name = String::from_utf8_lossy(&self.name);
            match (&self.change, values) {
                (Change::Set(entry), Values::Shown) => {
                    write!(f, "set variable '{}'", Escaped(&entry.to_string_lossy()))
                }
                (Change::Set(_) | Change::File(_), _) => {
                    write!(f, "set variable '{}' (value not shown)", Escaped(&name))
                }
                (Change::Unset, _) => write!(f, "unset variable '{}'", Escaped(&name)),
            }
        })
    }
}

/// A name that is not empty, and what stands behind its `=`.
fn pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b'=').filter(|&at| at > 0)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `--dry-run`: whether the values of variables are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Values {
    /// Only the names are shown, because a value may be a secret, and the output may be logged.
    Hidden,
    /// `--dry-run=values`
    Shown,
}

/// Changes of the environment, one for each variable at most.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Edits(Vec<Edit>);

impl Edits {
    /// No changes.
    pub const NONE: Edits = Edits(Vec::new());

    /// Adds an edit of the layer that is being read, whose edits are the first `own`: see [`layered::add`]. It takes
    /// the place of an edit of the same variable in a layer below.
    ///
    /// # Errors
    /// A variable that this layer edits already.
    pub fn add_to_layer(&mut self, edit: Edit, own: &mut usize) -> Result<(), Reason> {
        let same_name = |edit: &Edit, other: &Edit| edit.name == other.name;
        let below = self.0.iter().skip(*own).position(|other| same_name(&edit, other));
        if let Some(below) = below {
            self.0.remove(*own + below);
        }
        layered::add(&mut self.0, own, edit, same_name).map_err(|edit| {
            let name = String::from_utf8_lossy(&edit.name);
            format!("{} is given twice", Shortened(&name)).into()
        })
    }

    /// Adds an edit, in place of another of the same variable.
    pub fn put(&mut self, edit: Edit) {
        self.0.retain(|other| other.name != edit.name);
        self.0.push(edit);
    }

    /// These edits, and those of `below` for variables that these leave alone.
    #[must_use]
    pub fn over(mut self, below: &Edits) -> Edits {
        for edit in &below.0 {
            if self.0.iter().all(|other| other.name != edit.name) {
                self.0.push(edit.clone());
            }
        }
        self
    }

    /// The changes of a login as this user: HOME, USER and LOGNAME. A user without an entry in /etc/passwd has the home
    /// `/`, like in Docker, and no name.
    #[must_use]
    pub fn for_login(identity: &Identity) -> Edits {
        let login = identity.login.as_ref();
        let home = login.map(|login| login.home.as_slice()).filter(|home| !home.is_empty());
        let mut edits = Vec::new();
        edits.extend(Edit::set_to(b"HOME", home.unwrap_or(b"/")));
        let names: &[&[u8]] = if identity.names_user { &[b"USER", b"LOGNAME"] } else { &[] };
        for variable in names {
            edits.extend(match login {
                Some(login) => Edit::set_to(variable, &login.name),
                None => Edit::unset(variable),
            });
        }
        Edits(edits)
    }

    /// The environment with these changes. A variable that is set takes the place of the first variable of its name, or
    /// is added at the end.
    #[must_use]
    pub fn apply<'a>(&self, environment: &[&'a CStr]) -> Vec<Cow<'a, CStr>> {
        let mut changed: Vec<Cow<CStr>> = environment.iter().copied().map(Cow::Borrowed).collect();
        for edit in &self.0 {
            let at = changed.iter().position(|entry| edit.names(entry));
            changed.retain(|entry| !edit.names(entry));
            if let Change::Set(entry) = &edit.change {
                changed.insert(at.unwrap_or(changed.len()), Cow::Owned(entry.clone()));
            }
        }
        changed
    }

    /// Whether a variable of this name is set.
    #[must_use]
    pub fn sets(&self, name: &str) -> bool {
        self.0.iter().any(|edit| edit.change != Change::Unset && edit.name == name.as_bytes())
    }

    /// The changes, to be changed themselves.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Edit> {
        self.0.iter_mut()
    }

    /// The changes, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Edit> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::user::Login;

    fn edits(set: &[&str], unset: &[&str]) -> Edits {
        let (mut edits, mut own) = (Edits::default(), 0);
        let mut add =
            |edit: Result<Edit, Reason>| edits.add_to_layer(edit.unwrap(), &mut own).unwrap();
        set.iter().for_each(|text| add(Edit::set(text.as_bytes())));
        unset.iter().for_each(|name| add(Edit::unset(name.as_bytes())));
        edits
    }

    fn applied(edits: &Edits, environment: &[&CStr]) -> Vec<CString> {
        edits.apply(environment).into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn a_variable_that_is_set_keeps_its_place_or_comes_last() {
        let before = [c"A=1", c"B=2", c"AB=3", c"A=4", c"no equals sign"];
        let after = applied(&edits(&["A=x=y", "NEW=", "Z= "], &["AB", "MISSING"]), &before);
        let expected = [c"A=x=y", c"B=2", c"no equals sign", c"NEW=", c"Z= "];
        assert_eq!(after, expected.map(CStr::to_owned));
        assert_eq!(applied(&Edits::default(), &before), before.map(CStr::to_owned));
    }

    #[test]
    fn names_and_values_may_be_any_bytes() {
        let mut edits = Edits::default();
        edits.add_to_layer(Edit::set(b"\xff=\xfe").unwrap(), &mut 0).unwrap();
        edits.add_to_layer(Edit::unset(b"\xfd").unwrap(), &mut 0).unwrap();
        assert_eq!(
            applied(&edits, &[c"\xfd=1", c"B=2"]),
            [c"B=2", c"\xff=\xfe"].map(CStr::to_owned)
        );
        for values in [Values::Hidden, Values::Shown] {
            let mut texts = edits.iter().map(|edit| edit.describe(values).to_string());
            assert!(texts.all(|text| text.is_ascii() || text.contains('�')));
        }
    }

    #[test]
    fn values_are_shown_only_on_request() {
        let edits = edits(&["A=s e\ncret"], &["B"]);
        let described = |values| -> Vec<String> {
            edits.iter().map(|edit| edit.describe(values).to_string()).collect()
        };
        let hidden = ["set variable 'A' (value not shown)", "unset variable 'B'"];
        assert_eq!(described(Values::Hidden), hidden);
        let shown = [r"set variable 'A=s e\ncret'", "unset variable 'B'"];
        assert_eq!(described(Values::Shown), shown);
    }

    #[test]
    fn malformed_and_repeated_variables_are_refused() {
        for text in ["", "A", "=x"] {
            assert_eq!(Edit::set(text.as_bytes()).unwrap_err(), "expected NAME=VALUE");
        }
        for name in ["", "A=", "A=1"] {
            assert!(Edit::unset(name.as_bytes()).is_err());
        }
        let mut once = edits(&["A=1"], &["B"]);
        for again in [Edit::set(b"A=1"), Edit::set(b"B=1"), Edit::unset(b"A"), Edit::unset(b"B")] {
            let reason = once.add_to_layer(again.unwrap(), &mut 2).unwrap_err();
            assert!(reason.contains("twice"));
        }
        assert!(Edit::set(b"A=\0").is_err());
    }

    #[test]
    fn a_file_gives_a_variable_its_value_without_the_last_end_of_line() {
        for (contents, entry) in [
            (&b"x"[..], c"A=x"),
            (b"x\n", c"A=x"),
            (b"x \n\n", c"A=x \n"),
            (b"", c"A="),
            (b"\n", c"A="),
            (b"\xff\n", c"A=\xff"),
        ] {
            let mut edit = Edit::from_file(b"A=/run/a=b").unwrap();
            assert_eq!(edit.file(), Some(c"/run/a=b"));
            edit.fill(contents).unwrap();
            assert_eq!(edit.change, Change::Set(entry.to_owned()));
        }
        let mut edit = Edit::from_file(b"A=b").unwrap();
        assert_eq!(edit.fill(b"\0").unwrap_err(), "a variable cannot contain a zero byte");
        for text in ["", "A", "=x", "A="] {
            assert_eq!(Edit::from_file(text.as_bytes()).unwrap_err(), "expected NAME=PATH");
        }
    }

    #[test]
    fn the_edits_of_a_higher_layer_come_first_and_replace_those_below() {
        let mut both = edits(&["A=2", "C=2"], &["B"]);
        let mut own = 0;
        both.add_to_layer(Edit::set(b"B=1").unwrap(), &mut own).unwrap();
        both.add_to_layer(Edit::unset(b"A").unwrap(), &mut own).unwrap();
        assert_eq!(own, 2);
        let described: Vec<String> =
            both.iter().map(|edit| edit.describe(Values::Shown).to_string()).collect();
        assert_eq!(described, ["set variable 'B=1'", "unset variable 'A'", "set variable 'C=2'"]);
    }

    #[test]
    fn edits_above_come_first_and_hide_those_below() {
        let both = edits(&["A=1"], &["B"]).over(&edits(&["A=2", "B=2", "C=2"], &["D"]));
        assert_eq!(both, edits(&["A=1"], &["B"]).over(&edits(&["C=2"], &["D"])));
        assert_eq!(applied(&both, &[c"B=0", c"D=0"]), [c"A=1", c"C=2"].map(CStr::to_owned));
    }

    #[test]
    fn a_login_sets_home_and_name_or_removes_those_of_another_user() {
        let identity =
            |login| Identity { uid: 5, gid: 5, groups: Vec::new(), login, names_user: true };
        let before = [c"USER=root", c"HOME=/root", c"LOGNAME=root", c"TERM=x"];
        let shown = |login| applied(&Edits::for_login(&identity(login)), &before);
        let login = |home: &[u8]| Some(Login { name: b"app".to_vec(), home: home.to_vec() });
        assert_eq!(
            shown(login(b"/srv")),
            [c"USER=app", c"HOME=/srv", c"LOGNAME=app", c"TERM=x"].map(CStr::to_owned)
        );
        assert_eq!(shown(login(b""))[1], c"HOME=/".to_owned());
        assert_eq!(shown(None), [c"HOME=/", c"TERM=x"].map(CStr::to_owned));
    }

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        let environment = [c"XPATH=1", c"PATH=a=b", c"PATH=2"];
        assert_eq!(variable(&environment, b"PATH"), Some((1, &b"a=b"[..])));
        assert_eq!(variable(&environment, b"ATH"), None);
    }

    /// What process 77 finds, and the environment afterwards. `LISTEN_FDNAMES` is set on purpose.
    fn naming(environment: &[&'static CStr]) -> (Naming, Vec<CString>) {
        let mut environment: Vec<Cow<CStr>> =
            environment.iter().copied().map(Cow::Borrowed).collect();
        let naming = Naming::find(&mut environment, 77, |name| name == "LISTEN_FDNAMES");
        (naming, environment.into_iter().map(Cow::into_owned).collect())
    }

    #[test]
    fn variables_that_name_sexton_are_found() {
        let (found, left) = naming(&[
            c"LISTEN_PIDFDID=1",
            c"A=1",
            c"LISTEN_PID=77",
            c"LISTEN_FDS=2",
            c"MAINPID=77",
            c"SYSTEMD_EXEC_PID=77",
            c"LISTEN_PIDFDID=2",
            c"WATCHDOG_PID=77",
            c"XWATCHDOG_PID=77",
        ]);
        let renamed = vec![(1, "LISTEN_PID"), (5, "WATCHDOG_PID"), (4, "SYSTEMD_EXEC_PID")];
        let expected = Naming { renamed, foreign: vec![], without_pidfd: true, listen_fds: 2 };
        assert_eq!(found, expected);
        assert_eq!((left.len(), &*left[1]), (7, c"LISTEN_PID=77"));
    }

    #[test]
    fn variables_that_name_another_process_are_foreign() {
        // getenv(3) finds the first of a name.
        let (found, left) = naming(&[
            c"LISTEN_FDS=2",
            c"LISTEN_PID=78",
            c"LISTEN_FDNAMES=x",
            c"LISTEN_PIDFDID=1",
            c"WATCHDOG_USEC=5",
            c"WATCHDOG_PID=79",
            c"WATCHDOG_PID=77",
        ]);
        let foreign = vec![(0, 78), (1, 78), (3, 78), (4, 79), (5, 79), (6, 79)];
        assert_eq!(found, Naming { foreign, ..Naming::default() });
        assert_eq!(left.len(), 7);
    }

    #[test]
    fn a_malformed_number_names_no_process() {
        for entry in [c"LISTEN_PID=", c"LISTEN_PID=7x", c"LISTEN_PID=99999999999", c"LISTEN_PID"] {
            assert_eq!(naming(&[entry]).0, Naming::default());
        }
        for count in [c"LISTEN_FDS=-1", c"LISTEN_FDS=x", c"A=1"] {
            assert_eq!(naming(&[c"LISTEN_PID=77", count]).0.listen_fds, 0);
        }
    }
}
