//! Who answers for a service: the workers of a deal, or the peers that it was put on by `weir up`.

use crate::code::Code;
use crate::entrance;
use crate::failure::Failure;
use crate::market::Deals;
use crate::project::{Network, NetworkPeer, Project};
use crate::session::{Request, Session};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use weir_identity::Value;
use weir_peer::ParticleEvent;

const SUBNET: &str = include_str!("replicas/subnet.air");

/// How long peers may take to say which workers a deal has.
const ASKING: Duration = Duration::from_secs(5);

/// The replicas of a service, and the way to each.
#[derive(Debug, Clone)]
pub(crate) struct Replicas {
    /// Their peer ids.
    pub(crate) peers: Vec<String>,
    /// The peers on the way to each that is a worker: it is reached through its host.
    pub(crate) via: BTreeMap<String, Vec<String>>,
    /// The network with names for all of them.
    pub(crate) network: Network,
}

/// What `subnet.resolve` answers.
#[derive(Deserialize)]
struct Subnet {
    success: bool,
    workers: Vec<Worker>,
    block: u64,
}

#[derive(Deserialize)]
struct Worker {
    host_id: String,
    worker_id: Vec<String>,
}

/// The deal that a service belongs to, if one was made here that is not over.
pub(crate) fn deal_of(
    project: &Project,
    network: &Network,
    service: &str,
) -> Result<Option<u64>, Failure> {
    let Some(market) = entrance::market(project, network)? else {
        return Ok(None);
    };
    let deals = Deals::load(project)?;
    let known = deals.of_service(market, service);
    Ok(known.map(|known| known.deal))
}

impl Replicas {
    /// The peers that the network has a service on.
    pub(crate) fn of_network(network: &Network, service: &str) -> Result<Self, Failure> {
        let mut services = network.services.iter();
        let found = services.find(|known| known.name == service);
        let peers: Vec<String> = found.map_or_else(Vec::new, |known| {
            let peers = network.peers.iter();
            let there = peers.filter(|peer| known.peers.contains(&peer.name));
            there.map(|peer| peer.id.clone()).collect()
        });
        if peers.is_empty() {
            let known: Vec<&str> = network
                .services
                .iter()
                .map(|service| &*service.name)
                .collect();
            let known = if let Some(name) = &network.context {
                format!("of the context {name} those services are known whose deals were made here")
            } else if known.is_empty() {
                "no service runs in this network".to_owned()
            } else {
                format!("this network runs {}", known.join(", "))
            };
            return Err(Failure::new(
                Code::NoSuchService,
                format!("no replica of service {service:?} is known"),
            )
            .cause(known));
        }
        Ok(Self {
            via: BTreeMap::new(),
            peers,
            network: network.clone(),
        })
    }

    /// The active workers of a deal, as the peers of the network have it.
    pub(crate) fn of_deal(
        session: &Session,
        network: &Network,
        deal: u64,
    ) -> Result<Self, Failure> {
        let mut latest: Option<Subnet> = None;
        let text = |text: &str| Value::from(text);
        let peers: Vec<Value> = network.peers.iter().map(|peer| text(&peer.id)).collect();
        let data = [
            ("relay", text(session.relay())),
            ("peers", Value::from(peers)),
            ("deal", Value::from(deal.to_string())),
        ];
        let request = Request {
            script: SUBNET.to_owned(),
            data: data
                .into_iter()
                .map(|(name, value)| (Arc::from(name), value))
                .collect(),
            ttl: ASKING,
            purpose: format!("the workers of deal {deal}"),
        };
        let mut running = session.submit(request)?;
        let mut asked = 0;
        let outcome = running.follow(None, |event, _| {
            if let ParticleEvent::Callback { function, args, .. } = event
                && &**function == "found"
            {
                asked += 1;
                let found = args
                    .first()
                    .and_then(|found| serde_json::to_value(found).ok());
                let found = found.and_then(|found| serde_json::from_value::<Subnet>(found).ok());
                let later = |found: &Subnet| {
                    found.success
                        && latest
                            .as_ref()
                            .is_none_or(|known| known.block < found.block)
                };
                if let Some(found) = found.filter(later) {
                    latest = Some(found);
                }
            }
            asked == network.peers.len()
        });
        let forgotten = running.forget();
        outcome?;
        forgotten?;
        Ok(Self::of_members(network, deal, latest))
    }

    fn of_members(network: &Network, deal: u64, found: Option<Subnet>) -> Self {
        let mut replicas = Self {
            peers: Vec::new(),
            via: BTreeMap::new(),
            network: network.clone(),
        };
        for worker in found.into_iter().flat_map(|found| found.workers) {
            let Some(id) = worker.worker_id.into_iter().next() else {
                continue;
            };
            replicas.network.peers.push(NetworkPeer {
                name: format!("{}/{deal}", network.name_of(&worker.host_id)),
                id: id.clone(),
                addresses: Vec::new(),
                metrics: None,
            });
            replicas.via.insert(id.clone(), vec![worker.host_id]);
            replicas.peers.push(id);
        }
        replicas
    }

    /// What `getDataSrv` answers for `peers` and `via`.
    pub(crate) fn data(&self) -> [(&'static str, Value); 2] {
        let ids = |ids: &[String]| {
            let ids = ids.iter().map(|id| Value::from(id.as_str()));
            Value::from(ids.collect::<Vec<_>>())
        };
        let via = self.via.iter();
        let via = via.map(|(peer, hops)| (Arc::from(peer.as_str()), ids(hops)));
        [
            ("peers", ids(&self.peers)),
            ("via", Value::Object(Arc::new(via.collect()))),
        ]
    }
}
