//! `landline receipt`: what hubs have signed.

use crate::context::Context;
use crate::show;
use anyhow::{Context as _, Result, bail};
use landline_client::receipt::is_signed;
use landline_client::{Hub, Hubs};
use landline_model::hash::Hash;
use landline_model::receipt::Receipt as Signed;
use landline_model::text::escape;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The longest line that can be a receipt, in bytes: a path in base 64, and the rest generously.
const LINE_MAX: u64 = 16 * 1024;

/// How many bytes of a file are read at a time.
const READ_BYTES: usize = 1024 * 1024;

/// Check what landline put --receipt has kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Receipt {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Verify(Verify),
}

/// Prove by a receipt that a hub had a file, without asking it.
///
/// The hub's key is the one that this machine remembers from joining or logging in. Exits with 1 where anything is not as
/// it was signed.
#[derive(Debug, clap::Args)]
struct Verify {
    /// The file that put --receipt wrote.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file of this machine that must be the one that was sent: compared by size and BLAKE3.
    #[arg(value_name = "LOCAL")]
    local: Option<PathBuf>,
}

impl Receipt {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode> {
        let Command::Verify(command) = self.command;
        command.run(context)
    }
}

impl Verify {
    fn run(self, context: &Context) -> Result<ExitCode> {
        let receipts = read(&self.file)?;
        let hubs = known_hubs(context)?;
        for receipt in &receipts {
            verify(receipt, &hubs)?;
        }
        if let Some(local) = &self.local {
            compare(local, &receipts)?;
        }
        let mut output = std::io::stdout().lock();
        for receipt in &receipts {
            writeln!(output, "{}", line(receipt))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The receipts of a file.
fn read(path: &Path) -> Result<Vec<Signed>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("{name} cannot be read"))?;
    let mut file = BufReader::new(file);
    let mut receipts = Vec::new();
    loop {
        let mut bytes = Vec::new();
        let read = file.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes);
        read.with_context(|| format!("{name} cannot be read"))?;
        if bytes.is_empty() {
            break;
        }
        let number = receipts.len() + 1;
        let text = bytes
            .strip_suffix(b"\n")
            .and_then(|line| std::str::from_utf8(line).ok());
        let Some(receipt) = text.and_then(Signed::parse) else {
            bail!("{name}: line {number} is no receipt, or was changed");
        };
        receipts.push(receipt);
    }
    if receipts.is_empty() {
        bail!("{name} has no receipt in it");
    }
    Ok(receipts)
}

/// The hubs of which this machine has the key.
fn known_hubs(context: &Context) -> Result<Vec<Hub>> {
    if context.has_token() {
        return Ok(vec![context.hub()?]);
    }
    Ok(Hubs::load()?.all().to_vec())
}

fn verify(receipt: &Signed, hubs: &[Hub]) -> Result<()> {
    let Some(hub) = hubs.iter().find(|hub| hub.pin == receipt.hub) else {
        bail!(
            "the receipt of {} is from a hub that this machine does not know: {}",
            receipt.path,
            receipt.hub.fingerprint()
        );
    };
    if !is_signed(receipt, &hub.head_key) {
        bail!(
            "the signature under the receipt of {} does not hold: it was changed, or the hub {} has not signed it",
            receipt.path,
            escape(&hub.name)
        );
    }
    Ok(())
}

/// Compares a local file with the one receipt that there is, or with the one of several that is for it.
fn compare(local: &Path, receipts: &[Signed]) -> Result<()> {
    let name = local.display();
    let mut file = File::open(local).with_context(|| format!("{name} cannot be read"))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut size = 0_u64;
    loop {
        let read = file
            .read(&mut buffer)
            .with_context(|| format!("{name} cannot be read"))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
    let hash = Hash::from(hasher.finalize());
    if receipts
        .iter()
        .any(|receipt| receipt.size == size && receipt.hash == hash)
    {
        return Ok(());
    }
    match receipts {
        [receipt] if receipt.size != size => bail!(
            "{name} has {size} bytes, and what was sent had {}: it is not the file of the receipt",
            receipt.size
        ),
        [receipt] => bail!(
            "{name} hashes to {hash}, and what was sent to {}: it is not the file of the receipt",
            receipt.hash
        ),
        _ => bail!("{name} is the file of none of these receipts"),
    }
}

fn line(receipt: &Signed) -> String {
    format!(
        "{}  {} bytes  BLAKE3 {}  put by @{} at {}",
        receipt.path,
        receipt.size,
        receipt.hash,
        escape(receipt.name.as_str()),
        show::rfc3339(receipt.published)
    )
}
