//! The stream to a server: plain ones are written to from any thread, an encrypted one by the I/O task.

use crate::core::store::Source;
use std::fmt;
use std::io;
#[cfg(unix)]
use std::io::{Read, Write};
#[cfg(unix)]
use std::net::Shutdown;
#[cfg(unix)]
use std::os::fd::AsRawFd;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    WantsVerifier,
};

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp(String, u16),
    /// `insecure`: any certificate will do (`#insecure` in the URL).
    Tls {
        host: String,
        port: u16,
        insecure: bool,
    },
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Address {
    /// Another server, reached in the same way.
    pub fn elsewhere(&self, host: &str, port: u16) -> Self {
        match self {
            Self::Tls { insecure, .. } => {
                Self::Tls { host: host.to_owned(), port, insecure: *insecure }
            }
            _ => Self::Tcp(host.to_owned(), port),
        }
    }

    /// The same; an empty host, or one that is not known (`?`), is its own.
    pub fn beside(&self, host: &str, port: u16) -> Self {
        match self {
            Self::Tcp(own, _) | Self::Tls { host: own, .. } if matches!(host, "" | "?") => {
                self.elsewhere(own, port)
            }
            _ => self.elsewhere(host, port),
        }
    }
}

/// `host:port`, or the path of a socket.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) | Self::Tls { host, port, .. } if host.contains(':') => {
                write!(f, "[{host}]:{port}")
            }
            Self::Tcp(host, port) | Self::Tls { host, port, .. } => write!(f, "{host}:{port}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A plain stream.
pub enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// One that the I/O thread does not watch.
    #[cfg(unix)]
    Watched(Watched),
}

/// A stream that is watched by another event loop than the I/O thread's.
#[cfg(unix)]
pub enum Watched {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

/// Any stream.
pub enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// Writes what is taken without waiting; an error shows itself when reading.
    pub fn try_write(&self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            match self.write_some(&bytes[taken..]) {
                Ok(0) | Err(_) => break,
                Ok(count) => taken += count,
            }
        }
        taken
    }

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_write(bytes),
            #[cfg(unix)]
            Self::Watched(Watched::Tcp(stream)) => (&*stream).write(bytes),
            #[cfg(unix)]
            Self::Watched(Watched::Unix(stream)) => (&*stream).write(bytes),
        }
    }

    /// Writes everything, waiting where it must.
    ///
    /// # Errors
    /// Where the other side is gone: a socket in that state is always "writable", and takes nothing.
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while written < bytes.len() {
            self.writable().await?;
            match self.write_some(&bytes[written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there.
    pub fn try_read(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read_buf(into),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_read_buf(into),
            #[cfg(unix)]
            Self::Watched(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Reads what is there from a stream that the I/O thread does not watch.
    #[cfg_attr(not(unix), allow(unused_variables))]
    pub fn read_watched(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Watched(Watched::Tcp(stream)) => (&*stream).read(into),
            #[cfg(unix)]
            Self::Watched(Watched::Unix(stream)) => (&*stream).read(into),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            #[cfg(unix)]
            Self::Unix(stream) => stream.readable().await,
            #[cfg(unix)]
            Self::Watched(_) => std::future::pending().await,
        }
    }

    pub async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.writable().await,
            #[cfg(unix)]
            Self::Unix(stream) => stream.writable().await,
            #[cfg(unix)]
            Self::Watched(_) => std::future::pending().await,
        }
    }
}

impl Socket {
    /// Takes the stream from the I/O thread, where that can be.
    pub fn into_watched(self) -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self::Watched(match self {
            Self::Tcp(stream) => Watched::Tcp(stream.into_std()?),
            Self::Unix(stream) => Watched::Unix(stream.into_std()?),
            Self::Watched(watched) => watched,
        }));
        #[cfg(not(unix))]
        Ok(self)
    }

    /// Whether the thread that asks watches it.
    pub fn is_watched(&self) -> bool {
        #[cfg(unix)]
        return matches!(self, Self::Watched(_));
        #[cfg(not(unix))]
        false
    }

    /// Ends it for whoever watches it.
    pub fn shut_down(&self) {
        // An error is of no importance: the other side has ended it already.
        #[cfg(unix)]
        let _ = match self {
            Self::Watched(Watched::Tcp(stream)) => stream.shutdown(Shutdown::Both),
            Self::Watched(Watched::Unix(stream)) => stream.shutdown(Shutdown::Both),
            _ => Ok(()),
        };
    }
}

impl Source for Socket {
    fn descriptor(&self) -> i32 {
        match self {
            #[cfg(unix)]
            Self::Watched(Watched::Tcp(stream)) => stream.as_raw_fd(),
            #[cfg(unix)]
            Self::Watched(Watched::Unix(stream)) => stream.as_raw_fd(),
            _ => -1,
        }
    }
}

/// Connects.
pub async fn connect(address: &Address) -> io::Result<Stream> {
    match address {
        Address::Tcp(host, port) => Ok(Stream::Plain(Socket::Tcp(tcp(host, *port).await?))),
        #[cfg(unix)]
        Address::Unix(path) => Ok(Stream::Plain(Socket::Unix(UnixStream::connect(path).await?))),
        Address::Tls { host, port, insecure } => {
            let name = ServerName::try_from(host.clone())
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not a host name"))?;
            let stream = tcp(host, *port).await?;
            let connector = if *insecure { trusting() } else { connector() };
            let stream = connector?.connect(name, stream).await?;
            Ok(Stream::Tls(Box::new(stream)))
        }
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Trusts what the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificates.
fn connector() -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no trusted certificates found"));
    }
    let config = builder()?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider())
}

fn builder() -> io::Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)
}

/// Takes any certificate: encrypted, but to whom is not known.
fn trusting() -> io::Result<TlsConnector> {
    let verifier = Arc::new(AnyCertificate(provider()));
    let config =
        builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    /// The socket is always writable then, and takes nothing: written to for ever, it would keep the thread.
    #[test]
    fn writing_to_a_server_that_is_gone_ends_with_an_error() {
        let (done, result) = mpsc::channel();
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let outcome = runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let stream = TcpStream::connect(address).await.unwrap();
                let (mut peer, _) = listener.accept().await.unwrap();
                let socket = Socket::Tcp(stream);
                // Ended with something unread, it answers with a reset.
                socket.write_all(b"unread").await.unwrap();
                assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 1);
                drop(peer);
                socket.readable().await.unwrap();
                socket.write_all(&[0; 1 << 20]).await
            });
            done.send(outcome.is_err()).unwrap();
        });
        assert_eq!(result.recv_timeout(Duration::from_secs(20)), Ok(true));
    }
}
