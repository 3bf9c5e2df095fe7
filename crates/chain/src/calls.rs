//! The calls of a market.

use alloy::primitives::{Address, B256, Bytes, U256, Uint};
use alloy::sol_types::SolCall;

use crate::bindings::{Audit, Capacity, Market, Registry, TestToken};
use crate::call::Call;
use crate::deployment::Deployment;

/// The calls of a market. Who may make each, and why it may be refused, is said in the sources of the contracts.
impl Deployment {
    /// Lets a contract of the market take tokens of the account.
    pub fn approve(&self, token: Address, spender: Address, amount: U256) -> Call {
        let data = TestToken::approveCall {
            spender,
            value: amount,
        }
        .abi_encode();
        Call::to("the approval of a contract", token, data)
    }

    /// Makes the account a provider, or changes its description.
    pub fn set_provider(&self, metadata: Bytes) -> Call {
        let data = Registry::setProviderCall { metadata }.abi_encode();
        Call::to("the registration of the provider", self.registry, data)
    }

    /// Publishes an offer.
    pub fn create_offer(&self, input: Registry::OfferInput) -> Call {
        let data = Registry::createOfferCall { input }.abi_encode();
        Call::to("the creation of the offer", self.registry, data)
    }

    /// Publishes an offer together with its peers.
    pub fn register_offer(
        &self,
        input: Registry::OfferInput,
        peers: Vec<Registry::PeerInput>,
    ) -> Call {
        let data = Registry::registerOfferCall { input, peers }.abi_encode();
        Call::to("the creation of the offer", self.registry, data)
    }

    /// Changes the terms of an offer; deals that are running keep theirs.
    pub fn edit_offer(
        &self,
        offer: u64,
        (token, min_price): (Address, u128),
        versions: (u16, u16),
    ) -> Call {
        let data = Registry::editOfferCall {
            offerId: id48(offer),
            minPrice: Uint::from(min_price),
            payToken: token,
            verMin: versions.0,
            verMax: versions.1,
        };
        Call::to("the change of the offer", self.registry, data.abi_encode())
    }

    /// Takes an offer out of the market, or brings it back.
    pub fn pause_offer(&self, offer: u64, paused: bool) -> Call {
        let data = Registry::pauseOfferCall {
            offerId: id48(offer),
            paused,
        }
        .abi_encode();
        Call::to("the pause of the offer", self.registry, data)
    }

    /// Adds peers to an offer.
    pub fn register_peers(&self, offer: u64, peers: Vec<Registry::PeerInput>) -> Call {
        let data = Registry::registerPeersCall {
            offerId: id48(offer),
            peers,
        }
        .abi_encode();
        Call::to("the registration of the peers", self.registry, data)
    }

    /// Says that the peers of an offer have capabilities.
    pub fn add_capabilities(&self, offer: u64, capabilities: Vec<B256>) -> Call {
        let data = Registry::addCapsCall {
            offerId: id48(offer),
            capIds: capabilities,
        };
        let what = "the addition of capabilities to the offer";
        Call::to(what, self.registry, data.abi_encode())
    }

    /// Says that the peers of an offer no longer have capabilities.
    pub fn remove_capabilities(&self, offer: u64, capabilities: Vec<B256>) -> Call {
        let data = Registry::removeCapsCall {
            offerId: id48(offer),
            capIds: capabilities,
        };
        let what = "the removal of capabilities from the offer";
        Call::to(what, self.registry, data.abi_encode())
    }

    /// Moves a peer to another offer of its provider.
    pub fn move_peer(&self, peer: Address, offer: u64) -> Call {
        let data = Registry::movePeerCall {
            peer,
            offerId: id48(offer),
        };
        Call::to("the move of the peer", self.registry, data.abi_encode())
    }

    /// Changes how many compute units a peer has.
    pub fn resize_peer(&self, peer: Address, units: u16) -> Call {
        let data = Registry::resizePeerCall { peer, units }.abi_encode();
        Call::to("the new size of the peer", self.registry, data)
    }

    /// Takes a peer out of the market.
    pub fn retire_peer(&self, peer: Address) -> Call {
        let data = Registry::retirePeerCall { peer }.abi_encode();
        Call::to("the retirement of the peer", self.registry, data)
    }

    /// Promises the capacity of a peer.
    pub fn create_commitment(&self, peer: Address, terms: &CommitmentTerms) -> Call {
        let data = Capacity::createCommitmentCall {
            peer,
            duration: terms.epochs,
            stakerShareBp: terms.staker_share_bp,
            stakerDealShareBp: terms.staker_deal_share_bp,
            minDealPrice: Uint::from(terms.min_unit_price),
            staker: terms.staker,
        };
        Call::to(
            "the commitment of the peer",
            self.capacity,
            data.abi_encode(),
        )
    }

    /// Takes back a commitment that has no collateral yet.
    pub fn cancel_commitment(&self, peer: Address) -> Call {
        let data = Capacity::cancelCommitmentCall { peer }.abi_encode();
        Call::to("the cancellation of the commitment", self.capacity, data)
    }

    /// Deposits the collateral of peers, which is `amount` together.
    pub fn deposit_collateral(&self, peers: Vec<Address>, amount: U256) -> Call {
        let data = Capacity::depositCall { peers }.abi_encode();
        Call::to("the deposit of collateral", self.capacity, data)
            .spending(self.stake_token, amount)
    }

    /// Asks for the end of a commitment, or for its collateral once it is over.
    pub fn request_exit(&self, peer: Address) -> Call {
        let data = Capacity::requestExitCall { peer }.abi_encode();
        Call::to("the request for exit", self.capacity, data)
    }

    /// Ends a commitment whose exit is due, and credits its collateral.
    pub fn finish_commitment(&self, peer: Address) -> Call {
        let data = Capacity::finishCall { peer }.abi_encode();
        Call::to("the end of the commitment", self.capacity, data)
    }

    /// Takes home what collateral or rewards are credited.
    pub fn withdraw_stake(&self, to: Address) -> Call {
        let token = self.stake_token;
        let data = Capacity::withdrawCall { token, to }.abi_encode();
        Call::to("the withdrawal of stake", self.capacity, data)
    }

    /// Creates a deal with a first deposit.
    pub fn create_deal(&self, input: Market::DealInput, deposit: u128) -> Call {
        let token = input.payToken;
        let data = Market::createDealCall { input, deposit }.abi_encode();
        Call::to("the creation of the deal", self.market, data).spending(token, U256::from(deposit))
    }

    /// Adds to the balance of a deal, whose token is given.
    pub fn top_up(&self, deal: u64, token: Address, amount: u128) -> Call {
        let data = Market::topUpCall {
            dealId: deal,
            amount,
        }
        .abi_encode();
        Call::to("the funding of the deal", self.market, data).spending(token, U256::from(amount))
    }

    /// Takes back what a deal does not need.
    pub fn withdraw_free(&self, deal: u64, amount: u128) -> Call {
        let data = Market::withdrawFreeCall {
            dealId: deal,
            amount,
        }
        .abi_encode();
        Call::to("the withdrawal from the deal", self.market, data)
    }

    /// Chooses peers for a deal. With `strict`, one that does not fit undoes all; without, it is left out.
    pub fn match_deal(
        &self,
        deal: u64,
        entries: Vec<Market::Entry>,
        capabilities: Vec<B256>,
        strict: bool,
    ) -> Call {
        let data = Market::matchDealCall {
            dealId: deal,
            entries,
            caps: capabilities,
            strict,
        };
        Call::to("the choice of workers", self.market, data.abi_encode())
    }

    /// Takes a place in an open deal for a peer.
    pub fn claim_deal(
        &self,
        deal: u64,
        peer: Address,
        first_unit: u8,
        capabilities: Vec<B256>,
    ) -> Call {
        let data = Market::claimDealCall {
            dealId: deal,
            peer,
            firstUnit: first_unit,
            caps: capabilities,
        };
        Call::to(
            "the claim of a place in the deal",
            self.market,
            data.abi_encode(),
        )
    }

    /// Says that a worker serves, with the key that signs its receipts, and its signature.
    pub fn activate_worker(&self, worker: B256, key: Address, signature: Bytes) -> Call {
        let data = Market::activateWorkerCall {
            workerId: worker,
            key,
            signature,
        }
        .abi_encode();
        Call::to("the activation of the worker", self.market, data)
    }

    /// Names another key for the receipts of a worker, as its provider, from the next epoch on: its address, and its
    /// signature ([`Deployment::worker_signature`]).
    pub fn rotate_worker_key(&self, worker: B256, key: Address, signature: Bytes) -> Call {
        let data = Market::rotateWorkerKeyCall {
            workerId: worker,
            key,
            signature,
        };
        Call::to("the new key of the worker", self.market, data.abi_encode())
    }

    /// Refuses a match.
    pub fn decline(&self, worker: B256) -> Call {
        let data = Market::declineCall { workerId: worker }.abi_encode();
        Call::to("the refusal of the match", self.market, data)
    }

    /// Gives notice for a worker, as its provider.
    pub fn leave_deal(&self, worker: B256) -> Call {
        let data = Market::leaveDealCall { workerId: worker }.abi_encode();
        Call::to("the notice of the worker", self.market, data)
    }

    /// Gives notice to a worker, as the owner of the deal.
    pub fn remove_worker(&self, worker: B256) -> Call {
        let data = Market::removeWorkerCall { workerId: worker }.abi_encode();
        Call::to("the removal of the worker", self.market, data)
    }

    /// Frees the units of a worker whose time is over.
    pub fn release_worker(&self, worker: B256) -> Call {
        let data = Market::releaseWorkerCall { workerId: worker }.abi_encode();
        Call::to("the release of the worker", self.market, data)
    }

    /// Reports a worker that has proven neither of the last two epochs.
    pub fn report_absent(&self, worker: B256) -> Call {
        let data = Market::reportAbsentCall { workerId: worker }.abi_encode();
        Call::to("the report of the worker", self.market, data)
    }

    /// Another price of a worker for an epoch: a higher one from the next epoch on, a lower one after the notice.
    pub fn set_price(&self, deal: u64, price: u128) -> Call {
        let data = Market::setPriceCall {
            dealId: deal,
            price: Uint::from(price),
        };
        Call::to("the new price of the deal", self.market, data.abi_encode())
    }

    /// How many workers a deal needs before it pays any, and how many it wants. None loses its place.
    pub fn resize_deal(&self, deal: u64, (min, target): (u16, u16)) -> Call {
        let data = Market::resizeDealCall {
            dealId: deal,
            minWorkers: min,
            targetWorkers: target,
        };
        Call::to("the new size of the deal", self.market, data.abi_encode())
    }

    /// New code for a deal, from the next epoch on.
    pub fn set_version(&self, deal: u64, cid: Bytes, module_set: B256) -> Call {
        let data = Market::setVersionCall {
            dealId: deal,
            cid,
            moduleSetHash: module_set,
        };
        Call::to(
            "the new version of the deal",
            self.market,
            data.abi_encode(),
        )
    }

    /// Names the root over the keys that may call a deal's services; zero for all.
    pub fn set_callers(&self, deal: u64, root: B256) -> Call {
        let data = Market::setCallersCall { dealId: deal, root }.abi_encode();
        Call::to("the new callers of the deal", self.market, data)
    }

    /// Changes which providers may be matched from now on. Kinds: 0 all, 1 only those listed, 2 all others.
    pub fn set_access(
        &self,
        deal: u64,
        kind: u8,
        (add, remove): (Vec<Address>, Vec<Address>),
    ) -> Call {
        let data = Market::setAccessCall {
            dealId: deal,
            kind,
            add,
            remove,
        };
        let what = "the new list of providers of the deal";
        Call::to(what, self.market, data.abi_encode())
    }

    /// Lifts a hold that is older than a verdict may take.
    pub fn clear_hold(&self, worker: B256, epoch: u32) -> Call {
        let data = Market::clearHoldCall {
            workerId: worker,
            epoch,
        };
        Call::to("the end of the hold", self.market, data.abi_encode())
    }

    /// Ends a deal: its workers have their notice.
    pub fn end_deal(&self, deal: u64) -> Call {
        let data = Market::endDealCall { dealId: deal }.abi_encode();
        Call::to("the end of the deal", self.market, data)
    }

    /// Closes a deal that has nothing left to pay, and credits its owner with the rest.
    pub fn close_deal(&self, deal: u64) -> Call {
        let data = Market::closeDealCall { dealId: deal }.abi_encode();
        Call::to("the closing of the deal", self.market, data)
    }

    /// Brings the account of a deal up to the running epoch.
    pub fn settle(&self, deal: u64) -> Call {
        let data = Market::settleCall { dealId: deal }.abi_encode();
        Call::to("the settlement of the deal", self.market, data)
    }

    /// Commits the receipts of a peer of one epoch. `missing` are workers without any.
    pub fn commit_receipts(
        &self,
        peer: Address,
        epoch: u32,
        token: Address,
        (root, fees): (B256, u128),
        missing: Vec<B256>,
    ) -> Call {
        let data = Audit::commitReceiptsCall {
            peer,
            epoch,
            token,
            root,
            feeSum: Uint::from(fees),
            missing,
        };
        Call::to("the commitment to receipts", self.audit, data.abi_encode())
    }

    /// Credits what epochs of workers earned, from the word of 256 epochs around one on.
    pub fn claim(&self, workers: Vec<B256>, from_epoch: u32) -> Call {
        let data = Market::claimCall {
            workerIds: workers,
            fromEpoch: from_epoch,
        }
        .abi_encode();
        Call::to("the claim of what workers earned", self.market, data)
    }

    /// Returns to the deal what a worker did not prove.
    pub fn refund_unproven(&self, worker: B256, from_epoch: u32) -> Call {
        let data = Market::refundUnprovenCall {
            workerId: worker,
            fromEpoch: from_epoch,
        }
        .abi_encode();
        Call::to("the refund of epochs without proof", self.market, data)
    }

    /// Takes home what is credited in a token that deals pay in.
    pub fn withdraw_pay(&self, token: Address, to: Address) -> Call {
        let data = Market::withdrawCall { token, to }.abi_encode();
        Call::to("the withdrawal of pay", self.market, data)
    }
}

/// The terms under which the capacity of a peer is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitmentTerms {
    /// How long, in epochs.
    pub epochs: u16,
    /// The staker's part of rewards for idle capacity, in basis points.
    pub staker_share_bp: u16,
    /// The staker's part of fees from deals, in basis points.
    pub staker_deal_share_bp: u16,
    /// The least price of a unit for an epoch, in the smallest unit of the deal's token.
    pub min_unit_price: u128,
    /// Who deposits the collateral.
    pub staker: Address,
}

/// Ids of offers and commitments have 48 bits.
pub(crate) fn id48(id: u64) -> Uint<48, 1> {
    Uint::from(id & ((1 << 48) - 1))
}
