//! Makes the services of a node those of a package.

use std::collections::BTreeSet;
use std::sync::Arc;

use weir_identity::Cid;
use weir_marine::{Grants, Marine};
use weir_node::{DeployError, Deployed, Deployment, NodeHandle};
use weir_package::Package;

use crate::packages::Failure;

/// Brings the services of a node to what a package says: what is there and the same stays as it is, what is there and
/// another is replaced without a failed call, what is not in the package goes. Done again, it changes nothing.
pub(crate) async fn align(node: &NodeHandle, package: &Package) -> Result<(), Failure> {
    let wanted = wanted(package)?;
    load(node.config().marine.clone(), &wanted).await?;
    let there = node.services().await.map_err(Failure::for_now)?;
    let names: BTreeSet<&str> = wanted.iter().flat_map(names).collect();
    let (gone, kept): (Vec<&Deployed>, Vec<&Deployed>) = there
        .iter()
        .partition(|there| wanted.iter().all(|wanted| wanted.id != there.service.id));
    // A name that is given to another is free before it is taken.
    let (in_the_way, later): (Vec<&Deployed>, Vec<&Deployed>) =
        gone.into_iter().partition(|gone| {
            let aliases = gone.service.aliases.iter().map(|alias| &**alias);
            aliases
                .chain([&*gone.service.id])
                .any(|name| names.contains(name))
        });
    for gone in in_the_way {
        remove(node, gone).await?;
    }
    for wanted in &wanted {
        let there = kept.iter().find(|there| there.service.id == wanted.id);
        let done = match there {
            Some(there) if is_same(there, wanted) => continue,
            Some(_) => node.replace(wanted.clone()).await,
            None => node.deploy(wanted.clone()).await,
        };
        done.map_err(|error| failed(&wanted.id, &error))?;
    }
    for gone in later {
        remove(node, gone).await?;
    }
    Ok(())
}

async fn remove(node: &NodeHandle, gone: &Deployed) -> Result<(), Failure> {
    let id = &gone.service.id;
    node.remove(id).await.map_err(|error| failed(id, &error))
}

/// Sees that all components can be loaded before any is put in place.
async fn load(marine: Option<Marine>, wanted: &[Deployment]) -> Result<(), Failure> {
    let Some(marine) = marine else {
        return Err(Failure::for_good(DeployError::NoRuntime));
    };
    for wanted in wanted {
        let (marine, component) = (marine.clone(), wanted.component.clone());
        let loaded = tokio::task::spawn_blocking(move || marine.load(&component).map(drop)).await;
        let loaded = loaded.map_err(|_| Failure::for_now("loading a component panicked"))?;
        loaded.map_err(|error| failed(&wanted.id, &error.into()))?;
    }
    Ok(())
}

fn wanted(package: &Package) -> Result<Vec<Deployment>, Failure> {
    let made = package.components().map(|(service, bytes)| {
        let grants = Grants::from_value(&service.grants().to_value())
            .map_err(|error| Failure::for_good(format!("service `{}`: {error}", service.name())))?;
        Ok(Deployment {
            id: Arc::from(service.name()),
            aliases: service.aliases().map(Arc::from).collect(),
            component: bytes.to_vec(),
            grants: Some(grants),
        })
    });
    made.collect()
}

fn names(deployment: &Deployment) -> impl Iterator<Item = &str> {
    let aliases = deployment.aliases.iter().map(|alias| &**alias);
    aliases.chain([&*deployment.id])
}

fn is_same(there: &Deployed, wanted: &Deployment) -> bool {
    let service = &there.service;
    let aliases: BTreeSet<&str> = wanted.aliases.iter().map(|alias| &**alias).collect();
    let terms = wanted.grants.as_ref().map(Grants::to_value);
    *service.blueprint == *Cid::of_raw(&wanted.component).to_string()
        && service.terms == terms
        && service.aliases.iter().map(|alias| &**alias).eq(aliases)
        // A component that could not be loaded at the start has none.
        && !there.signatures.is_empty()
}

/// Another time this machine may do it, unless it is the component.
fn failed(service: &str, error: &DeployError) -> Failure {
    let reason = format!("service `{service}`: {error}");
    match error {
        DeployError::Component(error) if error.is_infrastructure() => Failure::for_now(reason),
        DeployError::Component(_) | DeployError::TooLarge { .. } | DeployError::NoRuntime => {
            Failure::for_good(reason)
        }
        DeployError::Keep(_) | DeployError::Service(_) | DeployError::Stopped(_) => {
            Failure::for_now(reason)
        }
    }
}
