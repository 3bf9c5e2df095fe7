//! A tree as text: one line for each statement, values and types in prefix form, without places.

use std::fmt::Write;

use weir_aqua::syntax::{
    BinaryOp, Block, CollectionKind, Declares, Expr, ExprKind, ForItem, ForMode, HeaderItem, Item,
    ItemKind, Member, NamedArg, Path, Renamed, Signature, Stmt, StmtKind, Tree, TypeExpr, TypeKind,
};

/// The whole tree.
pub fn tree(tree: &Tree) -> String {
    let mut out = String::new();
    for header in &tree.header {
        writeln!(out, "({})", header_item(header)).unwrap();
    }
    for item in &tree.items {
        write_item(&mut out, item);
    }
    out
}

fn header_item(item: &HeaderItem) -> String {
    match item {
        HeaderItem::Module {
            old,
            name,
            declares,
            ..
        } => {
            let word = if *old { "module" } else { "aqua" };
            let declares = match declares {
                None => String::new(),
                Some(Declares::All(_)) => " declares *".to_owned(),
                Some(Declares::Names(names)) => {
                    format!(" declares {}", spaced(names.iter().map(Path::text)))
                }
            };
            format!("{word} {}{declares}", name.text())
        }
        HeaderItem::Import { names, path, .. } => {
            format!("import{} {:?}", renamed_list(names.as_deref()), path.text)
        }
        HeaderItem::Use {
            names, path, alias, ..
        } => {
            let alias = alias.as_ref().map(|alias| format!(" as {}", alias.text()));
            format!(
                "use{} {:?}{}",
                renamed_list(names.as_deref()),
                path.text,
                alias.unwrap_or_default()
            )
        }
        HeaderItem::Export { names, .. } => format!("export{}", renamed_list(Some(names))),
    }
}

fn renamed_list(names: Option<&[Renamed]>) -> String {
    let names = names.unwrap_or_default().iter().map(|renamed| {
        let alias = renamed.alias.as_ref();
        let alias = alias.map(|alias| format!("={}", alias.text()));
        format!(" {}{}", renamed.name.text(), alias.unwrap_or_default())
    });
    names.collect()
}

fn write_item(out: &mut String, item: &Item) {
    match &item.kind {
        ItemKind::Error => out.push_str("(error"),
        ItemKind::Const {
            name,
            replaceable,
            value,
        } => {
            let sign = if *replaceable { "?=" } else { "=" };
            write!(out, "(const {} {sign} {}", name.text, expr(value)).unwrap();
        }
        ItemKind::Alias { name, ty } => {
            write!(out, "(alias {} {}", name.text, type_expr(ty)).unwrap();
        }
        ItemKind::Data { name, fields } => {
            write!(out, "(data {}", name.text).unwrap();
            write_members(out, fields);
        }
        ItemKind::Ability { name, members } => {
            write!(out, "(ability {}", name.text).unwrap();
            write_members(out, members);
        }
        ItemKind::Service { name, id, methods } => {
            write!(out, "(service {}", name.text).unwrap();
            if let Some(id) = id {
                write!(out, " {}", expr(id)).unwrap();
            }
            write_members(out, methods);
        }
        ItemKind::Func {
            name,
            signature: called,
            body,
        } => {
            write!(out, "(func {} {}", name.text, signature(called)).unwrap();
            write_block(out, body, 1);
        }
    }
    out.push_str(")\n");
}

fn write_members(out: &mut String, members: &[Member]) {
    for member in members {
        write!(out, "\n  ({} {})", member.name.text, type_expr(&member.ty)).unwrap();
    }
}

fn signature(signature: &Signature) -> String {
    let mut words = Vec::new();
    if !signature.abilities.is_empty() {
        let abilities = spaced(signature.abilities.iter().map(Path::text));
        words.push(format!("{{{abilities}}}"));
    }
    for param in &signature.params {
        let ty = type_expr(&param.ty);
        words.push(match &param.name {
            Some(name) => format!("{}:{ty}", name.text),
            None => ty,
        });
    }
    words.push("->".to_owned());
    words.extend(signature.results.iter().map(type_expr));
    format!("({})", words.join(" "))
}

fn type_expr(ty: &TypeExpr) -> String {
    match &ty.kind {
        TypeKind::Error => "error".to_owned(),
        TypeKind::Top => "⊤".to_owned(),
        TypeKind::Bottom => "⊥".to_owned(),
        TypeKind::Named(path) => path.text(),
        TypeKind::Array(inner) => format!("[]{}", type_expr(inner)),
        TypeKind::Option(inner) => format!("?{}", type_expr(inner)),
        TypeKind::Stream(inner) => format!("*{}", type_expr(inner)),
        TypeKind::Map(inner) => format!("%{}", type_expr(inner)),
        TypeKind::Arrow(called) => signature(called),
    }
}

fn write_block(out: &mut String, block: &Block, depth: usize) {
    for stmt in &block.stmts {
        write!(out, "\n{:1$}(", "", 2 * depth).unwrap();
        write_stmt(out, stmt, depth);
        out.push(')');
    }
}

fn write_stmt(out: &mut String, stmt: &Stmt, depth: usize) {
    let (line, body) = match &stmt.kind {
        StmtKind::Error => ("error".to_owned(), None),
        StmtKind::Return(values) => (format!("return {}", exprs(values)), None),
        StmtKind::ServiceId { service, id } => {
            (format!("service {} {}", service.text(), expr(id)), None)
        }
        StmtKind::Push { target, values } => {
            (format!("push {} {}", target.text, exprs(values)), None)
        }
        StmtKind::For {
            item,
            iterable,
            mode,
            body,
        } => {
            let mode = match mode {
                ForMode::Seq => "",
                ForMode::Par => "-par",
                ForMode::Try => "-try",
                ForMode::Rec => "-rec",
            };
            let line = format!("for{mode} {} {}", for_item(item), expr(iterable));
            (line, Some(body))
        }
        StmtKind::Parseq {
            item,
            iterable,
            peer,
            via,
            body,
        } => {
            let item = for_item(item);
            let line = format!("parseq {item} {} on {}", expr(iterable), expr(peer));
            (line + &via_list(via), Some(body))
        }
        StmtKind::On { peer, via, body } => {
            (format!("on {}{}", expr(peer), via_list(via)), Some(body))
        }
        StmtKind::If { condition, body } => (format!("if {}", expr(condition)), Some(body)),
        StmtKind::Else { body } => ("else".to_owned(), Some(body)),
        StmtKind::Try { body } => ("try".to_owned(), Some(body)),
        StmtKind::Catch { error, body } => (format!("catch {}", error.text), Some(body)),
        StmtKind::Otherwise { body } => ("otherwise".to_owned(), Some(body)),
        StmtKind::Par(inner) => return write_branch(out, "par", inner, depth),
        StmtKind::Co(inner) => return write_branch(out, "co", inner, depth),
        StmtKind::Join(values) => (format!("join {}", exprs(values)), None),
        StmtKind::Declare { name, ty } => {
            (format!("declare {} {}", name.text, type_expr(ty)), None)
        }
        StmtKind::Closure {
            name,
            moves,
            signature: called,
            body,
        } => {
            let word = if *moves { "closure-func" } else { "closure" };
            let line = format!("{word} {} {}", name.text, signature(called));
            (line, Some(body))
        }
        StmtKind::Assign { target, value } => (format!("= {} {}", target.text, expr(value)), None),
        StmtKind::Call { targets, value } => {
            let targets = targets.iter().map(|name| name.text.clone() + " ");
            (
                format!("<- {}{}", targets.collect::<String>(), expr(value)),
                None,
            )
        }
    };
    out.push_str(&line);
    if let Some(body) = body {
        write_block(out, body, depth + 1);
    }
}

fn write_branch(out: &mut String, word: &str, inner: &Stmt, depth: usize) {
    write!(out, "{word} (").unwrap();
    write_stmt(out, inner, depth);
    out.push(')');
}

fn via_list(via: &[Expr]) -> String {
    via.iter()
        .fold(String::new(), |out, peer| out + " via " + &expr(peer))
}

fn for_item(item: &ForItem) -> String {
    match &item.second {
        Some(second) => format!("{},{}", item.first.text, second.text),
        None => item.first.text.clone(),
    }
}

fn exprs(values: &[Expr]) -> String {
    spaced(values.iter().map(expr))
}

fn spaced(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn named(fields: &[NamedArg]) -> String {
    spaced(fields.iter().map(|field| match &field.value {
        Some(value) => format!("{}={}", field.name.text, expr(value)),
        None => field.name.text.clone(),
    }))
}

fn expr(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Error => "error".to_owned(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(Some(value)) => value.to_string(),
        ExprKind::Int(None) => "too-big".to_owned(),
        ExprKind::Float(text) => text.clone(),
        ExprKind::String(text) => format!("{text:?}"),
        ExprKind::InitPeerId => "%init_peer_id%".to_owned(),
        ExprKind::Name(name) => name.text.clone(),
        ExprKind::Collection { kind, items } => {
            let open = match kind {
                CollectionKind::Array => "[",
                CollectionKind::Option => "?[",
                CollectionKind::Stream => "*[",
            };
            format!("{open}{}]", exprs(items))
        }
        ExprKind::Construct { base, fields } => format!("(new {} {})", expr(base), named(fields)),
        ExprKind::Call {
            callee,
            abilities,
            args,
        } => {
            let mut words = vec![expr(callee)];
            if !abilities.is_empty() {
                words.push(format!("{{{}}}", exprs(abilities)));
            }
            words.extend(args.iter().map(expr));
            format!("(call {})", words.join(" "))
        }
        ExprKind::Field { base, name } => format!("{}.{}", expr(base), name.text),
        ExprKind::Index { base, index, bang } => {
            let word = if *bang { "!" } else { "at" };
            let index = index.as_ref().map(|index| format!(" {}", expr(index)));
            format!("({word} {}{})", expr(base), index.unwrap_or_default())
        }
        ExprKind::Copy { base, fields } => format!("(copy {} {})", expr(base), named(fields)),
        ExprKind::Not(inner) => format!("(not {})", expr(inner)),
        ExprKind::Binary {
            op, left, right, ..
        } => format!("({} {} {})", operator(*op), expr(left), expr(right)),
        ExprKind::Paren(inner) => format!("(paren {})", expr(inner)),
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Pow => "**",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}
