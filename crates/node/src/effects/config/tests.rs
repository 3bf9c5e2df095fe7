use super::*;
use weir_marine::Policy;

fn refused(text: &str) -> String {
    match EffectsConfig::parse(text) {
        Ok(config) => panic!("{text} is accepted as {config:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_file_in_the_documentation_is_read() {
    let page = include_str!("../../../../../docs/effects.md");
    let file = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let config = EffectsConfig::parse(file.expect("there is one")).expect("it is well-formed");
    // It says that these are the defaults.
    assert_eq!(config.http, HttpLimits::default());
    assert_eq!(config.blobs, BlobLimits::default());
    assert_eq!(config.programs, ProgramLimits::default());
    assert_eq!(config.allow.len(), 4);
    let policy = config.allow[0].grants.policy("weir:host/http@0.1.0");
    let Some(Policy::Http(policy)) = policy else {
        panic!("{policy:?}");
    };
    assert_eq!(policy.max_response_bytes, Some(64 << 10));
    assert!(policy.allows("get", "x.example.com", 443));
    assert!(!policy.allows("POST", "x.example.com", 443));
    assert!(!policy.allows("GET", "example.com", 443));
    assert!(!policy.allows("GET", "api.example.org", 8080));
    assert!(config.allow[1].private && !config.allow[0].private);
    assert!(config.offered.contains_key("say"));
}

#[test]
fn without_a_word_nothing_is_allowed() {
    let config = EffectsConfig::parse("").expect("it is well-formed");
    assert!(config.allow.is_empty());
    assert!(config.offered.is_empty());
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place_and_a_way_out() {
    let allow = |rest: &str| format!("[[allow]]\ncomponent = \"*\"\n{rest}");
    let http = |policy: &str| {
        allow(&format!(
            "interface = \"weir:host/http@0.1\"\npolicy = {{ {policy} }}"
        ))
    };
    for (text, why) in [
        ("x = 1".to_owned(), "unknown field `x`"),
        (
            "[effectors.http]\ntimeout = \"0s\"".to_owned(),
            "at most one hour",
        ),
        (
            "[effectors.http]\ntimeout = \"2h\"".to_owned(),
            "at most one hour",
        ),
        (
            "[effectors.http]\nmax_concurrent = 0".to_owned(),
            "from 1 to 10000",
        ),
        (
            "[effectors.blobs]\nmax_blob_bytes = \"4 MB\"".to_owned(),
            "expected a size",
        ),
        (
            "[effectors.blobs]\nmax_blob_bytes = -1".to_owned(),
            "expected a size",
        ),
        (
            "[[allow]]\ninterface = \"weir:host/blobs@0.1\"".to_owned(),
            "component",
        ),
        (
            "[[allow]]\ncomponent = \"x\"\ninterface = \"weir:host/blobs@0.1\"".to_owned(),
            "CID",
        ),
        (allow("interface = \"weir:host/blobs\""), "@0.1"),
        (
            allow("interface = \"weir:host/state@0.1\""),
            "nothing that is allowed here",
        ),
        (
            allow("interface = \"weir:host/http@0.1\""),
            "`hosts` is missing",
        ),
        (
            allow("interface = \"weir:host/http@x\"\npolicy = { hosts = [] }"),
            "not the name",
        ),
        (http("hosts = [\"a b\"]"), "not a host"),
        (http("hosts = [\"a:0\"]"), "not a host"),
        (http("hosts = [\"a:080\"]"), "not a host"),
        (http("hosts = [\"http://a\"]"), "not a host"),
        (http("hosts = [\"a.*\"]"), "not a host"),
        (http("hosts = [\"*\"], private = true"), "does not go with"),
        (
            http("hosts = [\"*:8080\"], private = true"),
            "does not go with",
        ),
        (http("hosts = [\"a\"], methods = [\"G T\"]"), "not a method"),
        (
            http("hosts = [\"a\"], names = []"),
            "belongs to a policy of weir:host/programs",
        ),
        (
            allow("interface = \"weir:host/programs@0.1\"\npolicy = { names = [\"p\"] }"),
            "[program.p]",
        ),
        ("[program.p]\npath = \"p\"".to_owned(), "not absolute"),
        (
            "[program.p]\npath = \"/p\"\narguments = [\"{0}\"]".to_owned(),
            "0 parameters",
        ),
        (
            "[program.p]\npath = \"/p\"\nparameters = [{}]".to_owned(),
            "not used",
        ),
        (
            "[program.p]\npath = \"/p\"\narguments = [\"{0}\"]\nparameters = [{ pattern = \"(\" }]"
                .to_owned(),
            "parameter 0",
        ),
    ] {
        let error = refused(&text);
        assert!(error.contains(why), "{why:?} in {error:?}");
    }
}
