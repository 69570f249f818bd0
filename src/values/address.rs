//! The address of a syslog daemon.

#![forbid(unsafe_code)]

use crate::values::decimal::decimal;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

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

/// The port on which syslog daemons listen.
const SYSLOG_PORT: u16 = 514;

/// Reads an IP address, with a port or with syslog's own: `192.0.2.1:514`, `[2001:db8::1]:514`. Names are not looked
/// up, because that can block. The parser of std reads the same texts, and is larger (3.2 KB instead of 2.0).
#[must_use]
pub fn socket_address(text: &str) -> Option<SocketAddr> {
    let usual = |address| SocketAddr::new(address, SYSLOG_PORT);
    match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((address, "")) => ip(address).map(usual),
        Some((address, port)) => {
            let port = self::port(port.strip_prefix(':')?)?;
            let (address, scope) = match address.split_once('%') {
                Some((address, scope)) => (address, decimal(scope.as_bytes())?),
                None => (address, 0),
            };
            Some(SocketAddrV6::new(ipv6(address)?, port, 0, scope).into())
        }
        None => ip(text).map(usual).or_else(|| {
            let (address, port) = text.split_once(':')?;
            Some(SocketAddr::new(ipv4(address)?.into(), self::port(port)?))
        }),
    }
}

fn port(text: &str) -> Option<u16> {
    decimal(text.as_bytes()).filter(|&port| port != 0)
}

fn ip(text: &str) -> Option<IpAddr> {
    ipv4(text).map(IpAddr::V4).or_else(|| ipv6(text).map(IpAddr::V6))
}

fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        // inet_aton(3) takes a number that begins with 0 for an octal one.
        *octet = decimal(part.as_bytes()).filter(|_| part == "0" || !part.starts_with('0'))?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// Eight groups. In the place of some that are zero `::` can stand, and an IPv4 address in that of the last two.
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let gap = text.as_bytes().windows(2).position(|two| two == b"::");
    let mut groups = Vec::with_capacity(8);
    match gap {
        None => add_groups(text, &mut groups)?,
        Some(at) => {
            let mut behind = Vec::with_capacity(8);
            add_groups(text.get(at + 2..)?, &mut behind).filter(|()| behind.len() < 8)?;
            let before = text.get(..at).filter(|before| !before.contains('.'))?;
            add_groups(before, &mut groups).filter(|()| groups.len() + behind.len() < 8)?;
            groups.resize(8 - behind.len(), 0);
            groups.append(&mut behind);
        }
    }
    <[u16; 8]>::try_from(groups).ok().map(Ipv6Addr::from)
}

/// Adds the groups of a text, which may be empty.
fn add_groups(text: &str, groups: &mut Vec<u16>) -> Option<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let (part, behind) = match rest.split_once(':') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (rest, ""),
        };
        match ipv4(part).filter(|_| behind.is_empty()) {
            Some(address) => {
                let [a, b, c, d] = address.octets();
                groups.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
            }
            None => groups.push(group(part)?),
        }
        rest = behind;
    }
    Some(())
}

/// One to four hexadecimal digits.
fn group(text: &str) -> Option<u16> {
    let digits = text.chars().map(|digit| digit.to_digit(16));
    let number = digits.into_iter().try_fold(0, |number, digit| Some(number << 4 | digit?))?;
    (1..=4).contains(&text.len()).then_some(number as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The same by the parsers of std.
    fn by_std(text: &str) -> Option<SocketAddr> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let address = || bare.unwrap_or(text).parse::<IpAddr>().ok();
        let usual = || Some(SocketAddr::new(address()?, SYSLOG_PORT));
        text.parse().ok().or_else(usual).filter(|address: &SocketAddr| address.port() != 0)
    }

    #[test]
    fn std_reads_the_same_addresses() {
        const SAMPLES: [&str; 14] = [
            "192.0.2.1",
            "192.0.2.1:5514",
            "[2001:db8::1]:9",
            "[fe80::1%3]:514",
            "[2001:db8::1]",
            "::1",
            "::",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1::ffff:1.2.3.4",
            "1:2:3:4:5:6:1.2.3.4",
            "[1.2.3.4]",
            "0.0.0.0:0514",
        ];
        const BYTES: &[u8] = b":::...[]%0012589fFxg ";
        let mut random = Random(1);
        let mut below = |bound: usize| random.below(bound as u64) as usize;
        let (mut read, mut refused) = (0, 0);
        for sample in SAMPLES {
            assert!(by_std(sample).is_some(), "{sample}");
            for _ in 0..20_000 {
                let mut text = sample.as_bytes().to_vec();
                for _ in 0..below(4) {
                    let at = below(text.len() + 1);
                    let byte = BYTES[below(BYTES.len())];
                    match below(3) {
                        0 => text.insert(at, byte),
                        1 if at < text.len() => text[at] = byte,
                        _ if at < text.len() => drop(text.remove(at)),
                        _ => {}
                    }
                }
                let text = String::from_utf8(text).unwrap();
                assert_eq!(socket_address(&text), by_std(&text), "{text}");
                *(if by_std(&text).is_some() { &mut read } else { &mut refused }) += 1;
            }
        }
        assert!(read > 20_000 && refused > 20_000, "{read} {refused}");
    }
}
