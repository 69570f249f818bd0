// The floor: what any init does at least, by raw system calls. It executes one command (a path, not
// looked for), forwards each signal to it, reaps, and exits with the command's status.
#include "raw.h"

static void program(char **arguments, char **environment) {
  word old;
  set_mask(ALL, &old);
  // As vfork: the parent goes on when the child has executed.
  int child = CALL(clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0);
  if (child == 0) {
    CALL(rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof old);
    CALL(execve, arguments[1], arguments + 1, environment);
    CALL(exit_group, 127);
  }
  for (;;) {
    info got;
    int signal = next_signal(ALL, &got), status, pid;
    if (signal != SIGCHLD) {
      CALL(kill, child, signal);
      continue;
    }
    while ((pid = CALL(wait4, -1, &status, WNOHANG, NULL)) > 0)
      if (pid == child)
        CALL(exit_group, status & 127 ? 128 + (status & 127) : status >> 8 & 255);
  }
}
