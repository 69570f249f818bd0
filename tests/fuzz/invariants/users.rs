//! /etc/passwd, /etc/group, and who is looked up there.

use super::assert_shows;
use sexton::internals::environment::{Edits, Values};
use sexton::internals::user::{self, File, Files, Groups, Spec};

/// In the first line a user, in the second one groups, as `--user` and `--groups` have them. Behind a form feed
/// /etc/passwd, behind another one /etc/group.
pub fn users(text: &[u8]) {
    let mut parts = text.splitn(3, |&byte| byte == 0x0c);
    let mut part = || parts.next().unwrap_or_default();
    let (wanted, passwd, group) = (part(), part(), part());
    names(passwd);
    let wanted = String::from_utf8_lossy(wanted);
    let (spec, groups) = wanted.split_once('\n').unwrap_or((&wanted, "none"));
    let files = Files { passwd: File::Text(passwd), group: File::Text(group) };
    identity(spec, files);
    let Ok(parsed) = Groups::parse(groups) else { return };
    let listed = groups.split(',').filter(|_| groups != "none");
    match parsed.resolve(files) {
        Ok(found) => {
            assert!(found.iter().all(|&id| id < u32::MAX));
            assert_eq!(found.len(), listed.count());
        }
        Err(reason) => assert!(reason.starts_with("/etc/group has no group '"), "{reason}"),
    }
}

/// `--user`.
fn identity(spec: &str, files: Files) {
    let (user, group) = spec.split_once(':').map_or((spec, None), |(u, g)| (u, Some(g)));
    let parsed = match Spec::parse(spec, false) {
        Ok(parsed) => parsed,
        Err(reason) => return assert!(reason.contains("user") || reason.contains("group")),
    };
    assert_shows(spec);
    let foreign =
        b"app\nshort:x:1\nneg:x:-1:-1::/:\nhuge:x:4294967295:0::/:\n\xff:x:x:x:x:x:x\n::\n";
    let missing = [File::Missing, File::Unreadable("denied")];
    for file in missing {
        // Whoever is looked up nowhere is who is named, if anybody.
        let found = parsed.resolve(Files { passwd: file, group: file }, None);
        if let Ok(found) = found {
            assert_eq!(Ok(found.uid), user.parse());
            assert_eq!(Ok(found.gid), group.unwrap_or(user).parse());
            assert_eq!((&found.groups[..], found.login), (&[found.gid][..], None));
        }
    }
    let (File::Text(passwd), File::Text(group_file)) = (files.passwd, files.group) else { return };
    let resolved = parsed.resolve(files, None);
    let longer = [&[foreign, passwd].concat()[..], &[foreign, group_file].concat()];
    let longer = Files { passwd: File::Text(longer[0]), group: File::Text(longer[1]) };
    assert_eq!(parsed.resolve(longer, None), resolved, "lines that are not whole are no matter");
    let found = match resolved {
        Ok(found) => found,
        Err(reason) => return assert!(reason.contains(" has no "), "{reason}"),
    };
    assert!(found.uid < u32::MAX && found.gid < u32::MAX);
    assert_eq!(found.groups.first(), Some(&found.gid));
    let mut unique = found.groups.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), found.groups.len(), "{found:?}");
    assert!(group.is_none() || found.groups.len() == 1, "{found:?}");
    match &found.login {
        None => assert_eq!(Ok(found.uid), user.parse()),
        Some(login) => {
            assert!(!login.name.contains(&b':') && !login.home.contains(&b':'));
            let line = [&login.name[..], b":"].concat();
            let entry = passwd.split(|&byte| byte == b'\n').find(|entry| {
                entry.starts_with(&line)
                    && entry.split(|&byte| byte == b':').nth(5) == Some(&login.home)
            });
            assert!(entry.is_some(), "{found:?}");
            assert!(login.name == user.as_bytes() || user.parse() == Ok(found.uid), "{found:?}");
        }
    }
    // What a login sets can be set, but for a zero byte, which no variable can hold.
    let edits = Edits::for_login(&found);
    let zero = found.login.is_some_and(|login| [login.name, login.home].concat().contains(&0));
    assert!(edits.iter().count() == 3 || zero);
    edits.iter().for_each(|edit| assert_shows(&edit.describe(Values::Shown).to_string()));
}

/// The names of users.
fn names(text: &[u8]) {
    for uid in [0, 1000, 4_294_967_294] {
        let name = user::name_of(text, uid);
        if let Some(name) = name {
            let line = [name, b":"].concat();
            assert!(!name.contains(&b':') && !name.contains(&b'\n'));
            assert!(text.split(|&byte| byte == b'\n').any(|other| other.starts_with(&line)));
        }
        let foreign = format!("other:x:7777:{uid}::/:\n:{uid}:\nx:x:{uid}\n#\n");
        let longer = [foreign.as_bytes(), text].concat();
        assert_eq!(user::name_of(&longer, uid), name);
        let ended = [text, format!("\nlast:x:{uid}:1::/:\n").as_bytes()].concat();
        assert_eq!(user::name_of(&ended, uid), Some(name.unwrap_or(b"last")));
    }
}
