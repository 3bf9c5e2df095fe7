//! The signed log of a particle, from the records in the store.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use weir_air::Limits as ScriptLimits;
use weir_avm::log::{Record, Start};
use weir_avm::{Avm, Export, Program};
use weir_identity::Keypair;
use weir_peer::store::{Archived, archive_prefix, records_prefix};
use weir_peer::{Limits, ParticleId};

use super::{Done, Driver, caught};
use crate::error::ExportFailure;
use crate::store::Store;

/// What is needed to make a log of records.
struct Source {
    particle: ParticleId,
    keypair: Arc<Keypair>,
    limits: Arc<Limits>,
    /// From memory, if the particle is there.
    start: Option<(Arc<Start>, Arc<str>)>,
}

/// A log, and who asked for it.
pub(super) struct Exported {
    export: Result<Export, ExportFailure>,
    reply: oneshot::Sender<Result<Export, ExportFailure>>,
}

impl Exported {
    pub(super) fn give(self) {
        // Whoever asked may have gone.
        let _ = self.reply.send(self.export);
    }
}

impl Driver {
    /// To be called when everything so far is durable: the newest own head is
    /// signed here, and a head must not leave before its journal is.
    pub(super) fn export(
        &mut self,
        particle: ParticleId,
        reply: oneshot::Sender<Result<Export, ExportFailure>>,
    ) {
        let log = self.peer.log(&particle);
        let source = Source {
            particle,
            keypair: self.keypair.clone(),
            limits: self.peer_limits.clone(),
            start: log.map(|log| (log.start().clone(), log.script().clone())),
        };
        let store = self.store.clone();
        self.work.spawn_blocking(move || {
            let export = caught("export", || source.export(&store));
            let export =
                export.unwrap_or_else(|what| Err(ExportFailure::Damaged { particle, what }));
            Done::Exported(Box::new(Exported { export, reply }))
        });
    }

    /// The records may be newer than the command. Whatever they tell is reported before the log is there.
    pub(super) fn exported(&mut self, exported: Exported) {
        let Exported { export, reply } = exported;
        self.reply_when_durable(reply, export);
    }
}

impl Source {
    fn export(self, store: &Store) -> Result<Export, ExportFailure> {
        let (start, script) = match &self.start {
            Some(start) => start.clone(),
            None => self.archived(store)?,
        };
        let limits = ScriptLimits {
            bytes: self.limits.script_bytes,
            nodes: self.limits.script_nodes,
            depth: self.limits.script_depth,
        };
        let script = weir_air::parse(&script, &limits)
            .map_err(|_| self.damaged(&"the script does not parse"))?;
        let prefix = records_prefix(self.particle, self.keypair.peer_id());
        let records = store.scan(&prefix).map_err(|error| self.damaged(&error))?;
        let records = records
            .into_iter()
            .map(|(_, value)| Record::from_bytes(Bytes::from(value)));
        let mut avm = Avm::restore(
            start,
            Arc::new(Program::new(&Arc::new(script))),
            self.keypair.clone(),
            records,
        )
        .map_err(|error| self.damaged(&error))?;
        Ok(Export::of(avm.signed_log()))
    }

    fn archived(&self, store: &Store) -> Result<(Arc<Start>, Arc<str>), ExportFailure> {
        let me = self.keypair.peer_id();
        let prefix = [&archive_prefix(), &self.particle.0.as_bytes()[..]].concat();
        for (key, value) in store.scan(&prefix).map_err(|error| self.damaged(&error))? {
            let archived = Archived::read(&key, &value).map_err(|error| self.damaged(&error))?;
            if archived.identity == me {
                return Ok((Arc::new(archived.start), archived.script));
            }
        }
        Err(ExportFailure::Unknown(self.particle))
    }

    fn damaged(&self, what: &dyn ToString) -> ExportFailure {
        ExportFailure::Damaged {
            particle: self.particle,
            what: what.to_string(),
        }
    }
}
