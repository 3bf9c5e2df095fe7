//! `weir lsp`: the language server, over standard input and output.

use crate::failure::Failure;
use std::path::PathBuf;

/// Serves the editor that started this process until it is done.
pub(crate) fn run(imports: Vec<PathBuf>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::internal("no threads can be made", error))?;
    let server = weir_aqua_lsp::serve(tokio::io::stdin(), tokio::io::stdout(), imports);
    runtime.block_on(server);
    // a read of standard input that is under way cannot be taken back
    runtime.shutdown_background();
    Ok(())
}
