//! What the contracts understand, made from their artifacts when this crate is compiled.
//!
//! Names and meanings are those of the sources in `contracts/src`. `Market` answers for both halves of the market.

#![allow(missing_docs, reason = "the sources of the contracts say what each is")]
#![allow(clippy::pedantic, clippy::all, reason = "the code is generated")]
#![allow(unreachable_pub, reason = "the code is generated")]

alloy::sol!(
    #[sol(rpc, all_derives)]
    Audit,
    "../../contracts/artifacts/Audit.json"
);
alloy::sol!(
    #[sol(rpc, all_derives)]
    Capacity,
    "../../contracts/artifacts/Capacity.json"
);
alloy::sol!(
    #[sol(rpc, all_derives)]
    DevDeployment,
    "../../contracts/artifacts/DevDeployment.json"
);
alloy::sol!(
    #[sol(rpc, all_derives)]
    Lens,
    "../../contracts/artifacts/Lens.json"
);
alloy::sol!(
    #[sol(rpc, all_derives)]
    Market,
    "../../contracts/artifacts/Market.json"
);
alloy::sol!(
    #[sol(rpc, all_derives)]
    MarketDesk,
    "../../contracts/artifacts/MarketDesk.json"
);
alloy::sol!(
    #[sol(rpc, all_derives)]
    Params,
    "../../contracts/artifacts/Params.json"
);
alloy::sol!(
    #[sol(rpc, all_derives)]
    Registry,
    "../../contracts/artifacts/Registry.json"
);
alloy::sol!(
    #[sol(rpc, all_derives)]
    TestToken,
    "../../contracts/artifacts/TestToken.json"
);
