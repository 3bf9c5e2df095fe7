//! From TOML to permissions: every key is known, every value is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use weir_identity::Cid;
use weir_marine::{Grants, Hosts, HttpPolicy, Policy};

use super::unit::{Count, Size, Span};
use super::{EffectsConfig, EffectsConfigError, Permit, Whom};
use crate::effects::blobs::BlobLimits;
use crate::effects::http::HttpLimits;
use crate::effects::programs::{Argument, Parameter, Program, ProgramLimits};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    effectors: Effectors,
    allow: Vec<Allow>,
    program: BTreeMap<String, ProgramTable>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Effectors {
    http: HttpTable,
    blobs: BlobsTable,
    programs: ProgramsTable,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct HttpTable {
    timeout: Option<Span>,
    max_request_bytes: Option<Size>,
    max_response_bytes: Option<Size>,
    max_concurrent: Option<Count>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_field_names, reason = "they are called so in the file")]
struct BlobsTable {
    max_blob_bytes: Option<Size>,
    max_service_bytes: Option<Size>,
    max_total_bytes: Option<Size>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ProgramsTable {
    timeout: Option<Span>,
    max_output_bytes: Option<Size>,
    max_memory_bytes: Option<Size>,
    max_file_bytes: Option<Size>,
    max_concurrent: Option<Count>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    component: String,
    interface: String,
    #[serde(default)]
    policy: PolicyTable,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PolicyTable {
    hosts: Option<Vec<String>>,
    methods: Option<Vec<String>>,
    max_response_bytes: Option<Size>,
    private: Option<bool>,
    names: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramTable {
    path: PathBuf,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    parameters: Vec<ParameterTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterTable {
    pattern: Option<String>,
    max_bytes: Option<Size>,
}

pub(super) fn config(text: &str) -> Result<EffectsConfig, EffectsConfigError> {
    let file: File =
        toml::from_str(text).map_err(|error| EffectsConfigError::Form(error.to_string()))?;
    let Effectors {
        http,
        blobs,
        programs,
    } = file.effectors;
    let mut offered = BTreeMap::new();
    for (name, table) in file.program {
        let place = format!("[program.{name}]");
        let program = program(table).map_err(|problem| value(&place, problem))?;
        offered.insert(name, program);
    }
    let mut permits = Vec::new();
    for (index, allow) in file.allow.into_iter().enumerate() {
        let place = format!("[[allow]] number {} (`{}`)", index + 1, allow.interface);
        permits.push(permit(&place, allow, &offered)?);
    }
    Ok(EffectsConfig {
        http: http.limits(),
        blobs: blobs.limits(),
        programs: programs.limits(),
        offered,
        allow: permits,
    })
}

impl HttpTable {
    fn limits(self) -> HttpLimits {
        let given = HttpLimits::default();
        HttpLimits {
            timeout: self.timeout.map_or(given.timeout, |span| span.0),
            request_bytes: in_memory(self.max_request_bytes, given.request_bytes),
            response_bytes: in_memory(self.max_response_bytes, given.response_bytes),
            concurrent: self
                .max_concurrent
                .map_or(given.concurrent, |count| count.0),
        }
    }
}

impl BlobsTable {
    fn limits(self) -> BlobLimits {
        let given = BlobLimits::default();
        BlobLimits {
            blob_bytes: in_memory(self.max_blob_bytes, given.blob_bytes),
            service_bytes: on_disk(self.max_service_bytes, given.service_bytes),
            total_bytes: on_disk(self.max_total_bytes, given.total_bytes),
        }
    }
}

impl ProgramsTable {
    fn limits(self) -> ProgramLimits {
        let given = ProgramLimits::default();
        ProgramLimits {
            timeout: self.timeout.map_or(given.timeout, |span| span.0),
            output_bytes: in_memory(self.max_output_bytes, given.output_bytes),
            memory_bytes: on_disk(self.max_memory_bytes, given.memory_bytes),
            file_bytes: on_disk(self.max_file_bytes, given.file_bytes),
            concurrent: self
                .max_concurrent
                .map_or(given.concurrent, |count| count.0),
        }
    }
}

fn in_memory(size: Option<Size>, given: usize) -> usize {
    size.map_or(given, |size| usize::try_from(size.0).unwrap_or(usize::MAX))
}

fn on_disk(size: Option<Size>, given: u64) -> u64 {
    size.map_or(given, |size| size.0)
}

fn permit(
    place: &str,
    allow: Allow,
    offered: &BTreeMap<String, Program>,
) -> Result<Permit, EffectsConfigError> {
    let component = match allow.component.as_str() {
        "*" => Whom::Anyone,
        cid => match cid.parse::<Cid>() {
            Ok(cid) => Whom::Component(cid.to_string()),
            Err(error) => {
                let problem = format!(
                    "`{cid}` is neither the CID of a component nor `*` for all of them: {error}"
                );
                return Err(value(place, problem));
            }
        },
    };
    let private = allow.policy.private.unwrap_or_default();
    let policy =
        policy(&allow.interface, allow.policy, offered).map_err(|problem| value(place, problem))?;
    let mut grants = Grants::default();
    grants
        .insert(&allow.interface, policy)
        .map_err(|error| value(place, error.to_string()))?;
    Ok(Permit {
        component,
        grants,
        private,
    })
}

fn policy(
    interface: &str,
    given: PolicyTable,
    offered: &BTreeMap<String, Program>,
) -> Result<Policy, String> {
    let Some((base, _)) = interface.split_once('@') else {
        return Err(format!("the version is missing, write `{interface}@0.1`"));
    };
    let keys = [
        ("hosts", given.hosts.is_some(), HTTP),
        ("methods", given.methods.is_some(), HTTP),
        (
            "max_response_bytes",
            given.max_response_bytes.is_some(),
            HTTP,
        ),
        ("private", given.private.is_some(), HTTP),
        ("names", given.names.is_some(), PROGRAMS),
    ];
    if let Some((key, _, of)) = keys.iter().find(|(_, given, of)| *given && *of != base) {
        return Err(format!("`{key}` belongs to a policy of {of}"));
    }
    match base {
        HTTP => http(given).map(Policy::Http),
        PROGRAMS => {
            let names = given.names.ok_or(
                "`names` is missing; write for example `policy = { names = [\"convert\"] }`",
            )?;
            match names.iter().find(|name| !offered.contains_key(*name)) {
                Some(name) => Err(format!(
                    "there is no program `{name}`; describe it in a table [program.{name}]"
                )),
                None => Ok(Policy::Programs(names.into_iter().collect())),
            }
        }
        "weir:host/blobs" | "weir:host/signing" | "weir:host/entropy" => Ok(Policy::Plain),
        _ => Err(format!(
            "`{base}` is nothing that is allowed here; what is: weir:host/http, weir:host/blobs, \
             weir:host/signing, weir:host/programs, weir:host/entropy"
        )),
    }
}

const HTTP: &str = "weir:host/http";
const PROGRAMS: &str = "weir:host/programs";

fn http(given: PolicyTable) -> Result<HttpPolicy, String> {
    let hosts = given.hosts.ok_or(
        "`hosts` is missing; write for example `policy = { hosts = [\"api.example.org\"] }`",
    )?;
    let everywhere = |host: &String| host == "*" || host.starts_with("*:");
    if given.private.unwrap_or_default() && hosts.iter().any(everywhere) {
        let problem =
            "`private = true` does not go with the host `*`; name the hosts that are meant";
        return Err(problem.to_owned());
    }
    let hosts = Hosts::new(hosts).map_err(|host| {
        format!(
            "`{host}` is not a host; write `api.example.org`, `*.example.org` or `*`, and behind a colon the port \
             if it is neither 80 nor 443, as in `localhost:8080`"
        )
    })?;
    let method = |method: String| {
        let is_word = (1..=32).contains(&method.len())
            && method.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_word
            .then(|| method.to_ascii_uppercase())
            .ok_or_else(|| format!("`{method}` is not a method of HTTP, such as `GET`"))
    };
    let methods = given.methods.map(|methods| {
        let methods = methods.into_iter().map(method);
        methods.collect::<Result<BTreeSet<_>, _>>()
    });
    Ok(HttpPolicy {
        hosts,
        methods: methods.transpose()?,
        max_response_bytes: given.max_response_bytes.map(|size| size.0),
    })
}

fn program(table: ProgramTable) -> Result<Program, String> {
    if !table.path.is_absolute() {
        return Err(format!(
            "the path `{}` is not absolute",
            table.path.display()
        ));
    }
    let mut parameters = Vec::new();
    for (number, table) in table.parameters.into_iter().enumerate() {
        let bytes = in_memory(table.max_bytes, Parameter::BYTES_MAX);
        let parameter = Parameter::new(table.pattern.as_deref(), bytes)
            .map_err(|problem| format!("parameter {number}: {problem}"))?;
        parameters.push(parameter);
    }
    let arguments = table
        .arguments
        .iter()
        .map(|text| Argument::parse(text, parameters.len()))
        .collect::<Result<Vec<_>, _>>()?;
    let is_unused = |number: &usize| !arguments.iter().any(|argument| argument.uses(*number));
    if let Some(number) = (0..parameters.len()).find(is_unused) {
        return Err(format!(
            "parameter {number} is not used; write {{{number}}} where it belongs in `arguments`"
        ));
    }
    Ok(Program {
        path: table.path,
        arguments,
        parameters,
    })
}

fn value(place: &str, problem: String) -> EffectsConfigError {
    EffectsConfigError::Value {
        place: place.to_owned(),
        problem,
    }
}
