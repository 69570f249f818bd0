/* Its SIGCHLD handler loops over waitpid(-1, WNOHANG). Among its children are some that leave orphans behind. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 300

static pid_t children[CHILDREN];
static int ended[CHILDREN];
static volatile sig_atomic_t wrong, strange, left = CHILDREN, calls;

static int index_of(pid_t pid)
{
    for (int i = 0; i < CHILDREN; i++)
        if (children[i] == pid)
            return i;
    return -1;
}

/* Every third is killed by a signal, realtime ones included; the others exit. */
static int killed_by(int i)
{
    static const int signals[] = { SIGKILL, SIGTERM, 32, 33, 34, 64 };
    return i % 3 == 0 ? signals[i / 3 % 6] : 0;
}

static void reap(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    int saved = errno, status;
    pid_t pid;
    calls++;
    if (index_of(info->si_pid) < 0)
        strange++;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        int i = index_of(pid);
        if (i < 0) {
            strange++;
            continue;
        }
        int as_expected = killed_by(i) ? WIFSIGNALED(status) && WTERMSIG(status) == killed_by(i)
                                       : WIFEXITED(status) && WEXITSTATUS(status) == i % 256;
        if (!as_expected || ended[i]++)
            wrong++;
        left--;
    }
    if (pid < 0 && errno != ECHILD)
        wrong++;
    errno = saved;
}

static void child(int i)
{
    signal(SIGCHLD, SIG_DFL);
    if (i % 2 == 0 && fork() == 0)
        _exit(99);
    if (killed_by(i))
        kill(getpid(), killed_by(i));
    _exit(i % 256);
}

static void tell(int signal)
{
    (void)signal;
}

int main(void)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigaction(SIGCHLD, &(struct sigaction){ .sa_sigaction = reap, .sa_flags = SA_SIGINFO }, NULL);
    signal(SIGUSR1, tell);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            sigprocmask(SIG_SETMASK, &none, NULL);
            child(i);
        }
        if (i % 10 == 9) { /* the handler runs now and then */
            sigprocmask(SIG_SETMASK, &none, NULL);
            sigprocmask(SIG_BLOCK, &all, NULL);
        }
    }
    while (left > 0)
        sigsuspend(&none);
    /* The last SIGCHLD may be of a child that was reaped together with another. */
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigtimedwait(&chld, NULL, &(struct timespec){ 0 });
    printf("%d ended, %d wrong, %d strange\n", CHILDREN, wrong, strange);
    fflush(stdout);
    calls = 0;
    sigset_t but_usr1 = all;
    sigdelset(&but_usr1, SIGUSR1);
    sigdelset(&but_usr1, SIGCHLD);
    sigsuspend(&but_usr1); /* until SIGUSR1, or a SIGCHLD that nobody caused */
    printf("%d more, %d wrong, %d strange\n", calls, wrong, strange);
    return wait(NULL) == -1 && errno == ECHILD ? 0 : 1;
}
