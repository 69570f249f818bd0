//! cron with many short jobs for two minutes, its resolution being one: all of them run, and what they leave
//! behind is buried.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::{Example, STOP};
use crate::engine::Engine;
use crate::process;

on_each!([docker_runc = crate::engine::DOCKER_RUNC] {
    many_jobs_leave_no_zombie,
    zombies_are_seen_where_nobody_waits,
});

const JOBS: usize = 60;
/// Two full minutes, and ample time for jobs to get their turn.
const PATIENCE: Duration = Duration::from_secs(300);

fn many_jobs_leave_no_zombie(engine: &Engine) {
    let example = Example::build(engine, "cron");
    let log = example.new_folder("log").join("jobs");
    fs::write(&log, "").unwrap();
    let job = |number| {
        // Three orphans, one of which outlives the job.
        format!(
            "* * * * * root (true &); (true &); (sleep 0.{}; echo {number}. >>/log/jobs) >/dev/null 2>&1 &\n",
            number % 10
        )
    };
    fs::write(example.folder.join("jobs"), (0..JOBS).map(job).collect::<String>()).unwrap();
    let volumes = ["log:/log", "jobs:/etc/cron.d/load:ro"];
    let mut container = example.start(&volumes, &["--env", "SEXTON_REPORT=/log/report"]);
    process::eventually("cron is started", || log.with_file_name("report").exists());
    let init = container.init();

    let runs = |number| {
        let line = format!("{number}.");
        fs::read_to_string(&log).unwrap().lines().filter(|&entry| entry == line).count()
    };
    let begin = Instant::now();
    while (0..JOBS).any(|job| runs(job) < 2) {
        assert!(begin.elapsed() < PATIENCE, "the jobs do not run");
        // What has just ended may be a zombie for as long as it takes to bury it.
        let zombies = process::zombies_below(init);
        process::eventually(&format!("the zombies {zombies:?} are buried"), || {
            let left = process::zombies_below(init);
            !zombies.iter().any(|zombie| left.contains(zombie))
        });
        thread::sleep(Duration::from_millis(100)); // between two looks
    }
    process::eventually("no zombie is left", || process::zombies_below(init).is_empty());
    let ended = container.stop_within(STOP);
    ended.assert_status(0);
    assert!(ended.stderr.contains(" UTC "), "the example's own job tells the date: {ended:?}");

    let report = fs::read_to_string(log.with_file_name("report")).unwrap();
    let (_, reaped) = report.split_once(r#""orphans_reaped":"#).expect("a count");
    let reaped: usize = reaped.split(',').next().unwrap().parse().unwrap();
    assert!(reaped >= 2 * 3 * JOBS, "{report}");
}

/// The same look, where there is no init: it would have seen them.
fn zombies_are_seen_where_nobody_waits(engine: &Engine) {
    let container = engine.run_bare("sh").start(&["-c", "echo ready; exec sleep 1000"]);
    container.wait_for("ready");
    container.exec(&["sh", "-c", "(true &); (true &)"]);
    let init = container.init();
    process::eventually("two zombies are seen", || process::zombies_below(init).len() == 2);
}
