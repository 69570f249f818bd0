//! Capabilities (capabilities(7)): lists of names, and the five sets of a process before and after a change.

#![forbid(unsafe_code)]

use crate::text::escape::Shortened;
use crate::values::error::Reason;
use crate::values::names::Names;
use caps::Capability;
use std::fmt;

/// A set of capabilities in the kernel's layout: bit N is capability N, also if it is newer than the names here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// No capability.
    pub const EMPTY: CapabilitySet = CapabilitySet(0);
    /// All capabilities, with those of future kernels.
    pub const ALL: CapabilitySet = CapabilitySet(u64::MAX);
    /// CAP_KILL: signal processes of other users.
    pub const KILL: CapabilitySet = CapabilitySet(1 << Capability::CAP_KILL as u8);
    /// CAP_SETGID: change groups.
    pub const SETGID: CapabilitySet = CapabilitySet(1 << Capability::CAP_SETGID as u8);
    /// CAP_SETUID: change the user.
    pub const SETUID: CapabilitySet = CapabilitySet(1 << Capability::CAP_SETUID as u8);
    /// CAP_SETPCAP: drop from the bounding set.
    pub const SETPCAP: CapabilitySet = CapabilitySet(1 << Capability::CAP_SETPCAP as u8);
    /// CAP_SYS_PTRACE: see processes of other users, and those with more capabilities, in a /proc that hides them.
    pub const SYS_PTRACE: CapabilitySet = CapabilitySet(1 << Capability::CAP_SYS_PTRACE as u8);

    /// The set with the kernel's bit pattern.
    #[must_use]
    pub const fn from_bits(bits: u64) -> CapabilitySet {
        CapabilitySet(bits)
    }

    /// The kernel's bit pattern.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The capabilities that are in either set.
    #[must_use]
    pub const fn or(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 | other.0)
    }

    /// The capabilities that are in both sets.
    #[must_use]
    pub const fn and(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 & other.0)
    }

    /// The capabilities that are not in the other set.
    #[must_use]
    pub const fn without(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 & !other.0)
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kernel's numbers of the capabilities.
    pub fn numbers(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |number| self.0 >> number & 1 == 1)
    }
}

/// The names of the capabilities, without CAP_.
const NAMES: Names = Names(
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable \
     net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot \
     sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease \
     audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read \
     perfmon bpf checkpoint_restore",
);

/// Displays as `net_bind_service, kill`, with the number of a capability that has no name here.
impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (index, number) in self.numbers().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            match NAMES.get(number as usize) {
                Some(name) => write!(f, "{separator}{name}")?,
                None => write!(f, "{separator}{number}")?,
            }
        }
        Ok(())
    }
}

/// A list as the user wrote it: names, and perhaps `all`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct List {
    all: bool,
    named: CapabilitySet,
}

impl List {
    /// Adds `NAME,...`. A name has `CAP_` in front or not, and is in upper or lower case, or it is `all`.
    ///
    /// # Errors
    /// A name that is unknown, or in the list already.
    pub fn add(&mut self, text: &str) -> Result<(), Reason> {
        text.split(',').try_for_each(|name| self.add_one(name))
    }

    fn add_one(&mut self, text: &str) -> Result<(), Reason> {
        let twice = || Err(format!("'{}' is given twice", Shortened(text)).into());
        if text.eq_ignore_ascii_case("all") {
            return if std::mem::replace(&mut self.all, true) { twice() } else { Ok(()) };
        }
        let lower = text.to_ascii_lowercase();
        let bare = lower.strip_prefix("cap_").unwrap_or(&lower);
        let number = NAMES.find(bare).ok_or_else(|| {
            format!(
                "'{}' is not a capability: expected 'all' or names such as net_bind_service",
                Shortened(text)
            )
        })?;
        let set = CapabilitySet(1 << number);
        if !self.named.and(set).is_empty() {
            return twice();
        }
        self.named = self.named.or(set);
        Ok(())
    }
}

/// `--cap-drop`, `--cap-keep` and `--cap-ambient`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spec {
    /// Capabilities that the command must never have.
    pub drop: Option<List>,
    /// The only capabilities that the command may have.
    pub keep: Option<List>,
    /// Capabilities that the command has whatever user it runs as.
    pub ambient: Option<List>,
}

impl Spec {
    /// None of them.
    pub const NONE: Spec = Spec { drop: None, keep: None, ambient: None };
}

/// The five sets of capabilities of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sets {
    /// The capabilities that the command and its descendants can gain by exec.
    pub bounding: CapabilitySet,
    /// The capabilities that the exec of an unprivileged program preserves.
    pub ambient: CapabilitySet,
    /// The three sets of capset(2).
    pub base: Base,
}

/// The three sets that capset(2) sets together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Base {
    /// The capabilities that permission checks look at.
    pub effective: CapabilitySet,
    /// The capabilities that may become effective.
    pub permitted: CapabilitySet,
    /// The capabilities that an exec preserves if the file allows it.
    pub inheritable: CapabilitySet,
}

/// A change of the sets of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// The capabilities to drop from the bounding set.
    pub drop: CapabilitySet,
    /// The new base sets.
    pub base: Base,
    /// The capabilities to add to the ambient set.
    pub raise: CapabilitySet,
}

impl Spec {
    /// Checks the lists against each other.
    ///
    /// # Errors
    /// Capabilities that are to be both dropped and kept.
    pub fn check(&self) -> Result<(), String> {
        let [drop, keep, ambient] =
            [self.drop, self.keep, self.ambient].map(Option::unwrap_or_default);
        let both = drop.named.and(keep.named.or(ambient.named));
        if drop.all && (keep.all || ambient.all) {
            return Err("'all' is in --cap-drop and in --cap-keep or --cap-ambient".into());
        }
        if !both.is_empty() {
            return Err(format!("in --cap-drop and in --cap-keep or --cap-ambient: {both}"));
        }
        Ok(())
    }

    /// The capabilities that the command must not have: those to drop, or all but those to keep, without those that
    /// another list names.
    fn dropped(&self) -> CapabilitySet {
        let [drop, keep, ambient] =
            [self.drop, self.keep, self.ambient].map(Option::unwrap_or_default);
        let only_kept = self.keep.is_some() && !keep.all;
        let dropped = if drop.all || only_kept { CapabilitySet::ALL } else { drop.named };
        dropped.without(keep.named.or(ambient.named))
    }

    /// The change of a process with the sets `held` that gives the command the capabilities asked for. `user` is the
    /// user ID that the command is given, if any: it then has the ambient set only, and root also gains the bounding
    /// set by its exec.
    ///
    /// # Errors
    /// An ambient capability that the process itself does not have.
    pub fn resolve(&self, held: Sets, user: Option<u32>) -> Result<Change, Reason> {
        let dropped = self.dropped();
        let ambient = match self.ambient.unwrap_or_default() {
            List { all: true, .. } => held.base.permitted.without(dropped),
            List { named, .. } => named,
        };
        // PR_CAP_AMBIENT_RAISE accepts capabilities that are permitted and inheritable, and capset(2) makes a
        // capability inheritable only if it is in the bounding set.
        let possible = held.base.permitted.and(held.bounding.or(held.base.inheritable));
        let missing = ambient.without(possible);
        if !missing.is_empty() {
            return Err(format!("sexton does not have {missing}").into());
        }
        let left = |set: CapabilitySet| match user {
            Some(uid) if uid != ROOT => ambient,
            _ => set.without(dropped),
        };
        let inheritable = match user {
            Some(_) => ambient,
            None => held.base.inheritable.without(dropped).or(ambient),
        };
        Ok(Change {
            drop: held.bounding.and(dropped),
            base: Base {
                effective: left(held.base.effective),
                permitted: left(held.base.permitted),
                inheritable,
            },
            raise: ambient,
        })
    }
}

/// The user whose exec makes the capabilities of the bounding set permitted.
pub const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> List {
        let mut list = List::default();
        list.add(text).unwrap();
        list
    }

    fn set(text: &str) -> CapabilitySet {
        list(text).named
    }

    fn spec(drop: &str, keep: &str, ambient: &str) -> Spec {
        let list = |text: &str| (!text.is_empty()).then(|| list(text));
        Spec { drop: list(drop), keep: list(keep), ambient: list(ambient) }
    }

    /// The sets of a process of root, with one inheritable capability.
    fn held() -> Sets {
        let all = set("chown,kill,setuid,net_raw").or(CapabilitySet(1 << 50));
        let base = Base { effective: all, permitted: all, inheritable: set("net_raw") };
        Sets { bounding: all, ambient: CapabilitySet::EMPTY, base }
    }

    #[test]
    fn names_are_read_in_every_spelling() {
        for text in ["net_raw", "NET_RAW", "cap_net_raw", "CAP_NET_RAW", "Cap_Net_Raw"] {
            assert_eq!(list(text).named.bits(), 1 << 13, "{text}");
        }
        assert_eq!(list("chown,kill").named.bits(), 0b10_0001);
        assert!(list("all").all && list("ALL,chown").all);
        for capability in caps::all() {
            assert_eq!(list(&capability.to_string()).named.bits(), capability.bitmask());
        }
        assert_eq!(CapabilitySet::KILL, set("kill"));
        assert_eq!(CapabilitySet::SYS_PTRACE, set("sys_ptrace"));
    }

    #[test]
    fn unknown_and_repeated_names_are_refused_and_echoed() {
        for text in
            ["", "chown,", "net-raw", "cap_", "41", "none", "cap_all", "chown,chown", "all,all"]
        {
            let last = text.rsplit(',').next().unwrap();
            let reason = List::default().add(text).unwrap_err();
            assert!(reason.contains(&format!("'{last}'")), "{text:?}: {reason}");
        }
    }

    #[test]
    fn sets_are_shown_by_name_or_number() {
        assert_eq!(set("kill,chown").to_string(), "chown, kill");
        assert_eq!(CapabilitySet(1 << 50 | 1).to_string(), "chown, 50");
        assert_eq!(CapabilitySet::EMPTY.to_string(), "none");
    }

    #[test]
    fn dropped_capabilities_are_in_no_set() {
        let change = spec("net_raw", "", "").resolve(held(), None).unwrap();
        assert_eq!(change.drop, set("net_raw"));
        assert_eq!(change.base.permitted, held().base.permitted.without(set("net_raw")));
        assert_eq!(change.base.effective, change.base.permitted);
        assert_eq!(change.base.inheritable, CapabilitySet::EMPTY);
        // Capabilities without a name here are dropped with the others.
        let change = spec("all", "", "").resolve(held(), None).unwrap();
        assert_eq!((change.drop, change.base), (held().bounding, Base::default()));
    }

    #[test]
    fn only_kept_capabilities_are_left() {
        for spec in [spec("", "kill", ""), spec("all", "kill", ""), spec("chown", "kill", "")] {
            let change = spec.resolve(held(), None).unwrap();
            assert_eq!(change.drop, held().bounding.without(set("kill")));
            assert_eq!(change.base.permitted, set("kill"));
        }
        let change = spec("", "all", "").resolve(held(), None).unwrap();
        assert_eq!((change.drop, change.base), (CapabilitySet::EMPTY, held().base));
    }

    #[test]
    fn another_user_has_the_ambient_capabilities_only() {
        let change = spec("all", "", "kill").resolve(held(), Some(1000)).unwrap();
        let kill = set("kill");
        let base = Base { effective: kill, permitted: kill, inheritable: kill };
        assert_eq!(change, Change { drop: held().bounding.without(kill), base, raise: kill });
        let change = spec("", "", "kill").resolve(held(), Some(1000)).unwrap();
        assert_eq!(change, Change { drop: CapabilitySet::EMPTY, base, raise: kill });
        let change = spec("", "", "all").resolve(held(), Some(1000)).unwrap();
        assert_eq!(change.raise, held().base.permitted);
        let change = spec("", "kill", "all").resolve(held(), None).unwrap();
        assert_eq!(change.raise, kill);
    }

    #[test]
    fn another_user_has_no_capabilities_by_default() {
        let change = Spec::default().resolve(held(), Some(1000)).unwrap();
        assert_eq!((change.drop, change.base), (CapabilitySet::EMPTY, Base::default()));
        // Root gains them by its exec. Inheritable capabilities are cleared nevertheless.
        let change = Spec::default().resolve(held(), Some(ROOT)).unwrap();
        let expected = Base { inheritable: CapabilitySet::EMPTY, ..held().base };
        assert_eq!(change.base, expected);
    }

    #[test]
    fn without_a_user_inheritable_capabilities_stay() {
        let change = spec("", "", "kill").resolve(held(), None).unwrap();
        assert_eq!(change.base.inheritable, set("kill,net_raw"));
    }

    #[test]
    fn an_ambient_capability_must_be_held() {
        let error = spec("", "", "sys_admin,kill").resolve(held(), None).unwrap_err();
        assert_eq!(error, "sexton does not have sys_admin");
        // The capability is permitted, but capset(2) would not make it inheritable.
        let narrow = Sets { bounding: CapabilitySet::EMPTY, ..held() };
        assert!(spec("", "", "kill").resolve(narrow, None).is_err());
        assert!(spec("", "", "net_raw").resolve(narrow, None).is_ok());
    }

    #[test]
    fn capabilities_cannot_be_both_dropped_and_kept() {
        for (drop, keep, ambient) in [
            ("chown", "chown", ""),
            ("chown,kill", "", "kill"),
            ("all", "all", ""),
            ("all", "", "all"),
        ] {
            let reason = spec(drop, keep, ambient).check().unwrap_err();
            assert!(reason.contains("--cap-drop"), "{reason}");
        }
        for (drop, keep, ambient) in
            [("all", "chown", "kill"), ("chown", "kill", ""), ("", "all", "all"), ("", "", "")]
        {
            spec(drop, keep, ambient).check().unwrap();
        }
    }
}
