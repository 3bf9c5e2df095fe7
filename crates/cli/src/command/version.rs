//! `weir version`: what this binary is and which documents it writes.

use crate::args::Version;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::schema::Schema;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct About {
    version: &'static str,
    /// Particle protocol spoken by the node inside.
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schemas: Option<Vec<Box<RawValue>>>,
}

const PROTOCOL: &str = "/weir/particle/1";

/// The versions, or the list of schemas.
pub(crate) fn run(args: &Version, output: &Output) -> Report {
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        protocol: PROTOCOL,
        schemas: args.schemas.then(|| {
            Schema::ALL
                .iter()
                .filter_map(|schema| RawValue::from_string(schema.text.to_owned()).ok())
                .collect()
        }),
    };
    let text = if args.schemas {
        let mut table = Table::new(&[Column::Text("SCHEMA"), Column::Text("DATA")]);
        for schema in Schema::ALL {
            table.row([Cell::new(schema.name), schema.summary().into()]);
        }
        output.render(&table)
    } else {
        format!("weir {}\nprotocol {PROTOCOL}", about.version)
    };
    Report::new(&about, text)
}
