//! Serves a chain until it is killed, to try clients and `kill -9` on it: `serve FILE [PORT]`.

use alloy::primitives::{U256, address};
use weir_devchain::{Config, DevChain};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().map(Into::into);
    let port = arguments.next().map_or(Ok(0), |port| port.parse::<u16>())?;
    // The first account of the phrase that development chains share, `test test … junk`.
    let account = address!("f39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    let chain = DevChain::open(Config {
        path,
        accounts: vec![(account, U256::from(10).pow(U256::from(22)))],
        ..Config::default()
    })?;
    let server = chain.serve(([127, 0, 0, 1], port).into()).await?;
    println!("{}", server.url());
    std::future::pending().await
}
