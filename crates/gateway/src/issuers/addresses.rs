//! Which addresses are called: public ones, so that nobody who names an issuer reaches into the network that the gateway is in.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks without a public host (RFC 6890 and the registries of special-purpose addresses), and those that lead to other networks.
const NOT_PUBLIC: [&str; 22] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "::/3",
    "4000::/2",
    "8000::/1",
];

/// Of them, those that are nobody's network: this host, neighbours of one link, many hosts at once, and a cloud's own services.
const NEVER: [&str; 8] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "224.0.0.0/3",
    "::/64",
    "fe80::/10",
    "ff00::/8",
];

fn is_in(networks: &[&str], address: IpAddr) -> bool {
    let address = address.to_canonical();
    let parsed = networks.iter().filter_map(|network| network.parse::<IpNet>().ok());
    parsed.into_iter().any(|network| network.contains(&address))
}

/// Whether it may be a host of a network of our own.
pub(super) fn is_private(address: IpAddr) -> bool {
    !is_in(&NEVER, address)
}

/// Whether anybody can reach it.
pub(super) fn is_public(address: IpAddr) -> bool {
    !is_in(&NOT_PUBLIC, address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_read() {
        assert!(NOT_PUBLIC.iter().chain(&NEVER).all(|network| network.parse::<IpNet>().is_ok()));
    }

    #[test]
    fn attack_51_no_address_of_our_own_network_is_public() {
        let own = [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ];
        for address in own {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["10.1.2.3", "192.168.1.1", "fd12::1", "100.64.0.1"] {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
        for address in
            ["169.254.169.254", "127.0.0.1", "::1", "::ffff:127.0.0.1", "fe80::1", "ff02::1", "168.63.129.16"]
        {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
        for address in
            ["1.1.1.1", "20.190.151.7", "172.32.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
