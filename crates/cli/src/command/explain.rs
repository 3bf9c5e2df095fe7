//! `weir explain [CODE]`: the pages behind the error codes.

use crate::args::Explain;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Cell, Column, Output, Report, Table};
use serde::Serialize;

#[derive(Serialize)]
struct Page {
    code: &'static str,
    title: &'static str,
    exit: u8,
    #[serde(rename = "page", skip_serializing_if = "Option::is_none")]
    text: Option<&'static str>,
}

impl Page {
    fn of(code: Code, with_text: bool) -> Self {
        Self {
            code: code.text(),
            title: code
                .title()
                .trim_start_matches(code.text())
                .trim_start_matches(": "),
            exit: code.exit().number(),
            text: with_text.then(|| code.page()),
        }
    }
}

/// One page, or the list of all.
pub(crate) fn run(args: &Explain, output: &Output) -> Result<Report, Failure> {
    let Some(wanted) = &args.code else {
        let pages: Vec<Page> = Code::ALL
            .iter()
            .map(|code| Page::of(*code, false))
            .collect();
        let mut table = Table::new(&[
            Column::Text("CODE"),
            Column::Number("EXIT"),
            Column::Text("MEANS"),
        ]);
        for page in &pages {
            table.row([
                Cell::new(page.code),
                page.exit.to_string().into(),
                page.title.into(),
            ]);
        }
        let text = output.render(&table);
        return Ok(Report::new(&pages, text));
    };
    let code = Code::named(wanted).ok_or_else(|| {
        Failure::new(
            Code::Unexplained,
            format!("nothing is known about {wanted}"),
        )
        .fix("weir explain lists all codes")
    })?;
    Ok(Report::new(&[Page::of(code, true)], code.page()))
}
