//! Values as users write them: signals, durations, limits, capabilities and so on.

use super::assert_shows;
use sexton::internals::capabilities::{Base, CapabilitySet, List, Sets, Spec};
use sexton::internals::duration::{self, Shown};
use sexton::internals::environment::{Edit, Edits, Values, variable};
use sexton::internals::error::Reason;
use sexton::internals::exit_map::{self, ExitMap};
use sexton::internals::outcome::{EndedBy, Outcome};
use sexton::internals::rewrite::{self, Rewrites};
use sexton::internals::rlimit::{self, Limits, Resource, UNLIMITED};
use sexton::internals::scheduling::{self, Cpus, IoPriority, NICENESS, OOM_SCORE_ADJ, Scheduler};
use sexton::internals::signal::Signal;
use std::fmt::{Debug, Display};
use std::time::Duration;

/// One text, read as each of them.
pub fn values(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    signal(text);
    duration(text);
    rewrite(text);
    exit_map(text);
    limit(text);
    capabilities(text);
    variables(bytes);
    is_shown_as_it_is_read(Cpus::parse, text);
    is_shown_as_it_is_read(Scheduler::parse, text);
    is_shown_as_it_is_read(IoPriority::parse, text);
    for range in [NICENESS, OOM_SCORE_ADJ] {
        if let Some(number) =
            is_shown_as_it_is_read(|text| scheduling::integer(text, range.clone()), text)
        {
            assert!(range.contains(&number));
        }
    }
    if let Ok(cpus) = Cpus::parse(text) {
        let numbers: Vec<usize> = cpus.numbers().collect();
        assert!(!numbers.is_empty() && numbers.is_sorted() && numbers.iter().all(|&n| n < 1024));
        assert_eq!(Cpus::parse(&format!("{text},{text}")), Ok(cpus));
        let one_by_one: Vec<String> = numbers.iter().map(usize::to_string).collect();
        assert_eq!(Cpus::parse(&one_by_one.join(",")), Ok(cpus));
    }
}

/// What is read, if anything, is read again from how it is shown.
fn is_shown_as_it_is_read<T: PartialEq + Debug + Display>(
    parse: impl Fn(&str) -> Result<T, Reason>,
    text: &str,
) -> Option<T> {
    let value = accepted(parse(text))?;
    let shown = value.to_string();
    assert_shows(&shown);
    assert_eq!(parse(&shown).as_ref(), Ok(&value), "{text:?}: {shown}");
    Some(value)
}

/// The value, if the text was accepted. If not, there is a reason.
fn accepted<T>(result: Result<T, Reason>) -> Option<T> {
    result.inspect_err(|reason| assert!(reason.len() > 10)).ok()
}

fn signal(text: &str) {
    let Some(signal) = accepted(Signal::parse(text)) else { return };
    assert!((1..=64).contains(&signal.number()));
    let mut spellings = vec![signal.number().to_string()];
    spellings.extend([text.to_ascii_uppercase(), text.to_ascii_lowercase()]);
    if !matches!(signal.number(), 32 | 33) {
        let name = signal.to_string();
        spellings.extend([name[3..].to_owned(), name]);
    }
    for spelling in spellings {
        assert_eq!(Signal::parse(&spelling), Ok(signal), "{text:?}: {spelling}");
    }
}

fn duration(text: &str) {
    let Some(duration) = accepted(duration::parse(text)) else { return };
    assert!(duration <= Duration::from_secs(1_000_000_000));
    let exact = format!("{}.{:09}s", duration.as_secs(), duration.subsec_nanos());
    assert_eq!(duration::parse(&exact), Ok(duration), "{text:?}");
    assert_eq!(duration::parse(&format!("0{text}")), Ok(duration));
    let milliseconds = duration.as_millis();
    let rounded = Duration::from_millis(milliseconds as u64);
    for shown in [Shown(duration).to_string(), format!("{milliseconds}ms")] {
        assert_eq!(duration::parse(&shown), Ok(rounded), "{text:?}: {shown}");
    }
}

fn rewrite(text: &str) {
    let Some(rule) = accepted(rewrite::Rule::parse(text)) else { return };
    let (from, to) = text.split_once('=').unwrap();
    let from = Signal::parse(from).unwrap();
    let to = (to != "ignore").then(|| Signal::parse(to).unwrap());
    assert_eq!(rule, rewrite::Rule::new(from, to));
    let mut rewrites = Rewrites::default();
    rewrites.add(rule).unwrap();
    assert!(rewrites.clone().add(rule).unwrap_err().contains(&from.to_string()));
    for signal in Signal::all() {
        let expected = if signal == from { to } else { Some(signal) };
        assert_eq!(rewrites.apply(signal), expected);
    }
    assert!(![Signal::KILL, Signal::STOP, Signal::CHLD].contains(&from));
}

fn exit_map(text: &str) {
    let Some(rule) = accepted(exit_map::Rule::parse(text)) else { return };
    let mut map = ExitMap::default();
    map.add(rule).unwrap();
    assert!(map.clone().add(rule).is_err());
    let (from, to) = text.split_once('=').unwrap();
    let to: u8 = to.parse().unwrap();
    if let Some(signal) = from.strip_prefix("signal:") {
        let named = Signal::parse(signal).unwrap();
        for signal in Signal::all() {
            let outcome = Outcome::Killed { signal, core: false };
            let expected = if signal == named { to } else { outcome.status() };
            assert_eq!(map.apply(outcome), expected);
        }
        assert!((0..=255).all(|status| map.apply(Outcome::Exited(status)) == status));
    } else if from == "stop" {
        for outcome in (0..=255).map(Outcome::Exited) {
            assert_eq!(map.mapped(outcome, EndedBy::Stop), Some(to));
            assert_eq!(map.mapped(outcome, EndedBy::Other), None);
        }
    } else {
        let (first, last) = from.split_once('-').unwrap_or((from, from));
        let range: std::ops::RangeInclusive<u8> = first.parse().unwrap()..=last.parse().unwrap();
        assert!(!range.is_empty());
        for status in 0..=255 {
            let expected = if range.contains(&status) { to } else { status };
            assert_eq!(map.apply(Outcome::Exited(status)), expected);
        }
    }
}

fn limit(text: &str) {
    let Some(spec) = accepted(rlimit::Spec::parse(text)) else { return };
    for current in [(1024, 4096), (0, 0), (0, UNLIMITED), (UNLIMITED, UNLIMITED)] {
        let current = Limits { soft: current.0, hard: current.1 };
        let Some(limits) = accepted(spec.resolve(current)) else {
            assert!(text.contains("max"), "{text:?}");
            continue;
        };
        assert!(limits.soft <= limits.hard);
        if matches!(spec.resource, Resource::Nice) {
            let possible = |limit| limit <= 40 || limit == UNLIMITED || limit == current.hard;
            assert!(possible(limits.soft) && possible(limits.hard), "{text:?}");
        }
        if !text.contains("max") || !matches!(spec.resource, Resource::Nice | Resource::Rtprio) {
            let shown = format!("{}={limits}", spec.resource.name());
            let again = rlimit::Spec::parse(&shown).unwrap();
            assert_eq!(again.resolve(current), Ok(limits), "{text:?}: {shown}");
        }
    }
}

/// Lists to drop, to keep and to raise, each may be empty; the bounding, permitted and inheritable sets in hexadecimal;
/// and perhaps a user ID.
fn capabilities(text: &str) {
    let mut words = text.split(' ');
    let mut word = || words.next().filter(|word| !word.is_empty());
    let lists = [word(), word(), word()].map(|word| {
        word.map(|text| {
            let mut list = List::default();
            accepted(list.add(text)).map(|()| (text, list))
        })
    });
    if !lists.iter().any(|list| matches!(list, Some(None))) {
        resolved(lists.map(Option::flatten), words);
    }
}

fn resolved<'a>(
    [drop, keep, ambient]: [Option<(&str, List)>; 3],
    words: impl Iterator<Item = &'a str>,
) {
    let list = |given: Option<(&str, List)>| given.map(|(_, list)| list);
    let spec = Spec { drop: list(drop), keep: list(keep), ambient: list(ambient) };
    if let Err(reason) = spec.check() {
        return assert_shows(&reason);
    }
    let mut words = words.map(|word| u64::from_str_radix(word, 16).ok());
    let mut set = || CapabilitySet::from_bits(words.next().flatten().unwrap_or(!0));
    let (bounding, permitted, inheritable) = (set(), set(), set());
    let held = Base { effective: permitted, permitted, inheritable };
    let user = words.next().flatten().map(|uid| uid as u32);
    let held = Sets { bounding, ambient: CapabilitySet::EMPTY, base: held };
    let Some(change) = accepted(spec.resolve(held, user)) else {
        assert!(ambient.is_some());
        return;
    };
    // What capset(2) and PR_CAP_AMBIENT_RAISE take (capabilities(7)).
    let within = |inner: CapabilitySet, outer: CapabilitySet| {
        assert!(inner.without(outer).is_empty(), "{inner}; {outer}: {spec:?} {held:?} {change:?}");
    };
    let base = change.base;
    within(change.drop, bounding);
    within(base.effective, base.permitted);
    within(base.permitted, permitted);
    within(base.inheritable, inheritable.or(bounding.without(change.drop)));
    within(base.inheritable, inheritable.or(permitted));
    within(change.raise, base.permitted.and(base.inheritable));
    if user.is_some_and(|uid| uid != 0) {
        within(base.permitted, change.raise);
    }
    // Each list by itself, shown and read again.
    let all = |text: &str| text.split(',').any(|name| name.eq_ignore_ascii_case("all"));
    for (text, list) in [drop, keep, ambient].into_iter().flatten() {
        let held = Sets {
            bounding: CapabilitySet::ALL,
            ambient: CapabilitySet::EMPTY,
            base: Base { permitted: CapabilitySet::ALL, ..Base::default() },
        };
        let alone = Spec { ambient: Some(list), ..Spec::default() };
        let raised = alone.resolve(held, None).unwrap().raise;
        if all(text) {
            assert_eq!(raised, CapabilitySet::ALL);
            continue;
        }
        assert_eq!(raised.numbers().count(), text.split(',').count());
        let mut again = List::default();
        again.add(&raised.to_string().replace(", ", ",")).unwrap();
        assert_eq!(again, list, "{text:?}");
    }
    if let Some((_, list)) = drop.filter(|(text, _)| !all(text)) {
        let alone = Spec { drop: Some(list), ..Spec::default() };
        let dropped = alone.resolve(held, None).unwrap().drop;
        for left in [base.permitted, base.inheritable, bounding.without(change.drop)] {
            assert!(left.and(dropped).is_empty(), "{spec:?} {held:?} {change:?}");
        }
    }
}

/// `--env` and `--unset-env`.
fn variables(text: &[u8]) {
    let environment = [c"A=1", c"B=2", c"A=3"];
    let shows = |edit: &Edit| assert_shows(&edit.describe(Values::Shown).to_string());
    if let Some(edit) = accepted(Edit::set(text)) {
        let at = text.iter().position(|&byte| byte == b'=').unwrap();
        let edits = only(edit, [Edit::set(text), Edit::unset(&text[..at])]);
        let changed = edits.apply(&environment);
        assert_eq!(variable(&changed, &text[..at]).unwrap().1, &text[at + 1..]);
        edits.iter().for_each(shows);
    }
    if let Some(edit) = accepted(Edit::unset(text)) {
        let edits = only(edit, [Edit::unset(text)]);
        let changed = edits.apply(&environment);
        assert!(variable(&changed, text).is_none());
        assert!(changed.len() == 3 || text == b"A" || text == b"B");
        edits.iter().for_each(shows);
    }
}

/// One edit, which its layer refuses to contradict and a layer above may replace.
fn only<const N: usize>(edit: Edit, others: [Result<Edit, Reason>; N]) -> Edits {
    let (mut edits, mut own) = (Edits::default(), 0);
    edits.add_to_layer(edit, &mut own).unwrap();
    for other in others.map(Result::unwrap) {
        assert!(edits.add_to_layer(other.clone(), &mut own).is_err());
        let mut replaced = edits.clone();
        replaced.add_to_layer(other.clone(), &mut 0).unwrap();
        assert!(replaced.iter().eq([&other]));
    }
    edits
}
