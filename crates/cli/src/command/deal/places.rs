//! Another peer in the place of one.

use super::About;
use super::show::shown;
use crate::args::Which;
use crate::code::Code;
use crate::command::deploy::{choose, entry};
use crate::failure::Failure;
use crate::market::Asked;
use crate::output::{Output, Report};
use crate::project::Project;
use alloy_primitives::{Address, U256};
use std::collections::BTreeSet;
use weir_chain::Directory;

/// Gives notice to the worker of a peer and chooses another peer, as soon as the deal has room for it.
pub(super) async fn replace(which: &Which, peer: &str, output: &Output) -> Result<Report, Failure> {
    let mut about = About::read(which).await?;
    let peer = named(peer)?;
    let wallet = about.wallet()?;
    let context = &about.context;
    let failed = |error| context.failed("the deal cannot be read", &error);
    let directory = Directory::read(&context.client, &context.deployment).await;
    let directory = directory.map_err(failed)?;
    let places: BTreeSet<_> = directory
        .index()
        .places_in(about.deal)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|place| (place.worker, place.peer))
        .collect();
    let ids: Vec<_> = places.iter().map(|(worker, _)| *worker).collect();
    let epoch = context.market().time().await.map_err(failed)?.epoch;
    let views = context
        .market()
        .workers(&ids, epoch)
        .await
        .map_err(failed)?;
    let there: Vec<_> = views
        .iter()
        .filter(|view| (1..=3).contains(&view.worker.status))
        .collect();
    let leaving = there.iter().find(|view| view.worker.peer == peer);
    let Some(leaving) = leaving else {
        let what = format!("{peer} has no place in {}", about.title());
        let peers: Vec<String> = there
            .iter()
            .map(|view| view.worker.peer.to_string())
            .collect();
        return Err(Failure::new(Code::NoSuchDeal, what)
            .cause(format!("its peers are {}", peers.join(", ")))
            .fix("weir deal show lists them"));
    };
    let deal = &about.view.deal;
    let asked = Asked {
        price: U256::from(deal.price),
        token: deal.payToken,
        units: deal.cuPerWorker,
        version: deal.verReq,
        term: u32::from(deal.minTermEpochs),
        collateral: U256::from(deal.minCollateral),
        capabilities: directory
            .index()
            .deal(about.deal)
            .map_or_else(Vec::new, |facts| facts.capabilities.clone()),
        workers: 1,
        of_provider: deal.maxPerProvider,
    };
    let except = there.iter().map(|view| view.worker.peer).collect();
    // Before the old one goes it is known that there is a new one.
    let chosen = choose(context, &asked, &except).await?;
    if leaving.worker.status == 2 {
        wallet
            .send(&context.deployment.remove_worker(leaving.workerId))
            .await?;
    }
    about.again().await?;
    if about.view.deal.liveWorkers < about.view.deal.targetWorkers
        && let Some(chosen) = chosen.first()
    {
        let entries = vec![entry(chosen.peer, chosen.first_unit)];
        let context = &about.context;
        let call =
            context
                .deployment
                .match_deal(about.deal, entries, asked.capabilities.clone(), true);
        wallet.send(&call).await?;
    } else {
        output.note("the worker serves until its notice is over; say it again then, and another takes its place");
    }
    shown(&about, output).await
}

/// A peer by its address on the chain, or by its name in the local network.
fn named(text: &str) -> Result<Address, Failure> {
    if let Ok(address) = text.parse::<Address>() {
        return Ok(address);
    }
    let network = Project::here()?.network()?;
    let peer = network.peers.iter().find(|peer| peer.name == text);
    match peer {
        Some(peer) => Ok(Address::from(peer.peer_id()?.address().to_bytes())),
        None => Err(
            Failure::new(Code::Usage, format!("`{text}` is no peer")).cause(
                "an address has 0x and 40 hexadecimal digits; names are those of the local network",
            ),
        ),
    }
}
