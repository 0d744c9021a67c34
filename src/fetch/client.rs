//! The HTTP client: one GET request at a time, through the configured proxy, with a limit on
//! redirects and timeouts for connecting, waiting and reading.

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
    forward::{AbsoluteForm, ProxyResolver},
    proxy::Proxies,
    redirect::{encoded, resolve},
    response::Response,
};

/// Limit on the redirects of one request.
const MAX_REDIRECTS: usize = 10;

/// Timeouts, and how often a download is retried.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Timeout for resolving a host, and for connecting to it.
    pub connect: Duration,
    /// Timeout for a response to begin, and for each read and write.
    pub timeout: Duration,
    /// Attempts in a row without new bytes after which an address is given up.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles with each further one, up to a minute.
    pub pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            timeout: Duration::from_secs(60),
            attempts: 5,
            pause: Duration::from_secs(1),
        }
    }
}

/// An HTTP client.
#[derive(Debug)]
pub(super) struct Client {
    proxies: Proxies,
    policy: RetryPolicy,
    agent: Agent,
    /// Agents for plain HTTP through a proxy, by proxy.
    forwarding: Mutex<Vec<(Proxy, Agent)>>,
}

/// The rest of a file, to resume a download (RFC 9110, 14.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// Its first byte.
    pub from: u64,
    /// The version of the bytes before it (an ETag or a date), for `If-Range`: of another version
    /// the server sends the whole file.
    pub if_version: Option<String>,
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestError {
    /// The host can't be reached.
    Unreachable(String),
    /// The connection failed; a retry may succeed.
    Transient(String),
    /// A retry would fail in the same way.
    Permanent(String),
}

impl Client {
    pub fn new(proxies: Proxies, policy: RetryPolicy) -> Self {
        let agent = Agent::new_with_config(config(policy));
        Self { proxies, policy, agent, forwarding: Mutex::default() }
    }

    /// Requests a file, or the rest of one, and follows redirects.
    ///
    /// # Errors
    /// If there is no response, or a redirect has no valid address, is one too many, or leaves
    /// https.
    pub fn get(&self, address: &str, rest: Option<&Rest>) -> Result<Response, RequestError> {
        let mut address = address.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&address, rest)?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let location = response.headers.get(header::LOCATION).ok_or_else(|| {
                RequestError::Permanent(format!(
                    "the server redirects ({}) without a location",
                    response.status
                ))
            })?;
            let location = encoded(location.as_bytes());
            let next = resolve(&address, &location).ok_or_else(|| {
                let reason = format!("the server redirects to `{location}`, no http address");
                RequestError::Permanent(reason)
            })?;
            if address.starts_with("https:") && !next.starts_with("https:") {
                let reason =
                    format!("the server redirects from https to {next}, which is not secure");
                return Err(RequestError::Permanent(reason));
            }
            address = next;
        }
        Err(RequestError::Permanent(format!(
            "the server redirects more than {MAX_REDIRECTS} times"
        )))
    }

    /// Closes all connections, so that a request in progress fails at once (Ctrl-C).
    pub fn shut_down(&self) {
        self.agent.clone().shutdown();
        for (_, agent) in &*self.forwarding.lock().expect("lock is not poisoned") {
            agent.clone().shutdown();
        }
    }

    fn send(&self, address: &str, rest: Option<&Rest>) -> Result<Response, RequestError> {
        let invalid = |error: &dyn std::fmt::Display| RequestError::Permanent(error.to_string());
        let uri: Uri = address.parse().map_err(|error| invalid(&error))?;
        let proxy = self.proxies.for_address(&uri);
        let forwarding = proxy.filter(|proxy| {
            uri.scheme_str() == Some("http") && proxy.protocol() == ProxyProtocol::Http
        });
        let mut request = Request::get(uri.clone())
            .header(header::ACCEPT, "*/*")
            // No compression in transit: its length would not be the file's.
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(Rest { from, if_version }) = rest {
            request = request.header(header::RANGE, format!("bytes={from}-"));
            if let Some(version) = if_version {
                request = request.header(header::IF_RANGE, version);
            }
        }
        if let Some(credentials) = forwarding.and_then(credentials) {
            request = request.header(header::PROXY_AUTHORIZATION, credentials);
        }
        let request = request.body(()).map_err(|error| invalid(&error))?;
        let response = match forwarding {
            Some(proxy) => request.with_agent(self.forwarding(proxy)).run(),
            None => {
                let request = request.with_agent(&self.agent);
                request.configure().proxy(proxy.cloned()).build().run()
            }
        };
        let response = response.map_err(|error| self.request_error(error, proxy))?;
        let (parts, body) = response.into_parts();
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: Box::new(body.into_reader()),
        })
    }

    fn forwarding(&self, proxy: &Proxy) -> Agent {
        let mut agents = self.forwarding.lock().expect("lock is not poisoned");
        if let Some((_, agent)) = agents.iter().find(|(known, _)| known == proxy) {
            return agent.clone();
        }
        let connector = TcpConnector::default().chain(AbsoluteForm);
        let resolver = ProxyResolver { proxy: proxy.uri().clone() };
        let agent = Agent::with_parts(config(self.policy), connector, resolver);
        agents.push((proxy.clone(), agent.clone()));
        agent
    }

    fn request_error(&self, error: Error, proxy: Option<&Proxy>) -> RequestError {
        let through = proxy.map_or_else(String::new, |proxy| {
            format!(" (through the proxy {}:{})", proxy.host(), proxy.port())
        });
        let unreachable = |reason: String| RequestError::Unreachable(format!("{reason}{through}"));
        match error {
            Error::HostNotFound => unreachable("host not found".to_owned()),
            Error::ConnectionFailed => unreachable("connection failed".to_owned()),
            Error::ConnectProxyFailed(reason) => {
                unreachable(format!("the proxy refused the connection: {reason}"))
            }
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => unreachable(format!(
                "the connection timed out after {} s",
                self.policy.connect.as_secs_f64()
            )),
            Error::Timeout(_) => RequestError::Transient(timed_out(self.policy.timeout)),
            // An untrusted certificate arrives as this I/O error of the socket.
            Error::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => untrusted(&cause),
            Error::Io(cause) => match cause.kind() {
                // The host was reached, and the connection was lost.
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::TimedOut => {
                    RequestError::Transient(format!("the connection was lost: {cause}"))
                }
                _ => unreachable(cause.to_string()),
            },
            Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => untrusted(&error),
            Error::Protocol(_) => {
                RequestError::Transient(format!("the response is no valid HTTP: {error}"))
            }
            error => RequestError::Permanent(error.to_string()),
        }
    }
}

/// The text of an error while a response's body is read.
pub(super) fn body_error(error: io::Error, timeout: Duration) -> String {
    match Error::from(error) {
        Error::Timeout(_) => timed_out(timeout),
        Error::Io(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection was closed before the end of the file".to_owned()
        }
        error => format!("the connection was lost: {error}"),
    }
}

fn timed_out(timeout: Duration) -> String {
    format!("timed out: no data for {} s", timeout.as_secs_f64())
}

fn untrusted(cause: &dyn std::fmt::Display) -> RequestError {
    RequestError::Permanent(format!(
        "the TLS certificate can't be trusted: {cause} (set SSL_CERT_FILE to your own certificates)"
    ))
}

fn config(policy: RetryPolicy) -> Config {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .user_agent(concat!("repro/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .proxy(None)
        .timeout_resolve(Some(policy.connect))
        .timeout_connect(Some(policy.connect))
        .timeout_recv_response(Some(policy.timeout))
        .timeout_per_read(Some(policy.timeout))
        .timeout_per_write(Some(policy.timeout))
        .tls_config(tls)
        .build()
}

/// The value of `Proxy-Authorization` (RFC 7617).
fn credentials(proxy: &Proxy) -> Option<String> {
    let (name, password) = (proxy.username()?, proxy.password().unwrap_or_default());
    Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
}
