//! Functions that take any bytes and panic only if this crate is wrong.

use weir_air::{
    Diagnostic, Instruction, Limits, NodeId, Script, format, instruction_text, minify, parse, print,
};

/// Reads any text; a script that is accepted keeps its meaning in every layout.
pub fn script(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limits = Limits {
        bytes: 1 << 20,
        nodes: 20_000,
        depth: 1_000,
    };
    match parse(&text, &limits) {
        Ok(script) => {
            render_all(&text, script.warnings());
            check(&script);
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused for no reason");
            render_all(&text, &errors);
        }
    }
}

fn render_all(text: &str, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        for span in diagnostic
            .labels
            .iter()
            .map(|label| label.span)
            .chain([diagnostic.span])
        {
            assert!(
                text.get(span.range()).is_some(),
                "{span:?} is not in the text"
            );
        }
        assert!(diagnostic.render("fuzz", text).starts_with(['e', 'w']));
    }
}

/// What holds for every script that was accepted.
pub fn check(script: &Script) {
    tree(script);
    let read = |text: &str| parse(text, &Limits::default()).expect("a printed script is right");

    let printed = print(script);
    assert!(
        read(&printed).same_program(script),
        "printing changes the program"
    );
    assert_eq!(
        print(&read(&printed)),
        printed,
        "printing again changes the layout"
    );

    let short = minify(script);
    assert!(
        read(&short).same_program(script),
        "minifying changes the program"
    );
    assert_eq!(minify(&read(&short)), short, "minifying again shortens it");
    assert!(short.len() <= printed.len() && short.len() <= script.text().len());

    let formatted = format(script.text()).expect("the script is right");
    assert!(
        read(&formatted).same_program(script),
        "formatting changes the program"
    );
    assert_eq!(
        format(&formatted).as_deref(),
        Ok(formatted.as_str()),
        "formatting again changes it"
    );
}

fn tree(script: &Script) {
    for (index, node) in script.nodes().iter().enumerate() {
        let id = NodeId(index as u32);
        let text = &script.text()[node.span.range()];
        assert!(text.starts_with('(') && text.ends_with(')'));
        assert!(node.end > id && node.end.index() <= script.nodes().len());
        let mut following = NodeId(id.0 + 1);
        for child in script.children(id) {
            assert_eq!(child, following, "children follow each other");
            assert_eq!(script.parent(child), Some(id));
            following = script.node(child).end;
        }
        assert_eq!(
            following, node.end,
            "nothing lies between the last child and the end"
        );
        if let Instruction::Next { iterator } = node.instruction {
            let fold = script.fold_of(id, iterator).expect("a `next` has its fold");
            assert!(script.ancestors(id).any(|around| around == fold));
        }
        assert!(instruction_text(script, id).starts_with(node.instruction.keyword()));
    }
}
