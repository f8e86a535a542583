//! What goes into the final stage.

use super::image::{is_small, slim};
use super::single::Single;

/// What is built, where the build ends, and on what it runs.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Product {
    /// The last instruction of the build stage.
    pub(in super::super) split: usize,
    /// The base of the final stage, as FROM names it.
    pub(in super::super) base: String,
    /// Why that base, a fragment.
    pub(in super::super) why: String,
    /// Paths in the build stage, absolute; each goes to the same path. With the stage they come from.
    pub(in super::super) files: Vec<(&'static str, String)>,
    /// Lines put after the build stage's FROM: what the build needs so that its results can be carried away.
    pub(in super::super) first: String,
    /// Lines put at the build stage's end.
    pub(in super::super) last: String,
    /// A whole stage between the two.
    pub(in super::super) between: String,
    /// Lines put after the final stage's FROM.
    pub(in super::super) setting: String,
    /// Whether the final stage takes the files of the context itself, as the build stage did.
    pub(in super::super) takes_context: bool,
    /// RUNs of the build stage that the final stage has too.
    pub(in super::super) again: Vec<usize>,
    /// RUNs that only the final stage needs.
    pub(in super::super) moved: Vec<usize>,
    /// RUNs whose work is accounted for: their results are copied, or nobody runs them.
    pub(in super::super) known: Vec<usize>,
    /// Whether the base has a shell and system tools.
    pub(in super::super) has_shell: bool,
    /// A user of the base that is not root, for USER.
    pub(in super::super) user: Option<&'static str>,
    /// Whether the base itself runs as a user that is not root.
    pub(in super::super) is_rootless: bool,
    /// What was shown, whole sentences.
    pub(in super::super) reasons: Vec<String>,
    /// What was not, fragments that follow "check that".
    pub(in super::super) doubts: Vec<String>,
}

/// What programs have in common that run on the smaller variant of their own image, with the installs of `split` and
/// before it done there already; `None` where that image is small already and no compiler is left behind. `lacks` says
/// what the smaller one may be short of.
pub(super) fn on_slim(
    single: &Single<'_>,
    split: usize,
    installs: impl Iterator<Item = usize>,
    lacks: impl Fn(&str) -> String,
) -> Option<Product> {
    let (again, left, tools) = single.system(split)?;
    if is_small(&single.image) && left.is_empty() {
        return None;
    }
    let base = slim(single.written, &single.image, true)?;
    let mut doubts = Vec::new();
    if base != single.written {
        doubts.push(lacks(&base));
    }
    if !tools.is_empty() {
        doubts.push(format!("nothing calls {} while it runs", tools.join(", ")));
    }
    Some(Product {
        split,
        base,
        takes_context: true,
        known: installs.chain(left).collect(),
        again,
        has_shell: true,
        user: may_be_rootless(single).then_some("1000:1000"),
        doubts,
        ..Product::default()
    })
}

/// Whether a program that is started so can run as another user than root, as far as its ports and volumes tell: below
/// 1024 root alone may listen, and a volume belongs to whom it belonged.
pub(super) fn may_be_rootless(single: &Single<'_>) -> bool {
    use crate::dockerfile::ast::Kind;
    single.stage.instructions.iter().all(|i| match &i.kind {
        Kind::Volume(_) => false,
        Kind::Expose(ports) => ports.iter().all(|p| {
            let number = p.split(['/', '-']).next().unwrap_or_default();
            number.parse::<u32>().is_ok_and(|n| n >= 1024)
        }),
        _ => true,
    })
}
