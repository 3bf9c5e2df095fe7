//! A small model of the market contracts: what one peer sees of them, block by block, with reorganisations.

use std::collections::BTreeMap;

use weir_identity::{Address, Cid, Hash, keccak256};
use weir_peer::Timestamp;
use weir_peer::deals::{
    Code, Commitment, DealStatus, DealView, Intent, MarketView, TransactionKey, WorkerId,
    WorkerStatus, WorkerView,
};

pub const BLOCK_MS: u64 = 12_000;
pub const EPOCH_BLOCKS: u64 = 20;
pub const ACTIVATION_EPOCHS: u32 = 2;
pub const NOTICE_EPOCHS: u32 = 2;
/// No reorganisation is deeper.
pub const REORG_BLOCKS: u64 = 6;
pub const START: Timestamp = Timestamp(1_700_000_000_000);

pub fn token() -> Address {
    Address::from_bytes(&[0x70; 20]).unwrap()
}

pub fn customer(number: u8) -> Address {
    Address::from_bytes(&[number; 20]).unwrap()
}

/// Code by number; odd hundreds are packages that are not what the deal says.
pub fn code(number: u32) -> Code {
    let bytes = number.to_be_bytes();
    Code {
        package: Cid::of_raw(&bytes),
        module_set: keccak256(&[&bytes]),
    }
}

#[derive(Debug, Clone)]
pub struct Deal {
    pub owner: Address,
    pub price: u128,
    pub price_now: u128,
    pub units: u8,
    pub open: bool,
    /// Places that rivals may still take.
    pub places: u32,
    pub funded_epochs: u32,
    pub end_epoch: Option<u32>,
    pub code: Code,
    pub code_epoch: u32,
    pub former: Option<Code>,
}

impl Deal {
    pub fn new(code: Code) -> Self {
        Deal {
            owner: customer(1),
            price: 100,
            price_now: 100,
            units: 1,
            open: false,
            places: 1,
            funded_epochs: 50,
            end_epoch: None,
            code,
            code_epoch: 0,
            former: None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Worker {
    pub deal: u64,
    pub first_unit: u8,
    pub status: WorkerStatus,
    pub key: Option<Address>,
    pub end_epoch: Option<u32>,
}

/// What the chain holds after a block.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub deals: BTreeMap<u64, Deal>,
    pub workers: BTreeMap<WorkerId, Worker>,
    rejoins: BTreeMap<u64, u32>,
    /// Transactions of this block.
    mined: Vec<(TransactionKey, Intent)>,
}

#[derive(Debug)]
pub struct Market {
    pub units: u16,
    /// One state for each block.
    states: Vec<State>,
}

impl Market {
    pub fn new(units: u16) -> Self {
        Market {
            units,
            states: vec![State::default()],
        }
    }

    pub fn block(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    pub fn epoch(&self) -> u32 {
        (self.block() / EPOCH_BLOCKS) as u32
    }

    pub fn state(&self) -> &State {
        self.states.last().expect("there is a first block")
    }

    pub fn state_mut(&mut self) -> &mut State {
        self.states.last_mut().expect("there is a first block")
    }

    /// Begins a block.
    pub fn mine(&mut self) {
        let mut next = self.state().clone();
        next.mined.clear();
        self.states.push(next);
    }

    /// Undoes the last blocks. Gives the transactions that were in them.
    pub fn undo(&mut self, blocks: u64) -> Vec<(TransactionKey, Intent)> {
        let blocks = blocks.min(self.block());
        let kept = self.states.len() - blocks as usize;
        self.states
            .drain(kept..)
            .flat_map(|state| state.mined)
            .collect()
    }

    pub fn worker_of(&self, deal: u64) -> Option<(WorkerId, &Worker)> {
        let live = |worker: &Worker| worker.status != WorkerStatus::Over;
        let mut workers = self.state().workers.iter();
        workers
            .find(|(_, worker)| worker.deal == deal && live(worker))
            .map(|(id, worker)| (*id, worker))
    }

    /// The customer chooses this peer, if there is a place and a row of units.
    pub fn match_deal(&mut self, id: u64) -> Result<WorkerId, String> {
        let row = self.free_row(self.state().deals.get(&id).ok_or("no deal")?.units);
        self.place(id, row.ok_or("no units")?)
    }

    fn place(&mut self, id: u64, first_unit: u8) -> Result<WorkerId, String> {
        let epoch = self.epoch();
        let deal = self.state().deals.get(&id).ok_or("no deal")?;
        if deal.end_epoch.is_some() {
            return Err("Ended()".to_owned());
        }
        if self.worker_of(id).is_some() {
            return Err("FilterFailed(10)".to_owned());
        }
        if deal.places == 0 {
            return Err("FilterFailed(12)".to_owned());
        }
        let row = first_unit..first_unit + deal.units;
        if u16::from(row.end) > self.units || row.clone().any(|unit| self.is_busy(unit)) {
            return Err("FilterFailed(8)".to_owned());
        }
        let state = self.state_mut();
        let mut rejoin = state.rejoins.get(&id).copied().unwrap_or(0);
        let name = |rejoin: u32| WorkerId(keccak256(&[&id.to_be_bytes(), &rejoin.to_be_bytes()]));
        if state.workers.contains_key(&name(rejoin)) {
            rejoin += 1;
            state.rejoins.insert(id, rejoin);
        }
        let worker = Worker {
            deal: id,
            first_unit,
            status: WorkerStatus::Matched {
                deadline: epoch + ACTIVATION_EPOCHS,
            },
            key: None,
            end_epoch: None,
        };
        state.workers.insert(name(rejoin), worker);
        Ok(name(rejoin))
    }

    fn is_busy(&self, unit: u8) -> bool {
        self.state().workers.values().any(|worker| {
            let units = self.state().deals[&worker.deal].units;
            worker.status != WorkerStatus::Over
                && (worker.first_unit..worker.first_unit + units).contains(&unit)
        })
    }

    fn free_row(&self, units: u8) -> Option<u8> {
        let last = (self.units as u8).checked_sub(units)?;
        (0..=last).find(|first| (*first..first + units).all(|unit| !self.is_busy(unit)))
    }

    pub fn end_deal(&mut self, id: u64) {
        let end = self.epoch() + NOTICE_EPOCHS;
        if let Some(deal) = self.state_mut().deals.get_mut(&id)
            && deal.end_epoch.is_none()
        {
            deal.end_epoch = Some(end);
        }
    }

    pub fn set_version(&mut self, id: u64, new: Code) {
        let from = self.epoch() + 1;
        if let Some(deal) = self.state_mut().deals.get_mut(&id)
            && deal.end_epoch.is_none()
        {
            if deal.code_epoch < from {
                deal.former = Some(deal.code);
            }
            (deal.code, deal.code_epoch) = (new, from);
        }
    }

    pub fn end_of(&self, worker: &Worker) -> Option<u32> {
        let deal = &self.state().deals[&worker.deal];
        match (worker.end_epoch, deal.end_epoch) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Puts a transaction into the present block, as the contracts would.
    pub fn execute(&mut self, key: TransactionKey, intent: &Intent) -> Result<(), String> {
        let epoch = self.epoch();
        match intent {
            Intent::Claim {
                deal, first_unit, ..
            } => {
                if !self.state().deals.get(deal).is_some_and(|deal| deal.open) {
                    return Err("NotMatchable()".to_owned());
                }
                self.place(*deal, *first_unit)?;
            }
            Intent::Activate { worker, identity } => {
                let found = self.find(*worker)?;
                let deal = &self.state().deals[&found.deal];
                match found.status {
                    WorkerStatus::Matched { deadline } if epoch > deadline => {
                        return Err("Expired()".to_owned());
                    }
                    WorkerStatus::Matched { .. } if deal.end_epoch.is_some() => {
                        return Err("Ended()".to_owned());
                    }
                    WorkerStatus::Matched { .. } => {}
                    _ => return Err("BadStatus()".to_owned()),
                }
                self.change(*worker, |worker| {
                    worker.status = WorkerStatus::Active;
                    worker.key = Some(identity.address());
                });
            }
            Intent::Decline { worker } => {
                if !matches!(self.find(*worker)?.status, WorkerStatus::Matched { .. }) {
                    return Err("BadStatus()".to_owned());
                }
                self.state_mut().workers.remove(worker);
            }
            Intent::Leave { worker } => {
                let found = self.find(*worker)?;
                if found.status != WorkerStatus::Active {
                    return Err("BadStatus()".to_owned());
                }
                if self.state().deals[&found.deal].end_epoch.is_some() {
                    return Err("Ended()".to_owned());
                }
                self.change(*worker, |worker| {
                    worker.status = WorkerStatus::Notice;
                    worker.end_epoch = Some(epoch + NOTICE_EPOCHS);
                });
            }
            Intent::Release { worker } => {
                let found = self.find(*worker)?.clone();
                let ended = self.state().deals[&found.deal].end_epoch.is_some();
                match found.status {
                    WorkerStatus::Matched { deadline } if epoch > deadline || ended => {
                        self.state_mut().workers.remove(worker);
                    }
                    WorkerStatus::Active | WorkerStatus::Notice
                        if self.end_of(&found).is_some_and(|end| end <= epoch) =>
                    {
                        self.change(*worker, |worker| worker.status = WorkerStatus::Over);
                    }
                    WorkerStatus::Over => return Err("BadStatus()".to_owned()),
                    _ => return Err("TooSoon()".to_owned()),
                }
            }
        }
        self.state_mut().mined.push((key, intent.clone()));
        Ok(())
    }

    fn find(&self, worker: WorkerId) -> Result<&Worker, String> {
        let found = self.state().workers.get(&worker);
        found.ok_or_else(|| "BadStatus()".to_owned())
    }

    fn change(&mut self, worker: WorkerId, change: impl FnOnce(&mut Worker)) {
        if let Some(found) = self.state_mut().workers.get_mut(&worker) {
            change(found);
        }
    }

    /// What the peer sees. Workers that are over are left out in every other block, as clients may.
    pub fn view(&self) -> MarketView {
        let (block, epoch) = (self.block(), self.epoch());
        let state = self.state();
        let workers = state
            .workers
            .iter()
            .filter(|(_, worker)| worker.status != WorkerStatus::Over || block % 2 == 0)
            .map(|(id, worker)| WorkerView {
                id: *id,
                status: worker.status,
                deal: self.deal_view(worker.deal),
                first_unit: worker.first_unit,
                key: worker.key,
                end_epoch: self.end_of(worker),
            })
            .collect();
        let open = state
            .deals
            .iter()
            .filter(|(_, deal)| deal.open && deal.places > 0 && deal.end_epoch.is_none())
            .map(|(id, _)| self.deal_view(*id))
            .collect();
        MarketView {
            block,
            time: START.plus(block * BLOCK_MS),
            epoch,
            epoch_end: START.plus((u64::from(epoch) + 1) * EPOCH_BLOCKS * BLOCK_MS),
            commitment: Some(Commitment {
                units: self.units,
                end_epoch: u32::MAX,
                matchable: true,
            }),
            workers,
            open,
            subnets: Vec::new(),
        }
    }

    pub fn deal_view(&self, id: u64) -> DealView {
        let deal = &self.state().deals[&id];
        DealView {
            id,
            owner: deal.owner,
            status: if deal.end_epoch.is_some() {
                DealStatus::Ended
            } else if deal.funded_epochs == 0 {
                DealStatus::Unfunded
            } else {
                DealStatus::Active
            },
            price: deal.price,
            price_now: deal.price_now,
            token: token(),
            units: deal.units,
            funded_epochs: deal.funded_epochs,
            term_epochs: 10,
            capabilities: Vec::<Hash>::new(),
            code: deal.code,
            code_epoch: deal.code_epoch,
            former: deal.former,
        }
    }
}
