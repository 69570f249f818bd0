// What the inits run as main: so small that what is measured is the init. It is told by its first
// argument what to do; with commands on descriptor 3 and answers on 4 where that is more than one thing.
#include "raw.h"
#include <linux/fcntl.h>
#include <linux/mman.h>

enum { COMMANDS = 3, ANSWERS = 4 };

// A command; the answer is one word.
typedef struct {
  word what, count;
} command;

// In the file that all of `tree` share with the one who measures.
typedef struct {
  word main_ended; // when main was about to exit
  word seen;       // how many others have had a SIGTERM
} shared;

static word now(void) {
  struct __kernel_timespec time;
  CALL(clock_gettime, 1 /* CLOCK_MONOTONIC */, &time);
  return time.tv_sec * 1000000000UL + time.tv_nsec;
}

static void answer(word value) { CALL(write, ANSWERS, &value, sizeof value); }

static __attribute__((noreturn)) void end(int status) {
  for (;;)
    CALL(exit_group, status);
}

static __attribute__((noreturn)) void idle(void) {
  for (;;)
    CALL(pause, 0);
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static word number(const char *digits) {
  word value = 0;
  while (*digits >= '0' && *digits <= '9')
    value = value * 10 + *digits++ - '0';
  return value;
}

// Tells when each SIGUSR1 came.
static __attribute__((noreturn)) void receive(void) {
  info got;
  set_mask(ALL, NULL);
  answer(0);
  for (;;) {
    next_signal(BIT(SIGUSR1), &got);
    answer(now());
  }
}

// With CLONE_PARENT a process is a child of the init from its birth, as if its parent had died: an orphan at
// the price of one process instead of two.

static void live_orphan(void) {
  if (CALL(clone, CLONE_PARENT | SIGCHLD, 0) == 0)
    idle();
}

// Ends at once; its process ID, or an error.
static long brief_orphan(void) {
  long pid = CALL(clone, CLONE_PARENT | CLONE_VM | CLONE_VFORK | SIGCHLD, 0);
  if (pid == 0)
    CALL(exit, 0);
  return pid;
}

// Waits until it is reaped: until then even a zombie can be signalled.
static void await_reaped(long pid) {
  while (CALL(kill, pid, 0) == 0)
    CALL(sched_yield, 0);
}

static void rest(word nanoseconds) {
  struct __kernel_timespec time = {0, nanoseconds};
  CALL(nanosleep, &time, NULL);
}

static __attribute__((noreturn)) void orphans(void) {
  command next;
  answer(0);
  while (CALL(read, COMMANDS, &next, sizeof next) == sizeof next) {
    for (word i = 0; i < next.count; i++) {
      if (next.what == 'l')
        live_orphan();
      if (next.what == 'o') // one at a time, without a pause
        await_reaped(brief_orphan());
      if (next.what == 'r') { // rarely
        await_reaped(brief_orphan());
        rest(20000000);
      }
      if (next.what == 's') // a storm: as many as there is room for
        while (brief_orphan() < 0)
          CALL(sched_yield, 0);
    }
    answer(0);
  }
  idle();
}

// COUNT processes besides main, which all hold the FIFO open: it has no writer any more when the last is
// gone. Main ends at SIGTERM; the others too, or not if STUBBORN is there.
static __attribute__((noreturn)) void tree(char **arguments) {
  info got;
  int stubborn = arguments[5] != NULL;
  set_mask(ALL, NULL); // so that none is missed
  int file = CALL(open, arguments[2], O_RDWR);
  shared *shared = (void *)CALL(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  CALL(open, arguments[3], O_WRONLY);
  for (word i = number(arguments[4]); i > 0; i--) {
    if (CALL(fork, 0) != 0)
      continue;
    next_signal(BIT(SIGTERM), &got);
    __atomic_fetch_add(&shared->seen, 1, __ATOMIC_SEQ_CST);
    while (stubborn)
      next_signal(BIT(SIGTERM), &got);
    end(0);
  }
  answer(0);
  next_signal(BIT(SIGTERM), &got);
  shared->main_ended = now();
  end(0);
}

// Lets all others on this CPU go on until they sleep, the init among them: the scheduler prefers any other to a process
// of this class, all the more to one that yields.
static void wait_for_others(void) {
  struct {
    int priority;
  } none = {0};
  CALL(sched_setscheduler, 0, 5 /* SCHED_IDLE */, &none);
  CALL(sched_yield, 0);
}

// The state of a process, a letter, and its parent: of /proc/PID/stat.
static char state(const char *path, word *parent) {
  char text[128];
  int file = CALL(open, path, O_RDONLY);
  long length = CALL(read, file, text, sizeof text - 1);
  if (length <= 0)
    return '?';
  text[length] = 0;
  const char *at = text;
  while (*at && *at != ')')
    at++;
  if (at + 4 >= text + length)
    return '?';
  *parent = number(at + 4);
  return at[2];
}

// Answers the state of the parent.
static void answer_parent(void) {
  // Outside of the namespace, as /proc has it: the parent is 1 inside.
  char path[32] = "/proc/", digits[24], *end = path + 6;
  word parent = 0, ignored;
  state("/proc/self/stat", &parent);
  int count = 0;
  for (; parent; parent /= 10)
    digits[count++] = '0' + parent % 10;
  while (count)
    *end++ = digits[--count];
  for (const char *rest = "/stat"; *rest; rest++)
    *end++ = *rest;
  *end = 0;
  answer(state(path, &ignored));
}

static void program(char **arguments, char **environment) {
  (void)environment;
  const char *what = arguments[1] ? arguments[1] : "";
  if (same(what, "exit"))
    end(0);
  if (same(what, "settle")) {
    wait_for_others();
    end(0);
  }
  if (same(what, "settled")) {
    wait_for_others();
    answer_parent();
    end(0);
  }
  if (same(what, "stamp")) {
    answer(now());
    end(0);
  }
  if (same(what, "idle")) {
    answer(0);
    idle();
  }
  if (same(what, "receive"))
    receive();
  if (same(what, "orphans"))
    orphans();
  if (same(what, "tree"))
    tree(arguments);
  end(2);
}
