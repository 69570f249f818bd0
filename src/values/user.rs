//! Users and groups: `NAME|UID[:GROUP|GID]`, looked up in the contents of /etc/passwd and /etc/group (passwd(5),
//! group(5)).

#![forbid(unsafe_code)]

use crate::text::escape::Shortened;
use crate::values::decimal::decimal;
use crate::values::error::Reason;
use std::fmt;

/// A user or group as the user of sexton wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Id {
    /// A name, which is looked up.
    Name(String),
    /// A number, which needs no file.
    Number(u32),
}

/// The largest user or group ID. The next number means "no change" to setresuid(2).
const LARGEST: u32 = u32::MAX - 1;

impl Id {
    fn parse(text: &str, what: &str) -> Result<Id, Reason> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = number(text.as_bytes());
            let expected = || format!("a {what} ID is from 0 to {LARGEST}").into();
            return number.map(Id::Number).ok_or_else(expected);
        }
        let forbidden =
            |c: char| c.is_control() || c.is_whitespace() || matches!(c, ':' | ',' | '/');
        if text.is_empty() || text.starts_with(['-', '+']) || text.contains(forbidden) {
            let text = Shortened(text);
            return Err(format!("expected the name or number of a {what}, not '{text}'").into());
        }
        Ok(Id::Name(text.to_owned()))
    }
}

/// `--user`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// `None` for sexton's own user.
    user: Option<Id>,
    group: Option<Id>,
}

/// A change of user that changes less than a login does: a number without an entry keeps the present group, and of the
/// variables only HOME is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Less {
    /// The present user ID.
    pub uid: u32,
    /// The present group ID.
    pub gid: u32,
    /// The group itself is none of the supplementary ones, unless it lists the user.
    pub group_apart: bool,
}

impl Spec {
    /// Reads `app`, `1000`, `app:web`, `1000:1000`. With `gaps` a part may be empty: `:web` is sexton's own user, and
    /// `app:` is `app`.
    ///
    /// # Errors
    /// A part that is empty or cannot be a name, and a number out of range.
    pub fn parse(text: &str, gaps: bool) -> Result<Spec, Reason> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        let id = |text: Option<&str>, what| match text {
            None => Ok(None),
            Some("") if gaps => Ok(None),
            Some(text) => Id::parse(text, what).map(Some),
        };
        Ok(Spec { user: id(Some(user), "user")?, group: id(group, "group")? })
    }

    /// Looks up the user and the groups.
    ///
    /// The group is the given one, or that of the user's entry, or for a number without an entry the same number. The
    /// first supplementary group is the group itself, because a set-group-ID program could drop it otherwise. Unless a
    /// group is given, the groups that list the user follow. `less` changes that.
    ///
    /// # Errors
    /// A name without a complete entry; a file that is needed and cannot be read.
    pub fn resolve(&self, files: Files, less: Option<Less>) -> Result<Identity, Reason> {
        let wanted = match (&self.user, less) {
            (Some(Id::Name(name)), _) => Err(name),
            (Some(Id::Number(number)), _) => Ok(*number),
            (None, Some(less)) => Ok(less.uid),
            (None, None) => return Err("it names no user".into()),
        };
        let entry = files.users().find(|entry| match wanted {
            Err(name) => entry.name == name.as_bytes(),
            Ok(number) => entry.uid == number,
        });
        let uid = match (wanted, &entry) {
            (Ok(number), _) => number,
            (Err(_), Some(entry)) => entry.uid,
            (Err(name), None) => {
                return Err(not_found("user", name, "/etc/passwd", files.passwd));
            }
        };
        if self.group.is_none() {
            files.passwd.must_be_readable("/etc/passwd")?;
        }
        let gid = match &self.group {
            Some(group) => files.group(group)?,
            None => match &entry {
                Some(entry) => entry.gid,
                None => less.map_or(uid, |less| less.gid),
            },
        };
        let mut groups = match less {
            Some(Less { group_apart: true, .. }) => Vec::new(),
            _ => vec![gid],
        };
        if let (Some(entry), None) = (&entry, &self.group) {
            files.group.must_be_readable("/etc/group")?;
            let others =
                files.groups().filter(|group| group.has(entry.name)).map(|group| group.gid);
            for gid in others {
                if !groups.contains(&gid) {
                    groups.push(gid);
                }
            }
        }
        let login =
            entry.map(|entry| Login { name: entry.name.to_vec(), home: entry.home.to_vec() });
        Ok(Identity { uid, gid, groups, login, names_user: less.is_none() })
    }
}

/// `--groups`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Groups(Vec<Id>);

impl Groups {
    /// Reads `audio,44`, or `none`.
    ///
    /// # Errors
    /// As for [`Spec::parse`].
    pub fn parse(text: &str) -> Result<Groups, Reason> {
        if text == "none" {
            return Ok(Groups(Vec::new()));
        }
        let mut groups = Vec::new();
        for group in text.split(',') {
            groups.push(Id::parse(group, "group")?);
        }
        Ok(Groups(groups))
    }

    /// The group IDs.
    ///
    /// # Errors
    /// A name without an entry.
    pub fn resolve(&self, files: Files) -> Result<Vec<u32>, Reason> {
        let mut groups = Vec::with_capacity(self.0.len());
        for group in &self.0 {
            groups.push(files.group(group)?);
        }
        Ok(groups)
    }
}

/// The user and groups that the command runs as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Real, effective and saved user ID.
    pub uid: u32,
    /// Real, effective and saved group ID.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// The entry in /etc/passwd; `None` for a number without an entry.
    pub login: Option<Login>,
    /// Set USER and LOGNAME, too.
    pub names_user: bool,
}

/// What a login puts into variables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// `USER` and `LOGNAME`.
    pub name: Vec<u8>,
    /// `HOME`, which may be empty.
    pub home: Vec<u8>,
}

/// The two files.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// /etc/passwd
    pub passwd: File<'a>,
    /// /etc/group
    pub group: File<'a>,
}

/// One of these files.
#[derive(Clone, Copy, Debug)]
pub enum File<'a> {
    /// Its contents.
    Text(&'a [u8]),
    /// It does not exist.
    Missing,
    /// It cannot be read, for this reason. That is an error only if something has to be looked up there.
    Unreadable(&'a str),
}

impl<'a> File<'a> {
    fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        let text = match self {
            File::Text(text) => text,
            File::Missing | File::Unreadable(_) => &[],
        };
        text.split(|&byte| byte == b'\n')
    }

    /// # Errors
    /// The file cannot be read.
    fn must_be_readable(self, path: &str) -> Result<(), Reason> {
        match self {
            File::Unreadable(why) => Err(format!("unable to read {path}: {why}").into()),
            File::Text(_) | File::Missing => Ok(()),
        }
    }
}

/// The name of a user, in the contents of /etc/passwd.
#[must_use]
pub fn name_of(passwd: &[u8], uid: u32) -> Option<&[u8]> {
    let files = Files { passwd: File::Text(passwd), group: File::Missing };
    files.users().find(|entry| entry.uid == uid).map(|entry| entry.name)
}

struct UserEntry<'a> {
    name: &'a [u8],
    uid: u32,
    gid: u32,
    home: &'a [u8],
}

struct GroupEntry<'a> {
    name: &'a [u8],
    gid: u32,
    members: &'a [u8],
}

impl GroupEntry<'_> {
    fn has(&self, user: &[u8]) -> bool {
        self.members.split(|&byte| byte == b',').any(|member| member == user)
    }
}

impl<'a> Files<'a> {
    /// The complete entries. getpwent(3) skips the others, too.
    fn users(self) -> impl Iterator<Item = UserEntry<'a>> {
        self.passwd.lines().filter_map(|line| {
            let [name, _, uid, gid, _, home, _] = fields(line, 7)?;
            Some(UserEntry { name, uid: number(uid)?, gid: number(gid)?, home })
        })
    }

    fn groups(self) -> impl Iterator<Item = GroupEntry<'a>> {
        self.group.lines().filter_map(|line| {
            let [name, _, gid, members, ..] = fields(line, 4)?;
            Some(GroupEntry { name, gid: number(gid)?, members })
        })
    }

    fn group(self, id: &Id) -> Result<u32, Reason> {
        match id {
            Id::Number(number) => Ok(*number),
            Id::Name(name) => self
                .groups()
                .find(|entry| entry.name == name.as_bytes())
                .map(|entry| entry.gid)
                .ok_or_else(|| not_found("group", name, "/etc/group", self.group)),
        }
    }
}

fn not_found(what: &str, name: &str, path: &str, file: File) -> Reason {
    let name = Shortened(name);
    let why = match file {
        File::Text(_) => format!("{path} has no {what} '{name}'"),
        File::Missing => {
            format!("{path} does not exist: give {what} '{name}' as a number")
        }
        File::Unreadable(why) => format!("unable to read {path}: {why}"),
    };
    why.into()
}

/// The fields of a line with that many fields. The last one may contain colons.
fn fields(line: &[u8], count: usize) -> Option<[&[u8]; 7]> {
    let mut fields = line.splitn(count, |&byte| byte == b':');
    let mut found = [&[][..]; 7];
    for slot in found.iter_mut().take(count) {
        *slot = fields.next()?;
    }
    Some(found)
}

fn number(field: &[u8]) -> Option<u32> {
    decimal(field).filter(|&number| number <= LARGEST)
}

/// Displays IDs as a list: `10,20`, or `none`.
pub struct Listed<'a>(pub &'a [u32]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, id) in self.0.iter().enumerate() {
            write!(f, "{}{id}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: Files = Files {
        passwd: File::Text(
            b"root:x:0:0:root:/root:/bin/sh\n\
              # a comment\n\
              short:x:7\n\
              +::::::\n\
              app:x:1000:1001:App,,,:/srv/app:/bin/false\n\
              bad:x:-1:5::/:\n\
              huge:x:4294967295:5::/:\n\
              odd:x:2000:2000:::\n\
              app:x:3000:3000::/second:/bin/sh\n\
              caf\xc3\xa9:x:2001:2001::/h\xff:/bin/sh:more",
        ),
        group: File::Text(
            b"root:x:0:\n\
              audio:x:29:app,other\n\
              app:x:1001:\n\
              broken:x:zz:app\n\
              video:x:44:other,app\n\
              again:x:29:app\n\
              staff:x:50:apple,xapp\n",
        ),
    };
    const NONE: Files = Files { passwd: File::Missing, group: File::Missing };

    fn resolved(text: &str, files: Files) -> Result<(u32, u32, Vec<u32>), Reason> {
        let identity = Spec::parse(text, false)?.resolve(files, None)?;
        Ok((identity.uid, identity.gid, identity.groups))
    }

    #[test]
    fn a_name_has_the_groups_that_list_it() {
        assert_eq!(resolved("app", FILES).unwrap(), (1000, 1001, vec![1001, 29, 44]));
        assert_eq!(resolved("root", FILES).unwrap(), (0, 0, vec![0]));
        assert_eq!(resolved("café", FILES).unwrap(), (2001, 2001, vec![2001]));
    }

    #[test]
    fn a_number_with_an_entry_is_the_same_as_the_name() {
        assert_eq!(resolved("1000", FILES).unwrap(), (1000, 1001, vec![1001, 29, 44]));
    }

    #[test]
    fn a_number_without_an_entry_is_its_own_group() {
        for files in [FILES, NONE] {
            assert_eq!(resolved("4000", files).unwrap(), (4000, 4000, vec![4000]));
            assert_eq!(resolved("0", NONE).unwrap(), (0, 0, vec![0]));
        }
    }

    #[test]
    fn with_less_what_is_not_given_stays_as_it_is() {
        let resolved = |text: &str, group_apart| {
            let less = Less { uid: 1000, gid: 3, group_apart };
            let identity = Spec::parse(text, true)?.resolve(FILES, Some(less))?;
            assert!(!identity.names_user);
            Ok::<_, Reason>((identity.uid, identity.gid, identity.groups))
        };
        for (text, expected) in [
            ("root", (0, 0, vec![0])),
            ("app:", (1000, 1001, vec![1001, 29, 44])),
            ("", (1000, 1001, vec![1001, 29, 44])),
            (":77", (1000, 77, vec![77])),
            ("4000", (4000, 3, vec![3])),
            ("4000:5", (4000, 5, vec![5])),
        ] {
            assert_eq!(resolved(text, false), Ok(expected.clone()), "{text}");
            let (uid, gid, groups) = expected;
            assert_eq!(resolved(text, true), Ok((uid, gid, groups[1..].to_vec())), "{text}");
        }
        for text in ["nosuch", "app:nosuch", "4294967295", "a b", "::"] {
            assert!(resolved(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn a_given_group_is_the_only_one() {
        assert_eq!(resolved("app:video", FILES).unwrap(), (1000, 44, vec![44]));
        assert_eq!(resolved("app:77", FILES).unwrap(), (1000, 77, vec![77]));
        assert_eq!(resolved("1000:77", NONE).unwrap(), (1000, 77, vec![77]));
        assert_eq!(resolved("5:staff", FILES).unwrap(), (5, 50, vec![50]));
    }

    #[test]
    fn the_entry_says_what_a_login_sets() {
        let login =
            |text: &str| Spec::parse(text, false).unwrap().resolve(FILES, None).unwrap().login;
        let app = Login { name: b"app".to_vec(), home: b"/srv/app".to_vec() };
        assert_eq!(login("app:44"), Some(app));
        assert_eq!(login("café").unwrap().home, b"/h\xff");
        assert_eq!(login("odd").unwrap().home, b"");
        assert_eq!(login("4000"), None);
    }

    #[test]
    fn a_name_without_a_complete_entry_is_not_found() {
        for name in ["short", "bad", "huge", "nosuch", "#", "App"] {
            let reason = resolved(name, FILES).unwrap_err();
            assert_eq!(*reason, *format!("/etc/passwd has no user '{name}'"));
        }
        assert_eq!(resolved("app:broken", FILES).unwrap_err(), "/etc/group has no group 'broken'");
        let reason = resolved("app", NONE).unwrap_err();
        assert!(
            reason.contains("/etc/passwd does not exist") && reason.contains("number"),
            "{reason}"
        );
        let reason = resolved("1:web", NONE).unwrap_err();
        assert!(reason.contains("/etc/group does not exist"), "{reason}");
    }

    #[test]
    fn an_unreadable_file_is_an_error_only_if_it_is_needed() {
        let denied = File::Unreadable("denied");
        let none = Files { passwd: denied, group: denied };
        assert_eq!(resolved("1000:77", none).unwrap(), (1000, 77, vec![77]));
        for text in ["1000", "app", "app:77"] {
            let reason = resolved(text, none).unwrap_err();
            assert_eq!(reason, "unable to read /etc/passwd: denied", "{text}");
        }
        let no_group = Files { group: denied, ..FILES };
        assert_eq!(resolved("app:77", no_group).unwrap(), (1000, 77, vec![77]));
        assert_eq!(resolved("4000", no_group).unwrap(), (4000, 4000, vec![4000]));
        for text in ["app", "1000", "5:staff"] {
            let reason = resolved(text, no_group).unwrap_err();
            assert_eq!(reason, "unable to read /etc/group: denied", "{text}");
        }
    }

    #[test]
    fn words_that_cannot_be_users_are_refused_without_a_lookup() {
        for text in [
            "",
            ":",
            "app:",
            ":web",
            "a:b:c",
            "-1",
            "+1",
            "a b",
            "a,b",
            "4294967295",
            "99999999999",
        ] {
            assert!(Spec::parse(text, false).is_err(), "{text:?}");
        }
        assert_eq!(resolved("4294967294", NONE).unwrap().0, 4_294_967_294);
        assert!(Spec::parse("99999999999", false).unwrap_err().contains("0 to 4294967294"));
    }

    #[test]
    fn groups_are_listed_or_none() {
        let groups = |text: &str| Groups::parse(text)?.resolve(FILES);
        assert_eq!(groups("audio,5,video").unwrap(), [29, 5, 44]);
        assert_eq!(groups("none").unwrap(), []);
        for text in ["", "audio,", "none,audio", "nosuch", "-1"] {
            assert!(groups(text).is_err(), "{text:?}");
        }
        assert_eq!(Listed(&[]).to_string(), "none");
        assert_eq!(Listed(&[1, 22]).to_string(), "1,22");
    }
}
