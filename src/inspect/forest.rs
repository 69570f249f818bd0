//! The order of a tree that is shown from top to bottom.

/// Puts processes, given as process ID and parent in the order of process IDs, behind their parents: indices
/// into the list, each with its depth. Those without a parent in the list come first, at depth 0, each with its
/// descendants. Nobody is left out, even if process IDs were reused while they were read and go in a circle.
///
/// Takes no longer than the search for each parent: n log n.
pub fn order(processes: &[(i32, i32)]) -> Vec<(usize, usize)> {
    const NONE: usize = usize::MAX;
    let at = |pid: i32| processes.binary_search_by_key(&pid, |&(pid, _)| pid).ok();
    let parents: Vec<Option<usize>> = processes
        .iter()
        .map(|&(pid, parent)| if pid == parent { None } else { at(parent) })
        .collect();
    // For each its first child and its next brother or sister.
    let mut first = vec![NONE; processes.len()];
    let mut next = vec![NONE; processes.len()];
    for (child, parent) in parents.iter().enumerate().rev() {
        let parent = parent.and_then(|parent| first.get_mut(parent));
        if let (Some(head), Some(link)) = (parent, next.get_mut(child)) {
            *link = std::mem::replace(head, child);
        }
    }
    let mut shown = vec![false; processes.len()];
    let mut order = Vec::with_capacity(processes.len());
    let roots = (0..processes.len()).filter(|&index| matches!(parents.get(index), Some(None)));
    for root in roots.chain(0..processes.len()) {
        if shown.get(root) == Some(&true) {
            continue;
        }
        let root = topmost(&parents, root);
        let mut waiting = vec![(root, 0)];
        let mut is_root = true;
        while let Some((index, depth)) = waiting.pop() {
            // In a circle the root comes up again, as a child that has brothers and sisters.
            if !std::mem::take(&mut is_root)
                && let Some(&next) = next.get(index)
            {
                waiting.push((next, depth));
            }
            match shown.get_mut(index) {
                Some(shown) if !*shown => *shown = true,
                _ => continue,
            }
            order.push((index, depth));
            if let Some(&child) = first.get(index) {
                waiting.push((child, depth + 1));
            }
        }
    }
    order
}

/// Who has no parent above a process; if its line goes in a circle, one of that (Floyd's tortoise and hare).
fn topmost(parents: &[Option<usize>], process: usize) -> usize {
    let up = |index: usize| parents.get(index).copied().flatten();
    let (mut slow, mut fast) = (process, process);
    loop {
        let Some(next) = up(fast) else { return fast };
        let Some(after) = up(next) else { return next };
        (slow, fast) = (up(slow).unwrap_or(slow), after);
        if slow == fast {
            return slow;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(processes: &[(i32, i32)]) -> Vec<(i32, usize)> {
        order(processes).into_iter().map(|(index, depth)| (processes[index].0, depth)).collect()
    }

    #[test]
    fn children_follow_their_parents_in_order() {
        let processes = [(1, 0), (7, 1), (8, 7), (9, 1), (10, 8), (11, 7), (40, 0), (41, 40)];
        let expected = [(1, 0), (7, 1), (8, 2), (10, 3), (11, 2), (9, 1), (40, 0), (41, 1)];
        assert_eq!(shown(&processes), expected);
    }

    #[test]
    fn a_process_without_a_parent_in_the_list_is_a_root() {
        assert_eq!(shown(&[(5, 3), (6, 5), (9, 4)]), [(5, 0), (6, 1), (9, 0)]);
        assert_eq!(shown(&[]), []);
    }

    #[test]
    fn no_process_is_lost_in_a_circle() {
        assert_eq!(shown(&[(1, 0), (5, 6), (6, 5), (7, 7)]), [(1, 0), (7, 0), (5, 0), (6, 1)]);
        // Who is below a circle, and not in it, has its parent above it.
        assert_eq!(shown(&[(5, 7), (7, 8), (8, 7)]), [(8, 0), (7, 1), (5, 2)]);
        let with_a_sister = [(5, 6), (6, 5), (8, 6), (9, 8)];
        assert_eq!(shown(&with_a_sister), [(5, 0), (6, 1), (8, 2), (9, 3)]);
    }

    #[test]
    fn a_long_line_and_a_broad_one_take_no_time() {
        let line: Vec<(i32, i32)> = (1..200_000).map(|pid| (pid, pid - 1)).collect();
        assert_eq!(shown(&line).last(), Some(&(199_999, 199_998)));
        let row: Vec<(i32, i32)> = (1..200_000).map(|pid| (pid, i32::from(pid > 1))).collect();
        assert_eq!(shown(&row).last(), Some(&(199_999, 1)));
    }
}
