//! Where log lines can be sent.

#![forbid(unsafe_code)]

use std::net::SocketAddr;

/// Where a syslog daemon listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyslogAddress {
    /// `/dev/log`.
    Local,
    /// A UDP port.
    Udp(SocketAddr),
    /// A TCP port.
    Tcp(SocketAddr),
}
