//! The order of a tree that is shown from top to bottom.

/// Puts processes, given as process ID and parent in the order of process IDs, behind their parents: indices
/// into the list, each with its depth. Those without a parent in the list come first, at depth 0, each with its
/// descendants. Nobody is left out, even if process IDs were reused while they were read and go in a circle.
///
/// Takes no longer than the search for each parent: n log n.
pub fn order(processes: &[(i32, i32)]) -> Vec<(usize, usize)> {
    let at = |pid: i32| processes.binary_search_by_key(&pid, |&(pid, _)| pid).unwrap_or(NONE);
    let mut nodes = Vec::with_capacity(processes.len());
    for &(pid, parent) in processes {
        let parent = if pid == parent { NONE } else { at(parent) };
        nodes.push(Node { parent, first: NONE, next: NONE, is_shown: false });
    }
    for child in (0..nodes.len()).rev() {
        let parent = nodes.get(child).map_or(NONE, |node| node.parent);
        let first = nodes.get_mut(parent).map(|node| std::mem::replace(&mut node.first, child));
        if let (Some(next), Some(node)) = (first, nodes.get_mut(child)) {
            node.next = next;
        }
    }
    let mut order = Vec::with_capacity(nodes.len());
    for without_parent in [true, false] {
        for index in 0..nodes.len() {
            if let Some(node) = nodes.get(index)
                && !node.is_shown
                && (node.parent == NONE) == without_parent
            {
                let root = topmost(&nodes, index);
                show(&mut nodes, root, &mut order);
            }
        }
    }
    order
}

/// One process. The others are named by their indices.
struct Node {
    parent: usize,
    /// The first child.
    first: usize,
    /// The next brother or sister.
    next: usize,
    is_shown: bool,
}

/// No process has this index.
const NONE: usize = usize::MAX;

/// Appends a process with its descendants.
fn show(nodes: &mut [Node], root: usize, order: &mut Vec<(usize, usize)>) {
    let mut waiting = vec![(root, 0)];
    while let Some((index, depth)) = waiting.pop() {
        let Some(node) = nodes.get_mut(index) else { continue };
        // In a circle the root comes up again, as a child that has brothers and sisters.
        if depth > 0 {
            waiting.push((node.next, depth));
        }
        if !node.is_shown {
            node.is_shown = true;
            order.push((index, depth));
            waiting.push((node.first, depth + 1));
        }
    }
}

/// Who has no parent above a process; if its line goes in a circle, one of that (Floyd's tortoise and hare).
fn topmost(nodes: &[Node], process: usize) -> usize {
    let up = |index: usize| nodes.get(index).map_or(NONE, |node| node.parent);
    let (mut slow, mut fast) = (process, process);
    loop {
        let next = up(fast);
        if next == NONE {
            return fast;
        }
        let after = up(next);
        if after == NONE {
            return next;
        }
        (slow, fast) = (up(slow), after);
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
