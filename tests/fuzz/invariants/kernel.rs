//! The files of the kernel.

use sexton::Resource;
use sexton::internals::forest;
use sexton::internals::procfs::{self, Stat, Status};

/// `/proc/PID/stat`.
pub fn stat(text: &[u8]) {
    let name_end = text.iter().rposition(|&byte| byte == b')');
    if let Some(name) = procfs::name(text) {
        assert!(name_end.is_some_and(|end| text[..end].ends_with(name)));
    }
    let Some(stat) = Stat::parse(text) else { return };
    // Whatever the name is.
    for name in [&b"sh"[..], b"", b") R 1 (", b"\xff\n("] {
        let renamed = [b"7 (", name, &text[name_end.unwrap()..]].concat();
        assert_eq!(Stat::parse(&renamed), Some(stat));
        assert_eq!(procfs::name(&renamed), Some(name));
    }
    assert!(!stat.is_zombie() || stat.threads <= 1);
    let cpu = stat.cpu_time().as_millis() / 10;
    let Stat { state, parent, group, threads, started, .. } = stat;
    let rendered = format!(
        "1 (x) {state} {parent} {group} 6 7 8 9 10 11 12 13 {cpu} 0 16 17 18 19 {threads} 21 {started}"
    );
    let read = Stat::parse(rendered.as_bytes()).unwrap();
    assert_eq!(read.cpu_time().as_millis(), cpu * 10);
    assert_eq!(
        (read.state, read.parent, read.group, read.threads, read.started),
        (state, parent, group, threads, started)
    );
}

/// `/proc/PID/status`.
pub fn status(text: &[u8]) {
    let status = Status::parse(text);
    let foreign = b"Name:\t\xff\tUid:\t1\t1\nUid\nUi:\t5\t5\n:\nVmRSSx:\t7 kB\nSigBl\n\n";
    let longer = [foreign, text, b"\n", foreign].concat();
    assert_eq!(Status::parse(&longer), status);
    let Status { uid, tracer, leads_namespace, memory, pending, blocked, ignored, caught } = status;
    let [pending, blocked, ignored, caught] =
        [pending, blocked, ignored, caught].map(|set| set.bits());
    let mut rendered = format!("TracerPid:\t{tracer}\nSigBlk:\t{blocked:016x}\n");
    rendered += &format!("ShdPnd:\t{pending:016x}\n");
    rendered += &format!("SigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n");
    if leads_namespace {
        rendered += "NSpid:\t2\t1\n";
    }
    if let Some(uid) = uid {
        rendered += &format!("Uid:\t0\t{uid}\t0\t0\n");
    }
    if let Some(memory) = memory {
        rendered += &format!("VmRSS:\t{} kB\n", memory / 1024);
    }
    assert_eq!(Status::parse(rendered.as_bytes()), status);
}

/// `/proc/PID/limits`.
pub fn limits(text: &[u8]) {
    let text = &String::from_utf8_lossy(text);
    let limits = procfs::limits(text);
    let at = |resource| Resource::ALL.iter().position(|other| *other == resource);
    assert!(limits.is_sorted_by(|(one, _), (other, _)| at(*one) < at(*other))); // 16 at most
    for limit in &limits {
        assert!(text.lines().any(|line| procfs::limits(line).contains(limit)));
    }
    let longer = format!("Limit  Soft  Hard\nMax open\nmax open files 1 1\n{text}\nMax files 2 2");
    assert_eq!(procfs::limits(&longer), limits);
}

/// `/proc/PID/cgroup`, and the files of cgroups.
pub fn cgroup(text: &[u8]) {
    let text = &String::from_utf8_lossy(text);
    for controller in ["memory", "pids", ""] {
        let group = procfs::cgroup(text, controller);
        if let Some(group) = group {
            let ends =
                |line: &str| line.strip_suffix(group).is_some_and(|line| line.ends_with(':'));
            assert!(text.split('\n').any(ends));
        }
        let longer = format!("99:foreign,x{controller}:/a\n98\n{text}\n97:y");
        assert_eq!(procfs::cgroup(&longer, controller), group);
        let ended = format!("{text}\n1:{controller}:/b:c");
        assert_eq!(procfs::cgroup(&ended, controller), Some(group.unwrap_or("/b:c")));
    }
    for key in ["oom_kill", "max"] {
        let entry = procfs::entry(text, key);
        let longer = format!("x{key} 1\n{key}x 2\n{key} \n{key}\n{text}");
        assert_eq!(procfs::entry(&longer, key), entry);
        let ended = format!("{text}\n{key} 7");
        assert_eq!(procfs::entry(&ended, key), Some(entry.unwrap_or(7)));
    }
    if let Some(limit) = procfs::cgroup_limit(text) {
        assert!(limit < 1 << 62);
        assert_eq!(procfs::cgroup_limit(&format!(" {limit}\n")), Some(limit));
    }
}

/// A list of processes: each two bytes are a process ID and its parent.
pub fn forest(bytes: &[u8]) {
    let pairs = bytes.chunks_exact(2).map(|pair| (i32::from(pair[0]), i32::from(pair[1])));
    let mut processes: Vec<(i32, i32)> = pairs.collect();
    processes.sort_unstable();
    processes.dedup_by_key(|(pid, _)| *pid);
    let order = forest::order(&processes);
    let mut seen: Vec<usize> = order.iter().map(|(index, _)| *index).collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..processes.len()), "{processes:?}: {order:?}");
    let parent = |pid| processes.iter().find(|(other, _)| *other == pid).map(|(_, parent)| *parent);
    let mut line: Vec<i32> = Vec::new(); // of ancestors
    for (index, depth) in order {
        let (pid, its_parent) = processes[index];
        assert!(depth <= line.len(), "{processes:?}");
        line.truncate(depth);
        match line.last() {
            Some(above) => assert_eq!(*above, its_parent, "{processes:?}"),
            None => {
                // It has no parent, or is its own ancestor.
                let mut ancestors = std::iter::successors(parent(pid), |pid| parent(*pid));
                let circle = ancestors.by_ref().take(processes.len()).any(|other| other == pid);
                assert!(circle || parent(its_parent).is_none(), "{processes:?}");
            }
        }
        line.push(pid);
    }
}
