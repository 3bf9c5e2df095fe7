//! Questions to a market.

use std::time::Duration;

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{Header, TransactionRequest};

use crate::bindings::{Audit, Capacity, Lens, Market, Params, Registry, TestToken};
use crate::call::Call;
use crate::calls::id48;
use crate::deployment::Deployment;
use crate::endpoints::{Endpoints, REQUEST};
use crate::error::ChainError;
use crate::event::MarketEvent;
use crate::reply::Reply;
use crate::revert::Revert;

/// A chain, through one endpoint or several. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    provider: RootProvider,
    endpoints: Endpoints,
    chain_id: u64,
}

impl Client {
    /// A chain by its number and the URLs of its endpoints (`http` or `https`), the preferred one first. Nothing is
    /// asked yet. An endpoint that stalls, lies about the chain or is gone is passed over for a time.
    pub fn new(urls: &[String], chain_id: u64) -> Result<Self, ChainError> {
        Self::with_deadline(urls, chain_id, REQUEST)
    }

    /// The same, with how long an endpoint may take for a request before the next is asked.
    pub fn with_deadline(
        urls: &[String],
        chain_id: u64,
        deadline: Duration,
    ) -> Result<Self, ChainError> {
        let endpoints = Endpoints::new(urls, chain_id, deadline)?;
        Ok(Self {
            provider: RootProvider::new(endpoints.clone().client()),
            endpoints,
            chain_id,
        })
    }

    /// The number of the chain.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// To be called when what an endpoint said cannot be, as others see: the one that answered last is left alone for a
    /// while, and the next is asked.
    pub fn doubt(&self) {
        self.endpoints.doubt();
    }

    /// What alloy offers beside this.
    pub fn provider(&self) -> &RootProvider {
        &self.provider
    }

    /// The number of the latest block.
    pub fn block_number(&self) -> Reply<'_, u64> {
        Box::pin(async move { Ok(self.provider.get_block_number().await?) })
    }

    /// The header of a block; none if there is no such block.
    pub fn header(&self, block: BlockId) -> Reply<'_, Option<Header>> {
        Box::pin(async move {
            let found = self.provider.get_block(block).await?;
            Ok(found.map(|block| block.header))
        })
    }

    /// The coins of an account, in wei.
    pub fn balance(&self, account: Address) -> Reply<'_, U256> {
        Box::pin(async move { Ok(self.provider.get_balance(account).await?) })
    }

    /// Whether there is a contract at an address.
    pub fn has_code(&self, address: Address) -> Reply<'_, bool> {
        Box::pin(async move { Ok(!self.provider.get_code_at(address).await?.is_empty()) })
    }

    /// What became of a transaction; none if the chain does not know it.
    pub fn transaction(&self, hash: B256) -> Reply<'_, Option<Transaction>> {
        Box::pin(async move {
            if let Some(receipt) = self.provider.get_transaction_receipt(hash).await? {
                return Ok(Some(Transaction {
                    block: receipt.block_number,
                    succeeded: Some(receipt.status()),
                    gas_used: Some(receipt.gas_used),
                    logs: receipt.logs().len(),
                }));
            }
            let waits = self.provider.get_transaction_by_hash(hash).await?;
            Ok(waits.map(|_| Transaction::default()))
        })
    }

    /// What a transaction made happen in a market; nothing if it is in no block.
    pub fn events_of<'a>(
        &'a self,
        deployment: &'a Deployment,
        hash: B256,
    ) -> Reply<'a, Vec<MarketEvent>> {
        Box::pin(async move {
            let receipt = self.provider.get_transaction_receipt(hash).await?;
            let logs = receipt
                .iter()
                .flat_map(alloy::rpc::types::TransactionReceipt::logs);
            Ok(logs
                .filter_map(|log| MarketEvent::read(deployment, log))
                .collect())
        })
    }

    /// What the gas of a transaction would cost now, in wei. It is tried: one that a contract refuses has no cost.
    pub fn gas_cost<'a>(&'a self, from: Address, call: &'a Call) -> Reply<'a, U256> {
        Box::pin(async move {
            let gas = self.provider.estimate_gas(call.request(from)).await;
            let gas = gas.map_err(|error| match Revert::of(&error) {
                Some(why) => ChainError::Revert {
                    what: call.what.clone(),
                    why: Box::new(why),
                },
                None => error.into(),
            })?;
            let price = self.provider.get_gas_price().await?;
            Ok(U256::from(gas).saturating_mul(U256::from(price)))
        })
    }

    /// What a contract answers, as bytes.
    pub fn ask(&self, contract: Address, data: Bytes) -> Reply<'_, Bytes> {
        Box::pin(async move {
            let request = TransactionRequest::default()
                .to(contract)
                .input(data.into());
            let answer = self.provider.call(request).await;
            answer.map_err(|error| match Revert::of(&error) {
                Some(why) => ChainError::Revert {
                    what: "the question".to_owned(),
                    why: Box::new(why),
                },
                None => error.into(),
            })
        })
    }

    /// A market on this chain.
    pub fn market<'a>(&'a self, deployment: &'a Deployment) -> MarketReader<'a> {
        MarketReader {
            client: self,
            deployment,
            at: BlockId::latest(),
        }
    }
}

/// What became of a transaction. The default is one that waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Its block, once it is in one.
    pub block: Option<u64>,
    /// Whether it did what it should, once it is in a block.
    pub succeeded: Option<bool>,
    /// What it used of gas.
    pub gas_used: Option<u64>,
    /// How many events it made.
    pub logs: usize,
}

/// What a market says, as of one block.
#[derive(Debug, Clone, Copy)]
pub struct MarketReader<'a> {
    client: &'a Client,
    deployment: &'a Deployment,
    at: BlockId,
}

/// The time of a market at one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketTime {
    /// The block.
    pub block: u64,
    /// Its time, in seconds since 1970.
    pub seconds: u64,
    /// The running epoch. The first is 1.
    pub epoch: u32,
    /// When it began, in seconds since 1970.
    pub epoch_begin: u64,
    /// When the next epoch begins, in seconds since 1970.
    pub next_epoch: u64,
}

/// Number of the parameter that says what a unit's collateral is.
const COLLATERAL_PER_UNIT: u8 = 2;

/// Number of the parameter that says when an epoch can be claimed.
const MATURITY: u8 = 5;

/// Number of the parameter that says for how long evidence is taken.
const RETENTION: u8 = 6;

/// Number of the parameter that says for how long receipts of an epoch can be committed.
const COMMIT_WINDOW: u8 = 8;

/// Number of the parameter that says how many epochs a deposit must cover.
const MIN_DEPOSIT_EPOCHS: u8 = 3;

/// The most entries of one page.
const PAGE: usize = 100;

impl MarketReader<'_> {
    /// The same market as of a block.
    pub fn at(self, block: BlockId) -> Self {
        Self { at: block, ..self }
    }

    fn provider(&self) -> &RootProvider {
        &self.client.provider
    }

    /// The time of the market.
    pub fn time(&self) -> Reply<'_, MarketTime> {
        Box::pin(async move {
            let params = Params::new(self.deployment.params, self.provider());
            let header = self.client.header(self.at).await?;
            let header = header
                .ok_or_else(|| ChainError::Absurd("a block that it named is gone".to_owned()))?;
            let (genesis, length) = (params.genesis(), params.epochLen());
            let (genesis, length) = (genesis.call().await?, u64::from(length.call().await?));
            let since = header.timestamp.saturating_sub(genesis);
            let absurd = || ChainError::Absurd("an epoch without length".to_owned());
            let passed = since.checked_div(length).ok_or_else(absurd)?;
            let epoch = passed.saturating_add(1);
            Ok(MarketTime {
                block: header.number,
                seconds: header.timestamp,
                epoch: u32::try_from(epoch).unwrap_or(u32::MAX),
                epoch_begin: genesis.saturating_add(passed.saturating_mul(length)),
                next_epoch: genesis.saturating_add(epoch.saturating_mul(length)),
            })
        })
    }

    /// How long an epoch is, in seconds.
    pub fn epoch_seconds(&self) -> Reply<'_, u32> {
        Box::pin(async move {
            let params = Params::new(self.deployment.params, self.provider());
            Ok(params.epochLen().call().await?)
        })
    }

    /// After how many epochs an epoch can be claimed, counted from its end.
    pub fn maturity(&self) -> Reply<'_, u32> {
        Box::pin(async move { Ok(u32::try_from(self.param(MATURITY).await?).unwrap_or(u32::MAX)) })
    }

    /// For how long after the end of an epoch its receipts can be committed, in seconds: an epoch at most.
    pub fn commit_window(&self) -> Reply<'_, u64> {
        Box::pin(
            async move { Ok(u64::try_from(self.param(COMMIT_WINDOW).await?).unwrap_or(u64::MAX)) },
        )
    }

    /// For how many epochs evidence about an epoch is taken, so that its receipts have to be kept.
    pub fn retention(&self) -> Reply<'_, u32> {
        Box::pin(async move { Ok(u32::try_from(self.param(RETENTION).await?).unwrap_or(u32::MAX)) })
    }

    /// For how many epochs a deposit must pay all workers of a deal, at least.
    pub fn min_deposit_epochs(&self) -> Reply<'_, u128> {
        self.param(MIN_DEPOSIT_EPOCHS)
    }

    /// For how many epochs a price of a deal lasts at least, counted from its first one.
    pub fn price_epochs(&self) -> Reply<'_, u32> {
        Box::pin(async move {
            let market = Market::new(self.deployment.market, self.provider());
            Ok(market.PRICE_EPOCHS().block(self.at).call().await?)
        })
    }

    /// A value of the market's parameters, by its number in `Param`.
    pub fn param(&self, number: u8) -> Reply<'_, u128> {
        Box::pin(async move {
            let params = Params::new(self.deployment.params, self.provider());
            Ok(params.get(number).block(self.at).call().await?)
        })
    }

    /// The collateral of so many units, in the smallest unit of the stake token.
    pub fn collateral(&self, units: u64) -> Reply<'_, U256> {
        Box::pin(async move {
            let per_unit = self.param(COLLATERAL_PER_UNIT).await?;
            Ok(U256::from(per_unit).saturating_mul(U256::from(units)))
        })
    }

    /// Offers from an id on.
    pub fn offers(&self, from: u64, count: usize) -> Reply<'_, Vec<Lens::OfferView>> {
        Box::pin(async move {
            let lens = Lens::new(self.deployment.lens, self.provider());
            let page = lens.offers(id48(from), U256::from(count.min(PAGE)));
            Ok(page.block(self.at).call().await?)
        })
    }

    /// Deals from an id on.
    pub fn deals(&self, from: u64, count: usize) -> Reply<'_, Vec<Lens::DealView>> {
        Box::pin(async move {
            let lens = Lens::new(self.deployment.lens, self.provider());
            let page = lens.deals(from, U256::from(count.min(PAGE)));
            Ok(page.block(self.at).call().await?)
        })
    }

    /// A deal. One that is not there has the status *none*.
    pub fn deal(&self, deal: u64) -> Reply<'_, Lens::DealView> {
        Box::pin(async move {
            let lens = Lens::new(self.deployment.lens, self.provider());
            Ok(lens.deal(deal).block(self.at).call().await?)
        })
    }

    /// Peers with their latest commitments.
    pub fn peers<'a>(&'a self, peers: &'a [Address]) -> Reply<'a, Vec<Lens::PeerView>> {
        Box::pin(async move {
            let lens = Lens::new(self.deployment.lens, self.provider());
            let mut found = Vec::with_capacity(peers.len());
            for page in peers.chunks(PAGE) {
                found.extend(lens.peers(page.to_vec()).block(self.at).call().await?);
            }
            Ok(found)
        })
    }

    /// Workers, with what is due to and from them in the 256 epochs around one.
    pub fn workers<'a>(
        &'a self,
        workers: &'a [B256],
        epoch: u32,
    ) -> Reply<'a, Vec<Lens::WorkerView>> {
        Box::pin(async move {
            let lens = Lens::new(self.deployment.lens, self.provider());
            let mut found = Vec::with_capacity(workers.len());
            for page in workers.chunks(PAGE) {
                found.extend(
                    lens.workers(page.to_vec(), epoch)
                        .block(self.at)
                        .call()
                        .await?,
                );
            }
            Ok(found)
        })
    }

    /// What a claim for a worker would move now, the market's fee and the staker's part included: of the 512 epochs
    /// from the word of 256 around one on. Unlike [`Self::workers`] it counts epochs that are not settled yet.
    pub fn claimable(&self, worker: B256, from_epoch: u32) -> Reply<'_, U256> {
        Box::pin(async move {
            let market = Market::new(self.deployment.market, self.provider());
            let claim = market.claim(vec![worker], from_epoch);
            match claim.block(self.at).call().await.map_err(ChainError::from) {
                Err(ChainError::Revert { why, .. }) if why.name == "NothingDue" => Ok(U256::ZERO),
                claimed => claimed,
            }
        })
    }

    /// The name of the place that a peer has in a deal, or would have.
    pub fn worker_of(&self, deal: u64, peer: Address) -> Reply<'_, B256> {
        Box::pin(async move {
            let market = Market::new(self.deployment.market, self.provider());
            Ok(market.workerOf(deal, peer).block(self.at).call().await?)
        })
    }

    /// What a worker of a deal costs in an epoch, in the token's smallest unit: past, running, or to come as far as it is
    /// known.
    pub fn price_of(&self, deal: u64, epoch: u32) -> Reply<'_, u128> {
        Box::pin(async move {
            let market = Market::new(self.deployment.market, self.provider());
            let price = market.priceOf(deal, epoch).block(self.at).call().await?;
            Ok(price.to())
        })
    }

    /// The key that signs a worker's receipts of an epoch, as far back as receipts can be judged; zero if there is none.
    pub fn key_of_worker(&self, worker: B256, epoch: u32) -> Reply<'_, Address> {
        Box::pin(async move {
            let market = Market::new(self.deployment.market, self.provider());
            let key = market.keyOfWorker(worker, epoch);
            Ok(key.block(self.at).call().await?)
        })
    }

    /// Why an entry would not match a deal, by number; 0 if it would.
    pub fn match_reason(
        &self,
        deal: u64,
        entry: Market::Entry,
        capabilities: Vec<B256>,
    ) -> Reply<'_, u8> {
        Box::pin(async move {
            let market = Market::new(self.deployment.market, self.provider());
            let reason = market.matchReason(deal, entry, capabilities);
            Ok(reason.block(self.at).call().await?)
        })
    }

    /// Whether an account is a provider: whether it has published a description.
    pub fn is_provider(&self, account: Address) -> Reply<'_, bool> {
        Box::pin(async move {
            let registry = Registry::new(self.deployment.registry, self.provider());
            let hash = registry.metadataHash(account).block(self.at).call().await?;
            Ok(!hash.is_zero())
        })
    }

    /// What an account can withdraw of what deals paid, in the token's smallest unit.
    pub fn pay_credit(&self, token: Address, account: Address) -> Reply<'_, U256> {
        Box::pin(async move {
            let market = Market::new(self.deployment.market, self.provider());
            Ok(market
                .creditOf(token, account)
                .block(self.at)
                .call()
                .await?)
        })
    }

    /// What an account can withdraw of collateral.
    pub fn stake_credit(&self, account: Address) -> Reply<'_, U256> {
        Box::pin(async move {
            let capacity = Capacity::new(self.deployment.capacity, self.provider());
            let credit = capacity.creditOf(self.deployment.stake_token, account);
            Ok(credit.block(self.at).call().await?)
        })
    }

    /// The tokens of an account, in the smallest unit.
    pub fn tokens(&self, token: Address, account: Address) -> Reply<'_, U256> {
        Box::pin(async move {
            let token = TestToken::new(token, self.provider());
            Ok(token.balanceOf(account).block(self.at).call().await?)
        })
    }

    /// What a contract may take of an account's tokens.
    pub fn allowance(
        &self,
        token: Address,
        (owner, spender): (Address, Address),
    ) -> Reply<'_, U256> {
        Box::pin(async move {
            let token = TestToken::new(token, self.provider());
            Ok(token
                .allowance(owner, spender)
                .block(self.at)
                .call()
                .await?)
        })
    }

    /// Which of 256 epochs a peer has committed receipts of, epoch e at bit e mod 256.
    pub fn committed(&self, peer: Address, token: Address, epoch: u32) -> Reply<'_, U256> {
        Box::pin(async move {
            let audit = Audit::new(self.deployment.audit, self.provider());
            let word = audit.committedWord(peer, token, U256::from(epoch >> 8));
            Ok(word.block(self.at).call().await?)
        })
    }
}
