//! The fragment beside a published document, read once: what differs depends on
//! the records alone.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Difference, compare, effective};
use super::document::{Document, Problem};
use super::reader::Reader;
use super::records::Records;
use super::security::Schemes;
use super::side::{self, Operation, Ours, WHOLE};
use super::tree::{Kind, RecordId, Tree};

/// One of our operations, and where upstream has it.
pub(super) struct Located {
    pub(super) operation: Operation,
    pub(super) path: String,
    /// Whether that is where ours is.
    pub(super) at_home: bool,
}

/// What upstream says.
pub(super) struct Theirs {
    pub(super) root: Tree,
    /// By title; what could not be read says why.
    pub(super) operations: BTreeMap<String, Result<Tree, Problem>>,
    /// Places that are called deprecated.
    pub(super) deprecated: Vec<String>,
}

/// Both sides.
pub(super) struct Comparison<'d> {
    fragment: &'d Document<'d>,
    upstream: &'d Document<'d>,
    located: Vec<Located>,
    pub(super) ours: Ours,
    pub(super) theirs: Theirs,
}

/// What is left to report with certain records, by title.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) differences: BTreeMap<String, Vec<Difference>>,
    /// The records that make ours and upstream differ.
    pub(super) live: BTreeMap<String, BTreeSet<RecordId>>,
}

impl<'d> Comparison<'d> {
    pub(super) fn new(
        fragment: &'d Document<'d>,
        upstream: &'d Document<'d>,
        located: Vec<Located>,
        ours: Ours,
        known: &Ours,
    ) -> Result<Self, Problem> {
        let theirs = Theirs::read(upstream, &located, known)?;
        Ok(Self {
            fragment,
            upstream,
            located,
            ours,
            theirs,
        })
    }

    /// What differs from upstream as it was `known`.
    pub(super) fn outcome(&self, known: &Ours) -> Outcome {
        self.against(&self.theirs, known)
    }

    /// The same with other records, for the operations of these titles. A record of
    /// the whole may concern all of them.
    pub(super) fn with(
        &self,
        records: &Records,
        titles: &BTreeSet<String>,
    ) -> Result<Outcome, Problem> {
        let whole = titles.contains(WHOLE);
        let mine = self.located.iter().map(|located| &located.operation);
        let mine = mine.filter(|operation| whole || titles.contains(&operation.title()));
        let mine: Vec<_> = mine.cloned().collect();
        let known = Ours::read(self.fragment, &mine, Some(records))?;
        if whole {
            // What a scheme is called depends on what is known of it.
            let theirs = Theirs::read(self.upstream, &self.located, &known)?;
            return Ok(self.against(&theirs, &known));
        }
        let mut outcome = self.against(&self.theirs, &known);
        outcome.differences.remove(WHOLE);
        outcome.live.remove(WHOLE);
        Ok(outcome)
    }

    fn against(&self, theirs: &Theirs, known: &Ours) -> Outcome {
        let mut outcome = Outcome::default();
        let (effects, none) = (&known.effects, BTreeSet::new());
        let mut add = |title: &str, known: &Tree, ours: &Tree, found| {
            let mut live = BTreeSet::new();
            let effects = effects.get(title).unwrap_or(&none);
            effective(known, Some(ours), effects, &mut live);
            outcome.live.insert(title.to_owned(), live);
            outcome.differences.insert(title.to_owned(), found);
        };
        let root = compare(Kind::Root, &known.root, &theirs.root, &self.ours.root);
        add(WHOLE, &known.root, &self.ours.root, root);
        for (title, known) in &known.operations {
            let Some(ours) = self.ours.operations.get(title) else {
                continue;
            };
            let mut found = Vec::new();
            if let Some(Ok(theirs)) = theirs.operations.get(title) {
                found = compare(Kind::Operation, known, theirs, ours);
            }
            if !self.is_at_home(title) {
                // Path parameters come and go with the path.
                found
                    .retain(|difference| difference.place.get(1).is_none_or(|part| part != "path"));
            }
            add(title, known, ours, found);
        }
        outcome
    }

    fn is_at_home(&self, title: &str) -> bool {
        let mut located = self.located.iter();
        located.any(|located| located.at_home && located.operation.title() == title)
    }

    /// What ours says at a path of meaning.
    pub(super) fn ours_at(&self, title: &str, place: &[String]) -> Option<&Tree> {
        let tree = match title {
            WHOLE => Some(&self.ours.root),
            title => self.ours.operations.get(title),
        };
        let mut place = place.iter();
        place.try_fold(tree?, |tree, name| tree.kids.get(name))
    }

    /// Where the fragment has the operation.
    pub(super) fn pointer(&self, title: &str) -> String {
        let mut located = self.located.iter().map(|located| &located.operation);
        let found = located.find(|operation| operation.title() == title);
        found.map_or_else(String::new, Operation::pointer)
    }

    /// What upstream says at a path of meaning, if anything, and what kind of thing
    /// that is.
    pub(super) fn upstream_at(&self, title: &str, place: &[String]) -> (Kind, Option<&Tree>) {
        let tree = match self.theirs.operations.get(title) {
            _ if title == WHOLE => Some(&self.theirs.root),
            Some(Ok(tree)) => Some(tree),
            _ => None,
        };
        let kind = if title == WHOLE {
            Kind::Root
        } else {
            Kind::Operation
        };
        place.iter().fold((kind, tree), |(kind, tree), name| {
            (kind.part(name), tree.and_then(|tree| tree.kids.get(name)))
        })
    }
}

impl Theirs {
    /// The titles of the operations that each place comes in at.
    pub(super) fn uses(&self) -> BTreeMap<String, BTreeSet<String>> {
        fn collect(tree: &Tree, title: &str, uses: &mut BTreeMap<String, BTreeSet<String>>) {
            for at in &tree.at {
                let titles = uses.entry(at.clone()).or_default();
                titles.insert(title.to_owned());
            }
            for kid in tree.kids.values() {
                collect(kid, title, uses);
            }
        }
        let mut uses = BTreeMap::new();
        for (title, tree) in &self.operations {
            if let Ok(tree) = tree {
                collect(tree, title, &mut uses);
            }
        }
        uses
    }

    fn read(upstream: &Document<'_>, located: &[Located], known: &Ours) -> Result<Self, Problem> {
        let schemes = Schemes::read(upstream, &known.schemes)?;
        let mut theirs = Self {
            root: side::root(upstream, &schemes)?,
            operations: BTreeMap::new(),
            deprecated: Vec::new(),
        };
        for Located {
            operation, path, ..
        } in located
        {
            let names = side::renamed(path, &operation.path);
            let mut reader = Reader::new(upstream, None);
            let tree = reader.operation(path, &operation.method, &names, &schemes);
            theirs.deprecated.append(&mut reader.deprecated);
            theirs.operations.insert(operation.title(), tree);
        }
        Ok(theirs)
    }
}
