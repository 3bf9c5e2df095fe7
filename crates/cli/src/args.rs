//! The command tree and its options.

mod deal;
mod market;

pub(crate) use deal::{Deal, Deploy, Which};
pub(crate) use market::{
    AddContext, AddStake, Apply, Asked, Context, Exit, Init, Market, Provider, Send, Simulate,
    Stake, Wallet, Who,
};

use crate::output::{ColorChoice, Format};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Deploy a Wasm function to independent peers, call it, and get a record that anyone can check.
#[derive(Debug, Parser)]
#[command(
    name = "weir",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = false,
    after_help = "Examples:\n  \
        weir up                                       a local network of three peers\n  \
        weir call greeter.hello Ada --policy all      call every replica\n  \
        weir trace                                    who did what in the latest call"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Work as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) folder: Option<PathBuf>,
    /// Write one JSON document to standard output, also on failure
    #[arg(long, global = true, conflicts_with = "format")]
    pub(crate) json: bool,
    /// How results are written
    #[arg(long, value_enum, global = true, default_value_t)]
    pub(crate) format: Format,
    /// When to colour
    #[arg(long, value_enum, global = true, default_value_t)]
    pub(crate) color: ColorChoice,
    /// No progress, notes or hints
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more; twice for the log of the peer inside
    #[arg(short, long, action = clap::ArgAction::Count, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Stop waiting after this time (500ms, 10s, 2m); remote work may go on
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, global = true)]
    pub(crate) timeout: Option<Duration>,
    /// Never ask a question
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

impl Global {
    /// The format, whichever of the two options chose it.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a local network here and keep it up
    #[command(visible_alias = "dev")]
    Up(Up),
    /// Make a new service: a project that builds, with a component that answers at once
    New(New),
    /// Build the component of a project
    Build(Build),
    /// Make a deal for what is in this folder, and wait until its workers answer
    Deploy(Deploy),
    /// Look at deals, pay for them, change and end them
    #[command(subcommand, arg_required_else_help = false)]
    Deal(Deal),
    /// The services of the network, and who answers for them
    Ps,
    /// Call a function on its replicas
    Call(Call),
    /// Show, export or check the signed log of a particle
    Trace(Trace),
    /// Look at the chain of the local network, and move it
    #[command(subcommand, arg_required_else_help = false)]
    Chain(Chain),
    /// Look at the market: who offers what, at which price, and what would match
    #[command(subcommand, arg_required_else_help = false)]
    Market(Market),
    /// A provider's part in the market
    #[command(subcommand, arg_required_else_help = false)]
    Provider(Provider),
    /// Collateral
    #[command(subcommand, arg_required_else_help = false)]
    Stake(Stake),
    /// Which market commands are about, and with whose key
    #[command(subcommand, arg_required_else_help = false)]
    Context(Context),
    /// Coins, tokens and key files
    #[command(subcommand, arg_required_else_help = false)]
    Wallet(Wallet),
    /// Run, check and format AIR scripts
    #[command(subcommand, arg_required_else_help = false)]
    Air(Air),
    /// Run, check, compile and format Aqua programs
    #[command(subcommand, arg_required_else_help = false)]
    Aqua(Aqua),
    /// Serve an editor that speaks the Language Server Protocol, over standard input and output
    Lsp {
        /// For clients that say so; there is no other way to talk
        #[arg(long, hide = true)]
        stdio: bool,
        /// Also look for imports in DIR
        #[arg(long = "import", value_name = "DIR")]
        imports: Vec<PathBuf>,
    },
    /// What `weir up` runs to compile components
    #[command(hide = true)]
    CompileComponent,
    /// Look into components and call their functions here, without a network
    #[command(subcommand, arg_required_else_help = false)]
    Wasm(Wasm),
    /// What receipts prove: get their evidence, and execute calls again from it
    #[command(subcommand, arg_required_else_help = false)]
    Proof(Proof),
    /// Run scripts on a simulated network
    #[command(subcommand, arg_required_else_help = false)]
    Sim(Sim),
    /// The local network
    #[command(subcommand, hide = true)]
    Net(Net),
    /// Say what an error code means
    Explain(Explain),
    /// Versions of the program, its protocols and its JSON schemas
    Version(Version),
}

#[derive(Args, Debug)]
pub(crate) struct Up {
    /// Number of peers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) peers: u16,
    /// Forget the state of earlier runs
    #[arg(long)]
    pub(crate) fresh: bool,
    /// What services may do outside, in TOML; nothing but draw entropy without it
    #[arg(long, value_name = "FILE")]
    pub(crate) effects: Option<PathBuf>,
    /// How long what calls are executed again from is kept, with the states that they found (while less than 1 GiB is
    /// written after them)
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    pub(crate) keep_evidence: Duration,
    /// No chain and no market inside
    #[arg(long)]
    pub(crate) no_chain: bool,
    /// Port of the chain's JSON-RPC on this machine; without it 8545, or a free one
    #[arg(long, value_name = "PORT", conflicts_with = "no_chain")]
    pub(crate) chain_port: Option<u16>,
    /// Use the development chain at URL (anvil, for example), in the place of one inside
    #[arg(long, value_name = "URL", conflicts_with_all = ["no_chain", "chain_port"])]
    pub(crate) chain: Option<String>,
    /// The peers are in the market and take no deals
    #[arg(long, conflicts_with = "no_chain")]
    pub(crate) no_deals: bool,
}

/// What to do with the chain of the local network.
#[derive(Debug, Subcommand)]
pub(crate) enum Chain {
    /// Where it is, its time, its contracts, and who has what
    Info,
    /// What became of a transaction
    Tx {
        /// Its hash
        hash: String,
    },
    /// Ask a contract, with data as its ABI encodes it; nothing is sent
    Call {
        /// The contract
        to: String,
        /// 0x and hexadecimal digits
        data: String,
    },
    /// Give an account coins or tokens
    Faucet {
        /// An address, or a name: customer, market, provider-a
        account: String,
        /// How much, in whole coins or tokens
        #[arg(default_value = "1000")]
        amount: String,
        /// Of what
        #[arg(long, value_enum, default_value_t)]
        token: Token,
    },
    /// Move the clock of the chain
    Warp {
        /// How far (90s, 10m, 2h)
        #[arg(value_parser = humantime::parse_duration)]
        time: Duration,
    },
    /// Make blocks
    Mine {
        /// How many
        #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        blocks: u32,
    },
}

/// What the faucet of the chain gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Token {
    /// The token that deals pay in
    #[default]
    Pay,
    /// The token of collateral
    Stake,
    /// Coins, for gas
    Coin,
}

impl Token {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pay => "pay",
            Self::Stake => "stake",
            Self::Coin => "coin",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct New {
    /// The folder to make; its last part is the name
    #[arg(value_name = "DIR")]
    pub(crate) project: PathBuf,
    /// The language of the sources
    #[arg(long, value_enum, default_value_t)]
    pub(crate) lang: Language,
}

/// What services are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// Rust, with cargo
    #[default]
    Rust,
    /// C++, with make
    Cpp,
    /// C, with make
    C,
}

impl Language {
    /// As it is written on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Cpp => "cpp",
            Self::C => "c",
        }
    }

    /// As people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Cpp => "C++",
            Self::C => "C",
        }
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "A project has a Cargo.toml, a Makefile, or a command in its weir.toml:\n\n\
        [build]\n\
        command = \"npm run build\"\n\
        module = \"dist/greeter.wasm\""
)]
pub(crate) struct Build {
    /// The folder of the project
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Wasm {
    /// Show what a component offers, what it asks for, and whether peers take it
    Inspect {
        /// The component; `-` is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print its WIT instead
        #[arg(long)]
        wit: bool,
    },
    /// Make one component out of several, with the manifest of the service inside
    #[command(
        after_help = "With a manifest (weir.toml) its parts are put together. Without one, the first component is the facade:\n\
            the others serve its imports. The facade is granted what it imports, hosts without restriction; the\n\
            others are granted nothing, and trap if they use state, files or effects."
    )]
    Link {
        /// A manifest that ends in .toml, or components with the facade first
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Where the component goes; NAME.wasm after the service if not given, NAME.linked.wasm if that is a source
        #[arg(short, long, value_name = "OUT")]
        out: Option<PathBuf>,
    },
    /// Call a function of a component
    Call {
        /// The component; `-` is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The function with its arguments as JSON, as in 'hello("Ada")'
        #[arg(value_name = "CALL")]
        call: String,
        #[command(flatten)]
        allowance: Allowance,
    },
    /// Call a function of a component, and show where its fuel goes
    #[command(
        after_help = "The call is made twice: as weir wasm call makes it, and with probes in its functions. The figures are exact, and\n\
            the same on every machine. Names of functions stand in the component, unless its build drops them."
    )]
    Profile {
        /// The component; `-` is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The function with its arguments as JSON, as in 'hello("Ada")'
        #[arg(value_name = "CALL")]
        call: String,
        /// Write chains of callers with their fuel, for programs that draw flame graphs
        #[arg(long, value_name = "OUT")]
        folded: Option<PathBuf>,
        #[command(flatten)]
        allowance: Allowance,
    },
    /// Type calls of a component's functions
    Repl {
        /// The component
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        allowance: Allowance,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Proof {
    /// Get from the peers that executed what their receipts have hashes of, and the components
    Export {
        /// The particle, by the beginning of its id; the latest one by default
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// Where to write; a new folder here by default
        #[arg(short, long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Execute calls again from their evidence, without network, key or state, and compare
    Replay {
        /// Files of evidence, or folders with them
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// The component; by default it stands beside the evidence under its id
        #[arg(long, value_name = "FILE")]
        component: Option<PathBuf>,
        /// Interpret the code instead of compiling it: slower, and independent of this processor
        #[arg(long)]
        interpret: bool,
    },
}

/// What a call of a component may use.
#[derive(Args, Debug)]
pub(crate) struct Allowance {
    /// The most fuel; 10000000000 is in the order of a second
    #[arg(long, value_name = "UNITS", default_value_t = 10_000_000_000)]
    pub(crate) fuel: u64,
    /// The most memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=512))]
    pub(crate) memory: u64,
    /// The time that the guest's clock shows, in milliseconds since 1970
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) at: u64,
    /// What it may do outside, in TOML, as for weir up; nothing without it
    #[arg(long, value_name = "EFFECTS")]
    pub(crate) effects: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Net {
    /// Start a local network here and keep it up
    Up(Up),
}

#[derive(Args, Debug)]
#[command(
    after_help = "A policy is an AIR script: `all`, `any`, `fastest` and `quorum` are built in, aqua/NAME.air of the\n\
        project replaces or adds one, and a path ending in .air is taken as it is. N in NAME=N is its parameter."
)]
pub(crate) struct Call {
    /// What to call
    #[arg(value_name = "SERVICE.FUNCTION", value_parser = parse_target)]
    pub(crate) target: Target,
    /// Arguments: JSON where it parses as JSON, text otherwise
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,
    /// How the replicas are called: all, any, fastest, quorum=N, or FILE.air
    #[arg(long, default_value = "any", value_name = "POLICY")]
    pub(crate) policy: String,
    /// How long the call may live
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = humantime::parse_duration)]
    pub(crate) ttl: Duration,
}

/// A service and a function of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) service: String,
    pub(crate) function: String,
}

fn parse_target(text: &str) -> Result<Target, String> {
    match text.rsplit_once('.') {
        Some((service, function)) if !service.is_empty() && !function.is_empty() => Ok(Target {
            service: service.to_owned(),
            function: function.to_owned(),
        }),
        _ => Err("a call names a service and a function, as in greeter.hello".to_owned()),
    }
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Trace {
    #[command(subcommand)]
    pub(crate) action: Option<TraceAction>,
    /// The particle, by the beginning of its id; the latest one by default
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// List the particles that were started here
    #[arg(long, conflicts_with = "id")]
    pub(crate) list: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TraceAction {
    /// Write the whole signed log of a particle to standard output
    Export {
        /// The particle, by the beginning of its id; the latest one by default
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
    /// Check an exported log without network or key
    Verify {
        /// An export; `-` is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Air {
    /// Run a script on the network from here
    Run {
        /// The script; `-` is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What `getDataSrv` answers, as a JSON object
        #[arg(long, value_name = "JSON")]
        data: Option<String>,
        /// How long the particle may live
        #[arg(long, value_name = "TIME", default_value = "15s", value_parser = humantime::parse_duration)]
        ttl: Duration,
    },
    /// Report everything that is wrong with scripts
    Check {
        /// Scripts; `-` is standard input
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Bring scripts into the canonical layout
    Fmt {
        /// Scripts; `-` reads standard input and writes standard output
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Change nothing, fail if a script is not formatted
        #[arg(long)]
        check: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Aqua {
    /// Run a function on the network from here
    Run {
        /// The program
        #[arg(value_name = "FILE.aqua")]
        file: PathBuf,
        /// What to call: a function with its arguments; names stand for fields of --data
        #[arg(short, long, value_name = "FN(ARGS)")]
        function: String,
        /// Values for the names among the arguments, as a JSON object
        #[arg(long, value_name = "JSON")]
        data: Option<String>,
        /// Show which peers the particle would visit, and stop
        #[arg(long)]
        plan: bool,
        /// How long the particle may live
        #[arg(long, value_name = "TIME", default_value = "15s", value_parser = humantime::parse_duration)]
        ttl: Duration,
        #[command(flatten)]
        sources: Sources,
    },
    /// Report everything that is wrong with programs
    Check {
        /// Programs, or folders with programs
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        sources: Sources,
    },
    /// Compile what a program exports
    Compile {
        /// The program
        #[arg(value_name = "FILE.aqua")]
        file: PathBuf,
        /// What comes out
        #[arg(long, value_enum, default_value_t)]
        target: CompileTarget,
        /// Where files are written; standard output if it is not given
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
        /// Compile for an initiator that is connected to all peers itself
        #[arg(long)]
        no_relay: bool,
        #[command(flatten)]
        sources: Sources,
    },
    /// Write a page for each program, from the comments above its definitions
    Doc {
        /// Programs, or folders with programs
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        /// Write HTML instead of Markdown
        #[arg(long)]
        html: bool,
        /// Where pages are written; standard output if it is not given
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
        #[command(flatten)]
        sources: Sources,
    },
    /// Run what is typed, line by line, on the network
    Repl {
        /// Programs whose declarations can be used
        #[arg(value_name = "FILE.aqua")]
        files: Vec<PathBuf>,
        /// How long each particle may live
        #[arg(long, value_name = "TIME", default_value = "15s", value_parser = humantime::parse_duration)]
        ttl: Duration,
        #[command(flatten)]
        sources: Sources,
    },
    /// Run the tests of programs on a simulated network
    #[command(
        after_help = "A test is an exported function without arguments whose name begins with `test`. It passes if\n\
            nothing fails and every truth value that it returns is true. Comments above it:\n  \
            -- peers a b c                    the peers, beside init and relay\n  \
            -- mock greeter.hello \"Hi\"        what a service answers\n  \
            -- fail a/greeter.hello \"away\"    what it fails with, on one peer\n  \
            -- seeds 100                      how many orders of delivery are tried"
    )]
    Test {
        /// Only tests whose name contains this
        #[arg(value_name = "FILTER")]
        filter: Option<String>,
        /// Programs, or folders with programs
        #[arg(long = "in", value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        sources: Sources,
    },
    /// Bring programs into the canonical layout
    Fmt {
        /// Programs, or folders with programs; `-` reads standard input and writes standard output
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        /// Change nothing, fail if a program is not formatted
        #[arg(long)]
        check: bool,
    },
}

/// How programs are read.
#[derive(Args, Debug)]
pub(crate) struct Sources {
    /// Also look for imports in DIR
    #[arg(long = "import", value_name = "DIR")]
    pub(crate) imports: Vec<PathBuf>,
    /// A value for a constant that the program defines with `?=`
    #[arg(long = "const", value_name = "NAME=VALUE")]
    pub(crate) constants: Vec<String>,
}

/// What `weir aqua compile` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CompileTarget {
    /// A script for each function
    #[default]
    Air,
    /// Scripts and definitions of functions and services
    Json,
    /// A TypeScript module for clients
    Ts,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sim {
    /// Run one script with mocked services
    #[command(
        after_help = "Fields of a case: air, init, peers, services, echo, seed, ttl_ms, timestamp_ms.\n\
            In place of air: aqua (a file), func, args, imports, relay.\n\
            `@name` in script and values stands for the peer id of `name`."
    )]
    Run {
        /// The case; `-` is standard input
        #[arg(value_name = "CASE.json")]
        case: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// For example W0401; all codes by default
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Version {
    /// List the JSON schemas of all results; with --json, the schemas themselves
    #[arg(long)]
    pub(crate) schemas: bool,
}

#[cfg(test)]
mod tests {
    use super::{Cli, Target, parse_target};
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_target_is_split_at_its_last_dot() {
        let target = |service: &str, function: &str| Target {
            service: service.to_owned(),
            function: function.to_owned(),
        };
        assert_eq!(
            parse_target("greeter.hello"),
            Ok(target("greeter", "hello"))
        );
        assert_eq!(parse_target("a.b.c"), Ok(target("a.b", "c")));
        for wrong in ["greeter", ".hello", "greeter.", "."] {
            assert!(parse_target(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn negative_numbers_are_arguments() {
        assert!(Cli::try_parse_from(["weir", "call", "math.abs", "-7"]).is_ok());
    }
}
