//! The network of `weir up`.

use crate::support::{callback, doubler, request};
use weir_identity::Value;
use weir_node::{LocalNetwork, LocalNetworkConfig};

#[tokio::test]
async fn a_local_network_comes_back_with_the_same_peers_and_services() {
    let folder = tempfile::tempdir().unwrap();
    let config = || {
        let mut config = LocalNetworkConfig::new(folder.path().to_owned());
        config.services = vec![doubler()];
        config
    };
    let mut ids = Vec::new();
    for life in 0..2 {
        let network = LocalNetwork::start(config()).await.unwrap();
        let peers = network.peers().to_vec();
        assert_eq!(
            peers.iter().map(|peer| &*peer.name).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
        let now: Vec<_> = peers.iter().map(|peer| peer.node.peer_id()).collect();
        if life == 0 {
            ids.clone_from(&now);
        }
        assert_eq!(now, ids);
        for peer in &peers {
            assert_eq!(peer.services.len(), 1);
            assert_eq!(peer.services[0].signatures, ["double(x: u32) -> u32"]);
            assert!(peer.node.metrics_address().is_some());
        }
        // Through all of them and back: 1, 2, 4, 8.
        let script = format!(
            r#"(seq (call "{}" ("doubler" "double") [1] x)
               (seq (call "{}" ("doubler" "double") [x] y)
               (seq (call "{}" ("doubler" "double") [y] z)
               (call %init_peer_id% ("callbackSrv" "done") [z]))))"#,
            ids[0], ids[1], ids[2]
        );
        let mut particle = peers[0].node.submit(request(&script)).await.unwrap();
        assert_eq!(callback(&mut particle).await, [Value::from(8)]);

        let error = LocalNetwork::start(config()).await.unwrap_err();
        assert!(
            error.to_string().ends_with("is in use by another process"),
            "{error}"
        );
        network.shutdown().await;
    }
}

#[tokio::test]
async fn a_network_of_which_one_peer_cannot_start_leaves_none_behind() {
    let folder = tempfile::tempdir().unwrap();
    let config = || LocalNetworkConfig::new(folder.path().to_owned());
    LocalNetwork::start(config())
        .await
        .unwrap()
        .shutdown()
        .await;
    let birth = weir_node::store::Birth {
        at_ms: 0,
        with_key: true,
    };
    let store = folder.path().join("peers/b/store.redb");
    let durability = weir_node::store::Durability::Process;
    let in_use = weir_node::store::Store::open(&store, durability, birth).unwrap();
    LocalNetwork::start(config()).await.unwrap_err();
    drop(in_use);
    let network = LocalNetwork::start(config()).await.unwrap();
    network.shutdown().await;
}
