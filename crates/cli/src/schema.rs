//! Names and versions of the JSON documents that `--json` writes. Within a number, fields are only ever added.

macro_rules! schemas {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub(crate) const $constant: &str = concat!("weir.", $name, "/1");)*

        impl Schema {
            /// Every schema, in the order of the commands.
            pub(crate) const ALL: &[Schema] = &[$(Schema {
                name: $constant,
                text: include_str!(concat!("../schemas/", $name, ".json")),
            },)*];
        }
    };
}

/// A JSON Schema of what stands in `data`. The document around it is the same for all.
pub(crate) struct Schema {
    /// As it stands in the field `schema` of a document.
    pub(crate) name: &'static str,
    /// The JSON Schema.
    pub(crate) text: &'static str,
}

schemas! {
    /// A running local network.
    UP = "up";
    /// A new project.
    NEW = "new";
    /// A component that was built.
    BUILD = "build";
    /// Answers of the replicas.
    CALL = "call";
    /// A deal that was made, and whose replicas answered.
    DEPLOY = "deploy";
    /// The deals of an account.
    DEAL_LS = "deal.ls";
    /// A deal with its workers.
    DEAL_SHOW = "deal.show";
    /// What happened to the money of a deal.
    DEAL_MONEY = "deal.money";
    /// What is left to do until a deal is closed.
    DEAL_STOP = "deal.stop";
    /// What happened to a deal.
    DEAL_EVENTS = "deal.events";
    /// The services of the network, and who answers for them.
    PS = "ps";
    /// The hop tree of one particle.
    TRACE = "trace";
    /// The particles that were started here.
    TRACE_LIST = "trace.list";
    /// A whole signed log. Written bare, without the document around it.
    TRACE_EXPORT = "trace.export";
    /// The verdict of an audit.
    TRACE_VERIFY = "trace.verify";
    /// Evidence of the receipts of a particle.
    PROOF_EXPORT = "proof.export";
    /// Calls that did again what their receipts say.
    PROOF_REPLAY = "proof.replay";
    /// What a script reported.
    AIR_RUN = "air.run";
    /// Faults in scripts.
    AIR_CHECK = "air.check";
    /// Layout of scripts.
    AIR_FMT = "air.fmt";
    /// Results of a function.
    AQUA_RUN = "aqua.run";
    /// Faults in programs.
    AQUA_CHECK = "aqua.check";
    /// Scripts and definitions.
    AQUA_COMPILE = "aqua.compile";
    /// Tests of programs.
    AQUA_TEST = "aqua.test";
    /// Pages about programs.
    AQUA_DOC = "aqua.doc";
    /// A language server; nothing is written but its protocol.
    LSP = "lsp";
    /// Layout of programs.
    AQUA_FMT = "aqua.fmt";
    /// What a component is.
    WASM_INSPECT = "wasm.inspect";
    /// Several components as one.
    WASM_LINK = "wasm.link";
    /// What a function of a component answered.
    WASM_CALL = "wasm.call";
    /// Where the fuel of a call goes.
    WASM_PROFILE = "wasm.profile";
    /// The chain of the network.
    CHAIN_INFO = "chain.info";
    /// What became of a transaction.
    CHAIN_TX = "chain.tx";
    /// What a contract answered.
    CHAIN_CALL = "chain.call";
    /// What an account was given.
    CHAIN_FAUCET = "chain.faucet";
    /// Where the chain is.
    CHAIN_BLOCK = "chain.block";
    /// The offers of the market.
    MARKET_OFFERS = "market.offers";
    /// The providers of the market.
    MARKET_PROVIDERS = "market.providers";
    /// What units cost.
    MARKET_PRICES = "market.prices";
    /// Which peers would match a deal.
    MARKET_SIMULATE = "market.simulate";
    /// Where a provider stands.
    PROVIDER_STATUS = "provider.status";
    /// The offers of a provider.
    PROVIDER_OFFERS = "provider.offers";
    /// What the peers of a provider have promised.
    PROVIDER_COMMITMENTS = "provider.commitments";
    /// What workers earned.
    PROVIDER_CLAIM = "provider.claim";
    /// A provider on its way out.
    PROVIDER_EXIT = "provider.exit";
    /// A file for a provider to begin with.
    PROVIDER_INIT = "provider.init";
    /// What differs between a provider's file and the chain.
    PROVIDER_PLAN = "provider.plan";
    /// The signature with which a node agrees to be a provider's.
    PROVIDER_CONSENT = "provider.consent";
    /// Collateral.
    STAKE_ADD = "stake.add";
    STAKE_CLAIM = "stake.claim";
    STAKE_LS = "stake.ls";
    STAKE_REWARDS = "stake.rewards";
    /// Collateral that came home.
    STAKE_WITHDRAW = "stake.withdraw";
    /// The contexts.
    CONTEXT_LS = "context.ls";
    /// A context.
    CONTEXT_SHOW = "context.show";
    /// What an account has.
    WALLET_BALANCE = "wallet.balance";
    /// What was sent.
    WALLET_SEND = "wallet.send";
    /// A key file.
    WALLET_KEY = "wallet.key";
    /// What an observer of the simulated network saw.
    SIM_RUN = "sim.run";
    /// Error codes.
    EXPLAIN = "explain";
    /// Versions.
    VERSION = "version";
    /// Wrong command lines of any command.
    USAGE = "usage";
}

impl Schema {
    /// The `description` of the schema.
    pub(crate) fn summary(&self) -> String {
        serde_json::from_str::<serde_json::Value>(self.text)
            .ok()
            .and_then(|schema| Some(schema.get("description")?.as_str()?.to_owned()))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Schema;

    #[test]
    fn every_schema_is_json_and_names_itself() {
        for schema in Schema::ALL {
            let text: serde_json::Value = serde_json::from_str(schema.text).expect(schema.name);
            assert_eq!(text["$id"], schema.name);
            assert!(!schema.summary().is_empty(), "{} says nothing", schema.name);
        }
    }
}
