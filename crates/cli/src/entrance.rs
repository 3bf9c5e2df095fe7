//! The network that a command takes part in: that of the folder, or the one behind the entry points of a context.

use crate::code::Code;
use crate::failure::Failure;
use crate::market::{Contexts, LOCAL, MarketFile, chosen};
use crate::project::{Network, NetworkPeer, Project, current_folder};
use alloy_primitives::Address;
use weir_identity::PeerId;
use weir_node::transport::Multiaddr;

/// The folder and the network of the context that is chosen here.
pub(crate) fn here() -> Result<(Project, Network), Failure> {
    let name = chosen()?;
    let project = project()?;
    let network = if name == LOCAL {
        project.network()?
    } else {
        behind(&name)?
    };
    Ok((project, network))
}

/// The project that the current folder belongs to. With a context that is not the local network any folder is one.
pub(crate) fn project() -> Result<Project, Failure> {
    match Project::here() {
        Err(_) if chosen()? != LOCAL => Ok(Project::at(current_folder()?)),
        found => found,
    }
}

/// The market whose deals have names here; none on a network without a chain.
pub(crate) fn market(project: &Project, network: &Network) -> Result<Option<Address>, Failure> {
    let deployment = match &network.context {
        Some(name) => Some(Contexts::load()?.named(name)?.market.clone()),
        None => MarketFile::find(project)?.map(|file| file.deployment),
    };
    Ok(deployment.map(|deployment| deployment.market))
}

fn behind(name: &str) -> Result<Network, Failure> {
    let contexts = Contexts::load()?;
    let peers = entry_points(&contexts.named(name)?.peers)?;
    if peers.is_empty() {
        let what = format!("the context {name} names no peer of its network");
        return Err(Failure::new(Code::NoNetwork, what)
            .cause("a command reaches peers through one that it has an address of")
            .fix("weir context rm and add it again with --peer /dns4/…/tcp/…/p2p/ID"));
    }
    let mut network = Network::new(peers, Vec::new());
    network.context = Some(name.to_owned());
    Ok(network)
}

/// Peers by multiaddresses that end in their ids. Several addresses may be of one peer.
pub(crate) fn entry_points(texts: &[String]) -> Result<Vec<NetworkPeer>, Failure> {
    let mut peers: Vec<NetworkPeer> = Vec::new();
    for text in texts {
        let wrong = |cause: String| {
            Failure::new(Code::Usage, format!("`{text}` is no peer"))
                .cause(cause)
                .fix("an address with the peer's id, like /ip4/192.0.2.7/tcp/9000/p2p/16Uiu2…")
        };
        let (address, id) = text
            .rsplit_once("/p2p/")
            .ok_or_else(|| wrong("it does not end in /p2p/ and a peer id".to_owned()))?;
        let parsed = address.parse::<Multiaddr>();
        parsed.map_err(|error| wrong(format!("{address:?} is no multiaddress: {error}")))?;
        let id = id.parse::<PeerId>();
        let id = id.map_err(|error| wrong(error.to_string()))?.to_string();
        match peers.iter_mut().find(|peer| peer.id == id) {
            Some(peer) => peer.addresses.push(address.to_owned()),
            None => peers.push(NetworkPeer {
                name: id.clone(),
                id,
                addresses: vec![address.to_owned()],
                metrics: None,
            }),
        }
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::entry_points;
    use weir_identity::Keypair;

    #[test]
    fn addresses_of_one_peer_belong_together() {
        let key = Keypair::from_secret(&[1; 32]).expect("a small number is a secret key");
        let id = key.peer_id();
        let texts = [
            format!("/ip4/127.0.0.1/tcp/9000/p2p/{id}"),
            format!("/dns4/a.example.org/tcp/9000/p2p/{id}"),
        ];
        let peers = entry_points(&texts).expect("they are addresses");
        assert_eq!(peers.len(), 1);
        assert_eq!(peers[0].id, id.to_string());
        let addresses = ["/ip4/127.0.0.1/tcp/9000", "/dns4/a.example.org/tcp/9000"];
        assert_eq!(peers[0].addresses, addresses);
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (text, words) in [
            ("/ip4/127.0.0.1/tcp/9000", "does not end in /p2p/"),
            ("nonsense/p2p/16Uiu2", "is no multiaddress"),
            ("/ip4/127.0.0.1/tcp/9000/p2p/16Uiu2", "peer id"),
        ] {
            let failure = entry_points(&[text.to_owned()]).expect_err("it is no peer");
            let cause = failure.cause.as_deref().unwrap_or_default();
            assert!(cause.contains(words), "{text}: {cause}");
        }
    }
}
