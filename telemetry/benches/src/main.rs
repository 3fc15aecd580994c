//! What telemetry costs per request, in multiples of the bare request, beside its peers.
//!
//! The process measures nothing itself: for each contender it starts itself anew, in rounds, so that each has its own
//! global state and all share whatever the machine is doing. Each is set against a bare request that was measured right
//! before it; the table shows medians over the rounds.

mod contenders;
#[cfg(feature = "counting")]
mod growth;
mod measure;
mod request;
mod sink;
mod table;

use std::path::PathBuf;

use clap::Parser;
use contenders::{Build, Contender};
use measure::{Case, Sample};

/// Measures what each contender adds to a bare request.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often each contender is measured.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Requests per measurement.
    #[arg(long, default_value_t = 40_000)]
    requests: usize,
    /// Only contenders whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// The table as Markdown rows in this file, too.
    #[arg(long)]
    write: Option<PathBuf>,
    /// The folder with the binaries that were built in other ways: `own` without the peers, whose features make all
    /// that they share slower, and `counting`, which counts allocations. What is not there is not measured.
    #[arg(long)]
    beside: Option<PathBuf>,
    /// Only how the cost grows with series, with open requests and with time, and what a scrape costs.
    #[arg(long)]
    growth: bool,
    /// For how many minutes load goes on at the end of that.
    #[arg(long, default_value_t = 10, requires = "growth", value_parser = clap::value_parser!(u32).range(0..=1440))]
    minutes: u32,
    /// In a child that measures growth: where spans go.
    #[arg(long, hide = true)]
    collector: Option<String>,
    /// In a child: the contender and the case to measure, and where spans go.
    #[arg(long, hide = true)]
    child: Option<String>,
    #[arg(long, hide = true)]
    bench: bool,
}

/// On a busy machine the thread that exports may wait for its turn; no span shall be lost to that.
const ROOM: [(&str, &str); 1] = [("OTEL_BSP_MAX_QUEUE_SIZE", "65536")];

/// What a child is asked for.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Order {
    contender: String,
    case: Case,
    requests: usize,
    collector: String,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(order) = &arguments.child {
        let order: Order = serde_json::from_str(order)?;
        let sample = measure::run(&order)?;
        println!("{}", serde_json::to_string(&sample)?);
        return Ok(());
    }
    if let Some(collector) = &arguments.collector {
        #[cfg(feature = "counting")]
        return growth::run(collector, arguments.minutes);
        #[cfg(not(feature = "counting"))]
        anyhow::bail!(
            "growth is measured by the binary that counts, which would send its spans to {collector}"
        );
    }
    let sink = sink::Sink::start()?;
    if arguments.growth {
        return grow(&arguments, &sink);
    }
    let mut table = table::Table::default();
    let bare = contenders::named("bare")?;
    for round in 0..arguments.rounds {
        for case in Case::all() {
            for contender in contenders::ALL {
                let wanted = contender.name == "bare"
                    || contender.name.contains(&arguments.only)
                        && arguments.binary(contender, false).is_some();
                if wanted && contender.speaks(case.protocol) {
                    let first = round == 0;
                    let bare = child(bare, case.plain(), first, &arguments, &sink)?;
                    let sample = child(contender, case, first, &arguments, &sink)?;
                    table.put(contender.name, case, round, bare, sample);
                }
            }
        }
        eprintln!("round {} of {}", round + 1, arguments.rounds);
    }
    let text = table.render();
    print!("{text}");
    if let Some(path) = &arguments.write {
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// In a process of its own, so that the collector's memory and time are not taken for the service's.
fn grow(arguments: &Arguments, sink: &sink::Sink) -> anyhow::Result<()> {
    let beside = arguments.beside.as_ref();
    let counting =
        beside.map_or_else(std::env::current_exe, |beside| Ok(beside.join("counting")))?;
    let status = std::process::Command::new(counting)
        .args(["--collector", &sink.url()])
        .args(["--growth", "--minutes", &arguments.minutes.to_string()])
        .envs(ROOM)
        .status()?;
    anyhow::ensure!(status.success(), "measuring growth: {status}");
    Ok(())
}

/// Measures a contender in processes of their own. Allocations need counting only once: they are always as many.
fn child(
    contender: &Contender,
    case: Case,
    first: bool,
    arguments: &Arguments,
    sink: &sink::Sink,
) -> anyhow::Result<Sample> {
    let run = |counting: bool, requests: usize| {
        let Some(binary) = arguments.binary(contender, counting) else {
            return Ok(None);
        };
        let order = Order {
            contender: contender.name.to_owned(),
            case,
            requests,
            collector: sink.url(),
        };
        let output = std::process::Command::new(binary)
            .arg("--child")
            .arg(serde_json::to_string(&order)?)
            .envs(ROOM)
            .env("OTEL_SERVICE_NAME", "bench")
            .output()?;
        anyhow::ensure!(
            output.status.success(),
            "{} {case:?}: {}",
            contender.name,
            String::from_utf8_lossy(&output.stderr)
        );
        anyhow::Ok(Some(serde_json::from_slice::<Sample>(&output.stdout)?))
    };
    let timed = run(false, arguments.requests)?;
    let counted = if first { run(true, 1)? } else { None };
    let mut sample = timed.ok_or_else(|| anyhow::anyhow!("{} is not there", contender.name))?;
    sample.allocations = counted.and_then(|counted| counted.allocations);
    Ok(sample)
}

impl Arguments {
    /// The binary that measures this contender, when there is one.
    fn binary(&self, contender: &Contender, counting: bool) -> Option<PathBuf> {
        let name = match (contender.build, counting) {
            (Build::Peers, false) => return std::env::current_exe().ok(),
            (Build::Own, false) => "own",
            (Build::Peers | Build::Own, true) => "counting",
        };
        let path = self.beside.as_ref()?.join(name);
        path.is_file().then_some(path)
    }
}
