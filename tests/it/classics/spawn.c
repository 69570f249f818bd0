/* The ways of starting a child: each is told with the child's end. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void told(const char *how, pid_t pid, int options)
{
    int status = 0;
    pid_t got = pid > 0 ? waitpid(pid, &status, options) : pid;
    printf("%s: %s, %d\n", how, got == pid && pid > 0 ? "mine" : strerror(errno), WEXITSTATUS(status));
    fflush(stdout);
}

static int exits(void *status)
{
    _exit(*(int *)status);
}

int main(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    char *words[] = { "sh", "-c", "exit 3", NULL };
    pid_t pid;
    int status = 5, pidfd = -1;

    if (posix_spawnp(&pid, "sh", NULL, NULL, words, environ) == 0)
        told("posix_spawn", pid, 0);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    if (posix_spawnp(&pid, "sh", NULL, &attributes, words, environ) == 0)
        told("posix_spawn in a session", pid, 0);

    if (posix_spawnp(&pid, "no such program", NULL, NULL, words, environ) == ENOENT)
        puts("posix_spawn of nothing: ENOENT");

    pid = vfork();
    if (pid == 0) {
        execlp("sh", "sh", "-c", "exit 4", (char *)NULL);
        _exit(127);
    }
    told("vfork", pid, 0);

    told("clone", clone(exits, stack + sizeof stack, SIGCHLD, &status), 0);
    /* wait(2) finds it only if asked to, and no signal tells of it. */
    told("clone without a signal", clone(exits, stack + sizeof stack, 0, &status), __WALL);

    pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
    if (pid == 0)
        _exit(6);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result = waitid(P_PIDFD, pidfd, &info, WEXITED);
    printf("pidfd: %d, %d\n", result, info.si_status);

    if (system("exit 7") >> 8 == 7)
        puts("system: 7");
    FILE *pipe = popen("exit 8", "r");
    if (pipe != NULL && pclose(pipe) >> 8 == 8)
        puts("popen: 8");

    /* A sibling: its parent is this process's parent. It is not ours to wait for. */
    static int sibling = 9;
    pid = clone(exits, stack + sizeof stack, CLONE_PARENT | SIGCHLD, &sibling);
    told("clone with our parent", pid, 0);
    while (kill(pid, 0) == 0) /* until our parent has reaped it */
        sched_yield();
    puts("reaped");
    return 2;
}
