//! Another peer in the place of one.

use super::About;
use super::show::shown;
use crate::args::Which;
use crate::code::Code;
use crate::command::deploy::{Chosen, choose_others};
use crate::entrance;
use crate::failure::Failure;
use crate::market::{is_live, workers_of};
use crate::output::{Output, Report};
use alloy_primitives::Address;
use weir_chain::Directory;
use weir_identity::PeerId;

/// The status of a worker that has not been activated.
const MATCHED: u8 = 1;

/// The status of a worker that serves.
const ACTIVE: u8 = 2;

/// Gives notice to the worker of a peer, or takes the place from one that never took it up, and chooses another peer, as
/// soon as the deal has room for it.
pub(super) async fn replace(which: &Which, peer: &str, output: &Output) -> Result<Report, Failure> {
    let mut about = About::read(which).await?;
    let peer = named(peer)?;
    let wallet = about.wallet()?;
    let context = &about.context;
    let failed = |error| context.failed("the deal cannot be read", &error);
    let directory = Directory::read(&context.client, &context.deployment).await;
    let directory = directory.map_err(failed)?;
    let workers = workers_of(context, directory.index(), about.deal)
        .await
        .map_err(failed)?;
    let there: Vec<_> = workers.iter().filter(|view| is_live(view)).collect();
    let Some(leaving) = there.iter().find(|view| view.worker.peer == peer) else {
        let what = format!("{peer} has no place in {}", about.title());
        let peers = there.iter().map(|view| view.worker.peer.to_string());
        let peers: Vec<String> = peers.collect();
        return Err(Failure::new(Code::NoSuchDeal, what)
            .cause(format!("its peers are {}", peers.join(", ")))
            .fix("weir deal show lists them"));
    };
    // Nobody comes in its place if there are more than are wanted.
    let others = there.len().saturating_sub(1);
    let wanted = u16::from(others < usize::from(about.view.deal.targetWorkers));
    let is_matched = leaving.worker.status == MATCHED;
    if is_matched && about.epoch <= leaving.worker.deadline {
        let what = format!("{peer} may still take up its place in {}", about.title());
        return Err(Failure::new(Code::Unchangeable, what)
            .cause(format!(
                "it has until the end of epoch {}, now is {}",
                leaving.worker.deadline, about.epoch
            ))
            .fix("wait until then"));
    }
    // Before the old one goes it is known that there is a new one.
    let (known, places) = ((about.deal, &about.view.deal), (&*workers, wanted));
    let (choice, capabilities) = choose_others(context, &directory, known, places).await?;
    let chosen = choice.all()?;
    let worker = leaving.workerId;
    let call = match leaving.worker.status {
        // Nothing came of the match, and nobody else may have freed its units yet.
        MATCHED => Some(context.deployment.release_worker(worker)),
        ACTIVE => Some(context.deployment.remove_worker(worker)),
        _ => None,
    };
    if let Some(call) = call {
        wallet.send(&call).await?;
    }
    about.again().await?;
    if chosen.is_empty() {
        output.note("nobody comes in its place: the deal has more workers than it wants");
    } else if about.view.deal.liveWorkers < about.view.deal.targetWorkers {
        let entries = chosen.iter().map(Chosen::entry).collect();
        let deployment = &about.context.deployment;
        let call = deployment.match_deal(about.deal, entries, capabilities, true);
        wallet.send(&call).await?;
    } else {
        output.note("it serves until its notice is over; then weir deploy of the same name gives the place to another");
    }
    shown(&about, output).await
}

/// A peer by its address on the chain, by its id, or by its name in the local network.
fn named(text: &str) -> Result<Address, Failure> {
    if let Ok(address) = text.parse::<Address>() {
        return Ok(address);
    }
    let account = |peer: PeerId| Address::from(peer.address().to_bytes());
    if let Ok(peer) = text.parse::<PeerId>() {
        return Ok(account(peer));
    }
    let (_, network) = entrance::here()?;
    let peer = network.peers.iter().find(|peer| peer.name == text);
    match peer {
        Some(peer) => Ok(account(peer.peer_id()?)),
        None => Err(
            Failure::new(Code::Usage, format!("`{text}` is no peer")).cause(
                "an address has 0x and 40 hexadecimal digits; in the local network peers have names",
            ),
        ),
    }
}
