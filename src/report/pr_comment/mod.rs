//! The pull request comment as GitHub-flavoured Markdown, which GitLab and Gitea read as well.
//!
//! Written for a phone: short lines, narrow tables, lists for what is long, the rest folded. What does not fit the
//! forge's limit is left out from the end of the folded parts on, and that is said.
//!
//! Never: computes a fact; takes any text of the repository for markup.

mod figures;
mod page;
mod parts;
mod verdict;

pub use page::Place;
pub use page::render;
pub use verdict::Verdict;
pub use verdict::has_news;
pub use verdict::headline;
pub use verdict::verdict;
