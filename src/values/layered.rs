//! Lists that several layers of settings add to, the lowest layer first: defaults, then variables, then flags.

#![forbid(unsafe_code)]

/// Adds an entry of the layer that is being read. The entries of that layer are the first `own` of the list, in the
/// order in which they were added, and those of the layers below stand behind them. So the first entry that fits is one
/// of the highest layer.
///
/// # Errors
/// The entry itself, if it is `in_conflict` with another of its layer.
pub fn add<T>(
    list: &mut Vec<T>,
    own: &mut usize,
    entry: T,
    in_conflict: impl Fn(&T, &T) -> bool,
) -> Result<(), T> {
    if list.iter().take(*own).any(|other| in_conflict(&entry, other)) {
        return Err(entry);
    }
    list.insert((*own).min(list.len()), entry);
    *own += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_higher_layer_stand_first_and_contradict_only_each_other() {
        let same = |a: &(char, i32), b: &(char, i32)| a.0 == b.0;
        let mut list = Vec::new();
        let mut own = 0;
        add(&mut list, &mut own, ('a', 1), same).unwrap();
        add(&mut list, &mut own, ('b', 1), same).unwrap();
        assert_eq!(add(&mut list, &mut own, ('a', 2), same), Err(('a', 2)));
        own = 0;
        add(&mut list, &mut own, ('c', 3), same).unwrap();
        add(&mut list, &mut own, ('a', 3), same).unwrap();
        assert_eq!(list, [('c', 3), ('a', 3), ('a', 1), ('b', 1)]);
    }
}
