//! Nodes for tests.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use weir_identity::{Keypair, Value};
use weir_marine::{Marine, MarineConfig};
use weir_node::{Deployment, Node, NodeConfig, NodeHandle, Request, Submitted};
use weir_peer::ParticleEvent;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the nodes of a test live.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().expect("a folder for the test"))
    }

    pub fn of(&self, seed: u8) -> PathBuf {
        self.0.path().join(seed.to_string())
    }
}

pub fn key(seed: u8) -> Arc<Keypair> {
    Arc::new(Keypair::from_secret(&[seed; 32]).expect("a small number is a secret key"))
}

/// A node that listens on loopback.
pub fn node(folder: &Folder, seed: u8) -> NodeConfig {
    let mut config = NodeConfig::new(folder.of(seed), key(seed)).listening_on_loopback();
    config.keypair_is_new = true;
    config
}

pub fn with_wasm(mut config: NodeConfig) -> NodeConfig {
    let marine = Marine::new(MarineConfig {
        slots: 8,
        ..MarineConfig::default()
    });
    config.marine = Some(marine.expect("the engine can be set up"));
    config
}

pub async fn start(config: NodeConfig) -> NodeHandle {
    Node::start(config).await.expect("it can be started")
}

pub fn request(script: &str) -> Request {
    Request::new(script, Duration::from_secs(60))
}

/// A component with `double: func(x: u32) -> u32`, as service `doubler`, alias `twice`.
pub fn doubler() -> Deployment {
    multiplier(2)
}

/// The same with another factor.
pub fn multiplier(factor: u32) -> Deployment {
    let component = wat::parse_str(format!(
        r#"(component
            (core module $m
                (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const {factor}))))
            (core instance $i (instantiate $m))
            (func (export "double") (param "x" u32) (result u32) (canon lift (core func $i "double"))))"#,
    ));
    Deployment {
        id: Arc::from("doubler"),
        aliases: vec![Arc::from("twice")],
        component: component.expect("it is WebAssembly text"),
        grants: None,
    }
}

/// The arguments of the next callbacks.
pub async fn callbacks(particle: &mut Submitted, count: usize) -> Vec<Vec<Value>> {
    let mut found = Vec::new();
    let wait = async {
        while found.len() < count {
            match particle.next().await.expect("the particle goes on").event {
                ParticleEvent::Callback { args, .. } => found.push(args),
                ParticleEvent::Error(error) | ParticleEvent::Stuck(error) => panic!("{error:?}"),
                ParticleEvent::Refused { by, reason } => panic!("{by}: {reason}"),
                _ => {}
            }
        }
    };
    timeout(PATIENCE, wait).await.expect("it happens in time");
    found
}

pub async fn callback(particle: &mut Submitted) -> Vec<Value> {
    callbacks(particle, 1).await.remove(0)
}

pub async fn until_done(particle: &mut Submitted) {
    let wait = async {
        while !matches!(
            particle.next().await.expect("the particle goes on").event,
            ParticleEvent::Done
        ) {}
    };
    timeout(PATIENCE, wait).await.expect("it happens in time");
}

/// A component with `spin: func()`, which never ends, as service `spinner`.
pub fn spinner() -> Deployment {
    let component = wat::parse_str(
        r#"(component
            (core module $m (func (export "spin") (loop (br 0))))
            (core instance $i (instantiate $m))
            (func (export "spin") (canon lift (core func $i "spin"))))"#,
    );
    Deployment {
        id: Arc::from("spinner"),
        aliases: Vec::new(),
        component: component.expect("it is WebAssembly text"),
        grants: None,
    }
}

/// A component with `add: func() -> u32`, as service `counter`: one more than what the state had, and kept there.
pub fn counter() -> Deployment {
    let component = wat::parse_str(
        r#"(component
            (import "weir:host/state@0.1.0" (instance $state
                (type $error (variant (case "read-only") (case "too-long" string) (case "quota" string)))
                (export "error" (type $named (eq $error)))
                (export "get" (func (param "key" (list u8)) (result (option (list u8)))))
                (export "set" (func (param "key" (list u8)) (param "value" (list u8))
                    (result (result bool (error $named)))))))
            (core module $memory
                (memory (export "memory") 1)
                (global $next (mut i32) (i32.const 1024))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                    (global.get $next)
                    (global.set $next (i32.add (global.get $next) (local.get 3)))))
            (core instance $memory (instantiate $memory))
            (alias core export $memory "memory" (core memory $m))
            (alias core export $memory "realloc" (core func $realloc))
            (core func $get (canon lower (func $state "get") (memory $m) (realloc $realloc)))
            (core func $set (canon lower (func $state "set") (memory $m) (realloc $realloc)))
            (core module $main
                (import "host" "memory" (memory 1))
                (import "host" "get" (func $get (param i32 i32 i32)))
                (import "host" "set" (func $set (param i32 i32 i32 i32 i32)))
                (func (export "add") (result i32)
                    (call $get (i32.const 0) (i32.const 1) (i32.const 16))
                    (if (i32.load8_u (i32.const 16))
                        (then (i32.store (i32.const 32) (i32.load (i32.load (i32.const 20))))))
                    (i32.store (i32.const 32) (i32.add (i32.load (i32.const 32)) (i32.const 1)))
                    (call $set (i32.const 0) (i32.const 1) (i32.const 32) (i32.const 4) (i32.const 48))
                    (if (i32.load8_u (i32.const 48)) (then unreachable))
                    (i32.load (i32.const 32))))
            (core instance $i (instantiate $main (with "host" (instance
                (export "memory" (memory $m))
                (export "get" (func $get))
                (export "set" (func $set))))))
            (func (export "add") (result u32) (canon lift (core func $i "add"))))"#,
    );
    Deployment {
        id: Arc::from("counter"),
        aliases: Vec::new(),
        component: component.expect("it is WebAssembly text"),
        grants: None,
    }
}
