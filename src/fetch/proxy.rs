//! The proxy of a request, from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` in lower
//! case (which takes precedence) or upper case, with the rules of curl.

use std::net::Ipv4Addr;

use ureq::{Proxy, http::Uri};

/// Proxies by scheme, and the hosts that are reached without one.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// An environment variable that is no valid proxy.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("failed to read the proxy in {variable}: `{value}` is no valid address")]
#[diagnostic(help(
    "write it as http://host:port, https://host:port or socks5h://host:port (a percent sign in a \
     name or password as %25), or unset it"
))]
pub struct ProxyError {
    variable: &'static str,
    value: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    All,
    /// A host and its subdomains, on one port or on all of them.
    Host {
        name: String,
        port: Option<u16>,
    },
    /// A network of IPv4 addresses (CIDR).
    Network {
        address: u32,
        mask: u32,
    },
}

impl Proxies {
    /// Reads the environment variables.
    ///
    /// # Errors
    /// If a variable is no valid proxy.
    pub(crate) fn from_environment() -> Result<Self, ProxyError> {
        Self::new(&|name| std::env::var(name).ok())
    }

    /// Reads variables through a lookup function.
    ///
    /// # Errors
    /// If a variable is no valid proxy.
    pub fn new(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let value = |names: [&'static str; 2]| {
            let set =
                |name: &'static str| variable(name).map(|value| (name, value.trim().to_owned()));
            // An empty variable counts as unset, so the next name is looked up.
            names.into_iter().filter_map(set).find(|(_, value)| !value.is_empty())
        };
        let proxy = |names| -> Result<Option<Proxy>, ProxyError> {
            let Some((variable, value)) = value(names) else { return Ok(None) };
            // The value may contain a password, so the error shows the part after it.
            let shown = value.rsplit('@').next().unwrap_or_default().to_owned();
            Proxy::new(&value).map(Some).map_err(|_| ProxyError { variable, value: shown })
        };
        let all = proxy(["all_proxy", "ALL_PROXY"])?;
        let exceptions = value(["no_proxy", "NO_PROXY"]).map(|(_, list)| list).unwrap_or_default();
        Ok(Self {
            http: proxy(["http_proxy", "HTTP_PROXY"])?.or_else(|| all.clone()),
            https: proxy(["https_proxy", "HTTPS_PROXY"])?.or(all),
            exceptions: exceptions
                .split([',', ' '])
                .filter(|entry| !entry.is_empty())
                .map(Exception::parse)
                .collect(),
        })
    }

    /// The proxy for an address; `None` for a direct connection.
    #[must_use]
    pub fn for_address(&self, address: &Uri) -> Option<&Proxy> {
        let https = address.scheme_str() == Some("https");
        let proxy = if https { &self.https } else { &self.http };
        let host = address.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let port = address.port_u16().unwrap_or(if https { 443 } else { 80 });
        let excepted = self.exceptions.iter().any(|exception| exception.matches(&host, port));
        proxy.as_ref().filter(|_| !excepted)
    }
}

impl Exception {
    fn parse(entry: &str) -> Self {
        let entry = entry.to_ascii_lowercase();
        if entry == "*" {
            return Self::All;
        }
        if let Some((address, bits)) = entry.split_once('/')
            && let (Ok(address), Ok(bits @ 0..=32)) =
                (address.parse::<Ipv4Addr>(), bits.parse::<u32>())
        {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            return Self::Network { address: u32::from(address) & mask, mask };
        }
        let (name, port) = match entry.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => (name, port.parse().ok()),
            _ => (entry.as_str(), None),
        };
        let name = name.trim_start_matches('*').trim_start_matches('.').trim_matches(['[', ']']);
        Self::Host { name: name.to_owned(), port }
    }

    fn matches(&self, host: &str, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Network { address, mask } => {
                host.parse::<Ipv4Addr>().is_ok_and(|host| u32::from(host) & mask == *address)
            }
            Self::Host { name, port: only } => {
                let below = host.strip_suffix(name.as_str());
                let same = below.is_some_and(|below| below.is_empty() || below.ends_with('.'));
                !name.is_empty() && same && only.is_none_or(|only| only == port)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(set: &[(&str, &str)]) -> Proxies {
        let find = |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Proxies::new(&find).unwrap()
    }

    fn of(proxies: &Proxies, address: &str) -> Option<String> {
        proxies.for_address(&address.parse().unwrap()).map(|proxy| proxy.host().to_owned())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_lower_case_takes_precedence() {
        let set = proxies(&[
            ("HTTP_PROXY", "http://plain:3128"),
            ("https_proxy", "secure:3128"),
            ("HTTPS_PROXY", "http://other"),
            ("ALL_PROXY", "socks5h://all"),
        ]);
        assert_eq!(of(&set, "http://a.org/x").as_deref(), Some("plain"));
        assert_eq!(of(&set, "https://a.org/x").as_deref(), Some("secure"));
        let all = proxies(&[("all_proxy", "http://all"), ("https_proxy", " ")]);
        assert_eq!(of(&all, "https://a.org/x").as_deref(), Some("all"));
        assert_eq!(of(&proxies(&[("http_proxy", "http://plain")]), "https://a.org/"), None);
    }

    #[test]
    fn no_proxy_lists_hosts_with_subdomains_ports_and_networks() {
        let set = proxies(&[
            ("http_proxy", "http://proxy"),
            ("no_proxy", "a.org, .b.org,*.c.org,d.org:8080,10.1.0.0/16,,[::1]"),
        ]);
        let direct = |address| of(&set, address).is_none();
        for address in [
            "http://a.org/",
            "http://www.A.org/",
            "http://b.org/",
            "http://x.c.org/",
            "http://d.org:8080/",
            "http://10.1.2.3/",
            "http://[::1]/",
        ] {
            assert!(direct(address), "{address}");
        }
        for address in ["http://aa.org/", "http://d.org/", "http://10.2.0.1/", "http://org/"] {
            assert!(!direct(address), "{address}");
        }
        let none = proxies(&[("http_proxy", "http://proxy"), ("NO_PROXY", "*")]);
        assert_eq!(of(&none, "http://a.org/"), None);
    }

    #[test]
    fn an_invalid_proxy_is_an_error_without_its_password() {
        let error = Proxies::new(&|name| {
            (name == "HTTP_PROXY").then(|| "gopher://me:secret@host".to_owned())
        })
        .unwrap_err()
        .to_string();
        assert!(error.contains("HTTP_PROXY") && !error.contains("secret"), "{error}");
    }
}
