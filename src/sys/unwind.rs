//! In place of the unwinder, and of getcwd(3), where a panic ends the process anyway: std would walk and name the stack
//! for the panic's message, which takes more code than all of sexton.
//!
//! A panic still prints its message and its place. These are the functions that std's prebuilt objects refer
//! to (the Itanium C++ ABI's "Exception Handling", level I); a question for a frame is answered that there is none.

#![allow(
    unsafe_code,
    reason = "symbols of the C library's neighbour; compiled into the binary only"
)]

use std::ffi::{c_char, c_int, c_void};

/// `_URC_END_OF_STACK`
const END_OF_STACK: c_int = 5;

macro_rules! without_frames {
    ($($name:ident($($argument:ty),*) -> $result:ty = $value:expr;)*) => {$(
        // SAFETY: nothing else defines the symbol, because the library that would is not linked.
        #[unsafe(no_mangle)]
        extern "C" fn $name($(_: $argument),*) -> $result {
            $value
        }
    )*};
}

without_frames! {
    _Unwind_Backtrace(*const c_void, *const c_void) -> c_int = END_OF_STACK;
    _Unwind_RaiseException(*const c_void) -> c_int = END_OF_STACK;
    _Unwind_Resume(*const c_void) -> () = std::process::abort();
    _Unwind_DeleteException(*const c_void) -> () = ();
    _Unwind_FindEnclosingFunction(*const c_void) -> usize = 0;
    _Unwind_GetCFA(*const c_void) -> usize = 0;
    _Unwind_GetDataRelBase(*const c_void) -> usize = 0;
    _Unwind_GetTextRelBase(*const c_void) -> usize = 0;
    _Unwind_GetIP(*const c_void) -> usize = 0;
    _Unwind_GetIPInfo(*const c_void, *const c_int) -> usize = 0;
    _Unwind_GetLanguageSpecificData(*const c_void) -> usize = 0;
    _Unwind_GetRegionStart(*const c_void) -> usize = 0;
    _Unwind_SetGR(*const c_void, c_int, usize) -> () = ();
    _Unwind_SetIP(*const c_void, usize) -> () = ();
}

/// std asks for the working directory to shorten the paths of a backtrace, and there is no backtrace. musl's getcwd(3)
/// would bring its heap along.
// SAFETY: nothing else defines the symbol, because the C library is only searched for what is missing.
#[unsafe(no_mangle)]
extern "C" fn getcwd(_: *mut c_char, _: usize) -> *mut c_char {
    nix::errno::Errno::ENOSYS.set(); // std repeats the call on ERANGE
    std::ptr::null_mut()
}
