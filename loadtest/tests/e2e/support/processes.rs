//! The running processes and the addresses that they listen on, from `/proc`.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use chassis::platform::Service;
use rustix::process::{Pid, Signal, kill_process};

/// A listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    inode: u64,
}

/// Every listening TCP socket of this machine.
pub(crate) fn listeners() -> Vec<Listener> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .flat_map(|table| {
            let text = std::fs::read_to_string(table).unwrap_or_default();
            text.lines()
                .skip(1)
                .filter_map(listener)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Parses a line of `/proc/net/tcp`, if its socket is listening.
fn listener(line: &str) -> Option<Listener> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (address, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    if *state != LISTEN {
        return None;
    }
    let (ip, port) = address.split_once(':')?;
    Some(Listener {
        address: SocketAddr::new(ip_address(ip)?, u16::from_str_radix(port, 16).ok()?),
        inode: inode.parse().ok()?,
    })
}

/// Parses an address, which the kernel writes as 32-bit words in the byte order of the machine.
fn ip_address(hex: &str) -> Option<IpAddr> {
    let words: Vec<[u8; 4]> = hex
        .as_bytes()
        .chunks(8)
        .map(|word| {
            let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
            Some(word.to_ne_bytes())
        })
        .collect::<Option<_>>()?;
    match words.concat().as_slice() {
        bytes if bytes.len() == 4 => <[u8; 4]>::try_from(bytes)
            .ok()
            .map(|bytes| Ipv4Addr::from(bytes).into()),
        bytes => <[u8; 16]>::try_from(bytes)
            .ok()
            .map(|bytes| Ipv6Addr::from(bytes).into()),
    }
}

/// The inodes of the sockets of a process.
fn sockets_of(pid: i32) -> HashSet<u64> {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return HashSet::new();
    };
    descriptors
        .filter_map(|descriptor| {
            let target = std::fs::read_link(descriptor.ok()?.path()).ok()?;
            let target = target.to_str()?;
            target
                .strip_prefix("socket:[")?
                .strip_suffix(']')?
                .parse()
                .ok()
        })
        .collect()
}

/// The parent of every process, by process ids.
fn parents() -> HashMap<i32, i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return HashMap::new();
    };
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name, in parentheses, may contain any character; the state and the parent follow it.
            let (_, rest) = stat.rsplit_once(')')?;
            Some((pid, rest.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect()
}

/// The process that listens on this port.
pub(crate) fn listening_on(port: u16) -> Option<i32> {
    let inodes: Vec<u64> = listeners()
        .into_iter()
        .filter(|listener| listener.address.port() == port)
        .map(|listener| listener.inode)
        .collect();
    parents().into_keys().find(|pid| {
        let sockets = sockets_of(*pid);
        inodes.iter().any(|inode| sockets.contains(inode))
    })
}

/// The process and all of its descendants.
pub(crate) fn process_tree(root: i32) -> Vec<i32> {
    let parents = parents();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(parent) = tree.get(next).copied() {
        tree.extend(
            parents
                .iter()
                .filter(|(_, of)| **of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    tree
}

/// The addresses that a process listens on.
pub(crate) fn addresses_of(pid: i32) -> Vec<SocketAddr> {
    let sockets = sockets_of(pid);
    listeners()
        .into_iter()
        .filter(|listener| sockets.contains(&listener.inode))
        .map(|listener| listener.address)
        .collect()
}

/// The process's name.
pub(crate) fn name_of(pid: i32) -> String {
    let path = format!("/proc/{pid}/comm");
    std::fs::read_to_string(Path::new(&path))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The process of a service.
pub(crate) fn process_of(service: Service) -> Option<i32> {
    listening_on(service.admin_port())
}

/// Kills the process of a service with SIGKILL.
pub(crate) fn sigkill(service: Service) {
    let pid = process_of(service).unwrap_or_else(|| panic!("{} does not run", service.name()));
    let pid = Pid::from_raw(pid).expect("a process id is positive");
    kill_process(pid, Signal::KILL).expect("a process of the stack can be killed");
}

#[test]
fn addresses_in_proc_net_tcp_are_parsed_in_the_byte_order_of_the_machine() {
    let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1";
    let found = listener(line).expect("it listens");
    assert_eq!(found.address, "127.0.0.1:8080".parse().expect("an address"));
    let any = ip_address("00000000000000000000000000000000").expect("an address");
    assert!(any.is_unspecified());
    let loopback = ip_address("00000000000000000000000001000000").expect("an address");
    assert!(loopback.is_loopback());
}
