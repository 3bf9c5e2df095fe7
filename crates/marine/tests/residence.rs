//! Code that is put down while nobody uses it, and brought back.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use futures::future::join_all;
use support::{call_within, component, module, show};
use weir_identity::Cid;
use weir_marine::{
    CacheConfig, Call, CallContext, CallOutput, ComponentSource, Limits, Marine, MarineConfig,
    Module, Residence, World,
};

/// A component with `number: func() -> u32`.
fn returning(number: u32) -> Vec<u8> {
    component(
        "package test:number; world w { export number: func() -> u32; }",
        &module(&format!(
            r#"(func (export "number") (result i32) (i32.const {number}))"#
        )),
    )
}

fn call(module: &Module) -> CallOutput {
    call_within(module, &Limits::default(), "number", &[])
}

/// Components in memory, and how often they were asked for.
#[derive(Default)]
struct Shelf {
    components: Mutex<BTreeMap<Cid, Vec<u8>>>,
    reads: AtomicU32,
}

impl ComponentSource for Shelf {
    fn read(&self, cid: &Cid) -> Result<Vec<u8>, String> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let components = self.components.lock().expect("nobody panics here");
        components.get(cid).cloned().ok_or("it was sold".to_owned())
    }
}

impl Shelf {
    fn load(self: &Arc<Self>, marine: &Marine, number: u32) -> Module {
        let component = returning(number);
        let mut components = self.components.lock().expect("nobody panics here");
        components.insert(Cid::of_raw(&component), component.clone());
        drop(components);
        let source = Arc::clone(self) as Arc<dyn ComponentSource>;
        marine.load_from(&component, source).expect("accepted")
    }

    fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }
}

fn marine(components: usize, cache: Option<&Path>) -> Marine {
    let residence = Residence {
        components,
        ..Residence::default()
    };
    let cache = cache.map(|folder| CacheConfig {
        folder: folder.to_owned(),
        secret: [1; 32],
        bytes_max: 64 << 20,
    });
    let marine = Marine::new(MarineConfig {
        slots: 4,
        residence,
        cache,
        ..MarineConfig::default()
    });
    marine.expect("the engine can be set up")
}

#[test]
fn what_was_unused_for_longest_is_put_down_and_the_next_call_brings_it_back() {
    let (marine, shelf) = (marine(2, None), Arc::new(Shelf::default()));
    let modules: Vec<Module> = (0..2).map(|number| shelf.load(&marine, number)).collect();
    let before = call(&modules[0]);
    assert_eq!(shelf.reads(), 0);

    // The second one is now the one that was unused for longest.
    let third = shelf.load(&marine, 2);
    assert_eq!(marine.resident().components, 2);
    assert_eq!(show(&modules[0], "number", "[]"), "0");
    assert_eq!(shelf.reads(), 0, "the first one stayed");
    assert_eq!(show(&modules[1], "number", "[]"), "1");
    assert_eq!(shelf.reads(), 1, "the second one was brought back");
    assert_eq!(show(&third, "number", "[]"), "2");
    assert_eq!(marine.resident().components, 2);

    let after = call(&modules[0]);
    assert!(shelf.reads() > 1);
    assert_eq!(after.result.ok(), before.result.ok());
    assert_eq!(after.fuel, before.fuel);
}

#[test]
fn what_is_known_of_a_module_stays_when_its_code_is_put_down() {
    let (marine, shelf) = (marine(1, None), Arc::new(Shelf::default()));
    let [first, _second] = [shelf.load(&marine, 0), shelf.load(&marine, 1)];
    assert_eq!(first.functions().len(), 1);
    assert_eq!(first.cid(), Cid::of_raw(&returning(0)));
    let again = shelf.load(&marine, 0);
    assert_eq!(again.functions().len(), 1);
    assert_eq!(shelf.reads(), 0);
}

#[test]
fn the_size_of_code_counts_as_well_as_its_number() {
    let shelf = Arc::new(Shelf::default());
    let large = marine(8, None);
    let _one = shelf.load(&large, 0);
    let one = large.resident().bytes;
    let residence = Residence {
        bytes: one * 2,
        components: 8,
    };
    let small = Marine::new(MarineConfig {
        slots: 1,
        residence,
        ..MarineConfig::default()
    });
    let small = small.expect("the engine can be set up");
    let _all: Vec<Module> = (0..5).map(|number| shelf.load(&small, number)).collect();
    let resident = small.resident();
    assert!(resident.bytes <= one * 2, "{resident:?}");
    assert!(resident.components < 5, "{resident:?}");
}

#[test]
fn code_that_cannot_be_brought_back_stays() {
    let (marine, shelf) = (marine(1, None), Arc::new(Shelf::default()));
    let load = |number| marine.load(&returning(number)).expect("accepted");
    let pinned: Vec<Module> = (0..3).map(load).collect();
    let _other = shelf.load(&marine, 3);
    assert_eq!(marine.resident().components, 4, "nothing else can go");
    for (number, module) in pinned.iter().enumerate() {
        assert_eq!(show(module, "number", "[]"), number.to_string());
    }
    // When nobody needs it to stay, it goes like others.
    let kept = shelf.load(&marine, 0);
    drop(pinned);
    let _last = shelf.load(&marine, 4);
    assert_eq!(marine.resident().components, 1);
    assert_eq!(show(&kept, "number", "[]"), "0");
    // Loaded for staying while it is put down, it is there at once.
    let _another = shelf.load(&marine, 5);
    let reads = shelf.reads();
    let stays = load(0);
    assert_eq!(show(&stays, "number", "[]"), "0");
    assert_eq!(shelf.reads(), reads);
}

#[test]
fn calls_that_come_together_bring_code_back_once() {
    let (marine, shelf) = (marine(1, None), Arc::new(Shelf::default()));
    let [first, _second] = [shelf.load(&marine, 0), shelf.load(&marine, 1)];
    let (context, limits, world): (CallContext, Limits, World) = Default::default();
    let call = Call {
        function: "number",
        arguments: &[],
        context: &context,
        limits: &limits,
        world: &world,
    };
    for output in block_on(join_all((0..20).map(|_| first.call(call)))) {
        assert!(output.result.is_ok());
    }
    assert_eq!(shelf.reads(), 1);
}

#[test]
fn code_comes_back_from_the_cache_and_without_it_is_compiled_anew() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (marine, shelf) = (marine(1, Some(folder.path())), Arc::new(Shelf::default()));
    let [first, second] = [shelf.load(&marine, 0), shelf.load(&marine, 1)];
    let entries = || {
        std::fs::read_dir(folder.path())
            .expect("it is there")
            .count()
    };
    assert_eq!(entries(), 2);
    assert_eq!(show(&first, "number", "[]"), "0");
    for entry in std::fs::read_dir(folder.path()).expect("it is there") {
        std::fs::remove_file(entry.expect("readable").path()).expect("it can be removed");
    }
    assert_eq!(show(&second, "number", "[]"), "1");
    assert_eq!(entries(), 1, "it was compiled and kept");
}

#[test]
fn a_component_that_is_gone_is_a_failure_of_this_machine() {
    let (marine, shelf) = (marine(1, None), Arc::new(Shelf::default()));
    let [first, _second] = [shelf.load(&marine, 0), shelf.load(&marine, 1)];
    shelf.components.lock().expect("nobody panics here").clear();
    let error = call(&first).result.expect_err("it is gone");
    assert_eq!(error.code(), "infra/away");
    assert!(error.is_infrastructure());
    assert!(error.to_string().contains("it was sold"), "{error}");
    // It is tried again when it is called again.
    shelf.load(&marine, 0);
    assert_eq!(show(&first, "number", "[]"), "0");
}
