//! Work that a script has done outside the conversation.

use futures_util::future::join;

use super::{app, goes_on, head, log, moderate, pick, plays, q, t};
use crate::engine::{Caused, Chat, Effect, Entry, Fact};

async fn judged(chat: Chat) {
    let words = chat.ask(q("words")).await;
    let verdict = chat.call(moderate(&words)).await.unwrap_or_else(|why| format!("nothing ({why})"));
    if chat.ask(pick(&format!("{verdict}, sure"), &["yes", "edit"])).await.0 == "edit" {
        chat.reopen(["words", &format!("{verdict}, sure")]).await;
    }
    chat.say(t(format!("{words}: {verdict}")));
}

fn calls(entries: &[Entry]) -> Vec<&Caused> {
    let all = entries.iter().flat_map(|entry| &entry.effects);
    all.filter(|caused| matches!(caused.effect, Effect::Call { .. })).collect()
}

#[test]
fn a_call_is_made_again_for_other_arguments_only() {
    let table = app(judged);
    let mut world = plays(
        &table,
        "\
> Ada: /go
< words?
> Ada: mud
> Ada: more mud
< Nothing is asked of you at the moment. /cancel ends what is going on, /help tells what else there is.
~ moderate: fine
< fine, sure? [yes] [edit] [‹ Back]
> Ada taps: ‹ Back
< words?
> Ada: mud
< fine, sure? [yes] [edit] [‹ Back]
> Ada taps: edit
< words?
> Ada: deep mud
",
    );
    assert_eq!(calls(log(&world)).len(), 2);
    let open = &head(&world).calls[0];
    let entry = &log(&world)[usize::try_from(open.n).unwrap()];
    let is_it =
        matches!(&entry.effects[open.ordinal].effect, Effect::Call { call, .. } if *call == open.name);
    assert!(is_it, "an open call knows its effect");
    goes_on(
        &mut world,
        "~ moderate fails: too busy\n< nothing (too busy), sure? [yes] [edit] [‹ Back]\n> Ada taps: yes\n< deep mud: nothing (too busy)\n",
    );
}

#[test]
fn an_open_call_knows_its_effect_among_many() {
    async fn busy(chat: Chat) {
        chat.ask(pick("a", &["x"])).await;
        chat.say(t("one"));
        let call = chat.call(moderate("1"));
        chat.say(t("two"));
        _ = join(join(chat.ask(q("b")), call), chat.call(moderate("2"))).await;
    }
    let table = app(busy);
    let world = plays(&table, "> Ada: /go\n< a? [x]\n> Ada taps: x\n< one\n< two\n< b? [‹ Back]\n");
    let head = head(&world);
    assert_eq!(head.calls.len(), 2);
    for open in &head.calls {
        let entry = &log(&world)[usize::try_from(open.n).unwrap()];
        let effect = &entry.effects[open.ordinal].effect;
        assert!(matches!(effect, Effect::Call { call, .. } if *call == open.name), "{effect:?}");
    }
}

#[test]
fn a_result_for_arguments_that_no_longer_stand_is_late() {
    async fn meanwhile(chat: Chat) {
        let words = chat.ask(pick("words", &["mud", "rain"])).await.0;
        let (verdict, _) = join(chat.call(moderate(&words)), chat.ask(q("more"))).await;
        chat.say(t(format!("{words}: {verdict:?}")));
    }
    let table = app(meanwhile);
    let world = plays(
        &table,
        "\
> Ada: /go
< words? [mud] [rain]
> Ada taps: mud
< more? [‹ Back]
> Ada taps: ‹ Back
< words? [mud] [rain]
> Ada taps: rain
< more? [‹ Back]
~ moderate: about mud
> Ada: x
~ moderate: about rain
< rain: Ok(\"about rain\")
",
    );
    let facts: Vec<_> = log(&world).iter().map(|entry| &entry.facts[0].fact).collect();
    assert_eq!(*facts[4], Fact::Late);
}
