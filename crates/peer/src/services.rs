//! The services of a peer, by id and alias.

mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_identity::{PeerId, Value};

use crate::error::ServiceError;
use crate::limits::Limits;

/// Aliases that mean the calling spell.
const RESERVED: [&str; 2] = ["spell", "self"];

/// Longest id or alias in bytes.
const NAME_BYTES: usize = 255;

/// A service as the driver registered it.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Unique on the peer.
    pub id: Arc<str>,
    /// What executes it, for the driver (`wasm`, `mock`, …). Comes back in
    /// [`crate::Call::kind`].
    pub kind: Arc<str>,
    /// Names what it was made of.
    pub blueprint: Arc<str>,
    /// Its functions and types as `srv.get_interface` tells them.
    pub interface: Value,
    /// Who made it.
    pub owner: PeerId,
    /// Other names, sorted.
    pub aliases: BTreeSet<Arc<str>>,
    /// A call may be repeated after a crash because it has no effect, or the
    /// same one each time.
    pub idempotent: bool,
    /// Functions that exclude each other, because they change the state: the driver executes one call of them at a
    /// time, and needs no more than a few to choose from.
    pub exclusive: BTreeSet<Arc<str>>,
    /// On what terms it runs, for the driver. The peer keeps them and does not look into them.
    pub terms: Option<Value>,
}

/// A change of the service table.
#[derive(Debug, Clone, PartialEq)]
pub enum ServiceChange {
    /// A new service, with its aliases.
    Register(Service),
    /// Another blueprint, interface and owner for a service that is there. It
    /// keeps its id, its aliases and its state; those that are named are added.
    Replace(Service),
    /// A further name; a service that had it loses it.
    AddAlias {
        /// The name.
        alias: Arc<str>,
        /// Id of the service.
        service: Arc<str>,
    },
    /// The service and its aliases go.
    Remove {
        /// Id of the service.
        service: Arc<str>,
    },
}

/// All services of a peer.
#[derive(Debug, Default)]
pub struct ServiceTable {
    services: BTreeMap<Arc<str>, Service>,
    aliases: BTreeMap<Arc<str>, Arc<str>>,
    /// Which registration each service is of, to tell it from a later one of the same id.
    registrations: BTreeMap<Arc<str>, u64>,
    registered: u64,
}

impl ServiceTable {
    /// All services by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// The service with this id or alias.
    pub fn find(&self, name: &str) -> Option<&Service> {
        self.services
            .get(name)
            .or_else(|| self.services.get(self.aliases.get(name)?))
    }

    /// The id of the service with this alias.
    pub fn resolve_alias(&self, alias: &str) -> Option<&Arc<str>> {
        self.aliases.get(alias)
    }

    /// Whether a change can be made.
    pub fn check(&self, change: &ServiceChange, limits: &Limits) -> Result<(), ServiceError> {
        match change {
            ServiceChange::Register(service) => {
                check_name(&service.id)?;
                if self.services.contains_key(&service.id) {
                    return Err(ServiceError::Exists(service.id.to_string()));
                }
                if self.services.len() >= limits.services {
                    return Err(ServiceError::Limit {
                        limit: "services",
                        value: limits.services,
                    });
                }
                service
                    .aliases
                    .iter()
                    .try_for_each(|alias| self.check_alias(alias))?;
                check_aliases(service.aliases.len(), limits)
            }
            ServiceChange::Replace(service) => {
                let found = self
                    .services
                    .get(&service.id)
                    .ok_or_else(|| ServiceError::NotFound(service.id.to_string()))?;
                service
                    .aliases
                    .iter()
                    .try_for_each(|alias| self.check_alias(alias))?;
                check_aliases(found.aliases.union(&service.aliases).count(), limits)
            }
            ServiceChange::AddAlias { alias, service } => {
                self.check_alias(alias)?;
                let found = self
                    .services
                    .get(service)
                    .ok_or_else(|| ServiceError::NotFound(service.to_string()))?;
                check_aliases(
                    found.aliases.len() + usize::from(!found.aliases.contains(alias)),
                    limits,
                )
            }
            ServiceChange::Remove { service } if self.services.contains_key(service) => Ok(()),
            ServiceChange::Remove { service } => Err(ServiceError::NotFound(service.to_string())),
        }
    }

    fn check_alias(&self, alias: &str) -> Result<(), ServiceError> {
        check_name(alias)?;
        if RESERVED.contains(&alias) {
            return Err(ServiceError::Reserved(alias.to_owned()));
        }
        if self.services.contains_key(alias) {
            return Err(ServiceError::Exists(alias.to_owned()));
        }
        Ok(())
    }

    /// Makes a change that [`ServiceTable::check`] allows and returns the ids
    /// of all services that it touched.
    pub(crate) fn apply(&mut self, change: ServiceChange) -> BTreeSet<Arc<str>> {
        let mut touched = BTreeSet::new();
        match change {
            ServiceChange::Register(service) => {
                for alias in &service.aliases {
                    touched.extend(self.name(alias, &service.id));
                }
                touched.insert(service.id.clone());
                self.registered += 1;
                self.registrations
                    .insert(service.id.clone(), self.registered);
                self.services.insert(service.id.clone(), service);
            }
            ServiceChange::Replace(mut service) => {
                for alias in &service.aliases {
                    touched.extend(self.name(alias, &service.id));
                }
                touched.insert(service.id.clone());
                if let Some(former) = self.services.remove(&service.id) {
                    service.aliases.extend(former.aliases);
                }
                self.services.insert(service.id.clone(), service);
            }
            ServiceChange::AddAlias { alias, service } => {
                touched.extend(self.name(&alias, &service));
                if let Some(found) = self.services.get_mut(&service) {
                    found.aliases.insert(alias);
                }
                touched.insert(service);
            }
            ServiceChange::Remove { service } => {
                self.registrations.remove(&service);
                for alias in self
                    .services
                    .remove(&service)
                    .into_iter()
                    .flat_map(|s| s.aliases)
                {
                    self.aliases.remove(&alias);
                }
                touched.insert(service);
            }
        }
        touched
    }

    /// Points an alias to a service; returns the one that loses it.
    fn name(&mut self, alias: &Arc<str>, service: &Arc<str>) -> Option<Arc<str>> {
        let former = self.aliases.insert(alias.clone(), service.clone())?;
        if former == *service {
            return None;
        }
        self.services.get_mut(&former)?.aliases.remove(alias);
        Some(former)
    }

    /// Says which registration the service with this id is of; another component changes nothing about it.
    pub(crate) fn registration(&self, id: &str) -> Option<u64> {
        self.registrations.get(id).copied()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Service> {
        self.services.get(id)
    }
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let good = !name.is_empty() && name.len() <= NAME_BYTES && !name.chars().any(char::is_control);
    if good {
        Ok(())
    } else {
        Err(ServiceError::BadName(name.chars().take(64).collect()))
    }
}

fn check_aliases(count: usize, limits: &Limits) -> Result<(), ServiceError> {
    let value = limits.aliases_per_service;
    if count <= value {
        Ok(())
    } else {
        Err(ServiceError::Limit {
            limit: "aliases_per_service",
            value,
        })
    }
}
