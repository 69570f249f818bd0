/* A loop over descriptors: a signalfd, the pidfd of a child and a timerfd, in one epoll. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int epoll;

static int watched(int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    return fd;
}

int main(void)
{
    epoll = epoll_create1(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = watched(signalfd(-1, &set, SFD_CLOEXEC));
    pid_t child = fork();
    if (child == 0) {
        int got;
        sigwait(&set, &got); /* from the loop below */
        _exit(got);
    }
    int ended = watched(syscall(SYS_pidfd_open, child, 0));
    int timer = watched(timerfd_create(CLOCK_MONOTONIC, 0));
    struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
    timerfd_settime(timer, 0, &soon, NULL);

    for (;;) {
        struct epoll_event event;
        if (epoll_wait(epoll, &event, 1, -1) != 1)
            return 1;
        if (event.data.fd == timer) {
            uint64_t times;
            if (read(timer, &times, sizeof times) == sizeof times)
                printf("timer: %d\n", (int)times);
        } else if (event.data.fd == ended) {
            siginfo_t info;
            waitid(P_PIDFD, ended, &info, WEXITED);
            printf("child: %d, the right one: %d\n", info.si_status, info.si_pid == child);
            close(ended);
        } else {
            struct signalfd_siginfo info;
            if (read(signals, &info, sizeof info) != sizeof info)
                return 1;
            switch (info.ssi_signo) {
            case SIGCHLD:
                printf("SIGCHLD: the right one: %d\n", info.ssi_pid == (uint32_t)child);
                break;
            case SIGHUP:
                puts("SIGHUP, to the child too");
                syscall(SYS_pidfd_send_signal, ended, SIGHUP, NULL, 0);
                break;
            case SIGTERM:
                puts("SIGTERM");
                return 3;
            default:
                printf("signal %d, value %d\n", (int)info.ssi_signo, info.ssi_int);
            }
        }
    }
}
