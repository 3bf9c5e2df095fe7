//! Values in places where AIR takes only some: the compiler copies the others first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_aqua::files::Files;
use weir_aqua::lower::Options;
use weir_aqua::{Request, compile};

struct Text(Arc<str>);

impl Files for Text {
    fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(Some(self.0.clone()))
    }
}

/// Whether the body of a function becomes a script that peers accept.
#[track_caller]
fn check(body: &str) {
    let program = format!(
        "aqua Operands\n\nexport main\n\ndata Row:\n  peers: []string\n  id: string\n\nservice S(\"s\"):\n  rows() -> []Row\n  get(s: string) -> string\n\nfunc main(names: []string, row: Row):\n{body}"
    );
    let request = Request {
        entries: vec![PathBuf::from("operands.aqua")],
        ..Request::default()
    };
    let compilation = compile(&request, &Text(Arc::from(program))).expect("there is a text");
    assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
    let func = compilation.function("main").expect("it is there");
    let script = compilation
        .script(func, &Options::default())
        .expect("it is small");
    if let Err(mistakes) = weir_air::parse(&script, &weir_air::Limits::default()) {
        panic!("{mistakes:#?}\n{script}");
    }
}

#[test]
fn what_is_iterated_over_can_be_a_part_of_a_frozen_stream() {
    check("  rows: *Row\n  rows <<- row\n  for peer <- rows[0].peers:\n    x <- S.get(peer)\n");
    check(
        "  rows: *Row\n  rows <<- row\n  for one <- rows:\n    for peer <- one.peers:\n      x <- S.get(peer)\n",
    );
    check("  for peer <- names par:\n    x <- S.get(peer)\n");
}

#[test]
fn peers_and_relays_can_be_parts_of_anything() {
    check(
        "  rows: *Row\n  rows <<- row\n  on rows[0].id via rows[0].peers:\n    x <- S.get(\"a\")\n",
    );
    check(
        "  try:\n    x <- S.get(\"a\")\n  otherwise:\n    on LAST_ERROR.peer_id via LAST_ERROR.peer_id:\n      y <- S.get(\"a\")\n",
    );
    check("  on INIT_PEER_ID via INIT_PEER_ID:\n    x <- S.get(\"a\")\n");
    check("  on \"peer\" via [\"a\", row.id]:\n    x <- S.get(\"a\")\n");
    check("  on [row.id][0] via nil:\n    x <- S.get(\"a\")\n");
}

#[test]
fn ids_of_services_can_be_any_string() {
    check("  S INIT_PEER_ID\n  x <- S.get(\"a\")\n");
    check("  rows: *Row\n  rows <<- row\n  S rows[0].id\n  x <- S.get(\"a\")\n");
    check("  S LAST_ERROR.message\n  x <- S.get(\"a\")\n");
}

#[test]
fn keys_of_maps_can_be_any_string() {
    check(
        "  map: %string\n  map <<- INIT_PEER_ID, \"a\"\n  map <<- LAST_ERROR.message, row.id\n  x = map.get(INIT_PEER_ID)\n  y = map.contains(row.id)\n  for key, value <- map:\n    z <- S.get(key)\n",
    );
    check(
        "  map: %[]string\n  map <<- \"a\", names\n  for key, value <- map:\n    for one <- value:\n      z <- S.get(one)\n  for one <- map.get(\"a\"):\n    for inner <- one:\n      z <- S.get(inner)\n",
    );
}

#[test]
fn values_that_are_compared_or_pushed_can_be_anything() {
    check(
        "  all: *string\n  all <<- INIT_PEER_ID\n  all <<- LAST_ERROR.message\n  all <<- row.peers[0]\n  if all == names:\n    x <- S.get(\"a\")\n  if names.length == all.length:\n    y <- S.get(\"b\")\n",
    );
}
