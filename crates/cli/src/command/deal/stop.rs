//! The end of a deal, step by step, until its rest is home.

use super::{About, state};
use crate::args::{Global, Which};
use crate::consent::consent;
use crate::entrance;
use crate::failure::Failure;
use crate::market::{Deals, Wallet, is_live, whole, workers_of};
use crate::output::{Output, Report};
use serde::Serialize;
use weir_chain::Directory;
use weir_chain::bindings::Lens;

#[derive(Serialize)]
struct Stopped {
    deal: u64,
    state: &'static str,
    /// Whether nothing is left to do.
    done: bool,
    steps: Vec<String>,
    /// What is waited for.
    waits: Vec<String>,
    /// What came home, in the smallest unit.
    home: String,
}

/// Ends a deal and does of the rest what can be done now.
pub(super) async fn stop(
    which: &Which,
    yes: bool,
    global: &Global,
    output: &Output,
) -> Result<Report, Failure> {
    let mut about = About::read(which).await?;
    let wallet = about.wallet()?;
    let (mut steps, mut waits) = (Vec::new(), Vec::new());
    if about.view.deal.endEpoch == 0 {
        let plan = format!(
            "{}: its workers serve until their notice is over, then the rest of {} tokens comes home",
            about.title(),
            whole(&about.view.balanceNow.to_string())
        );
        consent(yes, global, output, (&plan, "end the deal?"))?;
        wallet
            .send(&about.context.deployment.end_deal(about.deal))
            .await?;
        steps.push("ended the deal".to_owned());
        about.again().await?;
    }
    forget(&about)?;
    if !about.view.deal.closed {
        settle(&about, &wallet, (&mut steps, &mut waits)).await?;
        about.again().await?;
        close(&about, &wallet, (&mut steps, &mut waits)).await?;
        about.again().await?;
    }
    let home = about.take_home(&wallet).await?;
    if !home.is_zero() {
        steps.push(format!("{} tokens came home", whole(&home.to_string())));
    }
    let stopped = Stopped {
        deal: about.deal,
        state: state(&about.view),
        done: about.view.deal.closed,
        steps,
        waits,
        home: home.to_string(),
    };
    let mut text = format!("{}: {}", about.title(), stopped.state);
    for step in &stopped.steps {
        text.push_str(&format!("\n  {step}"));
    }
    for wait in &stopped.waits {
        text.push_str(&format!("\n  waits: {wait}"));
    }
    let report = Report::new(&stopped, text);
    Ok(if stopped.done {
        report
    } else {
        report.then(format!("say weir deal stop {} again then", about.deal))
    })
}

/// The name is free: a static deployment of it answers again.
fn forget(about: &About) -> Result<(), Failure> {
    let Some(name) = &about.name else {
        return Ok(());
    };
    let project = entrance::project()?;
    Deals::load(&project)?.remove(about.context.deployment.market, name, &project)
}

type Told<'a> = (&'a mut Vec<String>, &'a mut Vec<String>);

/// Frees the units of workers whose time is over, pays them what they earned, and takes back what they did not prove.
async fn settle(about: &About, wallet: &Wallet, (steps, waits): Told<'_>) -> Result<(), Failure> {
    let context = &about.context;
    let failed = |error| context.failed("the workers cannot be read", &error);
    let directory = Directory::read(&context.client, &context.deployment).await;
    let directory = directory.map_err(failed)?;
    let epoch = context.market().time().await.map_err(failed)?.epoch;
    let views = workers_of(context, directory.index(), about.deal).await;
    let views = views.map_err(failed)?;
    for view in &views {
        let is_there = is_live(view);
        if is_there && view.end <= epoch || view.worker.status == 1 {
            let call = context.deployment.release_worker(view.workerId);
            let sent = wallet.send(&call).await;
            // Its node frees them too, perhaps just now.
            if let Err(failure) = sent {
                let now = context.market().workers(&[view.workerId], epoch).await;
                let now = now.map_err(failed)?;
                if now.iter().any(is_live) {
                    return Err(failure);
                }
            }
            steps.push(format!("freed the units of {}", view.worker.peer));
        } else if is_there {
            waits.push(format!(
                "{} serves until epoch {}",
                view.worker.peer, view.end
            ));
        }
    }
    for view in views.iter().filter(|view| view.worker.joinEpoch != 0) {
        for from in first_epochs(view, epoch) {
            // The deal is not closed before its workers have what is theirs, and anybody may hand it to them.
            let market = context.market();
            let earned = market.claimable(view.workerId, from).await;
            let earned = earned.map_err(failed)?;
            if !earned.is_zero() {
                let claim = context.deployment.claim(vec![view.workerId], from);
                wallet.send(&claim).await?;
                let (peer, earned) = (view.worker.peer, whole(&earned.to_string()));
                steps.push(format!(
                    "paid {peer} the {earned} tokens that it had earned"
                ));
            }
            let call = context.deployment.refund_unproven(view.workerId, from);
            let due = context
                .market()
                .workers(&[view.workerId], from)
                .await
                .map_err(failed)?;
            if due.iter().any(|view| !view.refundableEpochs.is_zero()) {
                wallet.send(&call).await?;
                steps.push(format!("took back what {} did not prove", view.worker.peer));
            }
        }
    }
    Ok(())
}

/// The epochs from which words of 256 are looked at, from the first of a worker to now.
fn first_epochs(view: &Lens::WorkerView, epoch: u32) -> Vec<u32> {
    let first = view.worker.joinEpoch >> 8;
    (first..=epoch >> 8).map(|word| word << 8).collect()
}

async fn close(about: &About, wallet: &Wallet, (steps, waits): Told<'_>) -> Result<(), Failure> {
    let deal = &about.view.deal;
    let failed = |error| about.context.failed("the time cannot be read", &error);
    let epoch = about.context.market().time().await.map_err(failed)?.epoch;
    if epoch < deal.endEpoch {
        waits.push(format!("it ends with epoch {}", deal.endEpoch));
    } else if deal.liveWorkers == 0 && !deal.escrow.is_zero() {
        waits.push(format!(
            "{} tokens are set apart for epochs that can be paid, or taken back, only later",
            whole(&deal.escrow.to_string())
        ));
    } else if deal.liveWorkers == 0 {
        wallet
            .send(&about.context.deployment.close_deal(about.deal))
            .await?;
        steps.push("closed the deal".to_owned());
    }
    Ok(())
}
