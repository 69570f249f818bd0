//! sexton under a debugger.

use super::wait_until;
use nix::libc;

/// sexton, stopped and gone on with system call by system call (ptrace(2)).
pub struct Traced(pub i32);

/// What `PTRACE_GET_SYSCALL_INFO` tells.
#[repr(C)]
#[derive(Default)]
pub struct Call {
    /// 1 at the entry, 2 at the exit.
    pub operation: u8,
    _other: [u8; 23],
    /// The call's number at the entry, its result at the exit.
    pub value: i64,
    /// At the entry.
    pub arguments: [u64; 6],
}

impl Traced {
    fn request(&self, request: u32, address: usize, data: usize) {
        let result = unsafe { libc::ptrace(request as _, self.0, address, data) };
        assert!(result >= 0, "ptrace {request}: {}", std::io::Error::last_os_error());
    }

    /// Waits for the next stop and gives the status.
    fn stop(&self) -> i32 {
        let mut raw = 0;
        wait_until("a traced process stops", || {
            (unsafe { libc::waitpid(self.0, &raw mut raw, libc::__WALL | libc::WNOHANG) }) == self.0
        });
        assert!(libc::WIFSTOPPED(raw), "{raw:x}");
        raw
    }

    pub fn seize(pid: i32) -> Traced {
        let traced = Traced(pid);
        let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        traced.request(libc::PTRACE_SEIZE as _, 0, options as usize);
        traced.request(libc::PTRACE_INTERRUPT as _, 0, 0);
        traced.stop();
        traced
    }

    /// Goes on to the next entry to or exit from a system call.
    pub fn step(&self) -> Call {
        const PTRACE_GET_SYSCALL_INFO: u32 = 0x420e;
        self.request(libc::PTRACE_SYSCALL as _, 0, 0);
        self.stop();
        let mut call = Call::default();
        self.request(PTRACE_GET_SYSCALL_INFO, size_of::<Call>(), (&raw mut call) as usize);
        call
    }

    /// Goes on instruction by instruction until the next is a system call with this number, and counts them.
    #[cfg(target_arch = "x86_64")]
    #[allow(dead_code, reason = "tests/faults has no use for it")]
    pub fn instructions_until(&self, call: i64) -> usize {
        const SYSCALL: i64 = 0x050f;
        for count in 1.. {
            self.request(libc::PTRACE_SINGLESTEP as _, 0, 0);
            let mut raw = 0;
            // SAFETY: as in `stop`, whose loop would wait for its turn again after each instruction.
            assert_eq!(unsafe { libc::waitpid(self.0, &raw mut raw, libc::__WALL) }, self.0);
            assert!(libc::WIFSTOPPED(raw), "{raw:x}");
            // SAFETY: plain numbers.
            let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
            self.request(libc::PTRACE_GETREGS as _, 0, (&raw mut registers) as usize);
            // SAFETY: reads the memory of the process that is traced.
            let code = unsafe { libc::ptrace(libc::PTRACE_PEEKTEXT, self.0, registers.rip, 0) };
            if code & 0xffff == SYSCALL && registers.rax as i64 == call {
                return count;
            }
        }
        unreachable!()
    }

    /// Kills it, and waits for its end as its debugger; its parent reaps it.
    pub fn kill(self) {
        assert_eq!(unsafe { libc::kill(self.0, libc::SIGKILL) }, 0);
        let mut raw = 0;
        wait_until("a traced process ends", || {
            let reaped =
                unsafe { libc::waitpid(self.0, &raw mut raw, libc::__WALL | libc::WNOHANG) };
            reaped == self.0 && libc::WIFSIGNALED(raw)
        });
    }

    pub fn release(self) {
        self.request(libc::PTRACE_DETACH as _, 0, 0);
    }

    /// sexton, which was started with `PTRACE_TRACEME`, before its first instruction.
    pub fn after_exec(pid: i32) -> Traced {
        let sexton = Traced(pid);
        sexton.stop();
        sexton
    }

    /// Lets sexton, which was started with `PTRACE_TRACEME`, run until it has forked: itself and the command,
    /// both stopped.
    pub fn until_fork(pid: i32) -> (Traced, Traced) {
        Traced::after_exec(pid).until_it_forks()
    }

    /// Lets it run until it has forked: itself and its child, both stopped.
    pub fn until_it_forks(self) -> (Traced, Traced) {
        let options =
            libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        self.request(libc::PTRACE_SETOPTIONS as _, 0, options as usize);
        self.request(libc::PTRACE_CONT as _, 0, 0);
        let event = self.stop() >> 16;
        assert_eq!(event, libc::PTRACE_EVENT_FORK);
        let mut child: libc::c_ulong = 0;
        self.request(libc::PTRACE_GETEVENTMSG as _, 0, (&raw mut child) as usize);
        let child = Traced(child as i32);
        child.stop();
        (self, child)
    }
}

/// For [`Setup::prepare`] and [`Traced::until_fork`].
pub fn be_traced() {
    unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
}
