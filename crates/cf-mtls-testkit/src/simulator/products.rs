//! Workers, Hyperdrive and Gateway of a running simulator.

use crate::simulator::handle::Simulator;
use crate::simulator::world::{Holders, Hyperdrive, UnknownId, Worker};

impl Simulator {
    /// Puts a Worker in, or in the place of the one with its name. Its bindings keep
    /// certificates in use, and for a while after they are gone.
    ///
    /// # Errors
    ///
    /// If its account does not hold a certificate of its bindings.
    pub fn put_worker(&self, worker: Worker) -> Result<(), UnknownId> {
        let at = self.service.clock.now();
        let (account, certificates) = (worker.account.clone(), worker.certificates());
        self.change_holders(account, certificates, |holders, account| {
            holders.put_worker(account, at, worker);
        })
    }

    /// Removes a Worker.
    ///
    /// # Errors
    ///
    /// If there is no Worker with this name.
    pub fn remove_worker(&self, name: &str) -> Result<(), UnknownId> {
        let remove = |holders: &mut Holders, _| holders.remove_worker(name);
        let removed = self.change_holders(None, Vec::new(), remove)?;
        removed.then_some(()).ok_or_else(|| UnknownId::new(name))
    }

    /// Puts a Hyperdrive configuration in, or in the place of the one with its id,
    /// and returns its id.
    ///
    /// # Errors
    ///
    /// If its account does not hold one of its certificates.
    pub fn put_hyperdrive(&self, hyperdrive: Hyperdrive) -> Result<String, UnknownId> {
        let (account, certificates) = (hyperdrive.account.clone(), hyperdrive.certificates());
        let id = hyperdrive.id.clone();
        self.change_holders(account, certificates, |holders, account| {
            holders.put_hyperdrive(account, hyperdrive);
        })?;
        Ok(id)
    }

    /// Removes a Hyperdrive configuration.
    ///
    /// # Errors
    ///
    /// If there is none with this id.
    pub fn remove_hyperdrive(&self, id: impl AsRef<str>) -> Result<(), UnknownId> {
        let id = id.as_ref();
        let remove = |holders: &mut Holders, _| holders.remove_hyperdrive(id);
        let removed = self.change_holders(None, Vec::new(), remove)?;
        removed.then_some(()).ok_or_else(|| UnknownId::new(id))
    }

    /// Lets Gateway use a certificate of the simulator's own account, or no longer.
    ///
    /// # Errors
    ///
    /// If there is no such certificate.
    pub fn set_gateway_use(
        &self,
        certificate_id: impl AsRef<str>,
        on: bool,
    ) -> Result<(), UnknownId> {
        let id = certificate_id.as_ref();
        self.change_holders(None, vec![id.to_owned()], |holders, _| {
            holders.set_gateway_use(id, on);
        })
    }

    /// Changes what products use. The certificates have to be in the account.
    fn change_holders<T>(
        &self,
        account: Option<String>,
        certificates: Vec<String>,
        change: impl FnOnce(&mut Holders, String) -> T,
    ) -> Result<T, UnknownId> {
        let account = account.unwrap_or_else(|| self.account_id().to_owned());
        let release = self.service.settings.lags.release();
        let mut world = self.service.world();
        let mut certificates = certificates.iter();
        if let Some(id) = certificates.find(|id| world.find_in(&account, id).is_none()) {
            return Err(UnknownId::new(id));
        }
        let now = self.service.clock.moment();
        let holders = &mut world.holders;
        Ok(holders.change(now, release, |holders| change(holders, account)))
    }
}
