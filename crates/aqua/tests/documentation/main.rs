//! Pages about what files declare and export.

mod html;
mod markdown;
mod program;
