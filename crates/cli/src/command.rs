//! One file per command.

mod air;
mod aqua;
mod build;
mod call;
mod chain;
mod compile_component;
mod context;
mod deal;
mod deploy;
mod explain;
mod layout;
mod lsp;
mod market;
mod new;
mod proof;
mod provider;
mod ps;
mod sim;
mod stake;
mod trace;
mod up;
mod version;
mod wallet;
mod wasm;

use crate::args::{Cli, Command, Net};
use crate::code::Code;
use crate::failure::Failure;
use crate::output::Output;
use crate::patience::Patience;
use crate::schema;

/// Runs the command and gives the exit code.
pub(crate) fn run(cli: Cli, output: &Output) -> u8 {
    if let Some(folder) = &cli.global.folder
        && let Err(error) = std::env::set_current_dir(folder)
    {
        let what = format!("cannot work in {}", folder.display());
        let failure = Failure::new(Code::FileUnreadable, what).cause(error);
        return output.finish(schema::USAGE, Err(failure));
    }
    let (schema, outcome) = match cli.command {
        Command::Up(args) | Command::Net(Net::Up(args)) => match up::run(&args, output) {
            Ok(()) => return 0,
            Err(failure) => (schema::UP, Err(failure)),
        },
        Command::New(args) => (schema::NEW, new::run(&args, output)),
        Command::Build(args) => {
            let patience = Patience::new(cli.global.timeout);
            (schema::BUILD, build::run(&args, patience, output))
        }
        Command::Call(args) => (schema::CALL, call::run(&args, &cli.global, output)),
        Command::Deploy(args) => (schema::DEPLOY, deploy::run(&args, &cli.global, output)),
        Command::Deal(args) => deal::run(&args, &cli.global, output),
        Command::Ps => (schema::PS, ps::run(output)),
        Command::Explain(args) => (schema::EXPLAIN, explain::run(&args, output)),
        Command::Version(args) => (schema::VERSION, Ok(version::run(&args, output))),
        Command::Air(args) => air::run(&args, &cli.global, output),
        Command::Aqua(args) => aqua::run(&args, &cli.global, output),
        Command::Lsp { imports, .. } => match lsp::run(imports) {
            Ok(()) => return 0,
            Err(failure) => (schema::LSP, Err(failure)),
        },
        Command::CompileComponent => return compile_component::run(),
        Command::Sim(args) => (schema::SIM_RUN, sim::run(&args, cli.global.timeout, output)),
        Command::Wasm(args) => wasm::run(&args, cli.global.timeout, output),
        Command::Proof(args) => proof::run(&args, &cli.global, output),
        Command::Chain(args) => chain::run(&args, output),
        Command::Market(args) => market::run(&args, output),
        Command::Provider(args) => provider::run(&args, &cli.global, output),
        Command::Stake(args) => stake::run(&args, &cli.global, output),
        Command::Context(args) => context::run(&args, output),
        Command::Wallet(args) => wallet::run(&args, &cli.global, output),
        Command::Trace(args) => trace::run(&args, output),
    };
    output.finish(schema, outcome)
}
