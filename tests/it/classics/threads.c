/* A process whose first thread has ended (proc(5) shows it as a zombie), while another waits for SIGTERM; with an
   argument that thread executes a shell instead. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_t first;
static int executes;

static void *second(void *unused)
{
    (void)unused;
    pthread_join(first, NULL);
    if (executes) {
        /* execve(2): the process goes on as this thread, under the first one's ID. */
        char script[64];
        snprintf(script, sizeof script, "test $$ = %d && echo the same process; exit 7", getpid());
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
    }
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", getpid());
    while (state != 'Z') { /* pthread_join(3) may return a little earlier */
        FILE *file = fopen(path, "r");
        if (file == NULL || fscanf(file, "%*d %*s %c", &state) != 1)
            exit(1);
        fclose(file);
    }
    puts("state Z");
    fflush(stdout);
    sigset_t term;
    int signal;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigwait(&term, &signal);
    puts("obeys");
    exit(7);
}

int main(int argc, char **argv)
{
    (void)argv;
    executes = argc > 1;
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    pthread_t thread;
    first = pthread_self();
    if (pthread_create(&thread, NULL, second, NULL) != 0)
        return 1;
    pthread_exit(NULL);
}
