//! Every bound that a component and a call must keep.

use crate::profile::Profile;

/// What a component may be, checked before it is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentLimits {
    /// Bytes of the component.
    pub bytes: u64,
    /// Core modules, at any depth.
    pub core_modules: u64,
    /// Components inside components, at any depth.
    pub nested_components: u64,
    /// Core functions with a body.
    pub functions: u64,
    /// Bytes of one function body.
    pub function_bytes: u64,
    /// Types, of core modules and components.
    pub types: u64,
    /// How deep types of components and instances lie in each other.
    pub type_depth: u64,
    /// What is declared inside types of components and instances.
    pub declarations: u64,
    /// Sections, of core modules and components, at any depth.
    pub sections: u64,
    /// Imports of the component, and of core modules and components inside.
    pub imports: u64,
    /// Local variables of one function.
    pub locals: u64,
    /// What compiling one function costs, in local variables times blocks; loops and conditionals in each other cost
    /// more with every one around.
    pub function_work: u64,
    /// The sum of that of all functions.
    pub compile_work: u64,
    /// Milliseconds by the clock that compiling may take on this machine, however
    /// busy it is; the other bounds, and that of a
    /// [`CompilerProcess`](crate::CompilerProcess), are such that no component
    /// should get near it.
    pub compile_ms: u64,
    /// Instances of core modules: a module counts for each of its instances,
    /// in each instance of the component around it.
    pub core_instances: u64,
    /// Instances of core modules and components, counted like `core_instances`.
    pub instances: u64,
    /// Everything that components define besides instances, counted like `core_instances`.
    pub definitions: u64,
    /// Linear memories, counted like `core_instances`.
    pub memories: u64,
    /// Tables, counted like `core_instances`.
    pub tables: u64,
    /// Globals, counted like `core_instances`.
    pub globals: u64,
    /// Functions that are exported.
    pub exports: u64,
    /// Elements of all tables at the start.
    pub table_elements: u64,
    /// Pages (64 KiB) of all memories at the start.
    pub initial_pages: u64,
}

impl Default for ComponentLimits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            core_modules: 16,
            nested_components: 32,
            functions: 60_000,
            function_bytes: 256 << 10,
            locals: 10_000,
            function_work: 10_000_000,
            compile_work: 50_000_000,
            compile_ms: 600_000,
            core_instances: Profile::CORE_INSTANCES_PER_COMPONENT as u64,
            instances: 1_000,
            definitions: 100_000,
            types: 10_000,
            type_depth: 32,
            declarations: 100_000,
            sections: 100_000,
            imports: 5_000,
            memories: Profile::MEMORIES_PER_COMPONENT as u64,
            tables: Profile::TABLES_PER_COMPONENT as u64,
            globals: 10_000,
            exports: 1_000,
            table_elements: 20_000,
            initial_pages: 1_024,
        }
    }
}

/// What a single call may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Fuel units; see [`Profile`](crate::Profile) for what they cost. At the
    /// limit the call ends with [`Error::Fuel`](crate::Error::Fuel).
    pub fuel: u64,
    /// Bytes of all linear memories and tables together, at most
    /// [`Profile::MEMORY_BYTES_MAX`](crate::Profile::MEMORY_BYTES_MAX). Beyond
    /// it the guest's request is refused, which most guests take as a reason
    /// to stop: then the call ends with [`Error::Memory`](crate::Error::Memory).
    pub memory_bytes: u64,
    /// Milliseconds on this machine: an emergency brake, since fuel is the
    /// limit that holds everywhere. Beyond it the call ends with
    /// [`Error::WallClock`](crate::Error::WallClock).
    pub wall_ms: u64,
    /// Bytes of the arguments: text and byte lists count their length, names
    /// of fields and cases too. Beyond it the call ends with
    /// [`Error::ArgumentSize`](crate::Error::ArgumentSize).
    pub argument_bytes: u64,
    /// Bytes of the result: text and bytes count their length, every value 8
    /// more. Beyond it the call ends with
    /// [`Error::ResultSize`](crate::Error::ResultSize).
    pub result_bytes: u64,
    /// Bytes of standard output and standard error that are kept, each. What
    /// is written beyond is dropped, and the log says so.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 10_000_000_000,
            memory_bytes: 64 << 20,
            wall_ms: 30_000,
            argument_bytes: 1 << 20,
            result_bytes: 1 << 20,
            log_bytes: 64 << 10,
        }
    }
}

/// The most values, nested ones included, that the arguments of a call may have.
pub const ARGUMENT_VALUES_MAX: usize = 100_000;
