//! Pods by the Container Runtime Interface, as a kubelet has them from containerd: sexton holds each
//! (`--pause`), and is the init of its containers.

macro_rules! on_each_handler {
    ($($behaviours:tt)+) => {
        on_each!([runc = crate::cri::pod::RUNC, crun = crate::cri::pod::CRUN] { $($behaviours)+ });
    };
}

mod pod;

mod exec;
mod hardened;
mod oom;
mod pause;
mod shared;
mod stop;
