//! Gateways over HTTP: of IPFS and Filecoin, which serve blocks by CID, and of Arweave, which serves paths below a
//! transaction. Needs a runtime of tokio with time and network.

mod exchange;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::{ClientConfig, RootCertStore};
use url::Url;
use weir_identity::Cid;

use crate::error::{FormatError, SourceError};
use crate::source::{Answer, Source};

/// How many redirects are followed for one block.
pub const REDIRECTS_MAX: usize = 3;

/// How long one block may take if nothing else is said, redirects included.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A gateway. Its bytes are trusted no more than others.
#[derive(Clone, Debug)]
pub struct Gateway {
    name: String,
    /// Ends in a slash.
    base: Url,
    /// Whether it is asked for blocks in the way of trustless gateways.
    trustless: bool,
    deadline: Duration,
    tls: Arc<ClientConfig>,
}

impl Gateway {
    /// A trustless gateway of IPFS, or of Filecoin, which has the same interface: `BASE/ipfs/CID?format=raw`.
    pub fn trustless(base: &str, tls: Arc<ClientConfig>) -> Result<Self, FormatError> {
        Self::new(base, "ipfs/", true, tls)
    }

    /// A gateway of Arweave, and the transaction with the path manifest of a package
    /// ([`Location::arweave`](crate::Location::arweave)): `BASE/TRANSACTION/CID`.
    pub fn arweave(
        base: &str,
        transaction: &str,
        tls: Arc<ClientConfig>,
    ) -> Result<Self, FormatError> {
        Self::new(base, &format!("{transaction}/"), false, tls)
    }

    /// The same with another deadline for a block.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn new(
        base: &str,
        below: &str,
        trustless: bool,
        tls: Arc<ClientConfig>,
    ) -> Result<Self, FormatError> {
        let wrong = |problem: &str| {
            FormatError::new(
                format!("gateway {base:.128}"),
                format!("{problem}; write it like `https://gateway.example`"),
            )
        };
        let mut url = Url::parse(base).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong("the URL is neither of HTTP nor of HTTPS"));
        }
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(wrong("the URL has a user, a query or a fragment"));
        }
        let name = format!("gateway {}", url.as_str().trim_end_matches('/'));
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let base = url.join(below).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self {
            name,
            base,
            trustless,
            deadline: DEADLINE,
            tls,
        })
    }

    fn url(&self, cid: &Cid) -> Result<Url, SourceError> {
        let mut url = self
            .base
            .join(&cid.to_string())
            .map_err(|error| SourceError::Failed(error.to_string()))?;
        if self.trustless {
            url.set_query(Some("format=raw"));
        }
        Ok(url)
    }

    async fn follow(&self, cid: &Cid, bytes_max: usize) -> Result<Bytes, SourceError> {
        let mut url = self.url(cid)?;
        for _ in 0..=REDIRECTS_MAX {
            match exchange::get(&url, bytes_max, &self.tls).await? {
                exchange::Reply::Bytes(bytes) => return Ok(bytes),
                exchange::Reply::Elsewhere(target) => url = self.redirected(&url, &target)?,
            }
        }
        Err(SourceError::Failed(format!(
            "it redirects more than {REDIRECTS_MAX} times"
        )))
    }

    /// Where a redirect leads. It stays with the gateway's host and the names below it, so that a gateway cannot make
    /// a node send requests to its own network.
    fn redirected(&self, from: &Url, target: &str) -> Result<Url, SourceError> {
        let refused =
            |why: &str| SourceError::Failed(format!("it redirects to {target:.200}, which {why}"));
        let to = from.join(target).map_err(|_| refused("is no URL"))?;
        let (own, host) = (self.base.host_str(), to.host_str());
        let below = match (self.base.domain(), to.domain()) {
            (Some(own), Some(host)) => host
                .strip_suffix(own)
                .is_some_and(|rest| rest.ends_with('.')),
            _ => false,
        };
        if own != host && !below {
            return Err(refused("is neither its host nor below it"));
        }
        let upgrade = from.scheme() == "http" && to.scheme() == "https" && to.port().is_none();
        let same = from.scheme() == to.scheme()
            && from.port_or_known_default() == to.port_or_known_default();
        if same || upgrade {
            Ok(to)
        } else {
            Err(refused("has another scheme or port"))
        }
    }
}

impl Source for Gateway {
    fn name(&self) -> &str {
        &self.name
    }

    fn ask<'a>(&'a self, cid: &'a Cid, bytes_max: usize) -> Answer<'a> {
        Box::pin(async move {
            let block = tokio::time::timeout(self.deadline, self.follow(cid, bytes_max));
            let late = |_| SourceError::TimedOut(self.deadline.as_millis() as u64);
            block.await.map_err(late)?
        })
    }
}

/// TLS 1.2 and 1.3 with the certificate authorities that the public trusts.
pub fn public_tls() -> Result<Arc<ClientConfig>, rustls::Error> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
    // Named here so that nothing depends on what a process has installed.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config
        .with_root_certificates(RootCertStore { roots })
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
