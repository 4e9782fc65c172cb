//! The real hub under strace.

use crate::support::ready;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Every call that changes files, names or descriptors, makes something durable, or speaks to a client. A question mark:
/// not every machine has it.
const CALLS: &str = "trace=?open,openat,openat2,?creat,close,dup,?dup2,dup3,fcntl,lseek,write,writev,pwrite64,pwritev,\
?pwritev2,ftruncate,truncate,fallocate,copy_file_range,sendfile,fsync,fdatasync,syncfs,?sync_file_range,?rename,?renameat,\
renameat2,?link,linkat,?symlink,symlinkat,?unlink,unlinkat,?rmdir,?mkdir,mkdirat,accept4,recvfrom,sendto,sendmsg";

/// The longest write: an upload's block.
const STRING_MAX: &str = "1048576";

/// The data directory's name below the root.
pub(crate) const DATA: &str = "data";

/// A hub under strace.
pub(crate) struct Running {
    tracer: Child,
    trace: PathBuf,
    data: PathBuf,
    ready: serde_json::Value,
}

impl Running {
    /// Starts a hub on `root/data` below a place, and waits until it serves.
    pub(crate) fn start(place: &Path, listen: &str) -> Self {
        let (data, ready_file, trace) = (
            place.join("root").join(DATA),
            place.join("ready"),
            place.join("trace"),
        );
        let _ = fs::remove_file(&ready_file);
        let watch = ready::Watch::new(place);
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "--seccomp-bpf",
            "-y",
            "-ttt",
            "-xx",
            "-s",
            STRING_MAX,
            "-e",
            CALLS,
            "-e",
            "signal=none",
            "-o",
        ]);
        command
            .arg(&trace)
            .arg(env!("CARGO_BIN_EXE_landline"))
            .args(["serve", "--listen", listen, "--data"]);
        command.arg(&data).arg("--ready-file").arg(&ready_file);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", place.join("home"));
        command
            .stdin(Stdio::null())
            .stdout(fs::File::create(place.join("stdout")).unwrap());
        command.stderr(fs::File::create(place.join("stderr")).unwrap());
        let mut tracer = command.spawn().expect("strace; `cargo xtask setup` installs it");
        if !watch.appears(OsStr::new("ready"), &tracer) {
            let status = tracer.wait().unwrap();
            panic!(
                "the hub did not start ({status}): {}",
                fs::read_to_string(place.join("stderr")).unwrap()
            );
        }
        let ready = serde_json::from_slice(&fs::read(ready_file).unwrap()).unwrap();
        Self {
            tracer,
            trace,
            data,
            ready,
        }
    }

    /// Asks the hub to stop, and returns the trace.
    pub(crate) fn stop(mut self) -> Vec<u8> {
        self.signal(rustix::process::Signal::TERM);
        let status = self.tracer.wait().unwrap();
        assert!(status.success(), "the hub ended with {status}");
        fs::read(&self.trace).unwrap()
    }

    /// Ends the hub in the middle of whatever it does, and returns the trace.
    pub(crate) fn kill(mut self) -> Vec<u8> {
        if let Some(hub) = self.hub() {
            let _ = rustix::process::kill_process(hub, rustix::process::Signal::KILL);
        }
        self.tracer.wait().unwrap();
        fs::read(&self.trace).unwrap()
    }

    /// What the ready file says.
    pub(crate) fn ready(&self) -> &serde_json::Value {
        &self.ready
    }

    /// The hub, which is the tracer's child: the lock file says which process it is.
    pub(crate) fn hub(&self) -> Option<rustix::process::Pid> {
        let holder = fs::read_to_string(self.data.join("lock")).unwrap_or_default();
        holder
            .trim()
            .parse()
            .ok()
            .and_then(rustix::process::Pid::from_raw)
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(hub) = self.hub() {
            let _ = rustix::process::kill_process(hub, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only where a test has failed is it still there.
        if matches!(self.tracer.try_wait(), Ok(None)) {
            self.signal(rustix::process::Signal::KILL);
            let _ = self.tracer.wait();
        }
    }
}

/// SQLite's index of a write-ahead log: in mapped memory, and made anew after a crash.
pub(crate) fn is_shared_memory(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"-shm")
}
