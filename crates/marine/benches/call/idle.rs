//! What services take that nobody calls.

use std::fs;

use weir_marine::{Marine, MarineConfig, Module, World};

const SERVICES: usize = 10_000;
const COMPONENTS: u8 = 20;

/// Deploys services of several components that are alike but for a custom section, and prints the memory that this
/// takes. A service is here what this crate needs of it: its module, and the root of its state.
pub(crate) fn report_all(component: &[u8]) {
    let Some(start) = resident_bytes() else {
        println!("bench: marine: resident memory | not known on this platform | ");
        return;
    };
    let marine = Marine::new(MarineConfig::default()).expect("the engine can be set up");
    let one = |marker: u8| {
        let mut variant = component.to_vec();
        // An empty custom section of a name of one letter.
        variant.extend([0, 2, 1, b'a' + marker]);
        marine.load(&variant).expect("accepted")
    };
    drop(one(COMPONENTS));
    let empty = resident_bytes().unwrap_or(start);
    let modules: Vec<Module> = (0..COMPONENTS).map(one).collect();
    let loaded = resident_bytes().unwrap_or(start);
    let services: Vec<(Module, World)> = modules
        .iter()
        .cycle()
        .take(SERVICES)
        .map(|module| (module.clone(), World::default()))
        .collect();
    let deployed = resident_bytes().unwrap_or(start);
    let (module, service) = (
        loaded.saturating_sub(empty) / u64::from(COMPONENTS),
        deployed.saturating_sub(loaded) / SERVICES as u64,
    );
    println!(
        "bench: marine: resident memory of a loaded component (greeter) | {} kB | ",
        module / 1_000
    );
    println!(
        "bench: marine: resident memory of an idle service of a loaded component | {service} bytes | "
    );
    println!(
        "bench: marine: {SERVICES} idle services of as many components | {:.2} GiB | under 1 GiB",
        (SERVICES as u64 * (module + service)) as f64 / f64::from(1_u32 << 30)
    );
    println!(
        "bench: marine: {SERVICES} idle services of {COMPONENTS} components, engine included | {:.1} MiB | under 1 GiB",
        deployed.saturating_sub(start) as f64 / f64::from(1_u32 << 20)
    );
    drop(services);
}

/// Of this process, where the system says it.
fn resident_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 4_096;
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}
