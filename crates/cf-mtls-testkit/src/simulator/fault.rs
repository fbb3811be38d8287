//! Faults: what goes wrong, and for which requests.

use std::time::Duration;

use crate::simulator::protocol::route::Operation;

/// Something that goes wrong, and when.
///
/// A fault starts with its kind, and is narrowed down by the other methods:
///
/// ```
/// use cf_mtls_testkit::simulator::{Fault, Operation};
///
/// // The second delete takes effect, but its response is lost.
/// let lost = Fault::reset().on(Operation::Delete).nth(2).after_effect();
/// // One request in ten, whichever it is, meets an error of the edge.
/// let edge = Fault::html(502).probability(0.1, 42);
/// # let _ = (lost, edge);
/// ```
///
/// Without [`nth`](Self::nth), [`times`](Self::times) or
/// [`probability`](Self::probability) it hits every request it matches. Unless
/// [`after_effect`](Self::after_effect) says otherwise the request is not
/// carried out.
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Fault {
    pub(crate) response: FaultResponse,
    pub(crate) effect: Effect,
    pub(crate) delay: Duration,
    pub(crate) headers: Vec<(String, String)>,
    operation: Option<Operation>,
    reads_only: bool,
    zone: Option<String>,
    certificate: Option<String>,
    first: u64,
    times: Option<u64>,
    chance: Option<(f64, u64)>,
}

/// What the client gets to see.
#[derive(Clone, Debug)]
pub(crate) enum FaultResponse {
    /// What it would have got without the fault.
    Genuine,
    Envelope {
        status: u16,
        code: Option<u32>,
        message: String,
    },
    Raw {
        status: u16,
        content_type: String,
        body: Vec<u8>,
    },
    Html {
        status: u16,
    },
    Truncated,
    Stalled,
    Endless,
    Reset,
    Close,
    Silence,
}

/// Whether and when the request is carried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Never; for a genuine response: once the delay is over, if the client is
    /// still there.
    Skipped,
    /// Before the delay.
    First,
    /// This long after it was read (simulated time), even when the client has gone.
    After(Duration),
}

impl Fault {
    fn new(response: FaultResponse) -> Self {
        Self {
            response,
            effect: Effect::Skipped,
            delay: Duration::ZERO,
            headers: Vec::new(),
            operation: None,
            reads_only: false,
            zone: None,
            certificate: None,
            first: 1,
            times: None,
            chance: None,
        }
    }

    /// An error of the service in its envelope.
    pub fn error(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self::error_with(status, Some(code), message)
    }

    /// The same with an error that has no `code`.
    pub fn error_without_code(status: u16, message: impl Into<String>) -> Self {
        Self::error_with(status, None, message)
    }

    fn error_with(status: u16, code: Option<u32>, message: impl Into<String>) -> Self {
        Self::new(FaultResponse::Envelope { status, code, message: message.into() })
    }

    /// A read with valid credentials is refused as if they were not, with HTTP 403
    /// and code 10000, as happens to fresh tokens and under load. Limit it with
    /// [`times`](Self::times).
    pub fn flaky_credentials() -> Self {
        Self::error(403, 10000, "Authentication error").on_reads()
    }

    /// The same with code 10001.
    pub fn flaky_authentication() -> Self {
        Self::error(403, 10001, "Unable to authenticate request").on_reads()
    }

    /// HTTP 200 whose envelope says `"success": false`.
    pub fn unsuccessful(code: u32, message: impl Into<String>) -> Self {
        Self::error(200, code, message)
    }

    /// A page of the edge, such as for 502, 520 to 526 and 530.
    pub fn html(status: u16) -> Self {
        Self::new(FaultResponse::Html { status })
    }

    /// HTTP 200 whose complete body ends in the middle of its JSON.
    pub fn malformed_json() -> Self {
        Self::raw(200, "application/json", r#"{"success":true,"errors":[],"result":{"id":"#)
    }

    /// Exactly this status, content type and body.
    pub fn raw(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let content_type = content_type.to_owned();
        Self::new(FaultResponse::Raw { status, content_type, body: body.into() })
    }

    /// A redirect with a `Location`.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::raw(status, "text/html", "").header("location", location)
    }

    /// The connection is reset without a byte of a response.
    pub fn reset() -> Self {
        Self::new(FaultResponse::Reset)
    }

    /// The connection is closed in order, without a byte of a response.
    pub fn close() -> Self {
        Self::new(FaultResponse::Close)
    }

    /// Headers, half of the announced body, then the end of the connection.
    pub fn truncated() -> Self {
        Self::new(FaultResponse::Truncated)
    }

    /// Headers, half of the announced body, then nothing more on a connection
    /// that stays open.
    pub fn stalled() -> Self {
        Self::new(FaultResponse::Stalled)
    }

    /// HTTP 200 and a body that ends only when the client hangs up.
    pub fn endless() -> Self {
        Self::new(FaultResponse::Endless)
    }

    /// No response, on a connection that stays open.
    pub fn silence() -> Self {
        Self::new(FaultResponse::Silence)
    }

    /// The genuine response, late. The request takes effect after the delay,
    /// and not at all if the client hangs up before; see
    /// [`after_effect`](Self::after_effect) and
    /// [`effect_after`](Self::effect_after) for the other orders.
    pub fn delay(delay: Duration) -> Self {
        Self::new(FaultResponse::Genuine).delayed(delay)
    }

    /// Hits only this operation.
    pub fn on(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Hits only reads.
    pub fn on_reads(mut self) -> Self {
        self.reads_only = true;
        self
    }

    /// Hits only requests about this zone. An unknown id is accepted, and hits nothing.
    pub fn zone(mut self, id: impl AsRef<str>) -> Self {
        self.zone = Some(id.as_ref().to_owned());
        self
    }

    /// Hits only requests about this certificate, its hostnames included. An unknown id
    /// is accepted, and hits nothing.
    pub fn certificate(mut self, id: impl AsRef<str>) -> Self {
        self.certificate = Some(id.as_ref().to_owned());
        self
    }

    /// Begins with the `n`th request that matches, counted from 1 since the
    /// fault was injected, and hits it alone unless [`times`](Self::times)
    /// says more.
    pub fn nth(mut self, n: u64) -> Self {
        self.first = n;
        self.times.get_or_insert(1);
        self
    }

    /// Hits at most this many requests.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Hits a request with this probability; the same seed makes the same
    /// choices in the same order.
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.chance = Some((probability, seed));
        self
    }

    /// The request takes effect, then things go wrong: before a delay, too.
    pub fn after_effect(mut self) -> Self {
        self.effect = Effect::First;
        self
    }

    /// The request takes effect this long after it was read, by the simulator's clock,
    /// even if the client has gone by then. Only a genuine response waits for that: an
    /// error can come first.
    pub fn effect_after(mut self, time: Duration) -> Self {
        self.effect = Effect::After(time);
        self
    }

    /// Waits (in real time) before the response or the broken connection.
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds a header to the response; one that HTTP cannot carry is left out.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds `Retry-After`: seconds, an HTTP date, or nonsense. After a 429 a client of
    /// `cf-mtls` and its clones wait that long, in real time, before they send another
    /// request, or fail with `RateLimited` at once if that exceeds the time they have (60
    /// seconds unless set, 45 of them for a write); without the header only the retry waits,
    /// for its own backoff.
    pub fn retry_after(self, value: &str) -> Self {
        self.header("retry-after", value)
    }
}

/// Names an injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FaultId(u64);

/// What a request is about, as far as faults care.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) operation: Operation,
    pub(crate) is_read: bool,
    /// Empty for none.
    pub(crate) zone: String,
    pub(crate) certificate: Option<String>,
}

/// The injected faults, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    next: u64,
}

#[derive(Debug)]
struct Rule {
    id: FaultId,
    fault: Fault,
    matched: u64,
    fired: u64,
    chance: Option<(f64, fastrand::Rng)>,
}

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault) -> FaultId {
        let id = FaultId(self.next);
        self.next += 1;
        let chance = fault.chance.map(|(odds, seed)| (odds, fastrand::Rng::with_seed(seed)));
        self.rules.push(Rule { id, fault, matched: 0, fired: 0, chance });
        id
    }

    pub(crate) fn remove(&mut self, id: FaultId) {
        self.rules.retain(|rule| rule.id != id);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn fired(&self, id: FaultId) -> u64 {
        self.rules.iter().find(|rule| rule.id == id).map_or(0, |rule| rule.fired)
    }

    /// The fault for the next request. Every rule sees the request, so that
    /// counting does not depend on the others; the first that fires is it.
    pub(crate) fn decide(&mut self, target: &Target) -> Option<(FaultId, Fault)> {
        let mut chosen = None;
        for rule in &mut self.rules {
            if rule.wants(target) && chosen.is_none() {
                rule.fired += 1;
                chosen = Some((rule.id, rule.fault.clone()));
            }
        }
        chosen
    }
}

impl Rule {
    fn wants(&mut self, target: &Target) -> bool {
        let fault = &self.fault;
        let matches = fault.operation.is_none_or(|only| only == target.operation)
            && (!fault.reads_only || target.is_read)
            && fault.zone.as_ref().is_none_or(|zone| *zone == target.zone)
            && (fault.certificate.is_none() || fault.certificate == target.certificate);
        if !matches {
            return false;
        }
        self.matched += 1;
        // Drawn for each match, so that a limit does not shift later choices.
        let lucky = self.chance.as_mut().is_none_or(|(odds, rng)| rng.f64() < *odds);
        let exhausted = self.fault.times.is_some_and(|times| times <= self.fired);
        lucky && !exhausted && self.fault.first <= self.matched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(operation: Operation) -> Target {
        Target {
            operation,
            is_read: operation != Operation::Delete,
            zone: String::new(),
            certificate: Some("one".to_owned()),
        }
    }

    /// Which of the first eight deletes are hit.
    fn hits(fault: Fault) -> Vec<u64> {
        let mut faults = Faults::default();
        faults.inject(fault);
        let delete = target(Operation::Delete);
        (1..=8).filter(|_| faults.decide(&delete).is_some()).collect()
    }

    #[test]
    fn hits_the_requests_it_is_meant_for() {
        let table = [
            (Fault::reset(), vec![1, 2, 3, 4, 5, 6, 7, 8]),
            (Fault::reset().on(Operation::Delete).nth(2), vec![2]),
            (Fault::reset().nth(2).times(3), vec![2, 3, 4]),
            (Fault::reset().times(3).nth(2), vec![2, 3, 4]),
            (Fault::reset().times(2), vec![1, 2]),
            (Fault::reset().on(Operation::Upload), vec![]),
            (Fault::reset().certificate("one").nth(3), vec![3]),
            (Fault::reset().certificate("two"), vec![]),
            (Fault::reset().zone("one"), vec![]),
            (Fault::reset().on_reads(), vec![]),
            (Fault::reset().probability(0.0, 1), vec![]),
            (Fault::reset().probability(1.0, 1).times(1), vec![1]),
        ];
        for (fault, want) in table {
            assert_eq!(hits(fault.clone()), want, "{fault:?}");
        }
    }

    #[test]
    fn same_seed_same_choices() {
        let chance = |seed| hits(Fault::reset().probability(0.5, seed));
        assert_eq!(chance(7), chance(7));
        assert!((1..20).any(|seed| chance(seed) != chance(7)));
    }

    #[test]
    fn every_rule_counts_but_one_fires() {
        let mut faults = Faults::default();
        let first = faults.inject(Fault::reset().nth(1));
        let second = faults.inject(Fault::close().nth(2));
        let fired: Vec<_> =
            (0..3).map(|_| faults.decide(&target(Operation::List)).map(|(id, _)| id)).collect();
        assert_eq!(fired, [Some(first), Some(second), None]);
        assert_eq!((faults.fired(first), faults.fired(second)), (1, 1));
    }
}
