// Raw system calls for programs without a C library (x86_64 only, as the benchmarks are): what such a
// program weighs and does is its own.
#pragma once
#include <asm/unistd.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/wait.h>

#define NULL ((void *)0)
typedef unsigned long word;

// Always inlined: after a clone that shares the memory, child and parent are on the same stack, and a
// return in the child would spoil the parent's.
static inline __attribute__((always_inline)) long call(word number, word a, word b, word c, word d,
                                                       word e, word f) {
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#define CALL6(name, a, b, c, d, e, f, ...)                                                         \
  call(__NR_##name, (word)(a), (word)(b), (word)(c), (word)(d), (word)(e), (word)(f))
#define CALL(...) CALL6(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

// Bits of a signal mask.
#define BIT(signal) (1UL << ((signal)-1))
#define ALL (~0UL)

// What sigtimedwait fills in.
typedef struct {
  int signal, error, code, padding;
  char rest[112];
} info;

static inline void set_mask(word mask, word *old) {
  CALL(rt_sigprocmask, SIG_SETMASK, &mask, old, sizeof mask);
}

static inline int next_signal(word set, info *got) {
  return CALL(rt_sigtimedwait, &set, got, NULL, sizeof set);
}

// The program: `arguments` and `environment` end with NULL.
static __attribute__((used, noreturn)) void program(char **arguments, char **environment);

// The stack begins with the number of arguments.
static __attribute__((used, noreturn)) void begin(word *stack) {
  program((char **)stack + 1, (char **)stack + stack[0] + 2);
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
