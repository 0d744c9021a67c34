//! Plain HTTP through an HTTP proxy: the request goes to the proxy and names the whole address (RFC
//! 9112, 3.2.2). The client's own way is a tunnel (CONNECT), which proxies commonly refuse to ports
//! other than 443, and three of the data sets are served by plain HTTP alone.

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport},
    },
};

/// Finds the proxy, whatever host is asked for.
#[derive(Debug)]
pub(super) struct AtProxy {
    /// The proxy's address.
    pub proxy: Uri,
}

impl Resolver for AtProxy {
    fn resolve(
        &self,
        _: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        DefaultResolver::default().resolve(&self.proxy, config, timeout)
    }
}

/// Makes each connection one that names whole addresses.
#[derive(Debug)]
pub(super) struct WholeAddress;

impl<In: Transport> Connector<In> for WholeAddress {
    type Out = Whole<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let authority = details.uri.authority().map(ToString::to_string).unwrap_or_default();
        let origin = Some(format!("http://{authority}"));
        Ok(chained.map(|inner| Whole { inner, origin }))
    }
}

/// A connection whose first request line gets the origin before its path.
#[derive(Debug)]
pub(super) struct Whole<In> {
    inner: In,
    /// Until it is written.
    origin: Option<String>,
}

impl<In: Transport> Transport for Whole<In> {
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
            return Err(Error::ConnectProxyFailed("the request is no plain GET".to_owned()));
        }
        output.copy_within(METHOD.len()..amount, METHOD.len() + origin.len());
        output[METHOD.len()..METHOD.len() + origin.len()].copy_from_slice(origin.as_bytes());
        self.inner.transmit_output(longer, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        // One request a connection: a second one would need its line changed again.
        false
    }
}
