//! Takes a certificate's hostnames away, waits until nothing uses it, and
//! deletes it.

use cf_mtls_api::CertificateId;

use crate::association::Association;
use crate::blocker;
use crate::certificates::Certificates;
use crate::classify;
use crate::edit::{self, Edit};
use crate::error::{Error, ErrorKind};
use crate::hostnames::ClientCa;
use crate::limits::Time;
use crate::operation::Operation;
use crate::release::Order;
use crate::step::Step;
use crate::usage::ZoneHostnames;
use crate::wait::{self, Turns};

/// Returns whether the service confirmed the deletion.
pub(crate) async fn run(
    order: &Order,
    zones: &[ZoneHostnames],
    successor: Option<&CertificateId>,
    detached: &mut Vec<ZoneHostnames>,
    on_step: &mut (dyn FnMut(&Step) + Send),
) -> Result<bool, Error> {
    for zone in zones {
        detach(order, zone, successor, detached, on_step).await?;
    }
    let mut turns = order.options.wait.begin();
    let confirmed = match wait_until_free(order, zones, &mut turns, on_step).await? {
        Free::Unused => {
            on_step(&Step::Unused {
                certificate_id: order.id.clone(),
            });
            // Who wants to stop here can: what follows cannot be taken back.
            wait::give_way().await;
            delete(order, &mut turns, on_step).await?
        }
        Free::Gone => false,
    };
    on_step(&Step::Deleted {
        certificate_id: order.id.clone(),
    });
    Ok(confirmed)
}

/// Takes the hostnames of the plan away, and says so if there are others.
async fn detach(
    order: &Order,
    zone: &ZoneHostnames,
    successor: Option<&CertificateId>,
    detached: &mut Vec<ZoneHostnames>,
    on_step: &mut (dyn FnMut(&Step) + Send),
) -> Result<(), Error> {
    let hostnames = order.certificates.hostnames(&zone.zone_id);
    let ca = ClientCa::from(&order.id);
    if let Some(successor) = successor {
        taken_over(&order.certificates, successor, zone).await?;
    }
    let edited = edit::edit(&hostnames, &ca, Edit::Remove, zone.hostnames.clone()).await?;
    if !edited.changed.is_empty() {
        let zone = ZoneHostnames {
            hostnames: edited.changed,
            ..zone.clone()
        };
        detached.push(zone.clone());
        on_step(&Step::Detached {
            certificate_id: order.id.clone(),
            zone,
        });
    }
    none_left(order, zone, &edited.list)
}

/// Whether the lists that were emptied are empty still.
async fn check_detached(order: &Order, zones: &[ZoneHostnames]) -> Result<(), Error> {
    for zone in zones {
        let hostnames = order.certificates.hostnames(&zone.zone_id);
        let list = hostnames.list(&ClientCa::from(&order.id)).await?;
        none_left(order, zone, &list)?;
    }
    Ok(())
}

fn none_left(order: &Order, zone: &ZoneHostnames, list: &[String]) -> Result<(), Error> {
    if list.is_empty() {
        return Ok(());
    }
    let others = list.join(", ");
    let detail =
        format!("somebody attached {others} to it since that was planned; plan and run it again");
    let hostnames = order.certificates.hostnames(&zone.zone_id);
    let subject = hostnames.subject(&ClientCa::from(&order.id));
    Err(Error::new(ErrorKind::Conflict)
        .with_detail(order.certificates.presentable(&detail))
        .of(Operation::ReplaceHostnames, &subject))
}

/// Fails where a successor does not have all hostnames of a zone.
pub(crate) async fn taken_over(
    certificates: &Certificates,
    successor: &CertificateId,
    zone: &ZoneHostnames,
) -> Result<(), Error> {
    let (hostnames, ca) = (
        certificates.hostnames(&zone.zone_id),
        ClientCa::from(successor),
    );
    let held = hostnames.list(&ca).await?;
    let missing = edit::subtract(&zone.hostnames, &held);
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    let detail = format!(
        "{missing} would be left without a CA: somebody took it from {successor} meanwhile"
    );
    Err(Error::new(ErrorKind::Conflict)
        .with_detail(certificates.presentable(&detail))
        .of(Operation::ListHostnames, &hostnames.subject(&ca)))
}

enum Free {
    Unused,
    /// Somebody else has deleted it meanwhile.
    Gone,
}

async fn wait_until_free(
    order: &Order,
    zones: &[ZoneHostnames],
    turns: &mut Turns,
    on_step: &mut (dyn FnMut(&Step) + Send),
) -> Result<Free, Error> {
    let mut looks: u32 = 0;
    loop {
        looks += 1;
        let mut rows = match look(&order.certificates, &order.id, turns).await {
            Ok(rows) => rows,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Free::Gone),
            Err(error) => return Err(error),
        };
        rows.retain(|row| !row.has_ended());
        if rows.is_empty() {
            return Ok(Free::Unused);
        }
        if let Some(row) = in_vain(order, &rows) {
            let detail = format!("{row} began to use it after the plan was made");
            return Err(still_in_use(order, &detail, rows));
        }
        on_step(&Step::AwaitingRelease {
            certificate_id: order.id.clone(),
            associations: rows.clone(),
        });
        // What was attached again keeps it in use for good. That is looked for less
        // and less often, as each zone is a request.
        let stays = rows.iter().any(|row| !row.is_leaving());
        if stays && 1 < looks && looks.is_power_of_two() {
            check_detached(order, zones).await?;
        }
        if !turns.pause().await {
            if stays {
                check_detached(order, zones).await?;
            }
            let detail = format!("they have not let go after {}", order.options.wait);
            return Err(still_in_use(order, &detail, rows).with_next(wait::LATER));
        }
    }
}

async fn delete(
    order: &Order,
    turns: &mut Turns,
    on_step: &mut (dyn FnMut(&Step) + Send),
) -> Result<bool, Error> {
    let certificate_id = order.id.clone();
    loop {
        let error = match order.certificates.delete(&order.id).await {
            Ok(deleted) => return Ok(deleted.is_confirmed()),
            // It was there a moment ago, so this is what was wanted.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => error,
        };
        if !may_pass(&error) || in_vain(order, error.associations()).is_some() {
            return Err(error);
        }
        on_step(&match error.kind() {
            ErrorKind::InUse => Step::AwaitingRelease {
                certificate_id: certificate_id.clone(),
                associations: error.associations().to_vec(),
            },
            _ => Step::StillRefused {
                certificate_id: certificate_id.clone(),
            },
        });
        if !turns.pause().await {
            let detail = format!("it is still refused after {}", order.options.wait);
            return Err(error.with_detail(detail).with_next(wait::LATER));
        }
    }
}

/// The associations, in the time that the wait has left.
pub(crate) async fn look(
    certificates: &Certificates,
    id: &CertificateId,
    turns: &Turns,
) -> Result<Vec<Association>, Error> {
    let (limits, left) = (certificates.limits(), turns.left());
    // Even the last look must have the time for an answer.
    let time = Time {
        deadline: limits.time.deadline.min(left.max(limits.attempt_timeout)),
        waits: limits.time.waits.min(left),
    };
    certificates.within(time).associations(id).await
}

/// A service that will not go away by itself.
fn in_vain<'a>(order: &Order, rows: &'a [Association]) -> Option<&'a Association> {
    let told = &order.options.hostname_services;
    rows.iter()
        .find(|row| !row.is_leaving() && !blocker::may_be_by_hostnames(&row.service, told))
}

/// Whether a refusal may be due to what the service has not noticed yet. Which
/// code it has then is published nowhere, so any that is not known may be it.
fn may_pass(error: &Error) -> bool {
    let unknown_refusal = || {
        let kind = error.kind();
        matches!(kind, ErrorKind::Conflict | ErrorKind::InvalidRequest)
            && error.status().is_some()
            && !error.codes().any(classify::is_known)
    };
    error.kind() == ErrorKind::InUse || unknown_refusal()
}

fn still_in_use(order: &Order, detail: &str, rows: Vec<Association>) -> Error {
    let certificates = &order.certificates;
    let call = certificates.call(Operation::DeleteCertificate, Some(&order.id));
    let error = Error::new(ErrorKind::InUse)
        .with_associations(call.presentable(rows))
        .with_detail(certificates.presentable(detail));
    call.finish(error)
}
