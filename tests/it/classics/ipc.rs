//! Processes that talk with each other across fork.

use super::fixture;

#[test]
fn pipes_and_sockets_work_across_fork() {
    let lines = "pipes: 8388608 True 0 0\n\
                 broken pipe\n\
                 socketpair: ONE\n\
                 socketpair: TWO\n\
                 it has seen the end: 0\n\
                 SCM_RIGHTS: from a pipe of the child b''\n\
                 SCM_CREDENTIALS: True 11 12 0\n\
                 SO_PEERCRED: True y";
    fixture("sockets.py", &[]).prints(0, lines);
}

#[test]
fn a_semaphore_in_shared_memory_works_across_fork() {
    fixture("sync.c", &["posix"]).prints(0, "4 processes counted to 20000");
}

#[test]
fn a_robust_mutex_outlives_its_holder() {
    let lines = "held: EBUSY\nits holder was killed: EOWNERDEAD\nmended: 0";
    // The holder is reaped by sexton, not by the command.
    fixture("sync.c", &["robust"]).prints(0, lines);
}

#[test]
fn system_v_semaphores_memory_and_queues_work_across_fork() {
    fixture("sync.c", &["system-v"])
        .prints(0, "4: 9\n3: 4\n2: 1\n1: 0\ncounted to 20000, semaphore 1");
}

#[test]
fn a_posix_message_queue_works_across_fork() {
    fixture("sync.c", &["queue"]).prints(0, "told by the child: 1\nhigh\nlow");
}

#[test]
fn multiprocessing_works() {
    let lines = "counted counted 1000 0 0\n\
                 executor: 0 2 4 6 8\n\
                 a worker was killed\n\
                 left in /dev/shm: False";
    fixture("shared.py", &[]).prints(0, lines);
}
