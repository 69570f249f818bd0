/* Processes that share memory and take turns. The argument says by what: */
#define _GNU_SOURCE
#include <errno.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES 4
#define ROUNDS 5000

static void must(int holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(1);
    }
}

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED, "mmap");
    return memory;
}

/* Not atomic: it only comes out right if nobody else does it at the same time. */
static void add_one(volatile int *counter)
{
    int old = *counter;
    if (old % 64 == 0)
        sched_yield();
    *counter = old + 1;
}

static int wait_all(void)
{
    int status, good = 0;
    while (wait(&status) > 0)
        good += status == 0;
    return good;
}

/* A POSIX semaphore in shared memory (sem_overview(7)). */
static void posix(void)
{
    struct { sem_t semaphore; int counter; } *memory = shared(sizeof *memory);
    must(sem_init(&memory->semaphore, 1, 1) == 0, "sem_init");
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            for (int round = 0; round < ROUNDS; round++) {
                while (sem_wait(&memory->semaphore) != 0)
                    ;
                add_one(&memory->counter);
                sem_post(&memory->semaphore);
            }
            _exit(0);
        }
    int good = wait_all();
    printf("%d processes counted to %d\n", good, memory->counter);
}

/* A robust mutex (pthread_mutexattr_setrobust(3)): who holds it is killed, and the next one is told. The holder is an
   orphan that is not main's to wait for. */
static void robust(void)
{
    struct { pthread_mutex_t mutex; sem_t held; pid_t holder; } *memory = shared(sizeof *memory);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&memory->mutex, &attributes);
    must(sem_init(&memory->held, 1, 0) == 0, "sem_init");
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            pthread_mutex_lock(&memory->mutex);
            memory->holder = getpid();
            sem_post(&memory->held);
            for (;;)
                pause();
        }
        _exit(0);
    }
    waitpid(child, NULL, 0);
    sem_wait(&memory->held);
    printf("held: %s\n", strerrorname_np(pthread_mutex_trylock(&memory->mutex)));
    kill(memory->holder, SIGKILL);
    printf("its holder was killed: %s\n", strerrorname_np(pthread_mutex_lock(&memory->mutex)));
    pthread_mutex_consistent(&memory->mutex);
    pthread_mutex_unlock(&memory->mutex);
    printf("mended: %d\n", pthread_mutex_lock(&memory->mutex));
}

/* System V (sysvipc(7)): shared memory, a semaphore that is given back by whoever dies, and a queue. */
static void system_v(void)
{
    int memory = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    int semaphore = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    must(memory >= 0 && semaphore >= 0 && queue >= 0, "System V");
    int *counter = shmat(memory, NULL, 0);
    shmctl(memory, IPC_RMID, NULL); /* when the last has ended */
    semctl(semaphore, 0, SETVAL, 1);
    struct { long type; int value; } message;
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            struct sembuf take = { 0, -1, SEM_UNDO };
            while (semop(semaphore, &take, 1) != 0)
                ;
            for (int round = 0; round < ROUNDS; round++)
                add_one(counter);
            message.type = i + 1;
            message.value = i * i;
            msgsnd(queue, &message, sizeof message.value, 0);
            kill(getpid(), i % 2 ? SIGKILL : SIGTERM); /* with the semaphore taken */
        }
    wait_all();
    for (int i = PROCESSES; i > 0; i--) {
        msgrcv(queue, &message, sizeof message.value, i, IPC_NOWAIT);
        printf("%d: %d\n", i, message.value);
    }
    printf("counted to %d, semaphore %d\n", *counter, semctl(semaphore, 0, GETVAL));
    semctl(semaphore, 0, IPC_RMID);
    msgctl(queue, IPC_RMID, NULL);
}

/* A POSIX message queue (mq_overview(7)), with a signal when something comes. */
static void message_queue(void)
{
    char name[32];
    snprintf(name, sizeof name, "/classics-%lx-%d", (long)time(NULL), getpid());
    struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 16 };
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    must(queue != (mqd_t)-1, "mq_open");
    mq_unlink(name);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    mq_notify(queue, &event);
    pid_t child = fork();
    if (child == 0) {
        mq_send(queue, "low", 4, 1);
        mq_send(queue, "high", 5, 9);
        _exit(0);
    }
    siginfo_t info;
    sigwaitinfo(&set, &info);
    printf("told by the child: %d\n", info.si_code == SI_MESGQ && info.si_pid == child);
    waitpid(child, NULL, 0);
    char text[16];
    for (int i = 0; i < 2; i++)
        if (mq_receive(queue, text, sizeof text, NULL) > 0)
            puts(text);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "posix") == 0)
        posix();
    else if (strcmp(what, "robust") == 0)
        robust();
    else if (strcmp(what, "system-v") == 0)
        system_v();
    else if (strcmp(what, "queue") == 0)
        message_queue();
    else
        return 2;
    return 0;
}
