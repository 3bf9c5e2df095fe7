//! The execution profile: everything that decides what a call computes and
//! what it costs.

use std::num::NonZeroUsize;

use wasmtime::{Config, Enabled, OptLevel, PoolingAllocationConfig, WasmFeatures};
use weir_identity::{Hash, keccak256};

use crate::bridge::TABLE;
use crate::execution::Execution;
use crate::fuel;
use crate::limits::ARGUMENT_VALUES_MAX;
use crate::linked::{LINK_BYTE_FUEL, LINK_CALL_FUEL, LINK_VALUE_FUEL};
use crate::sandbox;
use crate::store::{HOST_BYTES_MIN, HOST_BYTES_PER_BYTE};

/// What components may use of WebAssembly, and nothing else, whatever this build of the engine could do.
const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::CM_MAP);

/// The rules under which guests run. Two machines with the same profile give
/// the same result and count the same fuel for the same call.
///
/// There is one profile, `det-1`: components with the types of WASI 0.2, no
/// threads, no relaxed SIMD, canonical NaNs, a virtual clock, seeded
/// randomness, and fuel by its own table: about 10 units for an operator, so
/// that 10^10 units are in the order of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// The deterministic default.
    Det1,
}

impl Profile {
    /// The most linear memory that a limit can allow, in bytes.
    pub const MEMORY_BYTES_MAX: u64 = 512 << 20;

    /// Fuel units for instantiation, some 50 ms. They are not charged to the call: how much instantiation takes depends
    /// on whether the platform offers copy-on-write images. For the same reason nothing is said in a receipt of a call
    /// whose instance takes more.
    pub const START_FUEL: u64 = 500_000_000;

    /// Fuel units after which a call lets other tasks of its executor run.
    pub const YIELD_FUEL: u64 = 1_000_000;

    const WASM_STACK_BYTES: usize = 1 << 20;
    pub(crate) const CORE_INSTANCES_PER_COMPONENT: u32 = 24;
    pub(crate) const MEMORIES_PER_COMPONENT: u32 = 4;
    pub(crate) const TABLES_PER_COMPONENT: u32 = 8;
    const INSTANCE_BYTES: usize = 1 << 20;
    /// Functions that the text of a trap names.
    const BACKTRACE_FRAMES: usize = 16;
    pub(crate) const TABLE_ELEMENTS: usize = 20_000;

    /// The name, such as `det-1`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Det1 => "det-1",
        }
    }

    /// What identifies the profile in the key of compiled code, and later in receipts.
    pub fn id(self) -> Hash {
        keccak256(&[self.description().as_bytes()])
    }

    /// Everything that the profile consists of, as text. Of the engine it names the line, in which releases mend mistakes
    /// and change no rule.
    fn description(self) -> String {
        let features: Vec<_> = FEATURES.iter_names().map(|(name, _)| name).collect();
        format!(
            "weir {}\nengine wasmtime 48\nwasi 0.2\nfeatures {}\n\
             nan canonical\nstack {} frames {}\nmemory {}\ntable {}\n\
             instances {} memories {} tables {} instance bytes {}\n\
             start {}\nlinked call {} value {} byte {}\n\
             typed calls {}\narguments {}\nhost bytes {} least {}\n{}\nfuel {:?}\n",
            self.name(),
            features.join(" "),
            Self::WASM_STACK_BYTES,
            Self::BACKTRACE_FRAMES,
            Self::MEMORY_BYTES_MAX,
            Self::TABLE_ELEMENTS,
            Self::CORE_INSTANCES_PER_COMPONENT,
            Self::MEMORIES_PER_COMPONENT,
            Self::TABLES_PER_COMPONENT,
            Self::INSTANCE_BYTES,
            Self::START_FUEL,
            LINK_CALL_FUEL,
            LINK_VALUE_FUEL,
            LINK_BYTE_FUEL,
            TABLE,
            ARGUMENT_VALUES_MAX,
            HOST_BYTES_PER_BYTE,
            HOST_BYTES_MIN,
            sandbox::description(),
            fuel::costs(),
        )
    }

    /// The engine's configuration with room for that many calls at once.
    pub(crate) fn engine_config(
        self,
        execution: Execution,
        slots: u32,
    ) -> wasmtime::Result<Config> {
        let mut config = self.compiler_config(execution)?;
        config.allocation_strategy(Self::pool(slots));
        Ok(config)
    }

    /// The same for who only compiles: no instances, hence no room for them. The code is the same.
    pub(crate) fn compiler_config(self, execution: Execution) -> wasmtime::Result<Config> {
        let Self::Det1 = self;
        let mut config = Config::new();
        config
            .wasm_features(WasmFeatures::all(), false)
            .wasm_features(FEATURES, true)
            .concurrency_support(false)
            .cranelift_nan_canonicalization(true)
            .cranelift_opt_level(OptLevel::Speed)
            .consume_fuel(true)
            .operator_cost(fuel::costs())
            .max_wasm_stack(Self::WASM_STACK_BYTES)
            .async_stack_size(Self::WASM_STACK_BYTES + (1 << 20))
            .wasm_backtrace_max_frames(NonZeroUsize::new(Self::BACKTRACE_FRAMES))
            .generate_address_map(false)
            .memory_init_cow(true);
        execution.apply(&mut config)?;
        Ok(config)
    }

    /// The same for components with probes: the engine asks the host at the beginning of functions.
    pub(crate) fn probing_config(self) -> wasmtime::Result<Config> {
        let mut config = self.compiler_config(Execution::Compiled)?;
        // Probes make the frames of functions larger, and a guest with little room left should not notice.
        config
            .epoch_interruption(true)
            .max_wasm_stack(2 * Self::WASM_STACK_BYTES)
            .async_stack_size(2 * Self::WASM_STACK_BYTES + (1 << 20));
        Ok(config)
    }

    fn pool(slots: u32) -> PoolingAllocationConfig {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(slots)
            .total_stacks(slots)
            .total_core_instances(slots.saturating_mul(Self::CORE_INSTANCES_PER_COMPONENT))
            .total_memories(slots.saturating_mul(Self::MEMORIES_PER_COMPONENT))
            .total_tables(slots.saturating_mul(Self::TABLES_PER_COMPONENT))
            .max_core_instances_per_component(Self::CORE_INSTANCES_PER_COMPONENT)
            .max_memories_per_component(Self::MEMORIES_PER_COMPONENT)
            .max_tables_per_component(Self::TABLES_PER_COMPONENT)
            .max_memories_per_module(Self::MEMORIES_PER_COMPONENT)
            .max_tables_per_module(Self::TABLES_PER_COMPONENT)
            .max_memory_size(Self::MEMORY_BYTES_MAX as usize)
            .table_elements(Self::TABLE_ELEMENTS)
            .max_component_instance_size(Self::INSTANCE_BYTES)
            .table_keep_resident(16 << 10)
            .async_stack_keep_resident(32 << 10)
            .max_unused_warm_slots(64);
        keep_memory(&mut pool);
        pool
    }
}

/// Lets the memory of a slot stay with it from call to call, zeroed, so that a call with a large argument need not have
/// hundreds of pages mapped anew. Where the system tells which pages were written (Linux 6.7), only those are zeroed;
/// elsewhere it is all that is kept, so that is little.
fn keep_memory(pool: &mut PoolingAllocationConfig) {
    let (scan, bytes) = if PoolingAllocationConfig::is_pagemap_scan_available() {
        (Enabled::Yes, 2 << 20)
    } else {
        (Enabled::No, 64 << 10)
    };
    pool.pagemap_scan(scan).linear_memory_keep_resident(bytes);
}
