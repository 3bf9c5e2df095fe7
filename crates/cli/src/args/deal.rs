//! Options of the commands about deals.

use clap::{Args, Subcommand};
use std::time::Duration;

#[derive(Args, Debug)]
#[command(
    after_help = "What is deployed: the package of package.toml, else the service of the project, else the example greeter.\n\
        A name that is deployed already gets the new code; calls go on while it is swapped."
)]
pub(crate) struct Deploy {
    /// Its name here; that of the package by default
    pub(crate) name: Option<String>,
    /// How many workers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) workers: u16,
    /// Compute units of a worker
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) units: u8,
    /// What a worker is paid for an epoch, in whole tokens; the least for which enough peers match by default
    #[arg(long)]
    pub(crate) price: Option<String>,
    /// For how long to pay in advance (1h, 30d)
    #[arg(long = "for", value_name = "TIME", default_value = "1d", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
    /// The most workers of one provider
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) per_provider: u16,
    /// Leave the choice to providers: any that fits may take a place
    #[arg(long)]
    pub(crate) open: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Deal {
    /// Your deals
    Ls {
        /// Those of everybody
        #[arg(long)]
        all: bool,
    },
    /// A deal with its workers
    Show(Which),
    /// Pay more into a deal
    Fund {
        #[command(flatten)]
        which: Which,
        /// How much, in whole tokens
        amount: String,
    },
    /// Take back what a deal does not need
    Withdraw {
        #[command(flatten)]
        which: Which,
        /// How much, in whole tokens
        amount: String,
    },
    /// Put another peer in the place of one
    Replace {
        #[command(flatten)]
        which: Which,
        /// The peer that goes: its address on the chain, or its name in the local network
        peer: String,
    },
    /// Let a deal have more or fewer workers; with more, the cheapest peers that fit get the places
    Resize {
        #[command(flatten)]
        which: Which,
        /// How many workers; none that is there loses its place
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
        workers: u16,
        /// With fewer nobody is paid; as it is by default, or N if that is less
        #[arg(long, value_name = "M", value_parser = clap::value_parser!(u16).range(1..))]
        min: Option<u16>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Pay workers more from the next epoch on, or less after their notice
    Price {
        #[command(flatten)]
        which: Which,
        /// What a worker is paid for an epoch, in whole tokens
        price: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// End a deal, and take its rest home; say it again until it is closed
    Stop {
        #[command(flatten)]
        which: Which,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// What happened to a deal
    Events(Which),
    /// What a deal has cost, and how long its balance lasts
    Cost(Which),
}

/// Which deal.
#[derive(Args, Debug)]
pub(crate) struct Which {
    /// Its name here, or its number
    pub(crate) deal: String,
}
