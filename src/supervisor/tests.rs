//! Every sequence of events, up to a depth, against what must never and what must always be.

use super::*;
use crate::plan::EscalationStep;
use crate::random::Random;
use crate::values::rewrite::{Rewrites, Rule};
use crate::values::signal::{Origin, SignalSet};

const SECOND: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(10);
const COMMANDS_END: Outcome = Outcome::Exited(42);
/// How deep the tree of event sequences is searched: with 14 inputs, some millions of sequences.
const DEPTH: usize = 6;
/// The same where the command is stopped in all ways, with 16 inputs.
const DEPTH_OF_STOPS: usize = 5;

fn received(signal: Signal) -> Received {
    Received { signal, origin: Origin { code: Origin::USER, pid: 7, uid: 0, value: 0 } }
}

/// HUP is ignored and USR2 becomes QUIT; TERM and INT are stop signals, and INT is sent as TRAP.
fn policy() -> Policy {
    let mut rewrites = Rewrites::default();
    for rule in ["HUP=ignore", "USR2=QUIT", "INT=TRAP"] {
        rewrites.add(Rule::parse(rule).unwrap()).unwrap();
    }
    Policy {
        rewrites,
        stop_signals: SignalSet::EMPTY.with(Signal::TERM).with(Signal::INT),
        grace: Some(GRACE),
        slow_stop_after: Some(Duration::ZERO),
        ..Policy::default()
    }
}

fn policies() -> Vec<Policy> {
    let step =
        |signal, seconds: u64| EscalationStep { signal, after: Duration::from_secs(seconds) };
    let base = policy();
    vec![
        base.clone(),
        Policy { drain: SECOND, ..base.clone() },
        Policy { wait_all: true, ..base.clone() },
        Policy { wait_all: true, drain: SECOND, forward_to: Target::Group, ..base.clone() },
        Policy { forward_to: Target::Tree, drain: SECOND, ..base.clone() },
        Policy {
            forward_to: Target::Group,
            escalation: vec![step(Signal::ILL, 2), step(Signal::ILL, 3)],
            ..base.clone()
        },
        Policy { grace: Some(Duration::ZERO), ..base.clone() },
        Policy {
            grace: None,
            drain: SECOND,
            escalation: vec![step(Signal::ILL, 2)],
            ..base.clone()
        },
        Policy { grace: None, wait_all: true, ..base.clone() },
        Policy { slow_stop_after: None, drain: SECOND, ..base.clone() },
        Policy {
            slow_stop_after: Some(SECOND),
            grace: None,
            wait_all: true,
            forward_to: Target::Group,
            ..base.clone()
        },
        Policy { linger: Linger::For(Duration::ZERO), ..base.clone() },
        Policy { linger: Linger::For(GRACE * 2), ..base.clone() },
        Policy { linger: Linger::Leave, drain: SECOND, ..base.clone() },
        Policy {
            timeout: Some(SECOND * 3),
            drain: SECOND,
            linger: Linger::For(GRACE * 2),
            ..base.clone()
        },
        Policy { timeout: Some(SECOND * 3), wait_all: true, ..base.clone() },
        Policy {
            linger: Linger::Leave,
            grace: None,
            and_continue: false,
            signal_at_end: true,
            suspend_at: SignalSet::EMPTY.with(Signal::USR2),
            forward_to: Target::Group,
            ..base
        },
    ]
}

/// What can happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Input {
    Signal(Signal),
    CommandEnds,
    /// The look that reaped the command stopped before it knew whether anything is left.
    CommandEndsInAStorm,
    OthersEnd,
    OthersAppear,
    /// One of the others ends, and there are more.
    OneEnds,
    /// From now on all that is left ignores SIGTERM.
    RestIgnoresTerm,
    /// sexton did not run for a while.
    Thaws,
    /// A SIGCHLD, forged or not.
    LookAtAll,
    CommandStops,
    CommandStopsWithNobodyToContinueIt,
    CommandAsksForTheTerminal,
    AlmostDeadline,
    Deadline,
}

const INPUTS: [Input; 18] = [
    Input::Signal(Signal::TERM),
    Input::Signal(Signal::INT),
    Input::Signal(Signal::USR1),
    Input::Signal(Signal::USR2),
    Input::Signal(Signal::HUP),
    Input::CommandEnds,
    Input::CommandEndsInAStorm,
    Input::OthersEnd,
    Input::OthersAppear,
    Input::OneEnds,
    Input::LookAtAll,
    Input::AlmostDeadline,
    Input::Deadline,
    Input::RestIgnoresTerm,
    Input::CommandStops,
    Input::Thaws,
    Input::CommandStopsWithNobodyToContinueIt,
    Input::CommandAsksForTheTerminal,
];

/// Those in which the command is stopped in one way only, and nothing is frozen.
fn few_stops() -> &'static [Input] {
    &INPUTS[..15]
}

/// The processes and clocks around the supervisor, kept by simpler rules than its own.
#[derive(Clone, Copy)]
struct World<'p> {
    policy: &'p Policy,
    supervisor: Supervisor<'p>,
    now: Time,
    command_alive: bool,
    others: bool,
    stops_received: u32,
    first_stop_received: Time,
    first_stop_sent: Option<Time>,
    /// When the first look after the command's end found others.
    left_behind: Option<Time>,
    rest_ignores_term: bool,
    killed: Option<Time>,
    /// What made the command end.
    by: EndedBy,
    timed_out: bool,
    /// The looks for processes that do not stop: whether SIGKILL was about to follow.
    looks: [bool; 2],
    /// The command is stopped, and sexton is to continue it.
    command_waits: bool,
    continued: Option<Time>,
    exited: bool,
}

impl<'p> World<'p> {
    fn new(policy: &'p Policy) -> World<'p> {
        World {
            policy,
            supervisor: Supervisor::new(policy),
            now: Time::ZERO,
            command_alive: true,
            others: false,
            stops_received: 0,
            first_stop_received: Time::ZERO,
            first_stop_sent: None,
            left_behind: None,
            rest_ignores_term: false,
            killed: None,
            by: EndedBy::Other,
            timed_out: false,
            looks: [false; 2],
            command_waits: false,
            continued: None,
            exited: false,
        }
    }

    fn is_possible(&self, input: Input) -> bool {
        match input {
            Input::CommandEnds | Input::CommandEndsInAStorm | Input::CommandStops => {
                self.command_alive
            }
            Input::CommandStopsWithNobodyToContinueIt | Input::CommandAsksForTheTerminal => {
                self.command_alive
            }
            Input::OthersEnd | Input::OneEnds => self.others,
            Input::OthersAppear => !self.others && self.command_alive,
            Input::Deadline => self.supervisor.deadline().is_some(),
            Input::AlmostDeadline => {
                self.supervisor.deadline().is_some_and(|at| at > self.now + Duration::from_nanos(1))
            }
            Input::RestIgnoresTerm => !self.rest_ignores_term && self.left_behind.is_some(),
            Input::Signal(_) | Input::LookAtAll | Input::Thaws => true,
        }
    }

    fn apply(&mut self, input: Input) {
        match input {
            Input::Signal(signal) => self.receive(signal),
            Input::CommandEnds => self.end_command(!self.others),
            Input::CommandEndsInAStorm => self.end_command(false),
            Input::OthersEnd => {
                self.others = false;
                self.reap_all(true);
            }
            Input::OthersAppear => self.others = true,
            Input::LookAtAll => self.reap_all(false),
            Input::OneEnds => self.reap_all(true),
            Input::RestIgnoresTerm => self.rest_ignores_term = true,
            Input::Thaws => {
                assert_eq!(self.handle(Event::Thawed), [], "a thaw puts off, and does nothing");
            }
            Input::CommandStops => {
                let expected = [Action::Suspend(Signal::TSTP)];
                let expected = if self.killed.is_some() { &[][..] } else { &expected };
                assert_eq!(self.stop_command(Signal::TSTP, false), expected);
            }
            Input::CommandStopsWithNobodyToContinueIt => {
                let signal = Signal::TSTP;
                if self.stop_command(signal, false) == [Action::Suspend(signal)] {
                    self.command_waits = true;
                    self.handle(Event::NotSuspended(signal));
                }
            }
            Input::CommandAsksForTheTerminal => {
                self.command_waits = self.killed.is_none();
                let actions = self.stop_command(Signal::TTIN, true);
                assert!(actions.iter().all(|&action| action == Action::Continue), "{actions:?}");
            }
            Input::AlmostDeadline => {
                self.now = self.supervisor.deadline().unwrap() - Duration::from_nanos(1);
                assert_eq!(self.handle(Event::Tick), [], "nothing is done early");
            }
            Input::Deadline => {
                self.now = self.supervisor.deadline().unwrap();
                assert_ne!(self.handle(Event::Tick), [], "a deadline is there for something");
            }
        }
    }

    fn stop_command(&mut self, signal: Signal, terminal_is_here: bool) -> Vec<Action> {
        self.handle(Event::CommandStopped { signal, terminal_is_here })
    }

    fn receive(&mut self, signal: Signal) {
        let stop = self.policy.stop_signals.contains(signal);
        if stop {
            self.stops_received += 1;
            if self.stops_received == 1 {
                self.first_stop_received = self.now;
            }
        }
        let expected = self.policy.rewrites.apply(signal);
        let ending = self.killed.is_some();
        let sent: Vec<Signal> = self
            .handle(Event::Signal(received(signal)))
            .into_iter()
            .filter_map(|action| match action {
                Action::Send { signal, .. } => Some(signal.signal),
                _ => None,
            })
            .collect();
        if ending || expected.is_none() {
            assert_eq!(sent, [], "{signal} is not forwarded");
        } else if !stop {
            let receivers = self.command_alive
                || self.policy.wait_all
                || self.policy.forward_to == Target::Tree;
            assert_eq!(sent, Vec::from_iter(expected.filter(|_| receivers)), "{signal} once");
        } else if self.stops_received > 1 || self.policy.drain == Duration::ZERO {
            assert!(
                expected.is_some_and(|signal| sent.contains(&signal))
                    || sent.contains(&Signal::TERM),
                "{sent:?}"
            );
        } else {
            assert!(sent.is_empty() || self.left_behind.is_some(), "held back: {sent:?}");
        }
    }

    fn end_command(&mut self, swept_empty: bool) {
        let last = self.handle(Event::CommandEnding);
        let signal_at_end = Action::Send {
            signal: Received::own(self.policy.rewrites.apply(Signal::TERM).unwrap_or(Signal::TERM)),
            to: self.policy.forward_to,
            and_continue: false,
        };
        let says = self.policy.signal_at_end && self.killed.is_none();
        assert_eq!(last, if says { vec![signal_at_end] } else { vec![] });
        if self.timed_out {
            self.by = EndedBy::Timeout;
        } else if self.first_stop_sent.is_some() && self.killed.is_none() {
            self.by = EndedBy::Stop;
        }
        self.command_alive = false;
        assert_eq!(
            self.handle(Event::CommandEnded(COMMANDS_END)),
            [],
            "only a look at all children shows what is left"
        );
        self.reaped_all(swept_empty, true);
    }

    fn reap_all(&mut self, progress: bool) {
        self.reaped_all(!self.command_alive && !self.others, progress);
    }

    fn reaped_all(&mut self, tree_empty: bool, progress: bool) {
        if !self.command_alive && !tree_empty {
            self.left_behind.get_or_insert(self.now);
        }
        let state = |of: &Supervisor| (of.phase, of.command, of.continue_after, of.continue_due);
        let before = (!self.supervisor.heeds_reaped_all()).then(|| state(&self.supervisor));
        let actions = self.handle(Event::ReapedAll { tree_empty, progress });
        if let Some(before) = before {
            assert_eq!((&actions[..], state(&self.supervisor)), (&[][..], before), "left out");
        }
        assert!(self.exited || !tree_empty, "exits the instant that the tree is empty");
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        let ending = self.exited || self.killed.is_some();
        let times_out = self.stops_received == 0
            && !ending
            && self.policy.timeout.is_some_and(|timeout| self.now >= timeout);
        if times_out {
            self.timed_out = true;
            self.stops_received = 1;
            self.first_stop_received = self.now;
        }
        let foreseen = match event {
            Event::Signal(signal)
                if !signal.origin.is_kernel()
                    && self.supervisor.only_forwarded().contains(signal.signal) =>
            {
                Some(Action::Send { signal, to: self.policy.forward_to, and_continue: false })
            }
            _ => None,
        };
        let state = |of: &Supervisor| (of.phase, of.asked, of.continue_due, of.deadline);
        let before = state(&self.supervisor);
        let actions: Vec<Action> = self.supervisor.handle(event, self.now).into_iter().collect();
        if foreseen.is_some() {
            assert_eq!((actions.first().copied(), actions.len()), (foreseen, 1));
            assert_eq!(state(&self.supervisor), before);
        }
        assert_eq!(actions.contains(&Action::TimedOut), times_out, "the time-out is a stop, once");
        for &action in &actions {
            self.check(action);
            if action == Action::Look && self.rest_ignores_term {
                let kill = [Action::Kill(Cause::Linger)];
                assert_eq!(
                    self.handle(Event::RestIgnoresTerm),
                    kill,
                    "nothing is to be waited for"
                );
            }
        }
        let deadline = self.supervisor.deadline();
        assert!(
            deadline.is_none_or(|at| at > self.now),
            "a deadline that has passed is acted upon"
        );
        if self.command_waits && self.command_alive && self.killed.is_none() {
            let at = deadline.expect("the command is continued in time");
            assert!(at <= self.continued.expect("it was before") + CONTINUE_AGAIN);
        }
        actions
    }

    fn check(&mut self, action: Action) {
        assert!(!self.exited, "nothing happens after the exit");
        let grace_over = self
            .first_stop_sent
            .zip(self.policy.grace)
            .is_some_and(|(sent, grace)| self.now >= sent + grace);
        match action {
            Action::Send { signal, to, .. } => {
                assert!(self.killed.is_none(), "nothing is sent after SIGKILL");
                match to {
                    Target::Command | Target::Group => {
                        assert!(
                            self.command_alive,
                            "nothing is sent to the command once it was reaped"
                        );
                        assert_eq!(to, self.policy.forward_to);
                    }
                    Target::Tree => {
                        assert!(!self.command_alive || self.policy.forward_to == Target::Tree);
                    }
                }
                let is_stop = matches!(signal.signal, Signal::TERM | Signal::TRAP);
                if is_stop
                    && (signal.origin.pid != 0 || self.timed_out)
                    && self.first_stop_sent.is_none()
                {
                    let drained = self.now >= self.first_stop_received + self.policy.drain
                        || self.stops_received > 1
                        || (self.left_behind.is_some() && !self.policy.wait_all);
                    assert!(drained, "the first stop signal is held back");
                    self.first_stop_sent = Some(self.now);
                }
            }
            Action::Kill(Cause::Grace) => {
                assert!(self.command_alive && grace_over, "SIGKILL only after the grace");
                assert!(self.killed.replace(self.now).is_none());
            }
            Action::Kill(Cause::Linger) => {
                assert!(!self.command_alive);
                let linger = match self.policy.linger {
                    Linger::For(time) => Some(time),
                    Linger::Default if self.stops_received == 0 || self.rest_ignores_term => {
                        Some(Linger::DEFAULT)
                    }
                    // What a stop finds lingering has its time.
                    Linger::Default
                        if self.first_stop_received >= self.left_behind.unwrap_or_default() =>
                    {
                        Some(Linger::DEFAULT)
                    }
                    Linger::Default | Linger::Leave => None,
                };
                let linger_over = !self.policy.wait_all
                    && self.left_behind.is_some_and(|since| {
                        linger.is_some_and(|linger| self.now >= since + linger)
                    });
                let drain_cut = self.policy.grace.is_some_and(|grace| {
                    self.stops_received > 0
                        && self.left_behind.is_some_and(|since| self.now >= since + grace)
                });
                assert!(linger_over || grace_over || drain_cut, "the rest gets its time");
                assert!(self.killed.replace(self.now).is_none());
            }
            Action::Kill(Cause::Again) => assert!(self.killed.is_some()),
            Action::Exit { outcome, by, survivors } => {
                self.exited = true;
                assert_eq!(by, self.by);
                if survivors {
                    assert!(self.killed.is_some_and(|at| self.now >= at + KILL_LIMIT));
                } else {
                    let leaves = self.policy.linger == Linger::Leave;
                    assert!(!self.command_alive && (leaves || !self.others), "the tree is empty");
                }
                let expected = (!self.command_alive).then_some(COMMANDS_END);
                assert_eq!(outcome, expected, "the command's own end, or none");
            }
            Action::Stop => {
                assert!(self.policy.suspend_at != SignalSet::EMPTY && self.killed.is_none())
            }
            Action::Suspend(_) => assert!(self.command_alive && self.killed.is_none()),
            Action::Continue => {
                assert!(self.command_alive && self.command_waits && self.killed.is_none());
                let rest = self.continued.replace(self.now).map(|at| self.now - at);
                assert!(rest.is_none_or(|rest| rest >= CONTINUE_AGAIN), "no busy loop");
                self.command_waits = false;
            }
            Action::Resume { .. } => assert!(self.command_alive),
            Action::HangUp => assert!(!self.command_alive && self.killed.is_none()),
            Action::RecordStop(_) | Action::TimedOut => assert!(self.stops_received > 0),
            Action::FindUnstopped(Search { after, before_kill, .. }) => {
                assert!(self.killed.is_none());
                assert!(self.stops_received > 0, "a stop is under way");
                let begins = [self.first_stop_sent, self.left_behind];
                let since = begins.into_iter().flatten().min().expect("it has begun");
                let after = Duration::from_millis(after);
                assert!(self.now >= since + after, "{after:?}");
                let slow = self.policy.slow_stop().expect("looks are wanted");
                assert!(before_kill || after >= slow, "not before the stop is slow");
                let [first, last] = &mut self.looks;
                let is_new = !std::mem::replace(if before_kill { last } else { first }, true);
                assert!(is_new && (before_kill || !*last), "each once, and in order");
            }
            Action::Look => {
                let since = self.left_behind.expect("something is left");
                assert!(self.killed.is_none() && self.now >= since + Linger::DEFAULT);
                assert!(self.stops_received > 0 && self.policy.linger == Linger::Default);
            }
        }
    }

    /// Lets time pass, and nothing that was asked to end does: must the run end by itself?
    fn must_end(mut self) {
        self.reap_all(false);
        let will_stop = self.stops_received > 0 || self.policy.timeout.is_some();
        let stopping = will_stop && self.policy.grace.is_some();
        let lingering = !self.command_alive && !self.policy.wait_all;
        if !stopping && !lingering {
            return;
        }
        // Without a grace period the rest is waited for until all of it ignores SIGTERM.
        self.rest_ignores_term |= self.policy.grace.is_none();
        for _ in 0..20 {
            if self.exited {
                return;
            }
            let deadline = self.supervisor.deadline().expect("there is something to wait for");
            self.now = deadline + KILL_LIMIT;
            self.handle(Event::Tick);
        }
        panic!("does not end");
    }
}

fn enumerate(
    world: World,
    inputs: &[Input],
    depth: usize,
    path: &mut Vec<Input>,
    sequences: &mut u64,
) {
    *sequences += 1;
    if world.exited {
        return;
    }
    if depth == 0 {
        world.must_end();
        return;
    }
    for &input in inputs {
        if world.is_possible(input) {
            let mut next = world;
            path.push(input);
            let guard = Tell(path, world.policy);
            next.apply(input);
            std::mem::forget(guard);
            enumerate(next, inputs, depth - 1, path, sequences);
            path.pop();
        }
    }
}

/// Tells the sequence if a check fails.
struct Tell<'a>(&'a [Input], &'a Policy);

impl Drop for Tell<'_> {
    fn drop(&mut self) {
        println!(
            "sequence: {:?}\npolicy: {:?}",
            self.0,
            Policy { rewrites: Rewrites::default(), ..self.1.clone() }
        );
    }
}

#[test]
fn every_sequence_of_events_keeps_the_promises() {
    let mut sequences = 0;
    for policy in policies() {
        let (world, path) = (World::new(&policy), &mut Vec::new());
        enumerate(world, few_stops(), DEPTH, path, &mut sequences);
        enumerate(world, &INPUTS, DEPTH_OF_STOPS, path, &mut sequences);
    }
    println!("{sequences} sequences");
    assert!(sequences > 1_000_000, "only {sequences} sequences were tried");
}

const RUNS: u64 = 100_000;
const LENGTH: u64 = 1_000;

#[test]
fn long_random_sequences_keep_the_promises() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let policies = policies();
    let (mut events, mut complete) = (0_u64, 0_u64);
    for run in 0..RUNS {
        let policy = &policies[run as usize % policies.len()];
        let mut world = World::new(policy);
        // In some runs what brings the end nearer is rare, so that they last.
        let calm = [1, 10, 1_000][run as usize % 3];
        for event in 0..LENGTH {
            let input = INPUTS[random.below(INPUTS.len() as u64) as usize];
            let ending = matches!(
                input,
                Input::CommandEnds
                    | Input::CommandEndsInAStorm
                    | Input::OthersEnd
                    | Input::Deadline
            );
            if world.is_possible(input) && (!ending || random.below(calm) == 0) {
                world.apply(input);
                events += 1;
            }
            if world.exited {
                break;
            }
            complete += u64::from(event == LENGTH - 1);
        }
        if !world.exited {
            world.must_end();
        }
    }
    println!("{RUNS} runs, {complete} of full length, {events} events");
    assert!(complete > RUNS / 10, "only {complete} runs were of full length");
}

/// One scenario: its steps at their times, and what was sent, to whom, in short form.
fn played(policy: &Policy, events: &[(u64, Event)]) -> Vec<(u64, String)> {
    let mut supervisor = Supervisor::new(policy);
    let mut log = Vec::new();
    let mut note = |now: Time, actions: Actions| {
        for action in actions {
            let text = match action {
                Action::Send { signal, to, and_continue } => {
                    format!("{} {to:?}{}", signal.signal, if and_continue { " CONT" } else { "" })
                }
                Action::Exit { outcome, .. } => {
                    format!("exit {}", outcome.map_or(Outcome::NOT_ENDED, Outcome::status))
                }
                Action::HangUp => continue, // follows each signal for those that remain
                Action::RecordStop(_) => continue, // follows each stop signal
                other => format!("{other:?}"),
            };
            log.push((now.as_secs(), text));
        }
    };
    for &(at, event) in events {
        let at = Duration::from_secs(at);
        while let Some(deadline) = supervisor.deadline().filter(|deadline| *deadline < at) {
            note(deadline, supervisor.handle(Event::Tick, deadline));
        }
        note(at, supervisor.handle(event, at));
    }
    log
}

fn signal(signal: Signal) -> Event {
    Event::Signal(received(signal))
}

fn log(entries: &[(u64, &str)]) -> Vec<(u64, String)> {
    entries.iter().map(|&(at, text)| (at, text.to_owned())).collect()
}

const NOTHING_LEFT: Event = Event::ReapedAll { tree_empty: true, progress: true };
const OTHERS_LEFT: Event = Event::ReapedAll { tree_empty: false, progress: true };

#[test]
fn a_stop_that_is_obeyed() {
    let events =
        [(1, signal(Signal::TERM)), (2, Event::CommandEnded(COMMANDS_END)), (2, NOTHING_LEFT)];
    let expected = [(1, "SIGTERM Command CONT"), (2, "exit 42")];
    assert_eq!(played(&policy(), &events), log(&expected));
}

#[test]
fn a_stop_is_why_the_command_ends_if_it_obeys_in_time() {
    let quit = EscalationStep { signal: Signal::QUIT, after: SECOND };
    let kill = EscalationStep { signal: Signal::KILL, after: SECOND };
    let policy = Policy { drain: SECOND * 2, escalation: vec![quit, kill], ..policy() };
    let ended_by = |events: &[(u64, Event)], at: u64, outcome| {
        let mut supervisor = Supervisor::new(&policy);
        let end = [(at, Event::CommandEnded(outcome)), (at, NOTHING_LEFT)];
        let mut exit = None;
        for &(at, event) in events.iter().chain(&end) {
            for action in supervisor.handle(event, SECOND * at as u32) {
                if let Action::Exit { by, .. } = action {
                    exit = Some(by);
                }
            }
        }
        exit.unwrap()
    };
    let died = |signal| Outcome::Killed { signal, core: false };
    let (term, int, tick) = (signal(Signal::TERM), signal(Signal::INT), Event::Tick);
    let stopped = [(1, term), (3, tick)];
    let (stop, other) = (EndedBy::Stop, EndedBy::Other);
    for (outcome, by) in [
        (COMMANDS_END, stop),
        (Outcome::Exited(0), stop),
        (died(Signal::TERM), stop),
        (died(Signal::QUIT), other), // not sent yet
        (died(Signal::SEGV), other),
        (Outcome::SIGKILLED, other),
    ] {
        assert_eq!(ended_by(&stopped, 3, outcome), by, "{outcome:?}");
    }
    assert_eq!(ended_by(&[(1, term)], 2, COMMANDS_END), other, "it was not asked yet");
    assert_eq!(ended_by(&[], 2, died(Signal::TERM)), other);
    assert_eq!(ended_by(&[(1, signal(Signal::USR1))], 2, COMMANDS_END), other);
    let escalated = [(1, term), (3, tick), (4, tick)];
    assert_eq!(ended_by(&escalated, 4, died(Signal::QUIT)), stop);
    let ended = [(1, term), (3, tick), (4, tick), (5, tick)];
    assert_eq!(ended_by(&ended, 5, Outcome::SIGKILLED), other, "SIGKILL is not obeyed");
    let twice = [(1, term), (1, int)];
    assert_eq!(ended_by(&twice, 2, died(Signal::TRAP)), stop, "INT is sent as TRAP");
    let killed = [(1, term), (3, tick), (13, tick)];
    assert_eq!(ended_by(&killed, 13, COMMANDS_END), other, "too late");
}

#[test]
fn the_time_out_begins_a_stop_unless_one_has_begun() {
    let policy = Policy { timeout: Some(SECOND * 5), ..policy() };
    let end = [(9, Event::CommandEnded(COMMANDS_END)), (9, NOTHING_LEFT)];
    let timed_out = [(5, "SIGTERM Command CONT"), (5, "TimedOut")];
    let events = [&[(5, Event::Tick)], &end[..]].concat();
    assert_eq!(played(&policy, &events), log(&[&timed_out[..], &[(9, "exit 42")]].concat()));
    let ignored = [&timed_out[..], &[(15, "Kill(Grace)")]].concat();
    assert_eq!(played(&policy, &[(15, Event::Tick)]), log(&ignored));
    // A stop has its own clocks.
    let stopped = [&[(4, signal(Signal::TERM))], &end[..]].concat();
    let expected = [(4, "SIGTERM Command CONT"), (9, "exit 42")];
    assert_eq!(played(&policy, &stopped), log(&expected));
    // As if SIGTERM had come: it is held back, and rewritten; but it cannot be ignored.
    let drained = Policy { drain: SECOND * 2, ..policy.clone() };
    let expected = [(5, "TimedOut"), (7, "SIGTERM Command CONT")];
    assert_eq!(played(&drained, &[(7, Event::Tick)]), log(&expected));
    for (rule, sent) in [("TERM=QUIT", "SIGQUIT"), ("TERM=ignore", "SIGTERM")] {
        let mut rewrites = Rewrites::default();
        rewrites.add(Rule::parse(rule).unwrap()).unwrap();
        let rewritten = Policy { rewrites, ..policy.clone() };
        let first = played(&rewritten, &[(5, Event::Tick)]).remove(0);
        assert_eq!(first, (5, format!("{sent} Command CONT")));
    }
    // The command has ended by itself, and the time-out is for those that it has left behind.
    let waits = Policy { wait_all: true, ..policy };
    let events = [(1, Event::CommandEnded(COMMANDS_END)), (1, OTHERS_LEFT), (6, NOTHING_LEFT)];
    let expected = [(5, "SIGTERM Tree CONT"), (5, "TimedOut"), (6, "exit 42")];
    assert_eq!(played(&waits, &events), log(&expected));
}

#[test]
fn a_stop_that_is_ignored() {
    let events = [
        (1, signal(Signal::TERM)),
        (11, Event::CommandEnded(Outcome::SIGKILLED)),
        (11, NOTHING_LEFT),
    ];
    let expected = [(1, "SIGTERM Command CONT"), (11, "exit 137")];
    // The kill is due at 11 s too, and the event that comes then is the command's end.
    assert_eq!(played(&policy(), &events), log(&expected));
    let events = [(1, signal(Signal::TERM)), (12, Event::Tick)];
    let killed = played(&policy(), &events);
    assert_eq!(killed[1], (11, "Kill(Grace)".to_owned()));
}

#[test]
fn drain_escalation_and_kill_follow_their_clocks() {
    let policy = Policy {
        drain: Duration::from_secs(5),
        escalation: vec![
            EscalationStep { signal: Signal::QUIT, after: Duration::from_secs(2) },
            EscalationStep { signal: Signal::ILL, after: Duration::from_secs(3) },
        ],
        ..policy()
    };
    let events = [(1, signal(Signal::TERM)), (3, signal(Signal::USR1)), (16, Event::Tick)];
    let expected = [
        (3, "SIGUSR1 Command"),
        (6, "SIGTERM Command CONT"),
        (8, "SIGQUIT Command CONT"),
        (11, "SIGILL Command CONT"),
        (16, "Kill(Grace)"),
    ];
    assert_eq!(played(&policy, &events), log(&expected));
}

#[test]
fn a_second_stop_signal_ends_the_drain() {
    let policy = Policy { drain: Duration::from_secs(5), ..policy() };
    let events = [(1, signal(Signal::TERM)), (2, signal(Signal::TERM))];
    assert_eq!(played(&policy, &events), log(&[(2, "SIGTERM Command CONT")]));
    let events = [(1, signal(Signal::TERM)), (2, signal(Signal::INT))];
    let both = [(2, "SIGTERM Command CONT"), (2, "SIGTRAP Command CONT")];
    assert_eq!(played(&policy, &events), log(&both));
}

#[test]
fn what_the_command_leaves_behind_gets_the_linger_time_but_no_more_than_the_grace() {
    let end = Event::CommandEnded(COMMANDS_END);
    let expected = |at, kill| log(&[(at, "SIGTERM Tree CONT"), (kill, "Kill(Linger)")]);
    let events = [(1, end), (1, OTHERS_LEFT), (6, Event::Tick)];
    assert_eq!(played(&policy(), &events), expected(1, 6));
    let policy = Policy { linger: Linger::For(SECOND * 5), ..policy() };
    assert_eq!(played(&policy, &events), expected(1, 6));
    let events = [(1, signal(Signal::TERM)), (8, end), (8, OTHERS_LEFT), (11, Event::Tick)];
    assert_eq!(played(&policy, &events)[1..], expected(8, 11));
    let events = [(1, signal(Signal::TERM)), (2, end), (2, OTHERS_LEFT), (7, Event::Tick)];
    assert_eq!(played(&policy, &events)[1..], expected(2, 7));
}

#[test]
fn during_a_stop_the_rest_has_what_is_left_of_the_grace_unless_all_of_it_ignores_sigterm() {
    let end = Event::CommandEnded(COMMANDS_END);
    let left = [(1, signal(Signal::TERM)), (2, end), (2, OTHERS_LEFT)];
    let until = |last| [&left[..], &[(last, Event::Tick)]].concat();
    let mut expected = vec![(1, "SIGTERM Command CONT"), (2, "SIGTERM Tree CONT")];
    expected.extend([7, 8, 9, 10].map(|at| (at, "Look")));
    expected.push((11, "Kill(Linger)"));
    // The order of a look and the end of the grace at the same time does not matter.
    let events = played(&policy(), &until(11));
    assert_eq!(events, log(&expected));
    let ignored = [&left[..], &[(8, Event::Tick), (8, Event::RestIgnoresTerm)]].concat();
    assert_eq!(played(&policy(), &ignored).last(), Some(&(8, "Kill(Linger)".to_owned())));
    // Without a grace period nothing ends the wait but that.
    let patient = Policy { grace: None, ..policy() };
    let events = played(&patient, &until(9000));
    assert!(events.iter().all(|(_, what)| !what.starts_with("Kill")), "{events:?}");
    // A drain is part of a stop.
    let draining = Policy { drain: SECOND * 5, ..policy() };
    let killed = |events: Vec<(u64, String)>| events.last().map(|(at, _)| *at);
    assert_eq!(killed(played(&draining, &until(12))), Some(12));
}

#[test]
fn those_with_a_terminal_are_hung_up_when_the_command_is_gone() {
    let hung_up = |policy: &Policy, events: &[Event]| {
        let mut supervisor = Supervisor::new(policy);
        let all = events.iter().flat_map(|&event| supervisor.handle(event, SECOND));
        all.filter(|&action| action == Action::HangUp).count()
    };
    let (term, end) = (signal(Signal::TERM), Event::CommandEnded(COMMANDS_END));
    assert_eq!(hung_up(&policy(), &[term]), 0, "the command is there");
    assert_eq!(hung_up(&policy(), &[end, OTHERS_LEFT]), 1);
    assert_eq!(hung_up(&policy(), &[term, end, OTHERS_LEFT]), 1);
    let waits = Policy { wait_all: true, ..policy() };
    assert_eq!(hung_up(&waits, &[end, OTHERS_LEFT]), 0, "nothing is to end");
    assert_eq!(hung_up(&waits, &[end, OTHERS_LEFT, term]), 1);
    let leaves = Policy { linger: Linger::Leave, ..policy() };
    assert_eq!(hung_up(&leaves, &[end, OTHERS_LEFT]), 0);
}

#[test]
fn time_in_which_nothing_ran_is_given_back_but_not_for_ever() {
    let policy = policy();
    let mut supervisor = Supervisor::new(&policy);
    assert_eq!(Vec::from_iter(supervisor.handle(Event::Thawed, SECOND)), []);
    assert_eq!(supervisor.deadline(), None);
    let _ = supervisor.handle(signal(Signal::TERM), SECOND);
    let end = SECOND + GRACE;
    let _ = supervisor.handle(Event::Thawed, SECOND * 2);
    assert_eq!(supervisor.deadline(), Some(end), "there is time enough");
    let almost = end - Duration::from_millis(1);
    let _ = supervisor.handle(Event::Thawed, almost);
    assert_eq!(supervisor.deadline(), Some(almost + AFTER_THAW));
    let mut now = almost;
    for _ in 0..MOST_THAWS {
        now = supervisor.deadline().unwrap();
        let _ = supervisor.handle(Event::Thawed, now);
    }
    assert_eq!(supervisor.deadline(), Some(now + KILL_AGAIN), "the stop comes to an end");
}

#[test]
fn wait_all_waits_and_passes_signals_to_what_is_left() {
    let policy = Policy { wait_all: true, ..policy() };
    let end = Event::CommandEnded(COMMANDS_END);
    let events = [(1, end), (1, OTHERS_LEFT), (2, signal(Signal::USR1)), (3, NOTHING_LEFT)];
    assert_eq!(played(&policy, &events), log(&[(2, "SIGUSR1 Tree"), (3, "exit 42")]));
    let events = [(1, end), (1, OTHERS_LEFT), (9000, signal(Signal::TERM)), (9001, NOTHING_LEFT)];
    let expected = [(9000, "SIGTERM Tree CONT"), (9001, "exit 42")];
    assert_eq!(played(&policy, &events), log(&expected));
    // The command obeys the stop; the others then get the signal too, and the rest of the grace.
    let events = [
        (1, signal(Signal::TERM)),
        (3, end),
        (3, OTHERS_LEFT),
        (4, OTHERS_LEFT),
        (11, Event::Tick),
    ];
    let expected = [(1, "SIGTERM Command CONT"), (3, "SIGTERM Tree CONT"), (11, "Kill(Linger)")];
    assert_eq!(played(&policy, &events), log(&expected));
}

#[test]
fn a_fault_of_sextons_own_is_not_forwarded() {
    let fault = Received { signal: Signal::SEGV, origin: Origin { code: 1, ..Origin::default() } };
    assert_eq!(played(&policy(), &[(1, Event::Signal(fault))]), []);
    assert_eq!(played(&policy(), &[(1, signal(Signal::SEGV))]), log(&[(1, "SIGSEGV Command")]));
}

#[test]
fn sigcont_is_for_the_job_while_the_command_is_there() {
    let cont = Action::Resume { signal: received(Signal::CONT), to: Target::Group };
    let policy = Policy { forward_to: Target::Group, ..policy() };
    let mut supervisor = Supervisor::new(&policy);
    let mut resumed = || Vec::from_iter(supervisor.handle(signal(Signal::CONT), Time::ZERO));
    assert_eq!(resumed(), [cont]);
    let _ = supervisor.handle(Event::CommandEnded(COMMANDS_END), Time::ZERO);
    let mut resumed = || Vec::from_iter(supervisor.handle(signal(Signal::CONT), Time::ZERO));
    assert_eq!(resumed(), []);
}

#[test]
fn a_key_is_for_the_command_s_group() {
    let from = |signal, code| Received { signal, origin: Origin { code, ..Origin::default() } };
    let sent = |policy: &Policy, received| played(policy, &[(0, Event::Signal(received))]);
    let (key, kill) = (Origin::KERNEL, Origin::USER);
    let policy = Policy { stop_signals: SignalSet::EMPTY.with(Signal::QUIT), ..Policy::default() };
    assert_eq!(sent(&policy, from(Signal::INT, key)), log(&[(0, "SIGINT Group")]));
    assert_eq!(sent(&policy, from(Signal::QUIT, key)), log(&[(0, "SIGQUIT Group CONT")]));
    assert_eq!(sent(&policy, from(Signal::INT, kill)), log(&[(0, "SIGINT Command")]));
    // The kernel sends this to the leader of a session alone.
    assert_eq!(sent(&policy, from(Signal::HUP, key)), log(&[(0, "SIGHUP Command")]));
    let tree = Policy { forward_to: Target::Tree, ..policy };
    assert_eq!(sent(&tree, from(Signal::INT, key)), log(&[(0, "SIGINT Tree")]));
}

fn stopped(signal: Signal, terminal_is_here: bool) -> Event {
    Event::CommandStopped { signal, terminal_is_here }
}

#[test]
fn sexton_stops_with_the_command_and_continues_it_only_if_no_shell_could() {
    let suspended = |signal| (0, format!("Suspend({signal:?})"));
    for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
        let events = [(0, stopped(signal, false)), (5, Event::Tick)];
        assert_eq!(played(&policy(), &events), [suspended(signal)]);
        let events = [(0, stopped(signal, false)), (0, Event::NotSuspended(signal))];
        assert_eq!(played(&policy(), &events), [suspended(signal), (0, "Continue".to_owned())]);
    }
    let stop = Signal::STOP;
    let events = [(0, stopped(stop, true)), (0, Event::NotSuspended(stop)), (5, Event::Tick)];
    assert_eq!(played(&policy(), &events), [suspended(stop)], "SIGSTOP stays in force");
}

#[test]
fn the_command_is_given_the_terminal_that_it_asks_for() {
    for signal in [Signal::TTIN, Signal::TTOU] {
        assert_eq!(played(&policy(), &[(0, stopped(signal, true))]), log(&[(0, "Continue")]));
    }
    let events = [(0, stopped(Signal::TSTP, true))];
    assert_eq!(played(&policy(), &events), log(&[(0, "Suspend(SIGTSTP)")]));
}

#[test]
fn a_value_travels_with_its_signal() {
    let queued = Received {
        signal: Signal::USR1,
        origin: Origin { code: -1, pid: 9, uid: 5, value: 0xdead_beef },
    };
    let policy = policy();
    let mut supervisor = Supervisor::new(&policy);
    let actions = Vec::from_iter(supervisor.handle(Event::Signal(queued), Time::ZERO));
    assert_eq!(
        actions,
        [Action::Send { signal: queued, to: Target::Command, and_continue: false }]
    );
}

#[test]
fn what_cannot_be_killed_is_given_up() {
    let events = [(0, signal(Signal::TERM)), (13, Event::Tick)];
    let log = played(&policy(), &events);
    assert!(log.contains(&(10, "Kill(Grace)".to_owned())));
    assert_eq!(log.last(), Some(&(12, "exit 137".to_owned())));
}

#[test]
fn what_goes_on_ending_after_sigkill_is_waited_for_but_not_for_ever() {
    let events: Vec<(u64, Event)> = [(0, signal(Signal::TERM))]
        .into_iter()
        .chain((10..100).map(|second| (second, OTHERS_LEFT)))
        .collect();
    assert_eq!(played(&policy(), &events).last(), Some(&(30, "exit 137".to_owned())));
}

#[test]
fn a_slow_stop_is_looked_at_when_it_is_slow_and_just_before_sigkill() {
    let looks = |policy: &Policy, events: &[(u64, Event)]| {
        let mut supervisor = Supervisor::new(policy);
        let mut looks = Vec::new();
        for &(at, event) in events {
            let at = Duration::from_secs(at);
            let mut note = |now: Time, actions: Actions| {
                for action in actions {
                    match action {
                        Action::FindUnstopped(Search { signal, to, after, before_kill }) => {
                            looks.push((
                                now,
                                signal,
                                to,
                                Duration::from_millis(after),
                                before_kill,
                            ));
                        }
                        Action::Kill(_) => looks.push((now, Signal::KILL, Target::Tree, now, true)),
                        _ => {}
                    }
                }
            };
            while let Some(deadline) = supervisor.deadline().filter(|deadline| *deadline < at) {
                note(deadline, supervisor.handle(Event::Tick, deadline));
            }
            note(at, supervisor.handle(event, at));
        }
        looks
    };
    let ms = Duration::from_millis;
    let stop = [(1, signal(Signal::INT)), (12, Event::Tick)];
    let policy = Policy { slow_stop_after: None, ..policy() };
    let (first, last) = (ms(6_000), ms(10_500));
    let kill = (ms(11_000), Signal::KILL, Target::Tree, ms(11_000), true);
    let trap = Signal::TRAP;
    let expected = [
        (first, trap, Target::Command, ms(5_000), false),
        (last, trap, Target::Command, ms(9_500), true),
        kill,
    ];
    assert_eq!(looks(&policy, &stop)[..3], expected);
    // What the command leaves behind has had SIGTERM.
    let left = [stop[0], (3, Event::CommandEnded(COMMANDS_END)), (3, OTHERS_LEFT), stop[1]];
    let expected = [
        (first, Signal::TERM, Target::Tree, ms(5_000), false),
        (last, Signal::TERM, Target::Tree, ms(9_500), true),
        kill,
    ];
    assert_eq!(looks(&policy, &left)[..3], expected);
    // A short grace period.
    let short = Policy { grace: Some(SECOND), ..policy.clone() };
    let at: Vec<Time> = looks(&short, &stop).iter().map(|(at, ..)| *at).collect();
    assert_eq!(at[..3], [ms(1_500), ms(1_900), ms(2_000)]);
    // One look if the stop is slow no sooner than that.
    let late = Policy { slow_stop_after: Some(GRACE), ..policy.clone() };
    let found = looks(&late, &stop);
    assert_eq!((found[0].0, found[1].0), (last, ms(11_000)));
    // None without a stop, none if it is fast, and none if they are not wanted.
    let end = Event::CommandEnded(COMMANDS_END);
    let lingering = looks(&policy, &[(1, end), (1, OTHERS_LEFT), (9, Event::Tick)]);
    assert_eq!(lingering[0].1, Signal::KILL);
    assert_eq!(looks(&policy, &[stop[0], (2, end), (2, NOTHING_LEFT), (9, Event::Tick)]), []);
    let never = Policy { slow_stop_after: Some(Duration::ZERO), ..policy };
    assert_eq!(looks(&never, &stop)[0], kill);
}

#[test]
fn a_second_stop_signal_restarts_no_clock() {
    let events = [(1, signal(Signal::TERM)), (6, signal(Signal::TERM)), (11, Event::Tick)];
    let expected = [(1, "SIGTERM Command CONT"), (6, "SIGTERM Command CONT"), (11, "Kill(Grace)")];
    assert_eq!(played(&policy(), &events), log(&expected));
}

#[test]
fn a_stop_bounds_a_linger_time_that_is_longer_than_the_grace() {
    let policy = Policy { linger: Linger::For(GRACE * 2), drain: SECOND * 5, ..policy() };
    let end = Event::CommandEnded(COMMANDS_END);
    let events = [(1, end), (1, OTHERS_LEFT), (2, signal(Signal::TERM)), (12, Event::Tick)];
    let expected = [(1, "SIGTERM Tree CONT"), (2, "SIGTERM Tree CONT"), (12, "Kill(Linger)")];
    assert_eq!(played(&policy, &events), log(&expected));
    // The same if the command ends by itself while the stop is held back.
    let events = [(1, signal(Signal::TERM)), (2, end), (2, OTHERS_LEFT), (12, Event::Tick)];
    let expected = [(2, "SIGTERM Tree CONT"), (12, "Kill(Linger)")];
    assert_eq!(played(&policy, &events), log(&expected));
}

#[test]
fn without_linger_time_the_rest_is_killed_and_not_asked() {
    let policy = Policy { linger: Linger::For(Duration::ZERO), ..policy() };
    let events = [(1, Event::CommandEnded(COMMANDS_END)), (1, OTHERS_LEFT)];
    assert_eq!(played(&policy, &events), log(&[(1, "Kill(Linger)")]));
}

#[test]
fn a_tree_that_has_had_the_stop_signal_is_not_sent_it_again() {
    let policy = Policy { wait_all: true, forward_to: Target::Tree, ..policy() };
    let end = Event::CommandEnded(COMMANDS_END);
    let events = [(1, signal(Signal::TERM)), (3, end), (3, OTHERS_LEFT), (4, NOTHING_LEFT)];
    assert_eq!(played(&policy, &events), log(&[(1, "SIGTERM Tree CONT"), (4, "exit 42")]));
}

#[test]
fn the_escalation_goes_on_for_what_the_command_leaves_behind() {
    let escalation = vec![EscalationStep { signal: Signal::QUIT, after: Duration::from_secs(5) }];
    let policy = Policy { wait_all: true, escalation, ..policy() };
    let end = Event::CommandEnded(COMMANDS_END);
    let events = [(1, signal(Signal::TERM)), (3, end), (3, OTHERS_LEFT), (6, Event::Tick)];
    let expected =
        [(1, "SIGTERM Command CONT"), (3, "SIGTERM Tree CONT"), (6, "SIGQUIT Tree CONT")];
    assert_eq!(played(&policy, &events), log(&expected));
}

#[test]
fn without_a_linger_time_the_rest_is_left_to_itself() {
    let policy = Policy { linger: Linger::Leave, ..policy() };
    let events = [(1, Event::CommandEnded(COMMANDS_END)), (1, OTHERS_LEFT)];
    assert_eq!(played(&policy, &events), log(&[(1, "exit 42")]));
    // ... unless it is waited for.
    assert_eq!(played(&Policy { wait_all: true, ..policy }, &events), log(&[]));
}

#[test]
fn a_key_s_signal_is_not_sent_to_the_command_twice() {
    let policy = Policy { command_gets_keys: true, ..Policy::default() };
    let key = |signal| {
        let origin = Origin { code: 0x80, pid: 0, uid: 0, value: 0 };
        (0, Event::Signal(Received { signal, origin }))
    };
    assert_eq!(played(&policy, &[key(Signal::INT)]), log(&[]));
    assert_eq!(played(&policy, &[key(Signal::HUP)]).len(), 1, "no key sends that");
}

#[test]
fn where_nothing_is_to_continue_a_stop_signal_is_sent_alone() {
    let policy = Policy { and_continue: false, grace: None, ..policy() };
    assert_eq!(played(&policy, &[(1, signal(Signal::TERM))]), log(&[(1, "SIGTERM Command")]));
    // A clock would run out while the command is stopped.
    let policy = Policy { grace: Some(GRACE), ..policy };
    assert_eq!(played(&policy, &[(1, signal(Signal::TERM))]), log(&[(1, "SIGTERM Command CONT")]));
}
