//! Each service dies by SIGKILL at each step, and the auction still ends once, in the right state, in one trace.

use crate::{
    play::{self, Ended, POINTS, Played},
    processes,
    stack::{self, Stack, faults, replaced},
};
use chassis::platform::Service;
use http::Method;
use loadtest::{
    client::{Restaurant, Role, SignUp},
    jaeger::ARRIVAL,
    scenario::{DECLINES_ONCE, PAYS},
    seed::city::RESTAURANTS,
    traces::{Finding, Stage, Trace, auction::linked_bids},
};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// An auction whose service dies before the deadline must last until it is back.
const LONG: Duration = Duration::from_secs(5);
/// All others may be short.
const SHORT: Duration = Duration::from_millis(1500);

/// When a service is killed from outside.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Bidding,
    Deadline,
    Settling,
}

/// How a service is killed.
#[derive(Debug, Clone, Copy)]
enum Kill {
    /// By itself, at this point.
    At(&'static str),
    /// From outside.
    From(Moment),
}

/// An armed fault point; disarmed when the test ends without having reached it.
struct Armed(PathBuf);

/// An auction that has ended well although a service died.
struct Survivor {
    kill: Kill,
    played: Played,
    ended: Ended,
    death: Death,
    /// How many payments declined, each of which has revoked an award.
    declined: usize,
}

/// The death of a service.
struct Death {
    victim: Service,
    /// Whether it died at a step of the auction, so that something of the auction must have been left to do.
    at_a_step: bool,
    /// Unix nanoseconds.
    at_ns: u64,
}

#[test]
fn the_auction_service_dies_at_each_of_its_steps() {
    at_each_point(Service::Auction, ::auction::FAULT_POINTS);
}

#[test]
fn the_order_service_dies_at_each_step_of_the_saga() {
    at_each_point(Service::Order, ::order::FAULT_POINTS);
}

#[test]
fn the_reward_service_dies_at_each_of_its_steps() {
    at_each_point(Service::Reward, ::reward::FAULT_POINTS);
}

#[test]
fn the_payment_provider_dies_before_it_answers() {
    at_each_point(Service::Payment, ::payment::FAULT_POINTS);
}

#[test]
fn the_notification_service_dies_at_each_of_its_steps() {
    at_each_point(Service::Notification, ::notification::FAULT_POINTS);
}

#[test]
fn the_gateway_dies_before_it_answers_the_opening() {
    at_each_point(Service::Gateway, ::gateway::FAULT_POINTS);
}

#[test]
fn a_service_dies_between_publishing_an_event_and_noting_so() {
    at_each_point(Service::Auction, &["outbox.published"]);
}

#[test]
fn every_service_dies_while_bids_come_in() {
    each_from(Moment::Bidding);
}

#[test]
fn every_service_dies_at_the_deadline() {
    each_from(Moment::Deadline);
}

#[test]
fn every_service_dies_during_the_settlement() {
    each_from(Moment::Settling);
}

#[test]
fn a_sign_up_whose_service_dies_is_made_once() {
    stack::run(async |stack| {
        for point in ::account::FAULT_POINTS {
            let old = processes::process_of(Service::Account).expect("the victim runs");
            let armed = Armed::new(point);
            let customer = play::newcomer(&stack, Role::Customer).await;
            assert!(armed.was_reached(), "{point}");
            replaced(Service::Account, old).await;
            let again = SignUp {
                email: customer.account.email.clone(),
                password: "another password".to_owned(),
                name: "Again".to_owned(),
                role: Role::Customer,
            };
            let refused = stack::persist(|| stack.gateway.sign_up(&again)).await;
            assert_eq!(play::code_of(refused.outcome), "account.email_taken");
        }
    });
}

#[test]
fn a_restaurant_whose_service_dies_is_put_once() {
    stack::run(async |stack| {
        let owner = play::newcomer(&stack, Role::Restaurant).await;
        let description = RESTAURANTS[0].description();
        let mut ids = BTreeSet::new();
        for point in ::catalog::FAULT_POINTS {
            let old = processes::process_of(Service::Catalog).expect("the victim runs");
            let armed = Armed::new(point);
            let key = Uuid::now_v7().to_string();
            let put = stack::persist(|| {
                owner
                    .call(Method::PUT, "/v1/restaurant")
                    .idempotency_key(&key)
                    .json::<Restaurant>(&description)
            })
            .await
            .expect("a restaurant");
            assert!(armed.was_reached(), "{point}");
            replaced(Service::Catalog, old).await;
            ids.insert(put.value.id);
        }
        assert_eq!(ids.len(), 1, "one account has one restaurant");
    });
}

fn at_each_point(victim: Service, points: &'static [&'static str]) {
    stack::run(async |stack| {
        let mut survivors = Vec::new();
        for point in points {
            survivors.push(survive(&stack, victim, Kill::At(point)).await);
        }
        assert_traces(&stack, &survivors).await;
    });
}

fn each_from(moment: Moment) {
    stack::run(async |stack| {
        let mut survivors = Vec::new();
        for victim in Service::ALL {
            survivors.push(survive(&stack, victim, Kill::From(moment)).await);
        }
        assert_traces(&stack, &survivors).await;
    });
}

/// Plays an auction in which `victim` is killed, and holds everything against it that must be true, but for its traces.
async fn survive(stack: &Stack, victim: Service, kill: Kill) -> Survivor {
    let began = std::time::Instant::now();
    stack::exported().await;
    let cast = stack.cast().await;
    let declined = kill.declined();
    let payment_method = if declined > 0 { DECLINES_ONCE } else { PAYS };
    let customer = play::customer_with_points(stack, cast).await;
    let old = processes::process_of(victim).expect("the victim runs");
    let script = play::script(0, kill.duration(victim), payment_method);

    let killing = kill.prepare(victim, kill.duration(victim));
    let played = play::play(customer, cast, &script).await;
    let ended = played.ended(declined).await;
    let death = killing.await.expect("the kill was carried out");
    replaced(victim, old).await;

    ended.assert_exactly_once(&played, declined);
    assert_money_moved_once(&played.auction.id, declined).await;
    let award = ended.auction.award.as_ref().expect("an award stands");
    play::points_settled(&played.customer, award.bid.price.amount_minor - POINTS).await;
    println!(
        "{} killed {kill:?}: survived in {:.1?}",
        victim.name(),
        began.elapsed()
    );
    Survivor {
        kill,
        played,
        ended,
        death,
        declined,
    }
}

/// What the payment provider has in its books for this auction: one payment that stands.
async fn assert_money_moved_once(auction_id: &str, declined: usize) {
    use sqlx::Connection as _;
    sqlx::any::install_default_drivers();
    let url = std::env::var("BIDTRACE_DATABASE_URL").map_or_else(
        |_| {
            format!(
                "sqlite://{}/data/payment.db?mode=ro",
                stack::state().display()
            )
        },
        |url| url.replace("{service}", "payment"),
    );
    let mut books = sqlx::AnyConnection::connect(&url)
        .await
        .expect("the provider's books can be opened");
    let states: Vec<String> = sqlx::query_scalar(
        "SELECT status FROM authorisations WHERE payment_group = $1 ORDER BY status",
    )
    .bind(auction_id)
    .fetch_all(&mut books)
    .await
    .expect("the books can be read");
    let mut wanted = vec!["authorised"];
    wanted.extend(std::iter::repeat_n("declined", declined));
    assert_eq!(states, wanted);
}

/// What is missing in the traces was lost with the victim, and the auction's trace goes on after its death. They are
/// looked at together, since none is to be seen before Jaeger has decided about it.
async fn assert_traces(stack: &Stack, survivors: &[Survivor]) {
    for survivor in survivors {
        survivor.assert_traces(stack).await;
    }
}

fn unix_ns(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    let since = since.expect("the clock is past 1970");
    u64::try_from(since.as_nanos()).expect("the clock is before 2554")
}

fn count(trace: &Trace, stage: Stage) -> usize {
    let spans = trace.spans().iter();
    spans.filter(|span| stage.is_shown_by(span)).count()
}

// === impl Kill ===

impl Kill {
    /// How many payments decline in the auction that reaches this point.
    fn declined(self) -> usize {
        let after_a_refusal = ["revoke", "compensate", "release"];
        match self {
            Self::At(point) => usize::from(after_a_refusal.iter().any(|word| point.contains(word))),
            Self::From(_) => 0,
        }
    }

    fn duration(self, victim: Service) -> Duration {
        let before_the_deadline = match self {
            Self::At(point) => {
                victim == Service::Gateway
                    || ["opened", "bid", "outbox"]
                        .iter()
                        .any(|word| point.contains(word))
            }
            Self::From(moment) => matches!(moment, Moment::Bidding),
        };
        if before_the_deadline { LONG } else { SHORT }
    }

    /// Makes everything ready for the death of `victim`, which happens while the auction is played.
    fn prepare(self, victim: Service, duration: Duration) -> JoinHandle<Death> {
        match self {
            Self::At(point) => {
                let armed = Armed::new(point);
                tokio::spawn(async move {
                    stack::eventually(play::SETTLED, &format!("{point} reached"), || async {
                        armed.was_reached().then_some(())
                    })
                    .await;
                    Death::at(victim, armed.reached())
                })
            }
            Self::From(moment) => tokio::spawn(async move {
                // A moment in the flow, which no event marks for an onlooker.
                tokio::time::sleep(match moment {
                    Moment::Bidding => duration / 4,
                    Moment::Deadline => duration,
                    Moment::Settling => duration + Duration::from_millis(60),
                })
                .await;
                processes::sigkill(victim);
                Death::now(victim)
            }),
        }
    }
}

// === impl Survivor ===

impl Survivor {
    async fn assert_traces(&self, stack: &Stack) {
        let Self {
            kill,
            played,
            ended,
            death,
            declined,
        } = self;
        let (trace, objections) = stack
            .jaeger
            .settled(&ended.trace_id, ARRIVAL, |trace| death.objections(trace))
            .await
            .expect("Jaeger answers");
        let victim = death.victim.name();
        assert!(
            objections.is_empty(),
            "{victim} killed {kill:?}, trace {}: {objections:#?}",
            trace.id
        );
        if death.victim != Service::Gateway {
            assert!(
                played.opening_traces.contains(&trace.id),
                "the award is not in the trace of the opening"
            );
        }
        // An award that the service had not told of when it died takes its links with it; the next one weighs less.
        let shows_awards = count(&trace, Stage::Award) > *declined;
        let linked = linked_bids(&trace);
        for bid in &played.bids {
            let is_linked = bid.traces.iter().any(|attempt| linked.contains(attempt));
            // The answer to the attempt that counted may have been lost with the gateway, and its trace id with it.
            assert!(
                is_linked || !shows_awards || death.victim == Service::Gateway,
                "the award does not link to the bid of {}: {linked:?}",
                bid.price
            );
            let last = bid.traces.last().expect("an answered bid has a trace");
            let (_, objections) = stack
                .jaeger
                .settled(last, ARRIVAL, |trace| death.losses_of_others(trace))
                .await
                .expect("Jaeger answers");
            assert!(
                objections.is_empty(),
                "{victim} killed {kill:?}, bid {last}: {objections:#?}"
            );
        }
    }
}

// === impl Armed ===

impl Armed {
    fn new(point: &str) -> Self {
        let folder = faults();
        assert!(
            folder.is_dir(),
            "{} is no folder: is the stack up?",
            folder.display()
        );
        let path = folder.join(point);
        std::fs::write(&path, "").expect("the fault can be armed");
        Self(path)
    }

    /// Whoever reaches the point removes the file.
    fn was_reached(&self) -> bool {
        !self.0.exists()
    }

    /// When that was: the folder changed then. Whoever asks for the file may see it late, and the service be back by then.
    fn reached(&self) -> SystemTime {
        let folder = self.0.parent().expect("a fault point lies in a folder");
        let folder = folder
            .metadata()
            .expect("the folder of the faults is there");
        folder.modified().expect("files have times")
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        // Usually gone: whoever reached the point removed it.
        let _ = std::fs::remove_file(&self.0);
    }
}

// === impl Death ===

impl Death {
    /// By itself, when it reached a step.
    fn at(victim: Service, reached: SystemTime) -> Self {
        Self {
            victim,
            at_a_step: true,
            at_ns: unix_ns(reached),
        }
    }

    /// From outside.
    fn now(victim: Service) -> Self {
        Self {
            victim,
            at_a_step: false,
            at_ns: unix_ns(SystemTime::now()),
        }
    }

    /// What may not be, even though the victim died.
    fn objections(&self, trace: &Trace) -> Vec<String> {
        let mut objections = self.losses_of_others(trace);
        let spans = trace.spans();
        // What a service has done before it was killed from outside it may have taken with it; all else must be there.
        let stages = [
            (Stage::Award, Service::Auction),
            (Stage::ConfirmationSent, Service::Order),
            (Stage::Notification, Service::Notification),
        ];
        for (stage, service) in stages {
            let may_be_lost =
                self.victim == service && (stage != Stage::Notification || !self.at_a_step);
            let shown = spans.iter().any(|span| stage.is_shown_by(span));
            if !shown && !may_be_lost {
                objections.push(Finding::MissingStage(stage).to_string());
            }
        }
        if self.at_a_step && !spans.iter().any(|span| span.start_ns > self.at_ns) {
            objections.push("the trace does not go on after the kill".to_owned());
        }
        objections
    }

    /// What is missing that the victim has not taken with it.
    fn losses_of_others(&self, trace: &Trace) -> Vec<String> {
        trace
            .shape()
            .into_iter()
            .filter(|finding| match finding {
                Finding::MissingParent { owner, .. } => owner != self.victim.name(),
                Finding::NoRoot => self.victim != Service::Gateway,
                _ => true,
            })
            .map(|finding| finding.to_string())
            .collect()
    }
}
