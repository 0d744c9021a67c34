//! Plain HTTP through an HTTP proxy: the request goes to the proxy in absolute form (RFC 9112,
//! 3.2.2). `ureq` itself opens a tunnel (CONNECT), which proxies commonly refuse to ports other
//! than 443, and three of the data sets are served by plain HTTP only.

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport},
    },
};

/// Resolves every host to the proxy.
#[derive(Debug)]
pub(super) struct ProxyResolver {
    /// The proxy's address.
    pub proxy: Uri,
}

impl Resolver for ProxyResolver {
    fn resolve(
        &self,
        _: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        DefaultResolver::default().resolve(&self.proxy, config, timeout)
    }
}

/// Wraps each connection in an [`AbsoluteFormTransport`].
#[derive(Debug)]
pub(super) struct AbsoluteForm;

impl<In: Transport> Connector<In> for AbsoluteForm {
    type Out = AbsoluteFormTransport<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let authority = details.uri.authority().map(ToString::to_string).unwrap_or_default();
        let origin = Some(format!("http://{authority}"));
        Ok(chained.map(|inner| AbsoluteFormTransport { inner, origin }))
    }
}

/// A connection that inserts the origin before the path of its first request line.
#[derive(Debug)]
pub(super) struct AbsoluteFormTransport<In> {
    inner: In,
    /// `http://HOST`, until it is written.
    origin: Option<String>,
}

impl<In: Transport> Transport for AbsoluteFormTransport<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        const METHOD: &[u8] = b"GET ";
        let Some(origin) = self.origin.take() else {
            return self.inner.transmit_output(amount, timeout);
        };
        let output = self.inner.buffers().output();
        let longer = amount + origin.len();
        if !output[..amount].starts_with(METHOD) || longer > output.len() {
            return Err(Error::ConnectProxyFailed(
                "the request is no GET that fits its buffer".to_owned(),
            ));
        }
        output.copy_within(METHOD.len()..amount, METHOD.len() + origin.len());
        output[METHOD.len()..METHOD.len() + origin.len()].copy_from_slice(origin.as_bytes());
        self.inner.transmit_output(longer, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        // One request per connection: the request line of a second one would not be rewritten.
        false
    }
}
