//! What each operator costs. The table is part of the profile: changing it
//! makes another profile.

use wasmtime::{OperatorCost, VariableOperatorCost};

const OPERATOR: u8 = 10;

/// Sets the cost of the listed operators.
macro_rules! set {
    ($costs:ident, $cost:expr, $($operator:ident)*) => { $($costs.$operator = $cost;)* };
}

macro_rules! define_ordinary {
    ($(@$proposal:ident $operator:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// The engine's own table, which has 1 for work and 0 for structure, on our scale.
        fn ordinary() -> OperatorCost {
            let mut costs = OperatorCost::new();
            $(costs.$operator *= OPERATOR;)*
            costs
        }
    };
}

wasmparser::for_each_operator!(define_ordinary);

/// The table of `det-1`. One unit is the cost of copying one byte; an ordinary
/// operator costs ten.
pub(crate) fn costs() -> OperatorCost {
    let mut costs = ordinary();
    set!(costs, 12,
        I32Load I64Load F32Load F64Load I32Load8S I32Load8U I32Load16S I32Load16U
        I64Load8S I64Load8U I64Load16S I64Load16U I64Load32S I64Load32U
        I32Store I64Store F32Store F64Store I32Store8 I32Store16 I64Store8 I64Store16 I64Store32
        V128Load V128Store);
    set!(costs, 40,
        I32DivS I32DivU I32RemS I32RemU I64DivS I64DivU I64RemS I64RemU
        F32Div F64Div F32Sqrt F64Sqrt F32x4Div F64x2Div F32x4Sqrt F64x2Sqrt
        CallIndirect ReturnCallIndirect MemoryGrow TableGrow);
    set!(costs, 25, Call ReturnCall);
    costs.variable = VariableOperatorCost {
        memory_grow_per_page: 255,
        table_grow_per_element: 10,
        table_copy_per_element: 10,
        table_fill_per_element: 10,
        table_init_per_element: 10,
        ..VariableOperatorCost::new()
    };
    costs
}
