/* The timers that send signals (setitimer(2), alarm(2), timer_create(2)): each signal comes from the kernel, as often
   as it was asked for. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static sigset_t set;

static void taken(const char *what)
{
    siginfo_t info;
    int signal = sigwaitinfo(&set, &info);
    printf("%s: SIG%s, from the kernel: %d, value %d\n", what,
           signal >= SIGRTMIN ? "RT" : sigabbrev_np(signal), info.si_code == SI_KERNEL || info.si_code == SI_TIMER,
           info.si_code == SI_TIMER ? info.si_int : 0);
    fflush(stdout);
}

static void interval(const char *what, int which)
{
    struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
    setitimer(which, &soon, NULL);
    sigset_t pending;
    do { /* two of the three count only while the process runs */
        for (volatile int i = 0; i < 100000; i++)
            ;
        sigpending(&pending);
    } while (!sigismember(&pending, which == ITIMER_REAL ? SIGALRM : which == ITIMER_VIRTUAL ? SIGVTALRM : SIGPROF));
    taken(what);
}

static void *notified;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void notify(union sigval value)
{
    pthread_mutex_lock(&mutex);
    notified = value.sival_ptr;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
}

int main(void)
{
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGVTALRM);
    sigaddset(&set, SIGPROF);
    sigaddset(&set, SIGRTMIN + 5);
    sigprocmask(SIG_BLOCK, &set, NULL);
    interval("real", ITIMER_REAL);
    interval("virtual", ITIMER_VIRTUAL);
    interval("profiling", ITIMER_PROF);
    ualarm(1000, 0);
    taken("alarm");

    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 5, .sigev_value.sival_int = 42 };
    struct itimerspec soon = { { 0, 0 }, { 0, 1000000 } };
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &soon, NULL);
    taken("timer");

    event = (struct sigevent){
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_ptr = &set
    };
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &soon, NULL);
    pthread_mutex_lock(&mutex);
    while (notified == NULL)
        pthread_cond_wait(&condition, &mutex);
    printf("a thread: %d\n", notified == &set);

    sigset_t pending;
    sigpending(&pending);
    int left = 0;
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        left += sigismember(&pending, signal) == 1;
    printf("pending: %d\n", left);
    return 0;
}
