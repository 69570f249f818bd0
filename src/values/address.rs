//! The address of a syslog daemon.

#![forbid(unsafe_code)]

use std::net::SocketAddr;

/// Where a syslog daemon listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyslogAddress {
    /// The socket `/dev/log`.
    Local,
    /// A port of UDP.
    Udp(SocketAddr),
    /// A port of TCP.
    Tcp(SocketAddr),
}
