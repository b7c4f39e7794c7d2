//! Every metric of the gateway, declared in one list with name, type, labels and help. The page docs/metrics.md is made from it.

mod declaration;
pub mod list;
mod of_process;
mod of_tenants;
mod operation;
mod page;

pub use declaration::{Declaration, Label, Type};
pub use of_process::{Answered, Metrics, RedisMetrics};
pub use of_tenants::TenantMetrics;
pub use operation::{Operation, Outcome};
pub use page::page;
