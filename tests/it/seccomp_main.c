// What sexton runs as main under its own seccomp profile: each argument is one thing to do, and none takes a
// call that sexton does not need itself.
#include "../../benches/raw.h"

static __attribute__((noreturn)) void end(int status) {
  for (;;)
    CALL(exit_group, status);
}

static word number(const char *digits) {
  word value = 0;
  while (*digits >= '0' && *digits <= '9')
    value = value * 10 + *digits++ - '0';
  return value;
}

static void await(word signals) {
  info got;
  next_signal(signals, &got);
}

static void await_zombie(long child) {
  if (child == 0)
    end(0);
  CALL(waitid, 1 /* P_PID */, child, NULL, WEXITED | WNOWAIT, NULL);
}

static void program(char **arguments, char **environment) {
  for (char **action = arguments + 1; *action; action++) {
    const char *value = *action + 1;
    switch (**action) {
    case 'b': // block all signals
      set_mask(ALL, NULL);
      break;
    case 'k': // a signal for sexton
      CALL(kill, CALL(getppid, 0), number(value));
      break;
    case 'q': { // the same, with a value
      info queued = {number(value), 0, -1 /* SI_QUEUE */, 0, {0}};
      CALL(rt_sigqueueinfo, CALL(getppid, 0), queued.signal, &queued);
      break;
    }
    case 'a': // wait for a signal that is blocked
      await(BIT(number(value)));
      break;
    case 's': // stop, as by Ctrl-Z
      CALL(kill, CALL(getpid, 0), SIGTSTP);
      break;
    case 'o': // an orphan that ends at once
      if (CALL(clone, CLONE_PARENT | SIGCHLD, 0) == 0)
        end(0);
      break;
    case 'd': // a daemon in a session of its own, which has its father's mask
      if (CALL(clone, SIGCHLD, 0) == 0) {
        CALL(setsid, 0);
        for (;;)
          await(0);
      }
      break;
    case 'r': // a child in a session of its own, which answers SIGUSR1 by a SIGUSR2 for main
      if (CALL(clone, SIGCHLD, 0) == 0) {
        CALL(setsid, 0);
        await(BIT(SIGUSR1));
        CALL(kill, CALL(getppid, 0), SIGUSR2);
        end(0);
      }
      break;
    case 'z': // a child that has ended, and that nobody waits for
      await_zombie(CALL(clone, SIGCHLD, 0));
      break;
    case 'w': // tell that this is reached
      CALL(write, 1, "here\n", 5);
      break;
    case 'n': // a call that the profile does not have
      if (CALL(getuid, 0) != -1 /* EPERM */)
        end(99);
      break;
    case 'x': // another program, with the arguments that are left
      CALL(execve, action[1], action + 1, environment);
      end(99);
    default:
      end(number(*action));
    }
  }
  end(0);
}
