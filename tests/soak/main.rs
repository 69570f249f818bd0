//! Storms at random, one sexton after the other and several at the same time, until the time is over.
//!
//! `soak TIME [SEED]`; `soak one SEED` repeats the run that failed; `soak full` are single storms at full length.

#![allow(missing_docs, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it tells how it goes")]
#![allow(dead_code, unused_imports, reason = "the harness is another's")]

#[path = "../it/filter.rs"]
mod filter;
#[path = "../it/harness/mod.rs"]
mod harness;
#[path = "../../src/random.rs"]
mod random;
#[path = "../it/storms/weather.rs"]
mod weather;

use harness::Place;
use random::Random;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use weather::{Ending, Event, Scarce, Stderr, Tally, Weather};

/// How many are under way at the same time.
const AT_ONCE: usize = 4;

/// The first user ID of those that runs use, and how many there are.
const USERS: (u32, u64) = (70_000, 20_000);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |index: usize| arguments.get(index).map_or("", String::as_str);
    let seed = |text: &str| text.parse::<u64>().expect("a seed is a number");
    if word(0) == "one" {
        let weather = weather_of(seed(word(1)));
        println!("{weather:?}");
        return weather.run(&Tally::default());
    }
    if word(0) == "full" {
        return full();
    }
    let time = time(if word(0).is_empty() { "20s" } else { word(0) });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let first = if word(1).is_empty() { now } else { seed(word(1)) };
    println!("soak: {time:?}, the first seed is {first}, {AT_ONCE} at a time");

    let (next, failed, tally) = (AtomicU64::new(first), AtomicBool::new(false), Tally::default());
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while begin.elapsed() < time && !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let weather = weather_of(seed);
                    let run = std::panic::AssertUnwindSafe(|| weather.run(&tally));
                    if std::panic::catch_unwind(run).is_err() {
                        eprintln!("soak: seed {seed} failed: {weather:?}");
                        failed.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        let mut told = begin;
        while begin.elapsed() < time && !failed.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(200));
            if told.elapsed() > Duration::from_secs(60) {
                told = Instant::now();
                println!("soak: after {:?}: {tally:?}", begin.elapsed());
            }
        }
    });
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!("soak: {:?}, {tally:?}, load {}", begin.elapsed(), load.trim());
    if failed.load(Ordering::Relaxed) {
        std::process::exit(1);
    }
}

/// A million orphans, and signals as fast as eight threads can send them, in both places.
fn full() {
    for place in [Place::Init, Place::Child] {
        let fair = Weather { place, user: Some(USERS.0), ..Weather::fair() };
        let orphans = Weather { events: vec![Event::Orphans(2000)], ..fair.clone() };
        // No more than fit into a queue of the usual length.
        let queued = Weather { events: vec![Event::Queued(8, 10_000)], ..fair.clone() };
        let plain = Weather { events: vec![Event::Plain(8, 250_000)], ..fair };
        for weather in [queued, plain, orphans] {
            let (tally, begin) = (Tally::default(), Instant::now());
            weather.run(&tally);
            let took = begin.elapsed();
            let signals =
                tally.queued.load(Ordering::Relaxed) + tally.plain.load(Ordering::Relaxed);
            let rate = signals as f64 / took.as_secs_f64();
            println!(
                "{place:?}, {took:?} with start and end, {rate:.0} signals a second: {tally:?}"
            );
        }
    }
}

fn weather_of(seed: u64) -> Weather {
    // xorshift needs some rounds to leave seeds apart that are close.
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..20).for_each(|_| _ = random.below(2));
    random_weather(&mut random, USERS.0 + (seed % USERS.1) as u32)
}

/// `30m`, `20s`.
fn time(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let seconds = match unit {
        "m" => 60,
        "s" => 1,
        _ => panic!("{text:?} is not a time: 30m or 20s is"),
    };
    Duration::from_secs(seconds * number.parse::<u64>().expect("a number"))
}

/// Any weather; `user` is nobody else's.
fn random_weather(random: &mut Random, user: u32) -> Weather {
    const FLAGS: [&[&str]; 5] =
        [&[], &["-v"], &["-vvv"], &["--warn-on-reap"], &["-vvv", "--log-format=json"]];
    let mut any = |bound: u64| random.below(bound);
    let scarce = match any(12) {
        0 => Scarce::Ids,
        1 => Scarce::Processes,
        2 => Scarce::Memory,
        _ => Scarce::Nothing,
    };
    let mut weather = Weather {
        place: if any(2) == 0 { Place::Init } else { Place::Child },
        flags: FLAGS[any(5) as usize].to_vec(),
        stderr: match any(6) {
            0 => Stderr::FullPipe,
            1 => Stderr::DeafTerminal,
            2 => Stderr::ForeignTerminal,
            _ => Stderr::Read,
        },
        scarce,
        user: Some(user),
        queue: None,
        events: Vec::new(),
        ending: [Ending::Stop, Ending::Kill, Ending::Death][any(3) as usize],
    };
    for _ in 0..1 + any(6) {
        weather.events.push(match any(7) {
            0 if scarce == Scarce::Memory => Event::Orphans(1 + any(3)),
            0 => Event::Orphans(1 + any(20)),
            1 => Event::Queued(1 + any(8) as usize, 1 + any(1500) as usize),
            2 => Event::Plain(1 + any(8) as usize, 1 + any(5000) as usize),
            3 => Event::Stopped,
            4 => Event::CommandHeld,
            5 => Event::Traced,
            _ if matches!(scarce, Scarce::Ids | Scarce::Processes) => Event::Filled,
            _ => Event::Orphans(1),
        });
    }
    weather
}
