//! Receipts: the hub signs what its journal says of a file, never what somebody claims.

use crate::answer::Answered;
use crate::authorise::{Action, Identity};
use crate::doors::{answered, arguments};
use crate::files;
use crate::services::Services;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::Signature;
use landline_model::protocol::receipts::ReceiptOf;
use landline_model::protocol::{Call as _, RequestHeader};
use landline_model::receipt::Receipt;

/// Answers a request for a receipt; none: it is not one.
pub(crate) async fn answer(services: &Services, who: &Identity, header: &RequestHeader<'_>) -> Option<Bytes> {
    if header.name != ReceiptOf::NAME {
        return None;
    }
    Some(
        answered(header.id, async {
            receipt(services, who, arguments(header)?).await
        })
        .await,
    )
}

async fn receipt(services: &Services, who: &Identity, call: ReceiptOf) -> Answered<Receipt> {
    let not_theirs = || {
        Refusal::new(
            ErrorCode::Forbidden,
            format!("{} is not what you have put there", call.path),
        )
        .with_hint("a receipt is for whoever has published the file, while it is unchanged")
    };
    let readable = files::place(services, who, Action::ReadFiles, &call.path);
    let may_read = readable.is_ok();
    // Who may only add files has a receipt for those, and learns of no other.
    let place = readable
        .or_else(|refusal| files::place(services, who, Action::AddFiles, &call.path).map_err(|_| refusal))?;
    let publisher = who.account;
    let found = files::blocking(services, move |files| {
        let file = files.read(&place)?;
        match files.publication(&file)? {
            Some((account, published)) if account == publisher => {
                Ok(Some((published, file.size(), files.hash_of(&file)?)))
            }
            _ => Ok(None),
        }
    })
    .await;
    let (published, size, hash) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Err(not_theirs()),
        Err(_) if !may_read => return Err(not_theirs()),
        Err(refusal) => return Err(refusal),
    };
    let account = services.people.account(&who.account);
    let mut receipt = Receipt {
        hub: services.pin,
        account: who.account,
        name: account.ok_or_else(crate::services::went_wrong)?.name,
        path: call.path,
        size,
        hash,
        published,
        signature: Signature::from_bytes([0; 64]),
    };
    receipt.signature = Signature::from_bytes(services.signer.sign(&receipt.statement()));
    Ok(receipt.into())
}
