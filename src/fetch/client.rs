//! Requests: one GET at a time, through the proxy that is set, over redirects that are counted, with a
//! limit on how long nothing may come.

use std::{io, sync::Mutex, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use ureq::{
    Agent, Error, Proxy, ProxyProtocol, RequestExt, Timeout,
    config::Config,
    http::{Request, Uri, header},
    tls::{RootCerts, TlsConfig},
    unversioned::transport::{Connector, TcpConnector},
};

use super::{
    answer::Answer,
    forward::{AtProxy, WholeAddress},
    proxy::Proxies,
};

/// Redirects that are followed in one request.
const MOST_REDIRECTS: usize = 10;

/// How long and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A connection that is not made by then is given up.
    pub connect: Duration,
    /// A connection that brings nothing for so long is given up.
    pub stall: Duration,
    /// Tries in a row that bring nothing new before an address is given up.
    pub tries: u32,
    /// The wait before the second try; it doubles with each.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            stall: Duration::from_secs(60),
            tries: 5,
            pause: Duration::from_secs(1),
        }
    }
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Client {
    proxies: Proxies,
    patience: Patience,
    agent: Agent,
    /// Agents for plain HTTP, by the proxy that they go through.
    forwarding: Mutex<Vec<(Proxy, Agent)>>,
}

/// The part of a file that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// The first byte.
    pub from: u64,
    /// The version that the part in hand is of (an ETag or a date): of another version all is wanted.
    pub of_version: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The host was not reached.
    Unreached(String),
    /// It was, and another try may bring more.
    Broken(String),
    /// Another try would bring the same.
    Refused(String),
}

impl Client {
    pub fn new(proxies: Proxies, patience: Patience) -> Self {
        let agent = Agent::new_with_config(config(patience));
        Self { proxies, patience, agent, forwarding: Mutex::default() }
    }

    /// Asks for a file, or the rest of one, following redirects.
    pub fn get(&self, address: &str, rest: Option<&Rest>) -> Result<Answer, NoAnswer> {
        let mut address = address.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.ask(&address, rest)?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let location = answer.header(header::LOCATION.as_str()).ok_or_else(|| {
                NoAnswer::Refused(format!(
                    "it redirects ({}) and does not say where",
                    answer.status
                ))
            })?;
            let next = joined(&address, location)
                .ok_or_else(|| NoAnswer::Refused(format!("it redirects to `{location}`")))?;
            if address.starts_with("https:") && !next.starts_with("https:") {
                let reason = format!("it redirects from https to {next}, which nothing protects");
                return Err(NoAnswer::Refused(reason));
            }
            address = next;
        }
        Err(NoAnswer::Refused(format!("it redirects more than {MOST_REDIRECTS} times")))
    }

    /// Ends whatever request is under way.
    pub fn shut_down(&self) {
        self.agent.clone().shutdown();
        for (_, agent) in &*self.forwarding.lock().expect("no panic holds it") {
            agent.clone().shutdown();
        }
    }

    fn ask(&self, address: &str, rest: Option<&Rest>) -> Result<Answer, NoAnswer> {
        let refused = |what: &dyn std::fmt::Display| NoAnswer::Refused(what.to_string());
        let uri: Uri = address.parse().map_err(|error| refused(&error))?;
        let proxy = self.proxies.of(&uri);
        let forwards = proxy.filter(|proxy| {
            uri.scheme_str() == Some("http") && proxy.protocol() == ProxyProtocol::Http
        });
        let mut request = Request::get(uri.clone())
            .header(header::ACCEPT, "*/*")
            // A file is wanted as it is, and its length as it comes.
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(Rest { from, of_version }) = rest {
            request = request.header(header::RANGE, format!("bytes={from}-"));
            if let Some(version) = of_version {
                request = request.header(header::IF_RANGE, version);
            }
        }
        if let Some(credentials) = forwards.and_then(credentials) {
            request = request.header(header::PROXY_AUTHORIZATION, credentials);
        }
        let request = request.body(()).map_err(|error| refused(&error))?;
        let answer = match forwards {
            Some(proxy) => request.with_agent(self.forwarding(proxy)).run(),
            None => {
                let request = request.with_agent(&self.agent);
                request.configure().proxy(proxy.cloned()).build().run()
            }
        };
        let answer = answer.map_err(|error| self.no_answer(error, proxy))?;
        let (parts, body) = answer.into_parts();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: Box::new(body.into_reader()),
        })
    }

    fn forwarding(&self, proxy: &Proxy) -> Agent {
        let mut agents = self.forwarding.lock().expect("no panic holds it");
        if let Some((_, agent)) = agents.iter().find(|(known, _)| known == proxy) {
            return agent.clone();
        }
        let connector = TcpConnector::default().chain(WholeAddress);
        let resolver = AtProxy { proxy: proxy.uri().clone() };
        let agent = Agent::with_parts(config(self.patience), connector, resolver);
        agents.push((proxy.clone(), agent.clone()));
        agent
    }

    fn no_answer(&self, error: Error, proxy: Option<&Proxy>) -> NoAnswer {
        let through = proxy.map_or_else(String::new, |proxy| {
            format!(" (through the proxy {}:{})", proxy.host(), proxy.port())
        });
        let unreached = |what: String| NoAnswer::Unreached(format!("{what}{through}"));
        match error {
            Error::HostNotFound => unreached("the host was not found".to_owned()),
            Error::ConnectionFailed => unreached("no connection was made".to_owned()),
            Error::ConnectProxyFailed(reason) => unreached(format!("the proxy refused: {reason}")),
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => unreached(format!(
                "no connection was made within {} s",
                self.patience.connect.as_secs_f64()
            )),
            Error::Timeout(_) => NoAnswer::Broken(stalled(self.patience.stall)),
            // How a certificate that is not trusted comes through a socket's error.
            Error::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => untrusted(&cause),
            Error::Io(cause) => match cause.kind() {
                // The connection was there.
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::TimedOut => NoAnswer::Broken(format!("no answer: {cause}")),
                _ => unreached(cause.to_string()),
            },
            Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => untrusted(&error),
            Error::Protocol(_) => NoAnswer::Broken(format!("its answer is no HTTP: {error}")),
            error => NoAnswer::Refused(error.to_string()),
        }
    }
}

/// What a read from an answer's body failed with, in words.
pub(super) fn broken(error: io::Error, stall: Duration) -> String {
    match Error::from(error) {
        Error::Timeout(_) => stalled(stall),
        Error::Io(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection ended before the file".to_owned()
        }
        error => format!("the connection broke: {error}"),
    }
}

fn stalled(stall: Duration) -> String {
    format!("nothing came for {} s", stall.as_secs_f64())
}

fn untrusted(cause: &dyn std::fmt::Display) -> NoAnswer {
    NoAnswer::Refused(format!(
        "the connection can't be trusted: {cause} (SSL_CERT_FILE names certificates of your own)"
    ))
}

fn config(patience: Patience) -> Config {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .user_agent(concat!("repro/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .proxy(None)
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.stall))
        .timeout_per_read(Some(patience.stall))
        .timeout_per_write(Some(patience.stall))
        .tls_config(tls)
        .build()
}

fn credentials(proxy: &Proxy) -> Option<String> {
    let (name, password) = (proxy.username()?, proxy.password().unwrap_or_default());
    Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
}

/// Where a redirect from an address leads (RFC 3986, 5.2, as far as servers use it); `None` where that
/// is no address of the web.
fn joined(address: &str, location: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let location = location.split('#').next()?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let next = if location.starts_with("http://") || location.starts_with("https://") {
        location.to_owned()
    } else if let Some(other) = location.strip_prefix("//") {
        format!("{scheme}://{other}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.is_empty() || location.split(['/', '?']).next()?.contains(':') {
        return None;
    } else {
        let path = path.split('?').next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    next.parse::<Uri>().ok().and_then(|uri| uri.host().map(|_| ()))?;
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn redirects_are_taken_from_where_they_stand() {
        let from = "https://a.org:8443/x/y.zip?dl=1";
        for (location, to) in [
            ("https://b.org/z", Some("https://b.org/z")),
            ("http://b.org/z#part", Some("http://b.org/z")),
            ("//b.org/z", Some("https://b.org/z")),
            ("/z?q=1", Some("https://a.org:8443/z?q=1")),
            ("z", Some("https://a.org:8443/x/z")),
            ("", None),
            ("ftp://b.org/z", None),
            ("javascript:alert(1)", None),
            ("https://", None),
        ] {
            assert_eq!(joined(from, location).as_deref(), to, "{location}");
        }
        assert_eq!(joined("http://a.org", "z").as_deref(), Some("http://a.org/z"));
    }
}
