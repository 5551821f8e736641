//! One system followed over many updates: what it costs at the end beside what it cost at the beginning.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use plotters::prelude::{ChartBuilder, IntoDrawingArea, LineSeries, RED, SVGBackend, WHITE};

use crate::{Api, STEPS, System, act, backline, free_port, post_update};

/// What grows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// Time: the same people report one thing after another.
    Soak,
    /// The logs: each person writes into one workflow, again and again, what is no answer to its question.
    History,
    /// The conversations: each update is somebody's first.
    Conversations,
}

/// So many points has a curve.
const POINTS: u64 = 40;

/// What was seen while one part of the updates was handled.
struct Point {
    /// So many had been handled at its end.
    updates: u64,
    per_second: f64,
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
    rss_mib: f64,
    open_files: usize,
    store_mib: f64,
}

impl Course {
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Soak, Self::History, Self::Conversations].into_iter().find(|course| course.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Soak => "soak",
            Self::History => "history",
            Self::Conversations => "conversations",
        }
    }

    /// Runs it, prints a line for each part, and draws the curves to `target/NAME.svg`.
    pub(crate) async fn run(self, api: &Arc<Api>, address: SocketAddr, users: i64, updates: u64) {
        let data = tempfile::tempdir().unwrap();
        let port = free_port();
        let (system, _) = System::start(self.name(), backline(port, data.path(), "NORMAL", address), port);
        let (next, part) = (Arc::new(AtomicU64::new(1)), updates.div_ceil(POINTS));
        let mut points = Vec::new();
        println!("{:>9} updates/s  CPU µs   p50 ms   p99 ms  RSS MiB  files  store MiB", self.name());
        let mut people: Vec<Person> = (0..users).map(|user| Person { id: 1000 + user, step: 0 }).collect();
        for number in 1..=POINTS {
            let (cpu, begun) = (system.cpu(), Instant::now());
            let until = (number * part).min(updates);
            let mut times = self.part(&system, api, &mut people, &next, until).await;
            times.sort();
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
            let point = Point {
                updates: until,
                per_second: times.len() as f64 / begun.elapsed().as_secs_f64(),
                cpu_us: (system.cpu() - cpu).as_secs_f64() * 1e6 / times.len() as f64,
                p50_ms: at(0.5),
                p99_ms: at(0.99),
                rss_mib: system.rss_mib(),
                open_files: fs::read_dir(format!("/proc/{}/fd", system.child.id())).unwrap().count(),
                store_mib: bytes(data.path()) as f64 / f64::from(1 << 20),
            };
            println!(
                "{:>9} {:>9.0} {:>7.0} {:>8.2} {:>8.2} {:>8.1} {:>6} {:>10.1}",
                point.updates,
                point.per_second,
                point.cpu_us,
                point.p50_ms,
                point.p99_ms,
                point.rss_mib,
                point.open_files,
                point.store_mib,
            );
            points.push(point);
            if until == updates {
                break;
            }
        }
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/{}.svg", self.name()));
        draw(&file, &points);
        println!("drawn to {}", file.display());
    }

    /// Has people write until so many updates are sent; returns how long each took.
    async fn part(
        self,
        system: &System,
        api: &Arc<Api>,
        people: &mut [Person],
        next: &Arc<AtomicU64>,
        until: u64,
    ) -> Vec<Duration> {
        let http = reqwest::Client::new();
        let url = format!("{}/telegram/bench", system.url);
        let tasks: Vec<_> = people
            .iter()
            .copied()
            .map(|mut person| {
                let (http, api, url, next) = (http.clone(), api.clone(), url.clone(), next.clone());
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    loop {
                        let update = next.fetch_add(1, Ordering::Relaxed);
                        if update > until {
                            next.fetch_sub(1, Ordering::Relaxed);
                            return (person, times);
                        }
                        let written = self.next(&mut person, update, &api);
                        times.push(post_update(&http, &url, &written).await);
                    }
                })
            })
            .collect();
        let mut times = Vec::new();
        for (task, person) in tasks.into_iter().zip(people) {
            let (later, took) = task.await.unwrap();
            *person = later;
            times.extend(took);
        }
        times
    }

    /// What somebody sends next.
    fn next(self, person: &mut Person, update: u64, api: &Api) -> serde_json::Value {
        let (user, shown) = match self {
            Self::Conversations => (1_000_000 + i64::try_from(update).unwrap(), None),
            Self::History => (person.id, None),
            Self::Soak => (person.id, api.shown.lock().unwrap().get(&person.id).cloned()),
        };
        let step = person.step;
        person.step = match self {
            Self::Soak => (step + 1) % STEPS,
            Self::History => 1,
            Self::Conversations => 0,
        };
        act(shown.as_ref(), step, user, update)
    }
}

/// Somebody, and how far they are.
#[derive(Clone, Copy)]
struct Person {
    id: i64,
    step: u32,
}

fn bytes(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).unwrap().filter_map(|file| file.unwrap().metadata().ok());
    files.filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

/// Draws what is to stay flat, each with an axis of its own that begins at zero.
fn draw(file: &Path, points: &[Point]) {
    type Curve = (&'static str, fn(&Point) -> f64);
    let curves: [Curve; 6] = [
        ("CPU, µs an update", |point| point.cpu_us),
        ("answer p50, ms", |point| point.p50_ms),
        ("answer p99, ms", |point| point.p99_ms),
        ("memory, MiB", |point| point.rss_mib),
        ("open files", |point| point.open_files as f64),
        ("store on disk, MiB", |point| point.store_mib),
    ];
    let area = SVGBackend::new(file, (960, 640)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    for (panel, (name, of)) in area.split_evenly((2, 3)).iter().zip(curves) {
        let last = points.last().map_or(1.0, |point| point.updates as f64);
        let most = points.iter().map(of).fold(1.0, f64::max) * 1.1;
        let mut chart = ChartBuilder::on(panel)
            .caption(name, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(24)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..last, 0.0..most)
            .unwrap();
        chart.configure_mesh().x_labels(4).y_labels(6).draw().unwrap();
        let curve = points.iter().map(|point| (point.updates as f64, of(point)));
        chart.draw_series(LineSeries::new(curve, &RED)).unwrap();
    }
    area.present().unwrap();
}
