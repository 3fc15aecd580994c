//! What telemetry costs per request, in multiples of the bare request, beside its peers.
//!
//! The process measures nothing itself: for each contender it starts itself anew, in rounds, so that each has its own
//! global state and all share whatever the machine is doing. A round's figures are set against the bare request
//! of the same round; the table shows medians over the rounds.

mod contenders;
mod growth;
mod measure;
mod request;
mod sink;
mod table;

use clap::Parser;
use contenders::Contender;
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
    write: Option<std::path::PathBuf>,
    /// The binary that was built with the lean bridge, to be measured too.
    #[arg(long)]
    lean: Option<std::path::PathBuf>,
    /// Only how the cost grows with series and with open requests, and what rendering costs.
    #[arg(long)]
    growth: bool,
    /// In a child: the contender and the case to measure, and where spans go.
    #[arg(long, hide = true)]
    child: Option<String>,
    #[arg(long, hide = true)]
    bench: bool,
}

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
    let sink = sink::Sink::start()?;
    if arguments.growth {
        return growth::run(&sink.url());
    }
    let mut table = table::Table::default();
    for round in 0..arguments.rounds {
        for case in Case::all() {
            for contender in contenders::ALL {
                let wanted = contender.name == "bare"
                    || contender.name.contains(&arguments.only)
                        && (contender.name != contenders::LEAN || arguments.lean.is_some());
                if wanted && contender.speaks(case.protocol) {
                    let sample = child(contender, case, &arguments, &sink)?;
                    table.put(contender.name, case, round, sample);
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

fn child(
    contender: &Contender,
    case: Case,
    arguments: &Arguments,
    sink: &sink::Sink,
) -> anyhow::Result<Sample> {
    let order = Order {
        contender: contender.name.to_owned(),
        case,
        requests: arguments.requests,
        collector: sink.url(),
    };
    let binary = match &arguments.lean {
        Some(lean) if contender.name == contenders::LEAN => lean.clone(),
        _ => std::env::current_exe()?,
    };
    let output = std::process::Command::new(binary)
        .arg("--child")
        .arg(serde_json::to_string(&order)?)
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "65536")
        .env("OTEL_SERVICE_NAME", "bench")
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "{} {case:?}: {}",
        contender.name,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}
