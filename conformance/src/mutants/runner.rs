//! Running the matrix against mutants.

use std::fmt;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

use super::patch::Mutant;
use super::tree::Tree;
use crate::{Transport, differing_cells};

/// The matrix, out of the whole workspace, so that nothing is compiled with other features.
const MATRIX: [&str; 6] = [
    "test",
    "--release",
    "--workspace",
    "--quiet",
    "--test",
    "conformance",
];

/// For a build or a run of the matrix: what takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(45);

/// How long a command that is asked to end may take.
const GRACE: Duration = Duration::from_secs(10);

/// How many seconds a cell waits for what must come (`BIDTRACE_CONFORMANCE_LIMIT`). In a cell that differs, the test waits
/// the whole time for what is missing.
const LIMIT: (&str, &str) = ("BIDTRACE_CONFORMANCE_LIMIT", "2");

/// Builds and runs the matrix in a tree of its own.
#[derive(Debug)]
pub struct Runner {
    tree: Tree,
    logs: PathBuf,
    target: PathBuf,
}

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every transport that must notice it has a cell that differs.
    Caught {
        /// The transports with such a cell.
        by: Vec<Transport>,
        /// How many cells differ.
        cells: usize,
    },
    /// The patch does not apply.
    DoesNotApply(String),
    /// The mutant does not compile.
    DoesNotBuild,
    /// The matrix holds.
    Survives,
    /// The matrix ended without a cell that differs.
    DoesNotFinish(ExitStatus),
    /// Transports that must notice it have no cell that differs.
    NotNoticed(Vec<Transport>),
}

// === impl Runner ===

impl Runner {
    /// Makes the tree, and has the matrix hold in it without any mutant. `root` is the top of the repository; the tree and
    /// the output of each run go to `folder`; `target` is where cargo builds, best where it has built before.
    ///
    /// # Errors
    /// When the tree cannot be made, or the matrix does not hold without a mutant.
    pub async fn start(root: &Path, folder: &Path, target: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let runner = Self {
            tree: Tree::create(root, &folder.join("tree"))?,
            logs: folder.to_owned(),
            target: target.to_owned(),
        };
        let log = runner.log("none");
        if !runner.build(&log).await?.success() {
            bail!(
                "the matrix does not build without any mutant; see {}",
                log.display()
            );
        }
        if !runner.run(&log, None).await?.success() {
            bail!(
                "the matrix does not hold without any mutant; see {}",
                log.display()
            );
        }
        Ok(runner)
    }

    /// Runs the matrix against one mutant.
    ///
    /// # Errors
    /// When a program cannot be run, takes too long, or a signal asks this one to end.
    pub async fn judge(&self, mutant: &Mutant) -> anyhow::Result<Verdict> {
        if let Err(error) = self.tree.apply(&mutant.path) {
            return Ok(Verdict::DoesNotApply(format!("{error:#}")));
        }
        let log = self.log(&mutant.name);
        if !self.build(&log).await?.success() {
            return Ok(Verdict::DoesNotBuild);
        }
        let status = self.run(&log, Some(LIMIT)).await?;
        let output =
            std::fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let output = String::from_utf8_lossy(&output);
        Ok(Verdict::of(status, &output, mutant.caught_by()))
    }

    /// The file with the output of a mutant's build and run.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    async fn build(&self, log: &Path) -> anyhow::Result<ExitStatus> {
        let mut command = self.matrix();
        command.arg("--no-run");
        finished(command, log).await
    }

    async fn run(&self, log: &Path, limit: Option<(&str, &str)>) -> anyhow::Result<ExitStatus> {
        let mut command = self.matrix();
        command.args(["--", "--nocapture"]).envs(limit);
        finished(command, log).await
    }

    fn matrix(&self) -> Command {
        let mut command = Command::new("cargo");
        command
            .args(MATRIX)
            .current_dir(self.tree.path())
            .env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

/// Runs a command to its end with its output in a file. Ends it, with everything that it has started, when it takes too
/// long or a signal asks this process to end.
async fn finished(mut command: Command, log: &Path) -> anyhow::Result<ExitStatus> {
    let output = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()
        .context("cannot run cargo")?;
    let group = Pid::from_child(&child);
    let mut ended = tokio::task::spawn_blocking(move || child.wait());
    let reason = tokio::select! {
        status = &mut ended => return Ok(status??),
        () = tokio::time::sleep(PATIENCE) => format!("not at its end after {} min", PATIENCE.as_secs() / 60),
        _ = interrupt.recv() => "interrupted".to_owned(),
        _ = terminate.recv() => "interrupted".to_owned(),
    };
    // Either fails only when the group has ended already.
    let _ = kill_process_group(group, Signal::TERM);
    if tokio::time::timeout(GRACE, &mut ended).await.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
        ended.await??;
    }
    bail!("{reason}; see {}", log.display())
}

// === impl Verdict ===

impl Verdict {
    fn of(status: ExitStatus, output: &str, must_notice: impl Iterator<Item = Transport>) -> Self {
        if status.success() {
            return Self::Survives;
        }
        let cells = differing_cells(output);
        if cells.is_empty() {
            return Self::DoesNotFinish(status);
        }
        let by: Vec<Transport> = Transport::ALL
            .into_iter()
            .filter(|transport| cells.iter().any(|(of, _)| of == transport))
            .collect();
        let missed: Vec<Transport> = must_notice
            .filter(|transport| !by.contains(transport))
            .collect();
        if missed.is_empty() {
            let cells = cells.len();
            Self::Caught { by, cells }
        } else {
            Self::NotNoticed(missed)
        }
    }

    /// Whether the mutant was caught by every transport that its patch names.
    pub fn is_caught(&self) -> bool {
        matches!(self, Self::Caught { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |transports: &[Transport]| {
            let names: Vec<_> = transports.iter().map(|one| one.name()).collect();
            names.join(", ")
        };
        match self {
            Self::Caught { by, cells } => {
                write!(f, "caught by {}, in {cells} cells", listed(by))
            }
            Self::DoesNotApply(answer) => write!(f, "DOES NOT APPLY: {answer}"),
            Self::DoesNotBuild => f.write_str("DOES NOT BUILD"),
            Self::Survives => f.write_str("SURVIVES"),
            Self::DoesNotFinish(status) => {
                write!(f, "THE MATRIX DOES NOT COME TO ITS END ({status})")
            }
            Self::NotNoticed(missed) => write!(f, "NOT NOTICED by {}", listed(missed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    const RED: &str = "HTTP x cancel: it never ended\nHTTP x cancel: nothing was counted\n\
        NATS x success: it never ended\n";

    fn verdict(code: i32, output: &str, must_notice: &[Transport]) -> Verdict {
        let status = ExitStatus::from_raw(code << 8);
        Verdict::of(status, output, must_notice.iter().copied())
    }

    #[test]
    fn a_mutant_is_caught_when_every_transport_that_must_notice_has_a_red_cell() {
        let caught = verdict(101, RED, &[Transport::Http]);
        let by = vec![Transport::Http, Transport::Nats];
        assert_eq!(caught, Verdict::Caught { by, cells: 2 });
        assert!(caught.is_caught());
    }

    #[test]
    fn a_mutant_that_one_of_them_does_not_notice_is_not_caught() {
        let missed = verdict(101, RED, &[Transport::Http, Transport::Spawn]);
        assert_eq!(missed, Verdict::NotNoticed(vec![Transport::Spawn]));
        assert!(!missed.is_caught());
    }

    #[test]
    fn a_matrix_that_holds_or_breaks_off_has_caught_nothing() {
        let survives = verdict(0, "", &[Transport::Http]);
        assert_eq!(survives, Verdict::Survives);
        assert!(!survives.is_caught());
        let unfinished = verdict(101, "thread panicked at x: y\n", &[Transport::Http]);
        assert!(matches!(unfinished, Verdict::DoesNotFinish(_)));
        assert!(!unfinished.is_caught());
    }

    #[tokio::test]
    async fn a_command_runs_with_its_output_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("one.log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let status = finished(command, &log).await.unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "out\nerr\n");
    }
}
