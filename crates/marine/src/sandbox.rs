//! The world that a guest sees: WASI 0.2 with a clock that stands still unless
//! asked, randomness that follows from the call, output that becomes a log;
//! beside it the state of its service, and effects through one funnel.

mod cli;
mod clock;
mod constant;
mod context;
mod effects;
mod files;
mod imports;
mod log;
mod memory;
mod metered;
mod random;
mod state;
mod streams;

use std::sync::{Arc, Mutex};

use wasmtime::Engine;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::p2::bindings::{cli as wasi_cli, clocks, random as wasi_random};
use wasmtime_wasi_io::IoView;
use weir_identity::keccak256;

use crate::context::CallContext;
use crate::limits::Limits;
use crate::linked::Links;
use crate::world::{Mode, World};

pub use context::Level;
pub(crate) use effects::{EffectFailure, read_blobs};
pub(crate) use imports::{granted, has_effects, mode};
pub(crate) use log::LogSink;
pub use log::Logs;
pub(crate) use memory::{GrowFailed, MemoryMeter};
pub(crate) use metered::charge;
pub(crate) use state::{Source, StateFailure};

use clock::VirtualClock;
use effects::Funnel;
use files::OpenFiles;
use random::SeededRandom;
use state::Session;

/// The most resources that a call may have open at once.
pub(crate) const HANDLES_MAX: usize = 10_000;

/// What the host keeps for one call.
pub(crate) struct CallState {
    table: ResourceTable,
    files: OpenFiles,
    clock: VirtualClock,
    random: SeededRandom,
    log: Arc<Mutex<LogSink>>,
    /// What was left when a host function last returned to the executor.
    fuel_at_pause: u64,
    context: CallContext,
    pub(crate) session: Session,
    pub(crate) funnel: Funnel,
    pub(crate) memory: MemoryMeter,
    /// What is called through the host.
    pub(crate) links: Links,
}

impl CallState {
    pub(crate) fn new(
        (context, world, mode): (&CallContext, &World, Mode),
        seed: [u8; 32],
        limits: &Limits,
        log: Arc<Mutex<LogSink>>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self {
            table,
            files: OpenFiles::new(mode, context.timestamp_ms, limits.memory_bytes),
            clock: VirtualClock::new(context.timestamp_ms),
            random: SeededRandom::new(seed),
            log,
            fuel_at_pause: 0,
            context: context.clone(),
            session: Session::new(&world.state, mode, world.witness),
            funnel: Funnel::new(world, mode, seed),
            memory: MemoryMeter::new(limits.memory_bytes),
            links: Links::default(),
        }
    }

    /// What the host keeps for another part of the same call, in a store of its own. It has nothing yet of what is
    /// [handed over](Self::hand_over), and its randomness is its own.
    pub(crate) fn beside(&self, part: &str, limits: &Limits) -> Self {
        let seed = keccak256(&[b"weir/linked", self.funnel.seed(), part.as_bytes()]);
        let (world, log) = (World::default(), Arc::clone(&self.log));
        let around = (&self.context, &world, Mode::Pure);
        Self::new(around, *seed.as_bytes(), limits, log)
    }

    /// Gives another part what there is only one of in a call: the state, the effects, the parts that are linked, and
    /// the memory that is left.
    pub(crate) fn hand_over(&mut self, next: &mut Self) {
        std::mem::swap(&mut self.session, &mut next.session);
        std::mem::swap(&mut self.funnel, &mut next.funnel);
        std::mem::swap(&mut self.links, &mut next.links);
        self.files.hand_over(&mut next.files);
        next.memory.follow(&self.memory);
    }

    fn itself(&mut self) -> &mut Self {
        self
    }
}

impl IoView for CallState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

/// What decides how the host behaves and what it costs, as a part of the profile.
pub(crate) fn description() -> String {
    [
        format!("handles {HANDLES_MAX}"),
        clock::description(),
        random::description(),
        metered::description(),
        streams::description(),
        state::description(),
        effects::description(),
        files::description(),
    ]
    .join("\n")
}

/// Names [`CallState`] as the host side of the interfaces that need all of it.
struct Whole;

impl HasData for Whole {
    type Data<'a> = &'a mut CallState;
}

/// Names [`SeededRandom`] as the host side of the random interfaces.
struct Random;

impl HasData for Random {
    type Data<'a> = &'a mut SeededRandom;
}

/// Links everything that a guest may import. [`granted`] lists the same interfaces.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    type State = CallState;
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    let whole: fn(&mut State) -> &mut State = State::itself;
    let random: fn(&mut State) -> &mut SeededRandom = |state| &mut state.random;

    wasmtime_wasi_io::add_to_linker_async(l)?;
    clocks::wall_clock::add_to_linker::<State, Whole>(l, whole)?;
    clocks::monotonic_clock::add_to_linker::<State, Whole>(l, whole)?;
    wasi_random::random::add_to_linker::<State, Random>(l, random)?;
    wasi_random::insecure::add_to_linker::<State, Random>(l, random)?;
    wasi_random::insecure_seed::add_to_linker::<State, Random>(l, random)?;
    wasi_cli::environment::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::exit::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::stdin::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::stdout::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::stderr::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::terminal_input::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::terminal_output::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::terminal_stdin::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::terminal_stdout::add_to_linker::<State, Whole>(l, whole)?;
    wasi_cli::terminal_stderr::add_to_linker::<State, Whole>(l, whole)?;
    constant::add_to_linker(l)?;
    metered::add_to_linker(l)?;
    streams::add_to_linker(l)?;
    files::add_to_linker(l)?;
    context::add_to_linker(l)?;
    state::add_to_linker(l)?;
    effects::add_to_linker(l)?;
    Ok(linker)
}
