//! `weir wasm profile FILE 'fn(args)'`: where the fuel of a call goes.

use super::call::{self, Typed, execute, failed, failure, runtime, show_logs};
use super::surroundings::{Surroundings, limits};
use super::{compile, marine, refused};
use crate::args::Allowance;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::patience::Patience;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir_identity::Value;
use weir_marine::{
    Call, CallContext, Class, FunctionCost, Limits, Marine, Outside, Profiled, Profiler, World,
};

/// How many functions people see; `--format wide` shows all.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct Profile<'a> {
    function: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Value>,
    fuel: u64,
    /// What went to no function.
    engine_fuel: u64,
    memory_bytes: u64,
    time_us: Times,
    functions: Vec<Cost>,
    host: Vec<HostCost>,
    /// Whether the component has names for all of these functions.
    named: bool,
}

#[derive(Serialize)]
struct Times {
    compile: u64,
    convert: u64,
    instantiate: u64,
    run: u64,
}

#[derive(Serialize)]
struct Cost {
    module: String,
    name: String,
    import: bool,
    calls: u64,
    self_fuel: u64,
    inclusive_fuel: u64,
}

/// A function of the host.
#[derive(Serialize)]
struct HostCost {
    name: String,
    calls: u64,
    fuel: u64,
}

/// Makes the call as peers do, and once more with probes.
pub(super) fn run(
    file: &Path,
    call: &str,
    folded: Option<&Path>,
    allowance: &Allowance,
    patience: Patience,
    output: &Output,
) -> Result<Report, Failure> {
    let typed = call::read(call)?;
    let around = Surroundings::new(allowance)?;
    let bytes = input::bytes(file)?;
    let marine = marine()?;
    let begin = Instant::now();
    let module =
        compile(&marine, &bytes, patience, output)?.map_err(|error| refused(file, &error))?;
    let compiled = begin.elapsed();
    let limits = limits(allowance);
    let context = around.context(&module)?;
    let world = around.world(&module);
    let done = execute(
        &module,
        &typed,
        (&limits, &context, world.clone()),
        patience,
        output,
    )?;
    let failed = failure(&typed.function, &done);
    if let Some(failure) = failed
        && failure.code != Code::FunctionFailed
    {
        return Err(failure);
    }
    let world = World {
        outside: Outside::Recorded(Arc::new(done.transcript.clone())),
        ..world
    };
    let again = (limits, context, world);
    let profiled = profile(marine, bytes, &typed, again, patience, output)?;
    if let Some(out) = folded {
        std::fs::write(out, profiled.folded(call)).map_err(|error| {
            let what = format!("cannot write {}", out.display());
            Failure::new(Code::FileUnwritable, what).cause(error)
        })?;
    }
    let costs = profiled.functions();
    let data = Profile {
        function: &typed.function,
        result: done.result.as_ref().ok(),
        fuel: profiled.fuel,
        engine_fuel: profiled.engine_fuel,
        memory_bytes: done.memory_peak_bytes,
        time_us: Times {
            compile: micros(compiled),
            convert: micros(done.took.convert),
            instantiate: micros(done.took.instantiate),
            run: micros(done.took.run),
        },
        host: host(&costs),
        named: costs.iter().all(|cost| cost.place.is_named),
        functions: costs.into_iter().map(cost).collect(),
    };
    show_logs(&done, output);
    if profiled.fuel != done.fuel && done.result.is_ok() {
        output.warn(format!(
            "the call took {} fuel, but {} with probes; the profile is that of the latter",
            done.fuel, profiled.fuel
        ));
    }
    if let Ok(value) = &done.result {
        output.note(&format!("{} → {}", typed.function, brief(&value.to_json())));
    }
    let times = &data.time_us;
    output.note(&format!(
        "{} fuel, {} KiB of memory; compiled in {}, arguments {}, instance {}, call {}",
        data.fuel,
        data.memory_bytes >> 10,
        human(times.compile),
        human(times.convert),
        human(times.instantiate),
        human(times.run),
    ));
    if !data.named {
        output.hint("functions without names: keep them in the build, with `strip = \"debuginfo\"` in Cargo.toml, or without --strip-all for C and C++");
    }
    let report = Report::new(&data, text(&data, output));
    Ok(match failure(&typed.function, &done) {
        Some(failure) => report.failing(failure),
        None => report,
    })
}

fn profile(
    marine: Marine,
    bytes: Vec<u8>,
    typed: &Typed,
    (limits, context, world): (Limits, CallContext, World),
    patience: Patience,
    output: &Output,
) -> Result<Profiled, Failure> {
    let runtime = runtime()?;
    let progress = output.progress("the function runs with probes");
    let typed = typed.clone();
    let function = typed.function.clone();
    let profiled = patience.wait_for(&function, move || {
        let profiler = Profiler::new(&marine, &bytes)?;
        runtime.block_on(profiler.call(Call {
            function: &typed.function,
            arguments: &typed.arguments,
            context: &context,
            limits: &limits,
            world: &world,
        }))
    })?;
    drop(progress);
    profiled.map_err(|error| failed(&function, &error))
}

fn cost(cost: FunctionCost) -> Cost {
    Cost {
        module: cost.place.module,
        name: cost.place.name,
        import: cost.place.is_import,
        calls: cost.calls,
        self_fuel: cost.self_fuel,
        inclusive_fuel: cost.inclusive_fuel,
    }
}

/// Calls of functions of the host, whichever module made them.
fn host(costs: &[FunctionCost]) -> Vec<HostCost> {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for cost in costs.iter().filter(|cost| cost.place.is_import) {
        let interface = cost.place.name.split('#').next().unwrap_or_default();
        if Class::of(interface) == Class::Unknown {
            continue;
        }
        let (calls, fuel) = sums.entry(&cost.place.name).or_default();
        *calls += cost.calls;
        *fuel += cost.inclusive_fuel;
    }
    let mut host: Vec<_> = sums
        .into_iter()
        .map(|(name, (calls, fuel))| HostCost {
            name: name.to_owned(),
            calls,
            fuel,
        })
        .collect();
    host.sort_by_key(|cost| std::cmp::Reverse(cost.fuel));
    host
}

fn text(data: &Profile<'_>, output: &Output) -> String {
    let modules: BTreeSet<_> = data.functions.iter().map(|cost| &cost.module).collect();
    let mut columns = vec![
        Column::Number("SELF"),
        Column::Number("%"),
        Column::Number("WITH CALLEES"),
        Column::Number("%"),
        Column::Number("CALLS"),
        Column::Text("FUNCTION"),
    ];
    if modules.len() > 1 {
        columns.push(Column::Text("MODULE"));
    }
    let mut table = Table::new(&columns);
    let shown = if output.is_wide() { usize::MAX } else { SHOWN };
    let share = |fuel: u64| format!("{:.1}", fuel as f64 * 100.0 / data.fuel.max(1) as f64);
    for cost in data.functions.iter().take(shown) {
        let mut row = vec![
            Cell::new(cost.self_fuel.to_string()),
            Cell::new(share(cost.self_fuel)),
            Cell::new(cost.inclusive_fuel.to_string()),
            Cell::new(share(cost.inclusive_fuel)),
            Cell::new(cost.calls.to_string()),
            Cell::new(&*cost.name),
        ];
        if modules.len() > 1 {
            row.push(Cell::new(&*cost.module));
        }
        table.row(row);
    }
    let mut text = output.render(&table);
    let more = data.functions.get(shown..).unwrap_or_default();
    if !more.is_empty() {
        let fuel: u64 = more.iter().map(|cost| cost.self_fuel).sum();
        let (number, share) = (more.len(), share(fuel));
        text.push_str(&format!(
            "and {number} functions more with {share} %, which --format wide shows\n"
        ));
    }
    if !data.host.is_empty() {
        let mut table = Table::new(&[
            Column::Number("FUEL"),
            Column::Number("%"),
            Column::Number("CALLS"),
            Column::Text("OF THE HOST"),
        ]);
        for cost in &data.host {
            table.row([
                Cell::new(cost.fuel.to_string()),
                Cell::new(share(cost.fuel)),
                Cell::new(cost.calls.to_string()),
                Cell::new(&*cost.name),
            ]);
        }
        text.push_str(&format!("\n{}", output.render(&table)));
    }
    text
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn human(micros: u64) -> String {
    format!("{:.1} ms", micros as f64 / 1000.0)
}

/// The beginning of a value, for a line.
fn brief(json: &str) -> String {
    const CHARS_MAX: usize = 80;
    match json.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &json[..end]),
        None => json.to_owned(),
    }
}
