//! What the store keeps of a service, under its id.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_bytes::{ByteBuf, Bytes};
use weir_identity::{PeerId, Value};

use super::Service;

/// A list in DAG-CBOR is read with one length only, so each form that was written has a type of its own.
type Items = (
    Arc<str>,
    Arc<str>,
    ByteBuf,
    PeerId,
    BTreeSet<Arc<str>>,
    bool,
    Option<ByteBuf>,
    BTreeSet<Arc<str>>,
);

/// As it was before exclusive functions were told.
type WithTerms = (
    Arc<str>,
    Arc<str>,
    ByteBuf,
    PeerId,
    BTreeSet<Arc<str>>,
    bool,
    ByteBuf,
);

/// As it was before there were terms, and for services without any afterwards.
type WithoutTerms = (
    Arc<str>,
    Arc<str>,
    ByteBuf,
    PeerId,
    BTreeSet<Arc<str>>,
    bool,
);

impl Service {
    /// As a record's value.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let interface = self.interface.to_dag_cbor();
        let terms = self.terms.as_ref().map(Value::to_dag_cbor);
        serde_ipld_dagcbor::to_vec(&(
            &self.kind,
            &self.blueprint,
            Bytes::new(&interface),
            self.owner,
            &self.aliases,
            self.idempotent,
            terms.map(ByteBuf::from),
            &self.exclusive,
        ))
        .expect("texts, bytes and truth values always encode")
    }

    /// Reads a record; the error says what is wrong with it.
    pub(crate) fn decode(id: &str, record: &[u8]) -> Result<Self, String> {
        let (kind, blueprint, interface, owner, aliases, idempotent, terms, exclusive) =
            items(record)?;
        let value = |bytes: &[u8]| Value::from_dag_cbor(bytes).map_err(|error| error.to_string());
        Ok(Service {
            id: Arc::from(id),
            kind,
            blueprint,
            interface: value(&interface)?,
            owner,
            aliases,
            idempotent,
            exclusive,
            terms: terms.map(|terms| value(&terms)).transpose()?,
        })
    }
}

fn items(record: &[u8]) -> Result<Items, String> {
    let with_terms =
        |(a, b, c, d, e, f, terms): WithTerms| (a, b, c, d, e, f, Some(terms), BTreeSet::new());
    let without_terms =
        |(a, b, c, d, e, f): WithoutTerms| (a, b, c, d, e, f, None, BTreeSet::new());
    let read = serde_ipld_dagcbor::from_slice(record);
    read.or_else(|error| {
        let read = serde_ipld_dagcbor::from_slice(record).map(with_terms);
        let read = read.or_else(|_| serde_ipld_dagcbor::from_slice(record).map(without_terms));
        read.map_err(|_| error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer_id;

    fn service() -> Service {
        Service {
            id: Arc::from("id"),
            kind: Arc::from("wasm"),
            blueprint: Arc::from("component"),
            interface: Value::from("functions"),
            owner: peer_id(1),
            aliases: [Arc::from("name")].into(),
            idempotent: true,
            exclusive: [Arc::from("set")].into(),
            terms: Some(Value::from("terms")),
        }
    }

    #[test]
    fn a_service_is_read_as_it_was_written() {
        let without = Service {
            terms: None,
            exclusive: BTreeSet::new(),
            ..service()
        };
        for service in [service(), without] {
            let record = service.encode();
            for end in 0..record.len() {
                assert!(Service::decode("id", &record[..end]).is_err());
            }
            assert_eq!(Service::decode("id", &record), Ok(service));
        }
    }

    #[test]
    fn records_of_before_are_read() {
        let Service {
            kind,
            blueprint,
            interface,
            owner,
            aliases,
            idempotent,
            terms,
            ..
        } = service();
        let terms_bytes = ByteBuf::from(terms.as_ref().expect("there are terms").to_dag_cbor());
        let interface = ByteBuf::from(interface.to_dag_cbor());
        let items = (kind, blueprint, interface, owner, aliases, idempotent);
        let record = serde_ipld_dagcbor::to_vec(&items);
        let before = Service {
            exclusive: BTreeSet::new(),
            terms: None,
            ..service()
        };
        assert_eq!(
            Service::decode("id", &record.expect("it encodes")),
            Ok(before.clone())
        );
        let items = (
            items.0,
            items.1,
            items.2,
            items.3,
            items.4,
            items.5,
            terms_bytes,
        );
        let record = serde_ipld_dagcbor::to_vec(&items);
        let before = Service { terms, ..before };
        assert_eq!(
            Service::decode("id", &record.expect("it encodes")),
            Ok(before)
        );
    }
}
