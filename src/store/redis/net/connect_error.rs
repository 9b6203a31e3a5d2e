//! Why a server cannot be used, as its users are told: with its address, and what may be done where that is known.

use super::socket::Address;
use std::io::{Error, ErrorKind};
use tokio_rustls::rustls::{CertificateError, Error as TlsError};

/// What went wrong on the way to that address. The message holds no password.
pub fn explained(address: &Address, error: &Error) -> Error {
    let why = match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        Some(error) => tls(error),
        None => plain(address, error),
    };
    Error::new(error.kind(), format!("{address}: {why}"))
}

fn tls(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another host name".into(),
        TlsError::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired".into(),
        TlsError::InvalidCertificate(_) => {
            "its certificate is not trusted: SSL_CERT_FILE may name who vouches for it".into()
        }
        TlsError::InvalidMessage(_) => {
            "it does not speak TLS: for such a server the URL begins with redis://".into()
        }
        other => other.to_string(),
    }
}

fn plain(address: &Address, error: &Error) -> String {
    let hint = match (address, error.kind()) {
        (_, ErrorKind::ConnectionRefused) => ": is it running there?",
        (Address::Tcp(..), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => {
            ": where it speaks TLS, the URL begins with rediss://"
        }
        (Address::Tls { .. }, ErrorKind::TimedOut | ErrorKind::UnexpectedEof) => {
            ": where it does not speak TLS, the URL begins with redis://"
        }
        _ => "",
    };
    format!("{error}{hint}")
}

/// Why a server cannot be used.
pub fn refused(what: impl Into<String>) -> Error {
    Error::other(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_stands_before_what_went_wrong_and_its_cure_behind() {
        let plain = Address::Tcp("::1".into(), 6379);
        let secure = Address::Tls { host: "h".into(), port: 1, insecure: false };
        let certificate =
            |error| Error::new(ErrorKind::InvalidData, TlsError::InvalidCertificate(error));
        for (address, error, told) in [
            (
                &plain,
                Error::new(ErrorKind::ConnectionRefused, "no"),
                "[::1]:6379: no: is it running there?",
            ),
            (&plain, Error::other("what else"), "[::1]:6379: what else"),
            (
                &secure,
                certificate(CertificateError::UnknownIssuer),
                "h:1: its certificate is not trusted: SSL_CERT_FILE may name who vouches for it",
            ),
            (&secure, certificate(CertificateError::Expired), "h:1: its certificate has expired"),
        ] {
            assert_eq!(explained(address, &error).to_string(), told);
        }
    }
}
