//! Who asked for something that takes long, and what that one may do at each moment of it.

use super::place;
use crate::authorise::{Action, Identity};
use crate::refusals::denied;
use crate::services::Services;
use landline_model::denied::Denied;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::path::RemotePath;
use landline_store::files::Place;
use std::sync::Arc;

/// Who asked, for a thread that works on it.
#[derive(Clone)]
pub(super) struct Standing {
    pub(super) services: Arc<Services>,
    who: Identity,
}

impl Standing {
    pub(super) fn new(services: &Arc<Services>, who: &Identity) -> Self {
        Self {
            services: Arc::clone(services),
            who: *who,
        }
    }

    /// The place of what may be read now.
    pub(super) fn readable(&self, path: &RemotePath) -> Result<Place, Refusal> {
        place(&self.services, &self.now()?, Action::ReadFiles, path)
    }

    /// The place of what may be written now.
    pub(super) fn writable(&self, path: &RemotePath) -> Result<Place, Refusal> {
        place(&self.services, &self.now()?, Action::WriteFiles, path)
    }

    /// Who that is now.
    pub(super) fn now(&self) -> Result<Identity, Refusal> {
        if !self.services.people.session_is_open(&self.who.session) {
            return Err(denied(Denied::SessionEnded, "the files"));
        }
        let role = self.services.role(&self.who.account).ok_or_else(|| {
            Refusal::new(
                ErrorCode::Unauthenticated,
                "nobody gets into the account any more",
            )
        })?;
        Ok(Identity { role, ..self.who })
    }
}
