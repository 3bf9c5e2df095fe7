//! The composition itself, by `wac-graph`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeError, EncodeOptions, NodeId};

use super::ComposeError;
use super::part::Component;
use super::wires::Wires;
use crate::spelling::brief;

/// One component out of these; `stubs` are components that serve imports of the part of their name.
pub(super) fn compose(
    facade: &str,
    components: &BTreeMap<String, Component<'_>>,
    wires: &Wires,
    stubs: &BTreeMap<String, super::stub::Stub>,
) -> Result<Vec<u8>, ComposeError> {
    // The composer asserts what it expects of components. What it did not foresee is an error here.
    catch_unwind(AssertUnwindSafe(|| {
        compose_inner(facade, components, wires, stubs)
    }))
    .unwrap_or_else(|_| {
        Err(ComposeError::Composer {
            detail: "the composer does not understand one of them".to_owned(),
        })
    })
}

fn compose_inner(
    facade: &str,
    components: &BTreeMap<String, Component<'_>>,
    wires: &Wires,
    stubs: &BTreeMap<String, super::stub::Stub>,
) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let mut nodes: BTreeMap<&str, NodeId> = BTreeMap::new();
    for (name, component) in components {
        let node = instantiate(&mut graph, &format!("weir:{name}"), component.bytes)?;
        nodes.insert(name, node);
    }
    for (name, component) in components {
        for import in &component.imports {
            // What a part serves that is not here stays open.
            if let Some((provider, export)) = wires.provider(name, import)
                && let Some(&node) = nodes.get(provider)
            {
                connect(&mut graph, node, export, nodes[name.as_str()], import).map_err(
                    |detail| ComposeError::Types {
                        part: name.clone(),
                        import: import.clone(),
                        provider: provider.to_owned(),
                        detail,
                    },
                )?;
            }
        }
    }
    for (name, stub) in stubs {
        if !components.contains_key(name) {
            continue;
        }
        let node = instantiate(&mut graph, &format!("weir-deny:{name}"), &stub.bytes)?;
        for import in &stub.denied {
            connect(&mut graph, node, import, nodes[name.as_str()], import).map_err(|detail| {
                ComposeError::Undeniable {
                    part: name.clone(),
                    imports: vec![import.clone()],
                    detail,
                }
            })?;
        }
    }
    for export in &components[facade].exports {
        let alias = graph
            .alias_instance_export(nodes[facade], export)
            .map_err(composer)?;
        graph.export(alias, export).map_err(composer)?;
    }
    let options = EncodeOptions {
        define_components: true,
        validate: true,
        processor: None,
    };
    graph.encode(options).map_err(|error| match error {
        EncodeError::ImportTypeMergeConflict { import, source, .. } => ComposeError::HostTypes {
            import,
            detail: brief(&format_args!("{source:#}")),
        },
        error => composer(error),
    })
}

fn instantiate(
    graph: &mut CompositionGraph,
    name: &str,
    bytes: &[u8],
) -> Result<NodeId, ComposeError> {
    let package = Package::from_bytes(name, None, bytes, graph.types_mut())
        .map_err(|error| composer(format!("{error:#}")))?;
    let package = graph.register_package(package).map_err(composer)?;
    Ok(graph.instantiate(package))
}

/// Makes an export of one instance an argument of another; or says how their types differ.
fn connect(
    graph: &mut CompositionGraph,
    from: NodeId,
    export: &str,
    to: NodeId,
    import: &str,
) -> Result<(), String> {
    let alias = graph
        .alias_instance_export(from, export)
        .map_err(|error| brief(&error))?;
    graph
        .set_instantiation_argument(to, import, alias)
        .map_err(|error| match std::error::Error::source(&error) {
            Some(source) => {
                let chain = std::iter::successors(Some(source), |error| error.source());
                let chain: Vec<String> = chain.map(ToString::to_string).collect();
                brief(&chain.join(": "))
            }
            None => brief(&error),
        })
}

fn composer(error: impl std::fmt::Display) -> ComposeError {
    ComposeError::Composer {
        detail: brief(&error),
    }
}
