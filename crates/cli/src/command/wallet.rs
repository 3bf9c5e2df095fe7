//! `weir wallet`: what an account has, sending it, and key files.

use crate::args::{Global, Send, Wallet, Who};
use crate::code::Code;
use crate::command::chain::asking;
use crate::consent::consent;
use crate::failure::Failure;
use crate::market::{Account, Context, smallest, token, whole};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::schema;
use crate::seat::unusable_key;
use alloy_primitives::{Address, B256};
use serde::Serialize;
use std::path::Path;
use weir_chain::{Call, ChainError};
use weir_identity::Keypair;
use weir_node::keyfile;
use zeroize::Zeroizing;

/// Runs the command and names the schema of its result.
pub(crate) fn run(
    args: &Wallet,
    global: &Global,
    output: &Output,
) -> (&'static str, Result<Report, Failure>) {
    match args {
        Wallet::Balance(who) => (schema::WALLET_BALANCE, asking(balance(who, output))),
        Wallet::Send(args) => (schema::WALLET_SEND, asking(send(args, global, output))),
        Wallet::New { file } => (schema::WALLET_KEY, new(file)),
        Wallet::Import { file } => (schema::WALLET_KEY, import(file)),
    }
}

#[derive(Serialize)]
struct Balance {
    account: Address,
    /// In wei.
    coins: String,
    tokens: Vec<Held>,
}

#[derive(Serialize)]
struct Held {
    name: &'static str,
    token: Address,
    /// In the smallest unit.
    amount: String,
}

async fn balance(who: &Who, output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let account = context.account(who.account.as_deref(), &Account::Customer)?;
    let read = async {
        let mut tokens = Vec::new();
        let (stake, pay) = (context.deployment.stake_token, context.deployment.pay_token);
        for (name, token) in [("stake", stake), ("pay", pay)] {
            let amount = context.market().tokens(token, account).await?.to_string();
            tokens.push(Held {
                name,
                token,
                amount,
            });
        }
        Ok::<_, ChainError>(Balance {
            account,
            coins: context.client.balance(account).await?.to_string(),
            tokens,
        })
    };
    let balance = read.await;
    let balance = balance.map_err(|error| context.failed("the balance cannot be read", &error))?;
    let mut table = Table::new(&["", "AMOUNT", "TOKEN"].map(Column::Text));
    table.row([Cell::new("coins"), whole(&balance.coins).into()]);
    for held in &balance.tokens {
        table.row([
            Cell::new(held.name),
            whole(&held.amount).into(),
            held.token.to_string().into(),
        ]);
    }
    let text = format!("{account}\n\n{}", output.render(&table));
    Ok(Report::new(&balance, text))
}

#[derive(Serialize)]
struct Sent {
    from: Address,
    to: Address,
    /// `coin`, or the token's address.
    token: String,
    /// In the smallest unit.
    amount: String,
    transaction: B256,
}

async fn send(args: &Send, global: &Global, output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let to = context.account(Some(&args.to), &Account::Customer)?;
    let amount = smallest(&args.amount)?;
    if amount.is_zero() {
        return Err(
            Failure::new(Code::Usage, "there is nothing to send").cause("the amount is zero")
        );
    }
    let (call, name) = match args.token.as_str() {
        "coin" => (Call::coins(to, amount), "coin".to_owned()),
        text => {
            let token = token(&context.deployment, text)?;
            (Call::tokens(token, to, amount), token.to_string())
        }
    };
    let wallet = context.wallet(args.who.account.as_deref(), &Account::Customer)?;
    let from = wallet.account();
    let plan = format!("{from} sends {} {} to {to}", args.amount, args.token);
    consent(args.yes, global, output, (&plan, "send it?"))?;
    let transaction = wallet.send(&call).await?;
    let sent = Sent {
        from,
        to,
        token: name,
        amount: amount.to_string(),
        transaction,
    };
    let text = format!("{} {} sent to {to}", args.amount, args.token);
    Ok(Report::new(&sent, text))
}

#[derive(Serialize)]
struct Key {
    file: String,
    account: Address,
    /// The id of a peer with this key.
    peer: String,
    /// Whether a passphrase seals it.
    sealed: bool,
}

fn new(file: &Path) -> Result<Report, Failure> {
    let key = keyfile::generate();
    let key = key.map_err(|error| Failure::internal("no key can be made", error))?;
    keep(file, &key)
}

fn import(file: &Path) -> Result<Report, Failure> {
    let wrong = || {
        Failure::new(Code::InputMalformed, "that is no secret key")
            .cause("it has 64 hexadecimal digits, with or without 0x, and stands on standard input")
    };
    let text = std::io::read_to_string(std::io::stdin().lock());
    let text = Zeroizing::new(text.map_err(|_| wrong())?);
    let secret: B256 = text.trim().parse().map_err(|_| wrong())?;
    let secret = Zeroizing::new(secret.0);
    let key = Keypair::from_secret(&secret).map_err(|_| wrong())?;
    keep(file, &key)
}

fn keep(file: &Path, key: &Keypair) -> Result<Report, Failure> {
    let passphrase = keyfile::passphrase().map_err(|error| unusable_key(&error))?;
    let passphrase = passphrase.as_ref().map(|text| text.as_str());
    let is_kept = keyfile::keep(file, key, passphrase).map_err(|error| unusable_key(&error))?;
    if !is_kept {
        let what = format!("there is something at {} already", file.display());
        return Err(Failure::new(Code::FileUnwritable, what)
            .cause("a key file is never replaced")
            .fix("choose another name"));
    }
    let kept = Key {
        file: file.display().to_string(),
        account: Address::from(key.address().to_bytes()),
        peer: key.peer_id().to_string(),
        sealed: passphrase.is_some(),
    };
    let how = if kept.sealed {
        "sealed by the passphrase"
    } else {
        "not sealed: set WEIR_PASSPHRASE to seal the next one"
    };
    let text = format!("{} has the key of {} ({how})", kept.file, kept.account);
    Ok(Report::new(&kept, text))
}
