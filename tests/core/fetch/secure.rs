//! A server with a certificate and the authority that signed it, both made for the test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivatePkcs8KeyDer,
};

/// A server that runs until the test's process ends.
pub struct Server {
    pub port: u16,
    /// The authority's certificate, as PEM.
    pub authority: String,
}

impl Server {
    /// Answers every request to `localhost` with the same bytes.
    pub fn new(body: &'static [u8]) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&authority_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &Issuer::new(authority, authority_key))
            .unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(config.clone()).unwrap();
                let mut stream = StreamOwned::new(connection, stream.unwrap());
                let lines = BufReader::new(&mut stream).lines().map_while(Result::ok);
                if lines.take_while(|line| !line.is_empty()).count() > 0 {
                    let length = body.len();
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                    let _ = stream.write_all(&[head.as_bytes(), body].concat());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        Self { port, authority: pem }
    }
}

/// A proxy that connects to one port, for any host.
pub struct Tunnel {
    pub port: u16,
    pub opened: Arc<AtomicUsize>,
}

impl Tunnel {
    /// By HTTP's CONNECT.
    pub fn http(to: u16) -> Self {
        Self::new(to, |stream| {
            let mut lines = BufReader::new(&mut *stream).lines().map_while(Result::ok);
            let asked = lines.next().is_some_and(|line| line.starts_with("CONNECT "));
            assert!(asked && lines.any(|line| line.is_empty()));
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        })
    }

    /// By SOCKS 5 (RFC 1928), without a password.
    pub fn socks(to: u16) -> Self {
        Self::new(to, |stream| {
            let greeting = take(stream, 2);
            take(stream, greeting[1].into());
            assert_eq!(greeting[0], 5);
            stream.write_all(&[5, 0]).unwrap();
            let request = take(stream, 4);
            let address = match request[3] {
                1 => 4,
                3 => take(stream, 1)[0].into(),
                _ => 16,
            };
            take(stream, address + 2);
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        })
    }

    fn new(to: u16, agree: fn(&mut TcpStream)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let opened = Arc::new(AtomicUsize::new(0));
        let count = opened.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut near = stream.unwrap();
                agree(&mut near);
                count.fetch_add(1, Ordering::SeqCst);
                let far = TcpStream::connect(("127.0.0.1", to)).unwrap();
                let (mut back, mut forth) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut back, &mut forth));
                let mut far = far;
                std::thread::spawn(move || std::io::copy(&mut near, &mut far));
            }
        });
        Self { port, opened }
    }
}

fn take(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut taken = vec![0; count];
    stream.read_exact(&mut taken).unwrap();
    taken
}
