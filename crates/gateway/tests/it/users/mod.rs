//! `/Users` as the five setup guides promise it.

mod attributes;
mod booleans;
mod characteristics;
mod manager;
mod names;
