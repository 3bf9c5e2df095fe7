use std::net::Ipv4Addr;
use std::sync::Mutex;

use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use weir_marine::Hosts;

use super::address::Found;
use super::*;

/// A server that answers every request with the same bytes and tells what it was asked.
struct Server {
    port: u16,
    requests: mpsc::UnboundedReceiver<String>,
}

/// What a server does after the bytes.
#[derive(Clone, Copy)]
enum Then {
    Close,
    /// One byte after the other, for ever.
    Drip,
}

impl Server {
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer.into(), Then::Close, None).await
    }

    async fn start(answer: Vec<u8>, then: Then, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let (seen, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let work = serve(stream, answer.clone(), then, tls.clone(), seen.clone());
                tokio::spawn(work);
            }
        });
        Self { port, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The request that came, if one did.
    fn seen(&mut self) -> Option<String> {
        self.requests.try_recv().ok()
    }
}

async fn serve(
    stream: tokio::net::TcpStream,
    answer: Vec<u8>,
    then: Then,
    tls: Option<tokio_rustls::TlsAcceptor>,
    seen: mpsc::UnboundedSender<String>,
) {
    match tls {
        None => talk(stream, answer, then, seen).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                talk(stream, answer, then, seen).await;
            }
        }
    }
}

async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: Vec<u8>,
    then: Then,
    seen: mpsc::UnboundedSender<String>,
) {
    let mut request = Vec::new();
    let mut byte = [0];
    let is_whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return false;
        };
        let length = head.split_once("content-length: ");
        let length = length.and_then(|(_, rest)| rest.lines().next()?.parse().ok());
        body.len() >= length.unwrap_or(0)
    };
    while !is_whole(&request) {
        match stream.read(&mut byte).await {
            Ok(1) => request.push(byte[0]),
            _ => break,
        }
    }
    let _ = seen.send(String::from_utf8_lossy(&request).into_owned());
    let _ = stream.write_all(&answer).await;
    if let Then::Drip = then {
        while stream.write_all(b"x").await.is_ok() && stream.flush().await.is_ok() {
            tokio::task::yield_now().await;
        }
        let _ = seen.send("the client has gone".to_owned());
    }
    let _ = stream.shutdown().await;
}

/// Says the same of every name.
struct Says(Vec<&'static str>, Arc<Mutex<Vec<String>>>);

impl Resolver for Says {
    fn resolve(&self, host: &str, port: u16) -> Found {
        let mut asked = self.1.lock().expect("nobody panicked");
        asked.push(host.to_owned());
        let addresses = self.0.iter().map(|text| {
            let address = text.parse().expect("an address");
            SocketAddr::new(address, port)
        });
        let addresses: Vec<_> = addresses.collect();
        Box::pin(async { Ok(addresses) })
    }
}

fn limits() -> HttpLimits {
    HttpLimits {
        timeout: Duration::from_secs(20),
        request_bytes: 1000,
        response_bytes: 1000,
        concurrent: 2,
    }
}

fn http_with(limits: HttpLimits, addresses: &[&'static str]) -> Http {
    let tls = connection::tls(connection::public_roots()).expect("TLS can be set up");
    let resolver = Says(addresses.to_vec(), Arc::default());
    Http::with(limits, tls, Box::new(resolver))
}

fn http() -> Http {
    http_with(limits(), &[])
}

fn rule(hosts: &[&str], methods: &[&str], private: bool) -> HttpRules {
    let methods = methods.iter().map(ToString::to_string).collect();
    HttpRules(vec![HttpRule {
        policy: HttpPolicy {
            hosts: Hosts::new(hosts).expect("these are hosts"),
            methods: Some(methods),
            max_response_bytes: None,
        },
        private,
    }])
}

/// Everything on this machine.
fn open() -> HttpRules {
    rule(
        &["127.0.0.1:*", "inside.test:*"],
        &["GET", "POST", "HEAD"],
        true,
    )
}

fn ask(method: &str, url: impl Into<String>) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

const KEY: Hash = Hash::ZERO;

#[tokio::test]
async fn a_request_that_is_granted_is_sent_and_its_response_comes_back_whole() {
    let mut server = Server::answering(
        "HTTP/1.1 201 Created\r\ndate: today\r\nx-two: 1\r\nx-two: 2\r\ncontent-length: 4\r\n\r\nbody",
    )
    .await;
    let asked = HttpRequest {
        headers: vec![header("X-Mine", "a"), header("accept", "text/plain")],
        body: b"question".to_vec(),
        ..ask("post", server.url("/a?b=c#d"))
    };
    let response = http().fetch(KEY, asked, &open()).await.expect("it works");
    assert_eq!(response.status, 201);
    assert_eq!(response.body, b"body");
    let expected = [
        header("date", "today"),
        header("x-two", "1"),
        header("x-two", "2"),
        header("content-length", "4"),
    ];
    assert_eq!(response.headers, expected);
    let request = server.seen().expect("it came");
    let zeros = KEY.to_string();
    for line in [
        "POST /a?b=c HTTP/1.1\r\n".to_owned(),
        format!("host: 127.0.0.1:{}\r\n", server.port),
        format!("idempotency-key: \"{zeros}\"\r\n"),
        "user-agent: weir\r\n".to_owned(),
        "x-mine: a\r\naccept: text/plain\r\n".to_owned(),
        "content-length: 8\r\n".to_owned(),
        "\r\n\r\nquestion".to_owned(),
    ] {
        assert!(request.contains(&line), "{line:?} in {request:?}");
    }
}

#[tokio::test]
async fn a_repetition_is_told_by_its_key_unless_the_guest_has_its_own() {
    let mut server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let http = http();
    let own = HttpRequest {
        headers: vec![header("Idempotency-Key", "mine")],
        ..ask("POST", server.url("/"))
    };
    http.fetch(KEY, own, &open()).await.expect("it works");
    let seen = server.seen().expect("it came");
    assert!(seen.contains("idempotency-key: mine\r\n"), "{seen}");
    let get = ask("GET", server.url("/"));
    http.fetch(KEY, get, &open()).await.expect("it works");
    let seen = server.seen().expect("it came");
    assert!(!seen.contains("idempotency-key"), "{seen}");
}

#[tokio::test]
async fn what_is_not_granted_is_not_sent() {
    let mut server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let http = http_with(limits(), &["127.0.0.1"]);
    let port = server.port;
    let exact = format!("127.0.0.1:{port}");
    let other = format!("127.0.0.1:{}", if port == 1 { 2 } else { port - 1 });
    let url = server.url("/");
    for (rules, method, url) in [
        (HttpRules::default(), "GET", url.clone()),
        (rule(&["127.0.0.1"], &["GET"], true), "GET", url.clone()),
        (rule(&[&other], &["GET"], true), "GET", url.clone()),
        (rule(&[&exact], &["GET"], true), "POST", url.clone()),
        (rule(&[&exact], &[], true), "GET", url.clone()),
        (
            rule(&["*.inside.test:*"], &["GET"], true),
            "GET",
            format!("http://inside.test:{port}/"),
        ),
        (
            rule(&["*.inside.test:*"], &["GET"], true),
            "GET",
            format!("http://xinside.test:{port}/"),
        ),
        (
            rule(&["*:*"], &["GET"], true),
            "GET",
            format!("http://[::1]:{port}/"),
        ),
    ] {
        let fetched = http.fetch(KEY, ask(method, url.as_str()), &rules).await;
        assert!(
            matches!(fetched, Err(Fault::Denied(_))),
            "{method} {url}: {fetched:?}"
        );
        assert_eq!(server.seen(), None, "{method} {url}");
    }
    // The same with what is granted goes through.
    for (rules, method, url) in [
        (rule(&[&exact], &["GET"], true), "GET", url),
        (
            rule(&["*.inside.test:*"], &["GET"], true),
            "get",
            format!("http://A.inside.test.:{port}/"),
        ),
    ] {
        http.fetch(KEY, ask(method, url), &rules)
            .await
            .expect("it works");
        assert!(server.seen().is_some());
    }
}

#[tokio::test]
async fn addresses_that_are_not_public_are_reached_only_where_the_operator_says_so() {
    let mut server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let port = server.port;
    let everywhere = rule(&["*:*"], &["GET"], false);
    let literal = http();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "0.0.0.0",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
    ] {
        let asked = ask("GET", format!("http://{host}:{port}/"));
        let fetched = literal.fetch(KEY, asked, &everywhere).await;
        assert!(
            matches!(fetched, Err(Fault::Denied(_))),
            "{host}: {fetched:?}"
        );
    }
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "fd00::1",
        "169.254.169.254",
    ] {
        let http = http_with(limits(), &[address]);
        let asked = ask("GET", format!("http://outside.test:{port}/"));
        let fetched = http.fetch(KEY, asked, &everywhere).await;
        let Err(Fault::Denied(why)) = fetched else {
            panic!("{address}: {fetched:?}");
        };
        assert!(
            !why.contains(address),
            "the guest learns nothing of the inside: {why}"
        );
    }
    // That one rule allows it for one host says nothing about others.
    let mut rules = rule(&["inside.test:*"], &["GET"], true);
    rules.0.extend(everywhere.0);
    let http = http_with(limits(), &["127.0.0.1"]);
    let outside = ask("GET", format!("http://outside.test:{port}/"));
    let fetched = http.fetch(KEY, outside, &rules).await;
    assert!(matches!(fetched, Err(Fault::Denied(_))), "{fetched:?}");
    assert_eq!(server.seen(), None);
    let inside = ask("GET", format!("http://inside.test:{port}/"));
    http.fetch(KEY, inside, &rules).await.expect("it works");
    assert!(server.seen().is_some());
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let mut server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let asked = Arc::default();
    let tls = connection::tls(RootCertStore::empty()).expect("TLS can be set up");
    let resolver = Says(vec!["127.0.0.1"], Arc::clone(&asked));
    let http = Http::with(limits(), tls, Box::new(resolver));
    let url = format!("http://inside.test:{}/", server.port);
    http.fetch(KEY, ask("GET", url), &open())
        .await
        .expect("it works");
    let seen = server.seen().expect("it came");
    assert!(
        seen.contains(&format!("host: inside.test:{}\r\n", server.port)),
        "{seen}"
    );
    // A second question could have another answer.
    assert_eq!(*asked.lock().expect("nobody panicked"), ["inside.test"]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let mut other = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let server = Server::answering(format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        other.url("/")
    ))
    .await;
    let response = http()
        .fetch(KEY, ask("GET", server.url("/")), &open())
        .await;
    let response = response.expect("it works");
    assert_eq!(response.status, 302);
    assert_eq!(response.headers[0], header("location", &other.url("/")));
    assert_eq!(other.seen(), None);
}

#[tokio::test]
async fn a_response_that_is_too_large_is_not_read_to_its_end() {
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_vec();
    let until_closed = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let chunked = [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n".to_vec(),
        vec![b'x'; 1001],
    ]
    .concat();
    for answer in [announced, until_closed, chunked] {
        let server = Server::start(answer, Then::Drip, None).await;
        let fetched = http()
            .fetch(KEY, ask("GET", server.url("/")), &open())
            .await;
        assert!(matches!(fetched, Err(Fault::TooLarge(_))), "{fetched:?}");
    }
    // What is only announced is none.
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n").await;
    let head = http()
        .fetch(KEY, ask("HEAD", server.url("/")), &open())
        .await;
    assert_eq!(head.expect("it works").body, b"");
    // Policies narrow the limit of the node, never widen it.
    let server = Server::answering(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(500))).await;
    let mut rules = open();
    for (limit, is_allowed) in [(500, true), (499, false), (u64::MAX, true)] {
        rules.0[0].policy.max_response_bytes = Some(limit);
        let fetched = http().fetch(KEY, ask("GET", server.url("/")), &rules).await;
        assert_eq!(fetched.is_ok(), is_allowed, "{limit}: {fetched:?}");
    }
}

#[tokio::test]
async fn heads_of_responses_are_bounded() {
    let many = "a: b\r\n".repeat(1000);
    let long = format!("a: {}\r\n", "b".repeat(100_000));
    for headers in [many, long] {
        let server = Server::answering(format!("HTTP/1.1 200 OK\r\n{headers}\r\n")).await;
        let fetched = http()
            .fetch(KEY, ask("GET", server.url("/")), &open())
            .await;
        assert!(
            matches!(fetched, Err(Fault::Failed(_))),
            "{:?}",
            fetched.err()
        );
    }
}

#[tokio::test]
async fn whoever_only_drips_is_left_when_the_time_is_over() {
    let limits = HttpLimits {
        timeout: Duration::from_millis(200),
        response_bytes: usize::MAX,
        ..limits()
    };
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let mut server = Server::start(head, Then::Drip, None).await;
    let http = http_with(limits, &[]);
    let fetched = http.fetch(KEY, ask("GET", server.url("/")), &open()).await;
    assert_eq!(fetched, Err(Fault::TimedOut));
    assert!(
        server
            .requests
            .recv()
            .await
            .expect("it came")
            .starts_with("GET")
    );
    let end = server.requests.recv().await;
    assert_eq!(end.as_deref(), Some("the client has gone"));
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_ends() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let mut server = Server::start(head, Then::Drip, None).await;
    let limits = HttpLimits {
        response_bytes: usize::MAX,
        ..limits()
    };
    let http = http_with(limits, &[]);
    let rules = open();
    let fetch = http.fetch(KEY, ask("GET", server.url("/")), &rules);
    tokio::select! {
        _ = fetch => panic!("it never ends by itself"),
        _ = server.requests.recv() => {}
    }
    let end = server.requests.recv().await;
    assert_eq!(end.as_deref(), Some("the client has gone"));
}

#[tokio::test]
async fn what_would_be_another_request_is_refused() {
    let mut server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let url = server.url("/");
    let with = |name: &str, value: &str| HttpRequest {
        headers: vec![header(name, value)],
        ..ask("GET", url.clone())
    };
    let port = server.port;
    for asked in [
        with("x", "a\r\nhost: b"),
        with("x", "a\nb"),
        with("x\r\ny", "a"),
        with("x:y", "a"),
        with("", "a"),
        with("Host", "b"),
        with("content-length", "5"),
        with("Transfer-Encoding", "chunked"),
        with("connection", "upgrade"),
        with("Proxy-Authorization", "b"),
        with("upgrade", "h2c"),
        ask("GET / HTTP/1.1\r\nx: y\r\n\r\nGET", url.clone()),
        ask("CONNECT", url.clone()),
        ask("trace", url.clone()),
        ask("", url.clone()),
        ask("GET", format!("http://a:b@127.0.0.1:{port}/")),
        ask("GET", format!("ftp://127.0.0.1:{port}/")),
        ask("GET", "file:///etc/passwd"),
        ask("GET", "/relative"),
        ask("GET", "http://"),
    ] {
        let fetched = http().fetch(KEY, asked.clone(), &open()).await;
        assert!(
            matches!(fetched, Err(Fault::Invalid(_))),
            "{asked:?}: {fetched:?}"
        );
    }
    let large = HttpRequest {
        body: vec![0; 1001],
        ..ask("POST", url.clone())
    };
    let many = HttpRequest {
        headers: vec![header("a", "b"); 101],
        ..ask("GET", url.clone())
    };
    for asked in [
        large,
        many,
        ask("GET", format!("{url}{}", "x".repeat(9000))),
    ] {
        let fetched = http().fetch(KEY, asked, &open()).await;
        assert!(matches!(fetched, Err(Fault::TooLarge(_))), "{fetched:?}");
    }
    // What the parser of URLs drops or quotes reaches nobody as a line end.
    let asked = ask("GET", format!("{url}a\r\nx: y"));
    http().fetch(KEY, asked, &open()).await.expect("it works");
    let seen = server.seen().expect("it came");
    assert!(seen.starts_with("GET /ax:%20y HTTP/1.1\r\n"), "{seen}");
    assert_eq!(server.seen(), None);
}

#[tokio::test]
async fn a_server_has_to_prove_its_name() {
    let certified = rcgen::generate_simple_self_signed(vec!["inside.test".to_owned()]);
    let certified = certified.expect("a certificate");
    let certificate = certified.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(certified.key_pair.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS can be set up")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], PrivateKeyDer::Pkcs8(key))
        .expect("the key fits");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let answer = b"HTTP/1.1 200 OK\r\n\r\nsecret".to_vec();
    let mut server = Server::start(answer, Then::Close, Some(acceptor)).await;
    let trusting = |certificate: Option<_>| {
        let mut roots = RootCertStore::empty();
        if let Some(certificate) = certificate {
            roots.add(certificate).expect("it is a certificate");
        }
        let tls = connection::tls(roots).expect("TLS can be set up");
        Http::with(
            limits(),
            tls,
            Box::new(Says(vec!["127.0.0.1"], Arc::default())),
        )
    };
    let rules = rule(&["*.test:*"], &["GET"], true);
    let url = |host: &str| format!("https://{host}:{}/", server.port);
    let (inside, outside) = (url("inside.test"), url("outside.test"));
    let good = trusting(Some(certificate.clone()));
    let response = good.fetch(KEY, ask("GET", &*inside), &rules).await;
    assert_eq!(response.expect("it works").body, b"secret");
    assert!(server.seen().is_some());
    for (http, url) in [(good, outside), (trusting(None), inside)] {
        let fetched = http.fetch(KEY, ask("GET", url), &rules).await;
        assert!(matches!(fetched, Err(Fault::Failed(_))), "{fetched:?}");
        assert_eq!(server.seen(), None);
    }
}
