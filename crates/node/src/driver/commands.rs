//! Does what handles ask for.

use tokio::sync::oneshot;
use weir_identity::PeerId;
use weir_marine::Module;
use weir_peer::{Contact, Effect, Event, Service, ServiceError, Submit, SubmitError, Timestamp};

use super::{Driver, Todo};
use crate::handle::{Command, Deployed, signatures};
use crate::news::{self, Submitted};
use crate::transport::Multiaddr;

impl Driver {
    pub(super) fn on_command(&mut self, command: Command, now: Timestamp) {
        match command {
            Command::Submit(submit, reply) => {
                let answer = self.submit(*submit, now);
                self.reply_when_durable(reply, answer);
            }
            Command::Register(both, reply) => {
                let (service, module) = *both;
                let answer = self.register(service, module);
                self.reply_when_durable(reply, answer);
            }
            Command::Replace(both, reply) => {
                let (service, module) = *both;
                let blueprint = service.blueprint.clone();
                let answer = self.peer.replace_service(service);
                if answer.is_ok() {
                    self.executor.install(blueprint, Ok(module));
                    self.forget_modules();
                }
                self.reply_when_durable(reply, answer);
            }
            Command::Remove(service, reply) => {
                let answer = self.peer.remove_service(&service);
                self.forget_modules();
                self.reply_when_durable(reply, answer);
            }
            Command::Services(reply) => {
                let services = self.peer.services().iter().map(|service| Deployed {
                    service: service.clone(),
                    signatures: self
                        .executor
                        .module(&service.blueprint)
                        .map(signatures)
                        .unwrap_or_default(),
                });
                let _ = reply.send(services.collect());
            }
            Command::Connect(contact, reply) => self.connect(contact, reply, now),
            Command::Keep(contact) => {
                self.transport.keep(contact.peer, parsed(&contact));
                self.peer.add_contact(contact, now);
            }
            Command::Nudge(particle) => self.peer.nudge(particle, now),
            Command::Export(particle, reply) => {
                self.todo.push_back(Todo::Then(Box::new(move |driver| {
                    driver.export(particle, reply);
                })));
            }
            Command::Forget(particle, reply) => {
                self.peer.forget(particle);
                self.reply_when_durable(reply, ());
            }
            Command::Metrics(reply) => {
                let _ = reply.send(self.peer.metrics());
            }
            Command::Deals(deals) => self.peer.handle(Event::Deals(deals), now),
            Command::Blocks(exchange) => self.blocks = exchange,
            Command::Records(page, reply) => {
                self.take_effects();
                self.todo.push_back(Todo::Then(Box::new(move |driver| {
                    let read = driver
                        .store
                        .page(&page.prefix, page.after.as_deref(), page.most);
                    let _ = reply.send(read.map_err(|error| error.to_string()));
                })));
            }
            Command::Write(batch, reply) => {
                self.todo.push_back(Todo::Effect(Effect::Persist(batch)));
                self.reply_when_durable(reply, ());
            }
            Command::Stop => self.stopping = true,
        }
    }

    fn submit(&mut self, submit: Submit, now: Timestamp) -> Result<Submitted, SubmitError> {
        let particle = self.peer.submit(submit, now)?;
        let (watcher, submitted) = news::channel(particle, self.limits.news);
        self.watchers.retain(|_, watcher| !watcher.is_abandoned());
        self.watchers.insert(particle, watcher);
        Ok(submitted)
    }

    fn register(&mut self, service: Service, module: Module) -> Result<(), ServiceError> {
        let blueprint = service.blueprint.clone();
        self.peer.register_service(service)?;
        self.executor.install(blueprint, Ok(module));
        Ok(())
    }

    /// Lets go of the modules that no service needs any more.
    fn forget_modules(&mut self) {
        let services = self.peer.services();
        self.executor.retain(|blueprint| {
            services
                .iter()
                .any(|service| *service.blueprint == *blueprint)
        });
    }

    /// What the peer has to write down for this goes before the answer.
    pub(super) fn reply_when_durable<T: Send + 'static>(
        &mut self,
        reply: oneshot::Sender<T>,
        answer: T,
    ) {
        self.take_effects();
        // Whoever asked may have gone.
        self.todo
            .push_back(Todo::Then(Box::new(move |_| drop(reply.send(answer)))));
    }

    fn connect(
        &mut self,
        contact: Contact,
        reply: oneshot::Sender<Result<(), String>>,
        now: Timestamp,
    ) {
        // Whoever asked may have given up.
        self.connecting.retain(|_, replies| {
            replies.retain(|reply| !reply.is_closed());
            !replies.is_empty()
        });
        let peer = contact.peer;
        let addresses = parsed(&contact);
        self.peer.add_contact(contact, now);
        // That a connection is lost may be known already.
        let mut batch = Vec::new();
        self.transport
            .try_receive(&mut batch, self.limits.frames_per_turn);
        self.arrived.extend(batch);
        if addresses.is_empty() {
            let answer = if self.transport.is_connected(&peer) {
                Ok(())
            } else {
                Err("none of its addresses can be understood".to_owned())
            };
            let _ = reply.send(answer);
        } else if self.transport.dial_anew(peer, addresses) {
            self.connecting.entry(peer).or_default().push(reply);
        } else {
            let _ = reply.send(Ok(()));
        }
    }

    pub(super) fn answer_connecting(&mut self, peer: &PeerId, answer: &Result<(), String>) {
        for reply in self.connecting.remove(peer).into_iter().flatten() {
            let _ = reply.send(answer.clone());
        }
    }
}

fn parsed(contact: &Contact) -> Vec<Multiaddr> {
    contact
        .addresses
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect()
}
