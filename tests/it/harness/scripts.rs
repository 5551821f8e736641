//! Small scripts that the tests talk to, and the world around them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use backline::{
    Text,
    engine::{
        Activity, ActivityFailure, Areas, Chat, DomainEvent, LookUp, StartedBy, Table, Unreachable,
        Whereabouts, Workflow, choice, files, photos, text,
    },
    model::{FileKind, Person},
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// What the tests and the scripts share.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Does `/fragile` panic?
    pub(crate) broken: AtomicBool,
    /// How often the weather was asked for.
    pub(crate) weather_asked: AtomicU32,
    /// So many times it can't be told.
    pub(crate) weather_fails: AtomicU32,
}

pub(crate) fn words(words: &str) -> Text {
    Text::literal(words)
}

fn options(names: &[&str]) -> Vec<(String, Text)> {
    names.iter().map(|name| ((*name).to_owned(), words(name))).collect()
}

/// Everybody who has talked to the bot.
struct People;

impl LookUp for People {
    const NAME: &'static str = "people";
    type Output = Vec<Person>;
}

#[derive(Serialize, Deserialize)]
struct Weather {
    place: String,
}

impl Activity for Weather {
    const NAME: &'static str = "weather";
    type Output = String;
}

#[derive(Serialize)]
struct ThingFound {
    thing: String,
}

impl DomainEvent for ThingFound {
    const TYPE: &'static str = "backline.thing-found.v1";
    fn subject(&self) -> String {
        self.thing.clone()
    }
}

async fn order(chat: Chat) {
    let name = chat.ask(text("name", words("Your name?"))).await;
    let (_, colour) = chat.ask(choice("colour", words("Which colour?"), options(&["Red", "Blue"]))).await;
    chat.say(Text::literal(format!("Thanks, {name}.")));
    chat.say(colour);
}

async fn whereabouts(chat: Chat) {
    let areas = chat.look_up(Areas).await;
    if areas.is_empty() {
        return chat.say(words("Nowhere."));
    }
    chat.ask(choice("where", words("Where?"), areas)).await;
}

async fn bo(chat: &Chat) -> Option<Person> {
    chat.look_up(People).await.into_iter().find(|person| person.name == "Bo")
}

async fn approve(chat: Chat) {
    let what = chat.ask(text("what", words("What for?"))).await;
    let Some(bo) = bo(&chat).await else { return chat.say(words("Bo is not here.")) };
    chat.tell(&bo, words("Somebody needs you."));
    let question = choice("approve", Text::literal(format!("Approve {what}?")), options(&["Yes", "No"]));
    match chat.ask_of(&bo, question).await {
        Ok((verdict, _)) => {
            chat.say(Text::literal(format!("{what}: {verdict}")));
            chat.tell(&bo, words("Noted."));
        }
        Err(Unreachable) => chat.say(words("Bo can't be reached.")),
    }
}

/// Both are asked at once, and Bo hears whatever happens.
async fn duet(chat: Chat) {
    let Some(bo) = bo(&chat).await else { return chat.say(words("Bo is not here.")) };
    let ada_says = async {
        let word = chat.ask(text("word", words("A word for Bo?"))).await;
        chat.tell(&bo, Text::literal(word));
    };
    let bo_goes = async {
        if chat.ask_of(&bo, choice("go", words("Ready?"), options(&["Go"]))).await.is_ok() {
            chat.tell(&bo, words("Gone."));
        }
    };
    futures_util::future::join(ada_says, bo_goes).await;
}

/// Both are asked for ever, and each hears what the other does.
async fn chorus(chat: Chat) {
    let Some(bo) = bo(&chat).await else { return chat.say(words("Bo is not here.")) };
    let ada_speaks = async {
        loop {
            let word = chat.ask(text("word", words("A word?"))).await;
            chat.tell(&bo, Text::literal(format!("Ada: {word}")));
        }
    };
    let bo_sings = async {
        while chat.ask_of(&bo, choice("sing", words("Sing?"), options(&["La"]))).await.is_ok() {
            chat.say(words("Bo: la"));
        }
    };
    let ((), ()) = futures_util::future::join(bo_sings, ada_speaks).await;
}

/// Writes for ever.
async fn scribe(chat: Chat) {
    loop {
        chat.ask(text("line", words("A line?"))).await;
    }
}

/// Asks Bo something that no button answers.
async fn ask(chat: Chat) {
    let Some(bo) = bo(&chat).await else { return chat.say(words("Bo is not here.")) };
    if let Ok(why) = chat.ask_of(&bo, text("why", words("Why?"))).await {
        chat.say(Text::literal(format!("Bo says: {why}")));
    }
}

/// Asks Bo for photos, and then whoever began whether that will do.
async fn proof(chat: Chat) {
    let Some(bo) = bo(&chat).await else { return chat.say(words("Bo is not here.")) };
    if let Ok(photos) = chat.ask_of(&bo, photos("proof", words("Proof?"))).await {
        chat.ask(text("content", words("Content?"))).await;
        chat.say(Text::literal(format!("{} photos", photos.len())));
    }
}

/// Keeps files of any kind, and shows what is kept.
async fn keep(chat: Chat) {
    let any = [FileKind::Photo, FileKind::Document, FileKind::Voice, FileKind::Audio, FileKind::Video];
    let sent = chat.ask(files("files", words("Files?"), &any)).await;
    chat.ask(text("ready", words("Ready?"))).await;
    let (mut kept, mut kinds) = (Vec::new(), BTreeSet::new());
    for copy in chat.keep(&sent).await {
        match copy {
            Ok(file) => {
                kinds.insert(file.mime.clone());
                kept.push(file);
            }
            Err(why) => chat.say(why.text()),
        }
    }
    if !kept.is_empty() {
        chat.show(&kept, words("Kept"));
        let kinds: Vec<String> = kinds.into_iter().collect();
        chat.say(Text::literal(format!("{} kept: {}", kept.len(), kinds.join(", "))));
    }
}

/// Shows Bo the photos that somebody sends.
async fn pass(chat: Chat) {
    let Some(bo) = bo(&chat).await else { return chat.say(words("Bo is not here.")) };
    let sent = chat.ask(photos("photos", words("Photos?"))).await;
    chat.ask(text("go", words("Go?"))).await;
    chat.show_to(&bo, &sent, words("From Ada"));
    chat.tell(&bo, words("That was all."));
}

async fn here(chat: Chat) {
    chat.say(match chat.look_up(Whereabouts).await {
        Some(position) => Text::literal(format!("At {}", position.place.latitude)),
        None => words("Nowhere."),
    });
}

async fn climate(chat: Chat) {
    let of = |place: &str| chat.call(Weather { place: place.to_owned() });
    let (one, other) = futures_util::future::join(of("Graz"), of("Wien")).await;
    chat.say(Text::literal(format!("{} and {}", one.unwrap(), other.unwrap())));
}

/// Nobody chats with this one, and it comes to a bad end.
async fn ghost(chat: Chat) {
    let sky = chat.call(Weather { place: "a cellar".to_owned() }).await;
    panic!("{sky:?} in a cellar");
}

async fn weather(chat: Chat) {
    let place = chat.ask(text("place", words("Where?"))).await;
    match chat.call(Weather { place }).await {
        Ok(weather) => chat.say(Text::literal(weather)),
        Err(why) => chat.say(Text::literal(format!("Nobody knows: {why}"))),
    }
}

async fn found(chat: Chat) {
    let thing = chat.ask(text("thing", words("What?"))).await;
    chat.emit(ThingFound { thing: thing.clone() });
    chat.start("spread", &thing);
    chat.say(words("Told."));
}

/// Nobody chats with this one.
async fn spread(chat: Chat) {
    let thing = match chat.started().by {
        StartedBy::Workflow { payload } => payload.as_str().unwrap_or_default().to_owned(),
        StartedBy::Command { .. } => return,
    };
    let Some(bo) = bo(&chat).await else { return };
    let sky = chat.call(Weather { place: thing.clone() }).await.unwrap_or_default();
    chat.tell(&bo, Text::literal(format!("{thing} was found. {sky}")));
    if let Ok((whose, _)) =
        chat.ask_of(&bo, choice("whose", words("Yours?"), options(&["Mine", "Not mine"]))).await
    {
        chat.tell(&bo, Text::literal(format!("{whose}: noted.")));
    }
}

async fn patient(chat: Chat) {
    let answer = chat.ask(text("soon", words("Quick?")).within(TimeDelta::hours(1))).await;
    chat.say(match answer {
        Some(answer) => Text::literal(format!("In time: {answer}")),
        None => words("Too late."),
    });
}

/// Says one thing after the other, all at once.
async fn chatter(chat: Chat) {
    for n in 1..=14 {
        chat.say(Text::literal(format!("Line {n}")));
    }
}

/// Tells everybody something, and Bo in private that they were told.
async fn announce(chat: Chat) {
    let news = chat.ask(text("news", words("What news?"))).await;
    let people = chat.look_up(People).await;
    chat.broadcast(&people, Text::literal(news));
    if let Some(bo) = people.iter().find(|person| person.name == "Bo") {
        chat.tell(bo, words("Everybody is told."));
    }
    chat.say(Text::literal(format!("{} people are told.", people.len())));
    let more = chat.ask(text("more", words("More news?"))).await;
    chat.broadcast(&people, Text::literal(more));
}

/// Speaks German from here on, or what Telegram says.
async fn tongue(chat: Chat) {
    let tongues = options(&["Swiss", "German", "Telegram's"]);
    let (_, tongue) = chat.ask(choice("tongue", words("Which tongue?"), tongues)).await;
    let tag = if tongue == words("German") {
        Some("de")
    } else {
        Some("de-CH").filter(|_| tongue == words("Swiss"))
    };
    chat.use_language(tag);
    chat.say(backline::text!("skipped"));
}

async fn long(chat: Chat) {
    let lines: String = (1..=500).map(|n| format!("{n} green bottles\n")).collect();
    chat.say(Text::literal(lines));
    chat.say(words("The end."));
}

async fn endless(chat: Chat) {
    loop {
        chat.say(words("and another thing"));
    }
}

pub(crate) fn table(world: &Arc<World>) -> Table {
    let (sky, fragile) = (world.clone(), world.clone());
    let command = |name: &'static str, workflow: Workflow| workflow.command(name, words(name));
    Table::new()
        .workflow(command("start", Workflow::new("start", async |chat: Chat| chat.say(words("Hello.")))))
        .workflow(command("order", Workflow::new("order", order)))
        .workflow(command("approve", Workflow::new("approve", approve)))
        .workflow(command("duet", Workflow::new("duet", duet)))
        .workflow(command("chorus", Workflow::new("chorus", chorus)))
        .workflow(command("scribe", Workflow::new("scribe", scribe)))
        .workflow(command("ask", Workflow::new("ask", ask)))
        .workflow(command("climate", Workflow::new("climate", climate)))
        .workflow(command("proof", Workflow::new("proof", proof)))
        .workflow(command("keep", Workflow::new("keep", keep)))
        .workflow(command("pass", Workflow::new("pass", pass)))
        .workflow(command("here", Workflow::new("here", here)))
        .workflow(command("where", Workflow::new("where", whereabouts)))
        .reference("areas", include_str!("areas.json"))
        .workflow(Workflow::new("ghost", ghost))
        .workflow(command(
            "haunt",
            Workflow::new("haunt", async |chat: Chat| {
                chat.start("ghost", ());
            }),
        ))
        .workflow(command("weather", Workflow::new("weather", weather)))
        .workflow(command("found", Workflow::new("found", found)))
        .workflow(Workflow::new("spread", spread))
        .workflow(command("patient", Workflow::new("patient", patient)))
        .workflow(command("chatter", Workflow::new("chatter", chatter)))
        .workflow(command("announce", Workflow::new("announce", announce)))
        .workflow(command("long", Workflow::new("long", long)))
        .workflow(command("tongue", Workflow::new("tongue", tongue)))
        .workflow(command("endless", Workflow::new("endless", endless)))
        .workflow(command(
            "fragile",
            Workflow::new("fragile", move |chat: Chat| {
                let world = fragile.clone();
                async move {
                    let name = chat.ask(text("name", words("Say it."))).await;
                    assert!(!world.broken.load(Ordering::Relaxed), "the script is broken");
                    chat.say(Text::literal(format!("You said {name}.")));
                }
            }),
        ))
        .activity(move |weather: Weather| {
            let world = sky.clone();
            async move {
                world.weather_asked.fetch_add(1, Ordering::Relaxed);
                let left = world.weather_fails.load(Ordering::Relaxed);
                if left > 0 {
                    world.weather_fails.store(left - 1, Ordering::Relaxed);
                    return Err(ActivityFailure::Transient("clouds".into()));
                }
                Ok(format!("Sunny in {}", weather.place))
            }
        })
}
