//! Schemas that lead back to a schema around them. Where a document cuts the circle is a
//! matter of how it is written.

use super::compare::Spot;
use super::tree::{Kind, Tree};

/// The keyword that stands for the way back: how many levels of properties and items up.
pub(super) const RECURSION: &str = "recursion";

/// How far circles are followed.
const FARTHEST: usize = 64;

/// Whether two schemas inside of `spot`, one of which leads back, are the same once all
/// circles are followed.
pub(super) fn same_unfolded(spot: &Spot<'_>, known: &Tree, upstream: &Tree) -> bool {
    let leads_back = |tree: &Tree| tree.kids.contains_key(RECURSION);
    if !leads_back(known) && !leads_back(upstream) {
        return false;
    }
    let around = std::iter::successors(Some(spot), |spot| spot.above);
    let around: Vec<_> = around.filter(|spot| spot.kind == Kind::Schema).collect();
    let side = |tree, schemas: Vec<_>| Unfolded {
        tree,
        around: schemas,
    };
    let known = side(known, around.iter().map(|spot| spot.known).collect());
    let upstream = side(upstream, around.iter().map(|spot| spot.upstream).collect());
    // What differs around it is told there.
    let met = around.iter().map(|spot| (spot.known, spot.upstream));
    same(&known, &upstream, &mut met.collect())
}

/// A schema, and those around it from the inside out.
struct Unfolded<'t> {
    tree: &'t Tree,
    around: Vec<&'t Tree>,
}

impl<'t> Unfolded<'t> {
    /// The schema that is meant, where this only leads back to it.
    fn meant(&self) -> Option<Self> {
        let mut here = Self {
            tree: self.tree,
            around: self.around.clone(),
        };
        while let Some(levels) = here.tree.value(RECURSION) {
            // What stands beside it has been looked at.
            let levels = usize::try_from(levels.as_u64()?).ok()?;
            here.tree = here.around.get(levels.checked_sub(1)?)?;
            here.around.drain(..levels);
        }
        Some(here)
    }

    fn inside(&self, tree: &'t Tree) -> Self {
        Self {
            tree,
            around: [&[self.tree], self.around.as_slice()].concat(),
        }
    }
}

/// Pairs that were met before are taken to be the same: if they are not, something else
/// tells.
fn same<'t>(a: &Unfolded<'t>, b: &Unfolded<'t>, met: &mut Vec<(&'t Tree, &'t Tree)>) -> bool {
    // What is said of one turn of a circle only is no part of what it leads back to.
    if (has_more(a.tree) || has_more(b.tree)) && !say_the_same_beside(a.tree, b.tree) {
        return false;
    }
    let (Some(a), Some(b)) = (a.meant(), b.meant()) else {
        return false;
    };
    let again = |(x, y): &(&Tree, &Tree)| std::ptr::eq(*x, a.tree) && std::ptr::eq(*y, b.tree);
    if met.iter().any(again) {
        return true;
    }
    if FARTHEST < met.len() {
        return false;
    }
    met.push((a.tree, b.tree));
    let says = |tree: &'t Tree| {
        let kids = tree.kids.iter();
        kids.filter(|(name, kid)| !Kind::Schema.is_optional(name) || !kid.is_empty())
    };
    let mut pairs = says(a.tree).zip(says(b.tree));
    says(a.tree).count() == says(b.tree).count()
        && pairs.all(|((name, x), (other, y))| {
            name == other
                && match Kind::Schema.part(name) {
                    Kind::Schema => same(&a.inside(x), &b.inside(y), met),
                    Kind::Properties => {
                        let mut kids = x.kids.iter().zip(&y.kids);
                        x.kids.len() == y.kids.len()
                            && kids.all(|((name, x), (other, y))| {
                                name == other && same(&a.inside(x), &b.inside(y), met)
                            })
                    }
                    _ => x.says_the_same(y),
                }
        })
}

/// Whether a schema leads back, and says more than that.
fn has_more(tree: &Tree) -> bool {
    tree.kids.contains_key(RECURSION) && 1 < tree.kids.len()
}

/// Whether two schemas both lead back, and say the same beside.
fn say_the_same_beside(a: &Tree, b: &Tree) -> bool {
    let beside = |tree: &Tree| {
        let mut tree = tree.clone();
        tree.kids.remove(RECURSION).map(|_| tree)
    };
    match (beside(a), beside(b)) {
        (Some(a), Some(b)) => a.says_the_same(&b),
        _ => false,
    }
}
