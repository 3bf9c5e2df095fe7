//! Tests that are written in Aqua.
//!
//! A test is an exported function without arguments whose name begins with `test`. It runs on a simulated network, once
//! for each seed; it passes if it comes to its end, nothing fails, and every truth value that it returns is true.
//! Comment lines above it say what is around it:
//!
//! ```text
//! -- peers a b c                     names of peers beside `init` and `relay`; these three if nothing is said
//! -- mock greeter.hello "Hi"         what a function of a service answers, on all peers
//! -- mock a/greeter.hello "Hi"       on one
//! -- fail greeter.hello "is away"    what it fails with
//! -- seeds 100                       how many orders of delivery are tried; 8 if nothing is said
//! ```

use std::sync::Arc;

use weir_aqua::hir::FuncId;
use weir_aqua::lower::Options;
use weir_aqua::{Compilation, FileId};
use weir_identity::Value;

use crate::case::{Case, Mock, run_case};

/// How many orders of delivery are tried when nothing is said.
const SEEDS: u64 = 8;
/// More would take too long.
const SEEDS_MAX: u64 = 10_000;

/// A test.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The file.
    pub file: FileId,
    /// The function.
    pub func: FuncId,
    /// Its name.
    pub name: String,
    /// How many orders of delivery are tried.
    pub seeds: u64,
    results: usize,
    case: Case,
}

/// What kept a test from passing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialFailure {
    /// The seed that shows it; none if the test cannot run at all.
    pub seed: Option<u64>,
    /// What happened.
    pub reason: String,
}

/// The tests that the files of a compilation export, in their order.
pub fn trials(compilation: &Compilation) -> Vec<Result<Trial, (String, TrialFailure)>> {
    let files = compilation.set.entries.iter();
    files
        .flat_map(|file| {
            compilation
                .exports(*file)
                .map(move |(name, func)| (*file, name, func))
        })
        .filter(|(_, name, func)| {
            name.starts_with("test") && compilation.world.func(*func).ty.params.is_empty()
        })
        .map(|(file, name, func)| {
            trial(compilation, file, name, func)
                .map_err(|reason| (name.to_owned(), TrialFailure { seed: None, reason }))
        })
        .collect()
}

fn trial(
    compilation: &Compilation,
    file: FileId,
    name: &str,
    func: FuncId,
) -> Result<Trial, String> {
    let script = compilation
        .script(func, &Options::default())
        .map_err(|limit| limit.message)?;
    let mut case = Case::new(script);
    case.peers = ["relay", "a", "b", "c"].map(Arc::from).to_vec();
    let mut seeds = SEEDS;
    let mut answer = |name: &str, mock| case.services.insert(Arc::from(name), mock);
    answer("getDataSrv.-relay-", Mock::Ok(Value::from("@relay")));
    answer("callbackSrv.response", Mock::Ok(Value::Null));
    answer("errorHandlingSrv.error", Mock::Ok(Value::Null));
    let place = compilation.world.func(func).place;
    let source = compilation.set.get(place.file);
    let item = source.parsed.tree.items[compilation.world.func(func).item].span;
    for line in source.parsed.docs(&source.text, item.start) {
        let mut words = line.trim().splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("peers"), Some(first), rest) => {
                let names = rest.unwrap_or_default().split_whitespace();
                case.peers = ["relay", first]
                    .into_iter()
                    .chain(names)
                    .map(Arc::from)
                    .collect();
            }
            (Some("mock"), Some(service), Some(value)) => {
                let value =
                    Value::from_json(value).map_err(|error| format!("`{line}`: {error}"))?;
                case.services.insert(Arc::from(service), Mock::Ok(value));
            }
            (Some("fail"), Some(service), Some(value)) => {
                let message =
                    Value::from_json(value).map_err(|error| format!("`{line}`: {error}"))?;
                case.services
                    .insert(Arc::from(service), Mock::Err { message, code: 1 });
            }
            (Some("seeds"), Some(number), None) => {
                let number: u64 = number
                    .parse()
                    .map_err(|error| format!("`{line}`: {error}"))?;
                seeds = number.clamp(1, SEEDS_MAX);
            }
            (Some("mock" | "fail"), Some(service), None) if service.contains('.') => {
                return Err(format!("`{line}`: a value is missing behind the name"));
            }
            _ => {}
        }
    }
    check_peers(&case)?;
    let results = compilation.world.func(func).ty.results.len();
    Ok(Trial {
        file,
        func,
        name: name.to_owned(),
        seeds,
        results,
        case,
    })
}

/// Whether each mock that is for one peer is for a peer that there is.
fn check_peers(case: &Case) -> Result<(), String> {
    let names = case.names();
    let peers = case
        .services
        .keys()
        .filter_map(|name| Some(name.split_once('/')?.0));
    for peer in peers {
        if !names.iter().any(|name| **name == *peer) {
            return Err(format!(
                "a service is mocked on `{peer}`, and there is no such peer"
            ));
        }
    }
    Ok(())
}

impl Trial {
    /// Runs the test with each seed.
    ///
    /// # Errors
    /// The first seed with which it does not pass, and why.
    pub fn run(&self) -> Result<(), TrialFailure> {
        for seed in 0..self.seeds {
            self.run_once(seed).map_err(|reason| TrialFailure {
                seed: Some(seed),
                reason,
            })?;
        }
        Ok(())
    }

    fn run_once(&self, seed: u64) -> Result<(), String> {
        let case = Case {
            seed,
            ..self.case.clone()
        };
        let report = run_case(&case).map_err(|error| error.to_string())?;
        let told = |name: &str| report.calls.iter().find(|call| call.call == name);
        if let Some(error) = told("errorHandlingSrv.error") {
            let error = error.args.first();
            let message = error
                .and_then(|error| error.get("message"))
                .and_then(Value::as_str);
            return Err(message.unwrap_or("it failed").to_owned());
        }
        if let Some(error) = report.errors.first() {
            return Err(error.message.clone());
        }
        if self.results == 0 {
            return match report.pending.first() {
                None => Ok(()),
                Some(step) => Err(format!("it waits for {}: {}", step.waits_for, step.call)),
            };
        }
        let Some(response) = told("callbackSrv.response") else {
            let waits = report
                .pending
                .iter()
                .map(|step| format!("{} at {}", step.call, step.waits_for));
            let waits: Vec<String> = waits.collect();
            return Err(format!(
                "it does not come to its end; waiting: {}",
                waits.join(", ")
            ));
        };
        match response
            .args
            .iter()
            .position(|value| value.as_bool() == Some(false))
        {
            Some(_) if self.results == 1 => Err("it returned false".to_owned()),
            Some(index) => Err(format!("result {} is false", index + 1)),
            None => Ok(()),
        }
    }
}
