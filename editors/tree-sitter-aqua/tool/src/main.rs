//! Makes what editors need and the repository does not contain: `src/parser.c` and `parser/aqua.so`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = weir_grammar::folder();
    let source = folder.join("src");
    weir_grammar::generate(&source)?;
    println!("{}", source.join("parser.c").display());
    // Neovim takes this name on every system.
    let library = folder.join("parser/aqua.so");
    weir_grammar::build(&source, &library)?;
    println!("{}", library.display());
    Ok(())
}
