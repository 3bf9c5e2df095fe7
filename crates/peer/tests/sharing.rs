//! What particles and peers of one process hold in common.

mod net;

use std::sync::Arc;

use net::{Net, config};
use weir_identity::{Cid, Value};
use weir_peer::{CallOutcome, Contact, ParticleId, PeerConfig, Shared};

fn long() -> Value {
    Value::from("long".repeat(100))
}

/// The text as a peer holds it for a particle.
fn held(net: &mut Net, peer: usize, particle: ParticleId) -> Arc<str> {
    let cid = Cid::of_dag_cbor(&long().to_dag_cbor());
    let log = net.peer(peer).log(&particle).expect("it is in memory");
    match log.blob(&cid).expect("the value is here") {
        Value::String(text) => text.clone(),
        other => panic!("not a text: {other:?}"),
    }
}

#[test]
fn a_value_is_in_memory_once_however_many_particles_and_peers_hold_it() {
    let mut net = Net::new(0);
    let shared = Arc::new(Shared::new(&config(0).limits));
    for index in 0..2 {
        net.add(PeerConfig {
            shared: shared.clone(),
            ..config(index)
        });
    }
    let contact = Contact {
        peer: net.seats[1].id,
        addresses: vec!["mem/1".into()],
    };
    let now = net.now;
    net.peer(0).add_contact(contact, now);
    net.register(1, "texts", true);
    net.seats[1].behaviour = |_| Some(CallOutcome::Value(long()));
    let script = r#"(seq (call @1 ("texts" "get") [] x) (call @0 ("callbackSrv" "done") [x]))"#;
    let particles = [net.submit(0, script), net.submit(0, script)];
    net.run();
    let first = held(&mut net, 1, particles[0]);
    for particle in particles {
        for peer in 0..2 {
            let other = held(&mut net, peer, particle);
            assert!(Arc::ptr_eq(&first, &other), "peer {peer} has its own copy");
        }
    }

    net.crash(0);
    net.restart(0);
    net.run_for(100);
    let replayed = held(&mut net, 0, particles[1]);
    assert!(Arc::ptr_eq(&first, &replayed), "also from records");

    for peer in 0..2 {
        net.crash(peer);
    }
    assert_eq!(shared.values(), 0, "nothing outlives its particles");
}
